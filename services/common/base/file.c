#include "base/file.h"

#include "base/scope.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILE_READ_BYTES = 64 * 1024 };

static enum mu_status failed(struct mu_error *err, const char *verb, const char *path)
{
    return mu_fail(err, errno == ENOENT ? MU_E_NOT_FOUND : MU_E_UNAVAILABLE, "%s '%s': %s", verb,
                   path, strerror(errno));
}

enum mu_status mu_file_read(const char *path, struct mu_buf *out, struct mu_error *err)
{
    MU_AUTO_FD int fd = open(path, O_RDONLY | O_CLOEXEC);
    char bytes[FILE_READ_BYTES];
    ssize_t len;

    if (fd < 0)
        return failed(err, "open", path);
    while ((len = read(fd, bytes, sizeof(bytes))) != 0) {
        if (len < 0 && errno == EINTR)
            continue;
        if (len < 0)
            return failed(err, "read", path);
        mu_buf_append(out, bytes, (size_t)len);
        if (out->failed)
            return mu_buf_status(out, path, err);
    }
    return MU_OK;
}

static enum mu_status write_all(int fd, const char *path, const char *bytes, size_t len,
                                struct mu_error *err)
{
    while (len > 0) {
        ssize_t written = write(fd, bytes, len);

        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return failed(err, "write", path);
        bytes += written;
        len -= (size_t)written;
    }
    return fsync(fd) == 0 ? MU_OK : failed(err, "fsync", path);
}

/* Makes the rename itself durable. */
static enum mu_status sync_folder_of(const char *path, struct mu_error *err)
{
    const char *slash = strrchr(path, '/');
    size_t len = slash ? (size_t)(slash - path) : 0;
    char folder[PATH_MAX];
    MU_AUTO_FD int fd = -1;

    if (snprintf(folder, sizeof(folder), "%.*s%s", (int)len, path,
                 len > 0 ? "" : (slash ? "/" : ".")) < (int)sizeof(folder))
        fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || fsync(fd) != 0)
        return mu_fail(err, MU_E_UNAVAILABLE, "fsync folder of '%s': %s", path, strerror(errno));
    return MU_OK;
}

enum mu_status mu_file_write_atomic(const char *path, const void *bytes, size_t len,
                                    struct mu_error *err)
{
    char temporary[PATH_MAX];
    enum mu_status st;
    int fd;

    if (snprintf(temporary, sizeof(temporary), "%s.XXXXXX", path) >= (int)sizeof(temporary))
        return mu_fail(err, MU_E_UNAVAILABLE, "write '%.100s...': the path is too long", path);
    fd = mkostemp(temporary, O_CLOEXEC);
    if (fd < 0)
        return mu_fail(err, MU_E_UNAVAILABLE, "create beside '%s': %s", path, strerror(errno));
    (void)fchmod(fd, 0640);
    st = write_all(fd, path, bytes, len, err);
    (void)close(fd);
    if (st == MU_OK && rename(temporary, path) != 0)
        st = failed(err, "rename to", path);
    if (st != MU_OK) {
        (void)unlink(temporary);
        err->status = MU_E_UNAVAILABLE;
        return MU_E_UNAVAILABLE;
    }
    return sync_folder_of(path, err);
}

enum mu_status mu_dir_make(const char *path, struct mu_error *err)
{
    char part[PATH_MAX];
    size_t len = strlen(path);
    struct stat status;

    if (len == 0 || len >= sizeof(part))
        return mu_fail(err, MU_E_UNAVAILABLE, "mkdir '%.100s': no usable path", path);
    memcpy(part, path, len + 1);
    for (size_t i = 1; i <= len; i++) {
        if (part[i] != '/' && part[i] != '\0')
            continue;
        part[i] = '\0';
        if (mkdir(part, 0750) != 0 && errno != EEXIST)
            return mu_fail(err, MU_E_UNAVAILABLE, "mkdir '%s': %s", part, strerror(errno));
        part[i] = i < len ? '/' : '\0';
    }
    if (stat(path, &status) != 0)
        return mu_fail(err, MU_E_UNAVAILABLE, "mkdir '%s': %s", path, strerror(errno));
    return S_ISDIR(status.st_mode)
                   ? MU_OK
                   : mu_fail(err, MU_E_UNAVAILABLE, "mkdir '%s': it is no directory", path);
}

/* For file systems without O_TMPFILE (overlayfs before Linux 6.1): a name for a moment. */
static int open_and_unlink(const char *folder)
{
    char path[PATH_MAX];
    int fd;

    if (snprintf(path, sizeof(path), "%s/muster-XXXXXX", folder) >= (int)sizeof(path)) {
        errno = ENAMETOOLONG;
        return -1;
    }
    fd = mkostemp(path, O_CLOEXEC);
    if (fd >= 0)
        (void)unlink(path);
    return fd;
}

enum mu_status mu_file_open_nameless(const char *folder, int *ret_fd, struct mu_error *err)
{
    int fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

    if (fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL))
        fd = open_and_unlink(folder);
    if (fd < 0)
        return mu_fail(err, MU_E_UNAVAILABLE, "temp-dir '%s': %s", folder, strerror(errno));
    *ret_fd = fd;
    return MU_OK;
}
