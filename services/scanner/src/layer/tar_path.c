#include "layer/tar_path.h"

#include <string.h>

/* Drops the last component of path[0..len). */
static size_t path_parent(const char *path, size_t len)
{
    while (len > 0 && path[len - 1] != '/')
        len--;
    return len > 0 ? len - 1 : 0;
}

static size_t path_push(char *path, size_t len, const char *part, size_t part_len)
{
    if (part_len == 0 || (part_len == 1 && part[0] == '.'))
        return len;
    if (part_len == 2 && part[0] == '.' && part[1] == '.')
        return path_parent(path, len);
    if (len > 0)
        path[len++] = '/';
    memcpy(path + len, part, part_len);
    return len + part_len;
}

size_t tar_path_clean(const char *name, size_t len, char *ret_path)
{
    size_t out = 0, at = 0;

    while (at < len) {
        const char *slash = memchr(name + at, '/', len - at);
        size_t end = slash ? (size_t)(slash - name) : len;

        out = path_push(ret_path, out, name + at, end - at);
        at = end + 1;
    }
    ret_path[out] = '\0';
    return out;
}
