/*
 * statement_document: one statement of a person as the API takes it
 * (schemas/inventory-api.v1.yaml): the record of a file (record_file.h) without who states it: that
 * is whoever's credentials they are.
 *
 * Trust: hostile; limits before allocation, unknown members refused.
 * Threads: any.
 */
#ifndef INVENTORY_STATEMENT_DOCUMENT_H
#define INVENTORY_STATEMENT_DOCUMENT_H

#include "deviation/statement_store.h"

enum { STATEMENT_DOCUMENT_MAX_BYTES = 128 * 1024, STATEMENT_ANSWER_MAX_BYTES = 256 * 1024 };

/*
 * The checked record, in the arena, stated by `by` and, when it does not say at what time, at
 * `now_us`. Errors: MU_E_INVALID naming the field, MU_E_LIMIT, MU_E_NOMEM.
 */
enum mu_status statement_document_parse(enum statement_kind kind, const char *bytes, size_t len,
                                        const char *by, int64_t now_us, struct mu_arena *arena,
                                        struct record *ret_record,
                                        struct mu_error *err) MU_MUST_CHECK;

/* The same record as such a document, without who states it. Errors: MU_E_LIMIT, MU_E_NOMEM. */
enum mu_status statement_document_ask(enum statement_kind kind, const struct record *record,
                                      struct mu_buf *out, struct mu_error *err) MU_MUST_CHECK;

/* What is stored: every field of its kind, null where it has none, with fact_id and known_at.
 * Errors: MU_E_LIMIT, MU_E_NOMEM. */
enum mu_status statement_document_write(enum statement_kind kind, const struct record *record,
                                        const struct statement_made *made, struct mu_buf *out,
                                        struct mu_error *err) MU_MUST_CHECK;

#endif
