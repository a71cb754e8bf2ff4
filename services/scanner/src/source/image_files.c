#include "source/image_files.h"

#include "base/memory.h"
#include "base/text.h"
#include "source/tar_index.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct image_files {
    int fd;                /* of the folder or the tar */
    struct tar_index *tar; /* NULL: a folder */
};

static enum mu_status system_error(struct mu_error *err, const char *name)
{
    enum mu_status st = errno == ENOENT || errno == ENOTDIR       ? MU_E_NOT_FOUND
                        : errno == EACCES || errno == EPERM       ? MU_E_DENIED
                        : errno == ELOOP || errno == ENAMETOOLONG ? MU_E_INVALID
                                                                  : MU_E_UNAVAILABLE;

    return mu_fail(err, st, "'%.300s': %s", name, strerror(errno));
}

/* What people hand over instead of a tar, and what to do about it. */
static const struct {
    const char *magic;
    size_t len;
    const char *what, *remedy;
} packed[] = {
        {"\x1f\x8b", 2, "gzip", "gunzip -k"},
        {"\x28\xb5\x2f\xfd", 4, "zstd", "zstd -d"},
        {"\xfd"
         "7zXZ",
         5, "xz", "xz -dk"},
        {"BZh", 3, "bzip2", "bunzip2 -k"},
};

static enum mu_status packed_check(int fd, const char *path, struct mu_error *err)
{
    char head[8] = {0};

    if (pread(fd, head, sizeof(head), 0) < 0)
        return system_error(err, path);
    for (size_t i = 0; i < sizeof(packed) / sizeof(packed[0]); i++) {
        if (memcmp(head, packed[i].magic, packed[i].len) == 0)
            return mu_fail(err, MU_E_INVALID,
                           "'%.300s' is compressed with %s and cannot be read at random: unpack it "
                           "first, %s '%.300s'",
                           path, packed[i].what, packed[i].remedy, path);
    }
    return MU_OK;
}

enum mu_status image_files_open(const char *path, struct image_files **ret_files,
                                struct mu_error *err)
{
    MU_AUTO(image_files) struct image_files *files = mu_xcalloc(1, sizeof(*files));
    struct stat facts;

    files->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (files->fd < 0 || fstat(files->fd, &facts) != 0)
        return system_error(err, path);
    if (!S_ISDIR(facts.st_mode)) {
        if (!S_ISREG(facts.st_mode))
            return mu_fail(err, MU_E_INVALID,
                           "'%.300s' is neither a folder nor a file: write the archive to a file "
                           "first",
                           path);
        if (packed_check(files->fd, path, err) != MU_OK)
            return err->status;
        if (tar_index_read(files->fd, (uint64_t)facts.st_size, &files->tar, err) != MU_OK)
            return mu_wrap(err, "'%.300s' is no image archive", path);
    }
    *ret_files = files;
    files = NULL;
    return MU_OK;
}

void image_files_free(struct image_files *files)
{
    if (!files)
        return;
    if (files->fd >= 0)
        (void)close(files->fd);
    tar_index_free(files->tar);
    free(files);
}

static enum mu_status folder_find(const struct image_files *files, const char *name,
                                  struct image_file *ret_file, struct mu_error *err)
{
    MU_AUTO_FD int fd = openat(files->fd, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    struct stat facts;

    if (fd < 0 || fstat(fd, &facts) != 0)
        return system_error(err, name);
    if (!S_ISREG(facts.st_mode))
        return mu_fail(err, MU_E_INVALID, "'%.300s' is no regular file", name);
    *ret_file = (struct image_file){.size_bytes = (uint64_t)facts.st_size};
    ret_file->fd = mu_take_fd(&fd);
    return MU_OK;
}

/* Names come from the image's own JSON too. */
static bool leads_out(const char *name)
{
    return name[0] == '/' || strncmp(name, "../", 3) == 0 || strstr(name, "/../") ||
           mu_text_ends(name, "/..") || strcmp(name, "..") == 0;
}

enum mu_status image_files_find(const struct image_files *files, const char *name,
                                struct image_file *ret_file, struct mu_error *err)
{
    struct image_file file = {.fd = -1};

    if (leads_out(name))
        return mu_fail(err, MU_E_INVALID, "'%.200s' leads out of the image", name);
    if (!files->tar)
        return folder_find(files, name, ret_file, err);
    if (tar_index_find(files->tar, name, &file.offset, &file.size_bytes, err) != MU_OK)
        return err->status;
    file.fd = fcntl(files->fd, F_DUPFD_CLOEXEC, 0);
    if (file.fd < 0)
        return system_error(err, name);
    *ret_file = file;
    return MU_OK;
}

bool image_files_has(const struct image_files *files, const char *name)
{
    MU_AUTO_DONE(image_file_done) struct image_file file = {.fd = -1};
    struct mu_error ignored;

    return image_files_find(files, name, &file, &ignored) == MU_OK;
}

void image_file_done(struct image_file *file)
{
    if (file->fd >= 0)
        (void)close(file->fd);
}

enum mu_status image_file_pread(const struct image_file *file, uint64_t at, void *bytes, size_t len,
                                size_t *ret_len, struct mu_error *err)
{
    ssize_t n;

    if (len > file->size_bytes - at)
        len = (size_t)(file->size_bytes - at);
    do
        n = pread(file->fd, bytes, len, (off_t)(file->offset + at));
    while (n < 0 && errno == EINTR);
    if (n <= 0)
        return mu_fail(err, MU_E_UNAVAILABLE, "reading: %s",
                       n < 0 ? strerror(errno) : "the file became shorter");
    *ret_len = (size_t)n;
    return MU_OK;
}

enum mu_status image_files_read(const struct image_files *files, const char *name,
                                struct mu_buf *out, struct mu_error *err)
{
    MU_AUTO_DONE(image_file_done) struct image_file file = {.fd = -1};
    char bytes[16 * 1024];
    size_t len;

    if (image_files_find(files, name, &file, err) != MU_OK)
        return err->status;
    if (file.size_bytes > out->max_bytes - out->len)
        return mu_fail(err, MU_E_LIMIT, "'%.200s' has %llu bytes, more than %zu", name,
                       (unsigned long long)file.size_bytes, out->max_bytes - out->len);
    for (uint64_t at = 0; at < file.size_bytes; at += len) {
        if (image_file_pread(&file, at, bytes, sizeof(bytes), &len, err) != MU_OK)
            return mu_wrap(err, "'%.200s'", name);
        mu_buf_append(out, bytes, len);
    }
    return mu_buf_status(out, name, err);
}
