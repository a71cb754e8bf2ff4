/*
 * os_fuzz: a sink that aborts when a finder tells what no sink would take. Header-only; for fuzz
 * targets of the finders of operating system packages.
 */
#ifndef TESTS_FUZZ_SCANNER_OS_FUZZ_H
#define TESTS_FUZZ_SCANNER_OS_FUZZ_H

#include "base/text.h"
#include "package/finder.h"

#include <stdlib.h>
#include <string.h>

static void must_be_text(const char *text, bool needed)
{
    size_t len = text ? strlen(text) : 0;

    if ((needed && len == 0) || len > FINDER_TEXT_MAX_BYTES || (text && !mu_utf8_valid(text, len)))
        abort();
}

static enum mu_status fuzz_package(void *opaque, const struct found_package *package,
                                   struct mu_error *err)
{
    (void)opaque;
    (void)err;
    must_be_text(package->type, true);
    must_be_text(package->name, true);
    must_be_text(package->version, true);
    must_be_text(package->source_name, false);
    must_be_text(package->source_version, false);
    must_be_text(package->architecture, false);
    must_be_text(package->vendor, false);
    must_be_text(package->module, false);
    must_be_text(package->license, false);
    return MU_OK;
}

static enum mu_status fuzz_owns(void *opaque, const char *type, const char *name, const char *path,
                                struct mu_error *err)
{
    (void)opaque;
    (void)err;
    must_be_text(type, true);
    must_be_text(name, true);
    must_be_text(path, true);
    if (path[0] == '/' || strstr(path, "//") || mu_text_starts(path, "../"))
        abort();
    return MU_OK;
}

static enum mu_status fuzz_issue(void *opaque, const struct found_issue *issue,
                                 struct mu_error *err)
{
    (void)opaque;
    (void)issue;
    (void)err;
    return MU_OK;
}

static enum mu_status fuzz_fact(void *opaque, const char *name, const char *value,
                                struct mu_error *err)
{
    (void)opaque;
    (void)err;
    must_be_text(name, true);
    must_be_text(value, true);
    return MU_OK;
}

static const struct finder_sink fuzz_sink = {
        .package = fuzz_package, .owns = fuzz_owns, .issue = fuzz_issue, .fact = fuzz_fact};

/* Reads the bytes with the finder; what it answers is not looked at. */
static inline void os_fuzz_read(const struct finder *finder, const char *path, const uint8_t *bytes,
                                size_t len)
{
    struct finder_input input = {.path = path, .bytes = bytes, .len = len};
    struct mu_error err;

    (void)finder->read(&input, &fuzz_sink, &err);
}

#endif
