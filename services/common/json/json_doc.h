/*
 * json_doc: reads hostile JSON with limits, and gives the one place that owns how
 * Muster parses and prints JSON (jansson underneath).
 *
 * Parsing checks, in this order: size against `max_bytes`, nesting depth (a linear
 * pre-pass, no recursion), UTF-8, then jansson with duplicate keys rejected. The
 * error says what is wrong and at which line and column. What is plain (json_plain.h)
 * is read without all that, and gives the same.
 *
 * Printing is canonical: keys sorted, no spaces, so equal values give equal bytes.
 */
#ifndef MU_JSON_DOC_H
#define MU_JSON_DOC_H

#include "base/buf.h"
#include "base/error.h"
#include "base/scope.h"

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

struct mu_json_limits {
    size_t max_bytes;
    unsigned max_depth;
};

/* For messages and webhooks. */
extern const struct mu_json_limits mu_json_message_limits; /* 1 MiB, depth 32 */

/* New reference in `ret_root`. Errors: MU_E_INVALID, MU_E_LIMIT. */
enum mu_status mu_json_parse(const char *bytes, size_t len, const struct mu_json_limits *limits,
                             json_t **ret_root, struct mu_error *err) MU_MUST_CHECK;

/* Sooner than json_decref, for a document that was only read and whose values nobody else holds. */
void mu_json_drop(json_t *root);
MU_DEFINE_AUTO(json_document, json_t, mu_json_drop)

/*
 * The same for what strangers wrote in many bytes: `max_values` bounds the tree's memory, some 250
 * bytes each at worst, which is thirty times the text of `[[],[],..]`. Errors: the same.
 */
enum mu_status mu_json_parse_bounded(const char *bytes, size_t len,
                                     const struct mu_json_limits *limits, size_t max_values,
                                     json_t **ret_root, struct mu_error *err) MU_MUST_CHECK;

/*
 * The same for files that other programs wrote for themselves (package.json): a byte order mark is
 * skipped, of equal keys the last counts, bytes that are no UTF-8 become '?'. Errors: MU_E_INVALID,
 * MU_E_LIMIT, MU_E_NOMEM.
 */
enum mu_status mu_json_parse_foreign(const char *bytes, size_t len,
                                     const struct mu_json_limits *limits, size_t max_values,
                                     json_t **ret_root, struct mu_error *err) MU_MUST_CHECK;

/* Errors: MU_E_LIMIT from the buffer. */
enum mu_status mu_json_print(const json_t *root, struct mu_buf *out,
                             struct mu_error *err) MU_MUST_CHECK;

/*
 * Text at a dotted path ("target.repository", "events.0.id"), or NULL when absent or
 * null or not a string. Borrowed from `root`.
 */
const char *mu_json_text_at(const json_t *root, const char *path);
const json_t *mu_json_at(const json_t *root, const char *path);

#endif
