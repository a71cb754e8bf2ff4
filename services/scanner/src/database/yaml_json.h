/*
 * yaml_json: a YAML document as JSON values: mappings, sequences, texts and nulls.
 * Every scalar is a text (versions such as 1.10 must stay as written) but a plain null.
 * Aliases are refused; of equal keys the last holds.
 * Trust: outside bytes; nesting is bounded, the caller bounds the size.
 */
#ifndef SCANNER_DATABASE_YAML_JSON_H
#define SCANNER_DATABASE_YAML_JSON_H

#include "json/json_doc.h"

enum { YAML_NESTING_MAX = 32 };

/* New reference. Errors: MU_E_INVALID with the line, MU_E_LIMIT. */
enum mu_status yaml_to_json(const char *bytes, size_t len, json_t **ret_root,
                            struct mu_error *err) MU_MUST_CHECK;

#endif
