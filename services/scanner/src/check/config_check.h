/*
 * config_check: what an image's configuration and its history get wrong.
 *
 * Configurations of Windows are looked into for secrets alone: the rest of the table speaks of
 * Linux. An issue of the history has the step's number as its line; 1 is the first.
 *
 * Threads: none held. Trust: hostile JSON within IMAGE_CONFIG_MAX_BYTES; the numbers below bound
 * what is read of it.
 * Source:  OCI image-spec 1.1 config.md; Docker's HEALTHCHECK in the same place ("Healthcheck").
 */
#ifndef SCANNER_CHECK_CONFIG_CHECK_H
#define SCANNER_CHECK_CONFIG_CHECK_H

#include "package/finder.h"

#include "base/error.h"

#include <stddef.h>

enum {
    CHECK_CONFIG_MAX_BYTES = 8 * 1024 * 1024,
    CHECK_CONFIG_STEPS_MAX = 4096 /* of the history; later ones are not read */
};

struct check_config_input {
    const char *json; /* the config blob */
    size_t len;
    const char *users;                   /* fact CHECK_USERS_FACT of the merged image, or NULL */
    const char *base_name, *base_digest; /* annotations org.opencontainers.image.base.* of the
                                            manifest, or NULL; labels of these names count too */
};

/* Calls only sink->issue. Errors: MU_E_INVALID, MU_E_LIMIT (the JSON), the sink's. */
enum mu_status check_config(const struct check_config_input *input, const struct finder_sink *sink,
                            struct mu_error *err) MU_MUST_CHECK;

#endif
