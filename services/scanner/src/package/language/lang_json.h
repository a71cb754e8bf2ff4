/*
 * lang_json: the JSON files of package managers, read with one set of limits, and their members as
 * spans. What has another type than asked for counts as absent: these files are written by people.
 *
 * Ownership: spans are borrowed from the document. Trust: limits are checked before memory is
 * taken.
 */
#ifndef SCANNER_PACKAGE_LANGUAGE_LANG_JSON_H
#define SCANNER_PACKAGE_LANGUAGE_LANG_JSON_H

#include "base/error.h"
#include "package/language/lang_span.h"
#include "json/json_doc.h"

enum { LANG_JSON_MAX_BYTES = 16 * 1024 * 1024 };

/* New reference. Errors: MU_E_INVALID, MU_E_LIMIT, MU_E_NOMEM. */
enum mu_status lang_json_load(struct lang_span text, json_t **ret_root,
                              struct mu_error *err) MU_MUST_CHECK;

struct lang_span lang_json_member(const json_t *object, const char *name);  /* empty: no text */
struct lang_span lang_json_license(const json_t *object, const char *name); /* text, {type} or the
                                                                               first of an array */

#endif
