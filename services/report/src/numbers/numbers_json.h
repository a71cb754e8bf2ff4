/*
 * numbers_json: numbers.json, written and read. Schema: schemas/numbers.v1.schema.json.
 *
 * Trust of what is read: a file of a bundle, hostile; at most NUMBERS_JSON_MAX_BYTES.
 */
#ifndef REPORT_NUMBERS_JSON_H
#define REPORT_NUMBERS_JSON_H

#include "numbers/numbers.h"

#include "json/json_doc.h"

enum { NUMBERS_JSON_MAX_BYTES = 4 * 1024 * 1024 };

/* New reference. Errors: MU_E_INVALID (a text that is not UTF-8). */
enum mu_status numbers_to_json(const struct numbers *numbers, json_t **ret_root,
                               struct mu_error *err) MU_MUST_CHECK;
/* Appends numbers.json. Errors: as above, MU_E_LIMIT. */
enum mu_status numbers_print(const struct numbers *numbers, struct mu_buf *out,
                             struct mu_error *err) MU_MUST_CHECK;
/* New reference to the document, whose schema, month, figures and triggers were checked. Errors:
 * MU_E_NOT_FOUND, MU_E_INVALID, MU_E_LIMIT, MU_E_UNAVAILABLE, all naming the file. */
enum mu_status numbers_json_read(const char *path, json_t **ret_root,
                                 struct mu_error *err) MU_MUST_CHECK;
/* The same of bytes. */
enum mu_status numbers_json_parse(const char *path, const char *bytes, size_t len,
                                  json_t **ret_root, struct mu_error *err) MU_MUST_CHECK;
/* A figure by its path; NUMBERS_UNKNOWN when it is null or not there. */
int64_t numbers_json_figure(const json_t *root, const char *path);
/* The object of a trigger, or NULL. */
const json_t *numbers_json_trigger(const json_t *root, const char *id);

/* What `muster-report numbers` shows; from a document, so that a bundle and the database give the
 * same. */
struct mu_table;
extern const char *const numbers_columns[];
enum { NUMBERS_COLUMN_COUNT = 3, TRIGGERS_COLUMN_COUNT = 6 };
extern const char *const triggers_columns[];
void numbers_json_tables(const json_t *root, struct mu_table *figures_table,
                         struct mu_table *triggers_table);

#endif
