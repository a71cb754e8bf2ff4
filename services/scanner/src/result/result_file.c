#include "result/result_file.h"

#include "base/file.h"
#include "base/scope.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum mu_status result_file_check_folder(const char *folder, struct mu_error *err)
{
    MU_AUTO_FD int fd = -1;

    return mu_file_open_nameless(folder, &fd, err);
}

/* A stream over the same file, so that closing it leaves `fd`. */
static FILE *stream_over(int fd)
{
    int other = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    FILE *file = other >= 0 ? fdopen(other, "w") : NULL;

    if (!file && other >= 0)
        (void)close(other);
    return file;
}

enum mu_status result_file_write(const char *folder, result_put_fn *put, const void *value,
                                 struct raw_file *ret_file, struct mu_error *err)
{
    MU_AUTO(sha256) struct mu_sha256 *hash = mu_sha256_new();
    MU_AUTO_FD int fd = -1;
    MU_AUTO_FILE FILE *file = NULL;
    struct json_stream out;
    enum mu_status st = mu_file_open_nameless(folder, &fd, err);

    if (st != MU_OK)
        return st;
    file = stream_over(fd);
    if (!file)
        return mu_fail(err, MU_E_UNAVAILABLE, "temp-dir '%s': %s", folder, strerror(errno));
    json_stream_init(&out, file, hash);
    put(&out, value);
    st = json_stream_finish(&out, err);
    if (st != MU_OK)
        return st;
    (void)lseek(fd, 0, SEEK_SET);
    ret_file->size_bytes = out.size_bytes;
    mu_sha256_final_text(hash, ret_file->digest);
    ret_file->fd = mu_take_fd(&fd);
    return MU_OK;
}

enum mu_status result_file_keep(const char *folder, const void *bytes, size_t len,
                                struct raw_file *ret_file, struct mu_error *err)
{
    MU_AUTO_FD int fd = -1;
    const char *at = bytes;
    enum mu_status st = mu_file_open_nameless(folder, &fd, err);

    if (st != MU_OK)
        return st;
    for (size_t left = len; left > 0;) {
        ssize_t written = write(fd, at, left);

        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return mu_fail(err, MU_E_UNAVAILABLE, "temp-dir '%s': %s", folder, strerror(errno));
        at += written;
        left -= (size_t)written;
    }
    (void)lseek(fd, 0, SEEK_SET);
    ret_file->size_bytes = len;
    mu_sha256_text(bytes, len, ret_file->digest);
    ret_file->fd = mu_take_fd(&fd);
    return MU_OK;
}
