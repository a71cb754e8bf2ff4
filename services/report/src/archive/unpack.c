#include "archive/unpack.h"

#include "base/stop.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { UNPACK_PATH_SIZE = 4096 };

static bool is_plain(char c)
{
    return (unsigned char)c >= 0x20 && c != 0x7f && c != '\\';
}

/* Every component has a name that is not one or two dots. */
static bool leads_down(const char *name)
{
    int depth = 0;

    while (*name) {
        size_t len = strcspn(name, "/");

        if (len == 0 || (len <= 2 && strspn(name, ".") >= len) || ++depth > ARCHIVE_MAX_DEPTH)
            return false;
        name += len + (name[len] == '/');
    }
    return depth > 0;
}

enum mu_status unpack_name(struct unpack *unpack, const char *name, size_t len,
                           struct mu_error *err)
{
    bool plain = true;

    while (len > 2 && name[0] == '.' && name[1] == '/') {
        name += 2;
        len -= 2;
    }
    for (size_t i = 0; i < len && i < ARCHIVE_NAME_MAX; i++) {
        plain = plain && is_plain(name[i]);
        unpack->name[i] = is_plain(name[i]) ? name[i] : '?';
    }
    unpack->name[len < ARCHIVE_NAME_MAX ? len : ARCHIVE_NAME_MAX] = '\0';
    if (len == 0 || len > ARCHIVE_NAME_MAX)
        return mu_fail(err, MU_E_INVALID, "has a name of %zu bytes", len);
    if (!plain)
        return mu_fail(err, MU_E_INVALID, "has a control byte or a backslash in its name");
    if (unpack->name[len - 1] == '/')
        unpack->name[len - 1] = '\0';
    if (!leads_down(unpack->name))
        return mu_fail(err, MU_E_INVALID, "leads out of the package, or too deep into it");
    return MU_OK;
}

/* The folders above it; that one is a file shows when the file is opened. */
static void make_folders(const struct unpack *unpack)
{
    char path[UNPACK_PATH_SIZE];

    for (const char *slash = strchr(unpack->name, '/'); slash; slash = strchr(slash + 1, '/')) {
        (void)snprintf(path, sizeof(path), "%s/%.*s", unpack->folder, (int)(slash - unpack->name),
                       unpack->name);
        (void)mkdir(path, 0700);
    }
}

enum mu_status unpack_begin(struct unpack *unpack, struct mu_error *err)
{
    char path[UNPACK_PATH_SIZE];

    if (++unpack->files > unpack->limits.max_files)
        return mu_fail(err, MU_E_LIMIT, "the archive holds more than %llu files",
                       (unsigned long long)unpack->limits.max_files);
    if (snprintf(path, sizeof(path), "%s/%s", unpack->folder, unpack->name) >= (int)sizeof(path))
        return mu_fail(err, MU_E_UNAVAILABLE, "path '%.100s...' is too long", unpack->folder);
    make_folders(unpack);
    unpack->fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (unpack->fd >= 0)
        return MU_OK;
    if (errno == EEXIST || errno == ENOTDIR || errno == EISDIR)
        return mu_fail(err, MU_E_INVALID, "comes twice in the archive");
    return mu_fail(err, MU_E_UNAVAILABLE, "'%s': %s", path, strerror(errno));
}

enum mu_status unpack_write(struct unpack *unpack, const void *bytes, size_t len,
                            struct mu_error *err)
{
    const char *at = bytes;

    if (mu_stop_requested())
        return mu_fail(err, MU_E_UNAVAILABLE, "stopping");
    unpack->bytes += len;
    if (unpack->bytes > unpack->limits.max_bytes)
        return mu_fail(err, MU_E_LIMIT, "the archive unpacks to more than %llu bytes",
                       (unsigned long long)unpack->limits.max_bytes);
    while (len > 0) {
        ssize_t written = write(unpack->fd, at, len);

        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return mu_fail(err, MU_E_UNAVAILABLE, "'%s': %s", unpack->folder, strerror(errno));
        at += written;
        len -= (size_t)written;
    }
    return MU_OK;
}

enum mu_status unpack_end(struct unpack *unpack, struct mu_error *err)
{
    int fd = unpack->fd;

    unpack->fd = -1;
    if (close(fd) != 0)
        return mu_fail(err, MU_E_UNAVAILABLE, "'%s': %s", unpack->folder, strerror(errno));
    return MU_OK;
}

void unpack_done(struct unpack *unpack)
{
    if (unpack->fd >= 0)
        (void)close(unpack->fd);
    unpack->fd = -1;
}
