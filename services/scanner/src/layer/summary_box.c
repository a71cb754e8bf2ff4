#include "layer/summary_box.h"

#include "base/file.h"
#include "base/scratch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { IN_MEMORY_MAX = 512 * 1024 };

void summary_box_done(struct summary_box *box)
{
    if (box->mapped) {
        mu_scratch_unwatch(box->bytes - box->skipped);
        (void)munmap(box->bytes - box->skipped, box->len + box->skipped);
    } else {
        free(box->bytes);
    }
    *box = (struct summary_box){.bytes = NULL};
}

static enum mu_status map_new(struct summary_box *box, const char *temp_dir, struct mu_error *err)
{
    MU_AUTO_FD int fd = -1;
    void *map;

    if (mu_file_open_nameless(temp_dir, &fd, err) != MU_OK)
        return err->status;
    if (posix_fallocate(fd, 0, (off_t)box->len) != 0) /* a full disk is no signal later */
        return mu_fail(err, MU_E_UNAVAILABLE, "no room for %zu bytes in '%s'", box->len, temp_dir);
    map = mmap(NULL, box->len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (map == MAP_FAILED)
        return mu_fail(err, MU_E_UNAVAILABLE, "map a summary: %s", strerror(errno));
    mu_scratch_watch(map, box->len);
    box->bytes = map;
    box->mapped = true;
    return MU_OK;
}

enum mu_status summary_box_begin(struct summary_box *box, uint64_t len, const char *temp_dir,
                                 struct mu_error *err)
{
    *box = (struct summary_box){.bytes = NULL};
    if (len > SUMMARY_MAX_BYTES || len == 0)
        return mu_fail(err, MU_E_LIMIT, "a layer's summary of %llu bytes", (unsigned long long)len);
    box->len = (size_t)len;
    if (len > IN_MEMORY_MAX)
        return map_new(box, temp_dir, err);
    box->bytes = malloc(box->len);
    return box->bytes ? MU_OK : mu_fail(err, MU_E_NOMEM, "no memory for a summary");
}

enum mu_status summary_box_put(void *opaque, const void *bytes, size_t len, struct mu_error *err)
{
    struct summary_box *box = opaque;

    if (len > box->len - box->have)
        return mu_fail(err, MU_E_INVALID, "a layer's summary is longer than was said");
    memcpy(box->bytes + box->have, bytes, len);
    box->have += len;
    mu_scratch_look();
    return MU_OK;
}

enum mu_status summary_box_map(struct summary_box *box, int fd, size_t skipped,
                               struct mu_error *err)
{
    struct stat info;
    void *map;

    *box = (struct summary_box){.bytes = NULL};
    if (fstat(fd, &info) != 0)
        return mu_fail(err, MU_E_UNAVAILABLE, "stat: %s", strerror(errno));
    if (info.st_size <= (off_t)skipped || (uint64_t)info.st_size > SUMMARY_MAX_BYTES + skipped)
        return mu_fail(err, MU_E_INVALID, "a summary's file of %lld bytes",
                       (long long)info.st_size);
    map = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (map == MAP_FAILED)
        return mu_fail(err, MU_E_UNAVAILABLE, "map a summary: %s", strerror(errno));
    mu_scratch_watch(map, (size_t)info.st_size);
    *box = (struct summary_box){.bytes = (uint8_t *)map + skipped,
                                .len = (size_t)info.st_size - skipped,
                                .have = (size_t)info.st_size - skipped,
                                .skipped = skipped,
                                .mapped = true};
    return MU_OK;
}

enum mu_status summary_box_open(struct summary_box *box, const struct summary_make *make,
                                struct mu_error *err)
{
    if (box->have != box->len)
        return mu_fail(err, MU_E_INVALID, "a layer's summary is shorter than was said");
    return layer_summary_open(box->bytes, box->len, make, &box->summary, err);
}
