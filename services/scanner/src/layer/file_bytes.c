#include "layer/file_bytes.h"

#include "base/scratch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { FIRST_CAPACITY = 64 * 1024 };

void file_bytes_init(struct file_bytes *file, int temp_fd)
{
    *file = (struct file_bytes){.temp_fd = temp_fd};
}

void file_bytes_done(struct file_bytes *file)
{
    file_bytes_end(file);
    free(file->memory);
    file->memory = NULL;
}

static bool on_disk(const struct file_bytes *file)
{
    return file->size_bytes > FILE_BYTES_MEMORY_MAX;
}

bool file_bytes_fits(const struct file_bytes *file, uint64_t size_bytes)
{
    return size_bytes <= FILE_BYTES_MEMORY_MAX || (file->temp_fd >= 0 && size_bytes <= INT64_MAX);
}

void file_bytes_begin(struct file_bytes *file, uint64_t size_bytes)
{
    file->size_bytes = size_bytes;
    file->have = 0;
    file->whole = NULL;
}

static enum mu_status disk_add(struct file_bytes *file, const uint8_t *bytes, size_t len,
                               struct mu_error *err)
{
    while (len > 0) {
        ssize_t written = pwrite(file->temp_fd, bytes, len, (off_t)file->have);

        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return mu_fail(err, MU_E_UNAVAILABLE, "a large file cannot be put aside: %s",
                           strerror(errno));
        bytes += written;
        len -= (size_t)written;
        file->have += (uint64_t)written;
    }
    return MU_OK;
}

static enum mu_status memory_reserve(struct file_bytes *file, size_t need, struct mu_error *err)
{
    size_t capacity = file->capacity ? file->capacity : FIRST_CAPACITY;
    uint8_t *grown;

    while (capacity < need)
        capacity *= 2;
    if (capacity == file->capacity)
        return MU_OK;
    grown = realloc(file->memory, capacity);
    if (!grown)
        return mu_fail(err, MU_E_NOMEM, "no memory for an evidence file");
    file->memory = grown;
    file->capacity = capacity;
    return MU_OK;
}

enum mu_status file_bytes_add(struct file_bytes *file, const void *bytes, size_t len,
                              struct mu_error *err)
{
    if (file->have == 0 && len == file->size_bytes) {
        file->whole = bytes;
        file->have = len;
        return MU_OK;
    }
    if (on_disk(file))
        return disk_add(file, bytes, len, err);
    if (memory_reserve(file, (size_t)file->have + len, err) != MU_OK)
        return err->status;
    memcpy(file->memory + file->have, bytes, len);
    file->have += len;
    return MU_OK;
}

enum mu_status file_bytes_get(struct file_bytes *file, const uint8_t **ret_bytes,
                              struct mu_error *err)
{
    static const uint8_t nothing[1];

    if (file->have != file->size_bytes)
        return mu_fail(err, MU_E_INTERNAL, "a file that is not whole");
    if (file->whole || !on_disk(file)) {
        *ret_bytes = file->size_bytes == 0 ? nothing : file->whole ? file->whole : file->memory;
        return MU_OK;
    }
    file->map = mmap(NULL, (size_t)file->size_bytes, PROT_READ, MAP_SHARED, file->temp_fd, 0);
    if (file->map == MAP_FAILED) {
        file->map = NULL;
        return mu_fail(err, MU_E_UNAVAILABLE, "a large file cannot be mapped: %s", strerror(errno));
    }
    mu_scratch_watch(file->map, (size_t)file->size_bytes);
    *ret_bytes = file->map;
    return MU_OK;
}

void file_bytes_end(struct file_bytes *file)
{
    if (file->map) {
        mu_scratch_unwatch(file->map);
        (void)munmap(file->map, (size_t)file->size_bytes);
        file->map = NULL;
    }
    if (on_disk(file) && !file->whole && file->have > 0)
        (void)!ftruncate(file->temp_fd, 0); /* else its next use overwrites it */
    file_bytes_begin(file, 0);
}
