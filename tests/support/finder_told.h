/*
 * finder_told: runs a finder on bytes and keeps what it told, a line a package:
 * "type name version" and, where they are, "@inner/path" and "=license".
 */
#ifndef TESTS_SUPPORT_FINDER_TOLD_H
#define TESTS_SUPPORT_FINDER_TOLD_H

#include "base/buf.h"
#include "package/finder.h"

#include <string.h>

struct told {
    struct mu_buf lines;
    struct mu_error err; /* of the last read */
    size_t refuse_at;    /* the sink refuses the package of this number, from 1; 0: none */
    size_t count;
};

static inline void told_init(struct told *told)
{
    memset(told, 0, sizeof(*told));
    mu_buf_init(&told->lines, 1024 * 1024);
}

static inline void told_done(struct told *told)
{
    mu_buf_done(&told->lines);
}

static inline enum mu_status told_package(void *opaque, const struct found_package *package,
                                          struct mu_error *err)
{
    struct told *told = opaque;

    told->count++;
    if (told->count == told->refuse_at)
        return mu_fail(err, MU_E_LIMIT, "the sink is full");
    mu_buf_printf(&told->lines, "%s %s %s", package->type, package->name, package->version);
    if (package->source_version && package->source_version[0] == '(')
        mu_buf_printf(&told->lines, " %s", package->source_version);
    if (package->inner_path)
        mu_buf_printf(&told->lines, " @%s", package->inner_path);
    if (package->license)
        mu_buf_printf(&told->lines, " =%s", package->license);
    mu_buf_puts(&told->lines, "\n");
    return MU_OK;
}

static inline enum mu_status told_read(struct told *told, const struct finder *finder,
                                       const char *path, const void *bytes, size_t len)
{
    const struct finder_sink sink = {.opaque = told, .package = told_package};
    const struct finder_input input = {.path = path, .bytes = bytes, .len = len};

    mu_buf_reset(&told->lines);
    told->count = 0;
    told->err.status = MU_OK;
    told->err.message[0] = '\0';
    return finder->read(&input, &sink, &told->err);
}

/* Whether a regular file of that path is wanted by its name. */
static inline bool told_wants(const struct finder *finder, const char *path)
{
    const struct finder_entry entry = {.path = path,
                                       .path_len = strlen(path),
                                       .kind = FINDER_FILE,
                                       .mode = 0644,
                                       .size_bytes = 100};

    return finder->wants(&entry);
}

#endif
