/*
 * config_secrets: secrets in the environment, labels and command line of an image's config.
 *
 * Only here a name says what a value is: a variable whose name ends with PASSWORD, SECRET, TOKEN,
 * API_KEY or the like and whose value may be real. Elsewhere that gives more noise than secrets.
 *
 * Trust: hostile JSON values.
 */
#ifndef SCANNER_CHECK_CONFIG_SECRETS_H
#define SCANNER_CHECK_CONFIG_SECRETS_H

#include "check/text_lines.h"
#include "package/finder.h"

#include "base/error.h"
#include "json/json_doc.h"

/* `root` is the whole config blob. Errors: the sink's. */
enum mu_status config_secrets_check(const json_t *root, const struct finder_sink *sink,
                                    struct mu_error *err) MU_MUST_CHECK;

/* Whether NAME=VALUE tells a secret; `ret_name` is what may be shown. */
bool config_secret_assigned(struct text_piece assignment, struct text_piece *ret_name);

#endif
