/*
 * webhook_config: whom to tell, from a file (schemas/webhooks.v1.schema.json).
 *
 * Trust: the file is the operator's; still every error names the member. A target's URL must begin
 * with one of the file's `allowed_origins`, and redirects are never followed: nothing that is told
 * can lead elsewhere.
 * Ownership: texts live in the config. Secrets are read from files of their own, and never printed.
 */
#ifndef INVENTORY_WEBHOOK_CONFIG_H
#define INVENTORY_WEBHOOK_CONFIG_H

#include "base/error.h"
#include "base/scope.h"

#include <stddef.h>

enum {
    WEBHOOK_CONFIG_MAX_BYTES = 256 * 1024,
    WEBHOOK_TARGETS_MAX = 32,
    WEBHOOK_KINDS_MAX = 32,
    WEBHOOK_SECRET_MIN_BYTES = 16,
    WEBHOOK_SECRET_MAX_BYTES = 4096
};

enum webhook_template { WEBHOOK_JSON, WEBHOOK_SLACK, WEBHOOK_TEXT };

struct webhook_target {
    const char *name, *url, *secret_file;
    enum webhook_template template;
    const char *kinds[WEBHOOK_KINDS_MAX]; /* none: all */
    size_t kind_count;
    const char *min_severity;
    const void *secret; /* the key itself */
    size_t secret_len;
};

struct webhook_config;

/* Without the secrets. Errors: MU_E_INVALID naming the member, MU_E_LIMIT, MU_E_NOMEM. */
enum mu_status webhook_config_parse(const char *bytes, size_t len,
                                    struct webhook_config **ret_config,
                                    struct mu_error *err) MU_MUST_CHECK;

/* From a file, with the secrets. Errors: also MU_E_NOT_FOUND and MU_E_UNAVAILABLE naming the file.
 */
enum mu_status webhook_config_load(const char *path, struct webhook_config **ret_config,
                                   struct mu_error *err) MU_MUST_CHECK;
void webhook_config_free(struct webhook_config *config);

size_t webhook_config_count(const struct webhook_config *config);
const struct webhook_target *webhook_config_target(const struct webhook_config *config,
                                                   size_t index);

MU_DEFINE_AUTO(webhook_config, struct webhook_config, webhook_config_free)

#endif
