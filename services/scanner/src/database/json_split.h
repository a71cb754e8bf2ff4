/*
 * json_split: objects out of a large JSON document as it comes, without holding the document.
 *
 * Hands over each object or array that lies `depth` containers deep, as bytes, with the members'
 * names that lead to it ("" where the container is an array). Everything else is passed over; it
 * is checked only so far that its brackets and quotes fit.
 *
 * Threads: one at a time. Trust: hostile; the largest value and the nesting are bounded.
 */
#ifndef SCANNER_DATABASE_JSON_SPLIT_H
#define SCANNER_DATABASE_JSON_SPLIT_H

#include "base/buf.h"
#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

enum { JSON_SPLIT_MAX_DEPTH = 2, JSON_SPLIT_KEY_SIZE = 513, JSON_SPLIT_NESTING_MAX = 64 };

typedef enum mu_status json_value_fn(void *opaque, const char *const *keys, const char *json,
                                     size_t len, struct mu_error *err);

struct json_split {
    unsigned depth;
    json_value_fn *on_value;
    void *opaque;

    struct mu_buf value;
    char keys[JSON_SPLIT_MAX_DEPTH][JSON_SPLIT_KEY_SIZE];
    char text[JSON_SPLIT_KEY_SIZE]; /* the last string, which may turn out to be a key */
    size_t text_len;
    char closers[JSON_SPLIT_NESTING_MAX];
    unsigned level;       /* containers open */
    unsigned value_level; /* level that the value being kept began at; 0: none */
    bool in_text, escaped, begun;
};

void json_split_init(struct json_split *split, unsigned depth, size_t max_value_bytes,
                     json_value_fn *on_value, void *opaque);
void json_split_done(struct json_split *split);
/* Errors: MU_E_INVALID, MU_E_LIMIT, or what on_value returned; then only done. */
enum mu_status json_split_feed(struct json_split *split, const char *bytes, size_t len,
                               struct mu_error *err) MU_MUST_CHECK;
/* Errors: MU_E_INVALID: the document is cut off. */
enum mu_status json_split_end(const struct json_split *split, struct mu_error *err) MU_MUST_CHECK;

#endif
