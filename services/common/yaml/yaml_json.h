/*
 * yaml_json: one YAML document, a mapping, as JSON values. Mistakes name the file and the line.
 * Aliases and further documents are refused; texts are UTF-8 without NUL. A plain empty scalar, ~
 * and null are null.
 *
 * Trust: outside bytes; nesting and values are bounded, the caller bounds the size.
 */
#ifndef MU_YAML_YAML_JSON_H
#define MU_YAML_YAML_JSON_H

#include "json/json_doc.h"

#include <stdbool.h>
#include <stddef.h>

enum { YAML_JSON_MAX_DEPTH = 32 };

struct yaml_json_rules {
    unsigned max_depth; /* at most YAML_JSON_MAX_DEPTH */
    size_t max_values;
    bool typed;     /* plain true, false and integers are what they look like; else all is text */
    bool keys_once; /* equal keys are a mistake; else the last holds */
};

/* New reference. `path` is for messages. Errors: MU_E_INVALID, MU_E_LIMIT, MU_E_NOMEM. */
enum mu_status yaml_json_parse(const char *path, const char *bytes, size_t len,
                               const struct yaml_json_rules *rules, json_t **ret_root,
                               struct mu_error *err) MU_MUST_CHECK;

#endif
