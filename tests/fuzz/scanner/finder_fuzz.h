/*
 * finder_fuzz: any bytes to a finder; what it tells must be text that a sink takes, and a failure
 * must say why.
 */
#ifndef TESTS_FUZZ_SCANNER_FINDER_FUZZ_H
#define TESTS_FUZZ_SCANNER_FINDER_FUZZ_H

#include "base/text.h"
#include "package/finder.h"

#include <stdlib.h>
#include <string.h>

static inline void finder_fuzz_text(const char *text)
{
    if (text && (strlen(text) > FINDER_TEXT_MAX_BYTES || !mu_utf8_valid(text, strlen(text))))
        abort();
}

static inline enum mu_status finder_fuzz_package(void *opaque, const struct found_package *package,
                                                 struct mu_error *err)
{
    (void)opaque;
    (void)err;
    if (!package->type || !package->name || !package->version || package->name[0] == '\0' ||
        package->version[0] == '\0')
        abort();
    finder_fuzz_text(package->type);
    finder_fuzz_text(package->name);
    finder_fuzz_text(package->version);
    finder_fuzz_text(package->license);
    finder_fuzz_text(package->inner_path);
    return MU_OK;
}

static inline void finder_fuzz(const struct finder *finder, const char *path, const uint8_t *bytes,
                               size_t len)
{
    const struct finder_sink sink = {.package = finder_fuzz_package};
    const struct finder_input input = {.path = path, .bytes = bytes, .len = len};
    struct mu_error err = {.status = MU_OK};
    enum mu_status st = finder->read(&input, &sink, &err);

    if (st != MU_OK && (err.status != st || err.message[0] == '\0'))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

#endif
