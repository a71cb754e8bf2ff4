/*
 * os_record: what a finder told, as lines of text. Header-only; for tests.
 *
 *   deb alpha 1.0 source=src/1.0 arch=amd64 vendor=... module=... license=...
 *   owns deb alpha usr/bin/alpha
 *   fact ID=debian
 */
#ifndef TESTS_SUPPORT_OS_RECORD_H
#define TESTS_SUPPORT_OS_RECORD_H

#include "base/buf.h"
#include "package/finder.h"

#include <stdlib.h>
#include <string.h>

struct os_record {
    struct mu_buf text;
    size_t calls_left; /* then MU_E_LIMIT, as from a sink that is full */
    enum mu_status status;
    struct mu_error err;
};

static void record_member(struct mu_buf *out, const char *name, const char *value)
{
    if (value)
        mu_buf_printf(out, " %s=%s", name, value);
}

static enum mu_status record_end(struct os_record *record, struct mu_error *err)
{
    mu_buf_puts(&record->text, "\n");
    if (record->calls_left == 0)
        return mu_fail(err, MU_E_LIMIT, "the sink is full");
    record->calls_left--;
    return MU_OK;
}

static enum mu_status record_package(void *opaque, const struct found_package *package,
                                     struct mu_error *err)
{
    struct os_record *record = opaque;
    struct mu_buf *out = &record->text;

    mu_buf_printf(out, "%s %s %s", package->type, package->name, package->version);
    if (package->source_name)
        mu_buf_printf(out, " source=%s/%s", package->source_name, package->source_version);
    record_member(out, "arch", package->architecture);
    record_member(out, "vendor", package->vendor);
    record_member(out, "module", package->module);
    record_member(out, "license", package->license);
    return record_end(record, err);
}

static enum mu_status record_owns(void *opaque, const char *type, const char *name,
                                  const char *path, struct mu_error *err)
{
    struct os_record *record = opaque;

    mu_buf_printf(&record->text, "owns %s %s %s", type, name, path);
    return record_end(record, err);
}

static enum mu_status record_issue(void *opaque, const struct found_issue *issue,
                                   struct mu_error *err)
{
    struct os_record *record = opaque;

    mu_buf_printf(&record->text, "issue %s", issue->check);
    return record_end(record, err);
}

static enum mu_status record_fact(void *opaque, const char *name, const char *value,
                                  struct mu_error *err)
{
    struct os_record *record = opaque;

    mu_buf_printf(&record->text, "fact %s=%s", name, value);
    return record_end(record, err);
}

/* Reads with the bytes of the file beside (struct finder). */
static inline void os_record_beside(struct os_record *ret_record, const struct finder *finder,
                                    const char *path, const struct mu_buf *file,
                                    const struct mu_buf *beside)
{
    const struct finder_input input = {.path = path,
                                       .bytes = (const uint8_t *)file->data,
                                       .len = file->len,
                                       .beside = (const uint8_t *)beside->data,
                                       .beside_len = beside->len};
    const struct finder_sink sink = {.opaque = ret_record,
                                     .package = record_package,
                                     .owns = record_owns,
                                     .issue = record_issue,
                                     .fact = record_fact};

    memset(ret_record, 0, sizeof(*ret_record));
    mu_buf_init(&ret_record->text, 1 << 20);
    ret_record->calls_left = SIZE_MAX;
    ret_record->status = finder->read(&input, &sink, &ret_record->err);
}

/* Reads the bytes with a sink that takes `calls` calls; mu_buf_done(&record.text) is the caller's.
 * The bytes are copied to memory of their own, so that a reading past their end is seen. */
static inline void os_record_few(struct os_record *ret_record, const struct finder *finder,
                                 const char *path, const void *bytes, size_t len, size_t calls)
{
    uint8_t *copy = malloc(len ? len : 1);
    struct finder_input input = {.path = path, .bytes = copy, .len = len};
    struct finder_sink sink = {.opaque = ret_record,
                               .package = record_package,
                               .owns = record_owns,
                               .issue = record_issue,
                               .fact = record_fact};

    if (!copy)
        abort();
    if (len > 0)
        memcpy(copy, bytes, len);
    memset(ret_record, 0, sizeof(*ret_record));
    mu_buf_init(&ret_record->text, 1 << 20);
    ret_record->calls_left = calls;
    ret_record->status = finder->read(&input, &sink, &ret_record->err);
    free(copy);
}

static inline void os_record_read(struct os_record *ret_record, const struct finder *finder,
                                  const char *path, const void *bytes, size_t len)
{
    os_record_few(ret_record, finder, path, bytes, len, SIZE_MAX);
}

/* Whether the finder wants a plain file of that path. */
static inline bool os_record_wants(const struct finder *finder, const char *path)
{
    struct finder_entry entry = {.path = path, .path_len = strlen(path), .kind = FINDER_FILE};

    return finder->wants(&entry);
}

#endif
