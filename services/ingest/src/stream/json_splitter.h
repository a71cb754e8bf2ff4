/*
 * json_splitter: bytes as they come, out by whole JSON documents, however the sender parts them: by
 * newlines, by nothing at all (older Docker engines), or by record separators (RFC 7464).
 *
 * Only braces, brackets and strings are followed; whether a document is JSON is for its reader to
 * say. What stands outside of any bracket is handed over line by line. A record separator ends
 * what was begun, so that a torn document does not swallow those behind it.
 *
 * Trust: hostile; one document is bounded.
 */
#ifndef INGEST_JSON_SPLITTER_H
#define INGEST_JSON_SPLITTER_H

#include "base/buf.h"

#include <stdbool.h>

/* `document` is NUL-terminated. A failure ends the feeding and is returned. */
typedef enum mu_status json_splitter_fn(void *opaque, const char *document, size_t len,
                                        struct mu_error *err);

struct json_splitter {
    struct mu_buf partial;
    unsigned depth;
    bool in_text, escaped;
    json_splitter_fn *each;
    void *opaque;
};

void json_splitter_init(struct json_splitter *splitter, size_t max_document_bytes,
                        json_splitter_fn *each, void *opaque);
void json_splitter_done(struct json_splitter *splitter);
/* Errors: MU_E_LIMIT, or what `each` returned. */
enum mu_status json_splitter_feed(struct json_splitter *splitter, const void *bytes, size_t len,
                                  struct mu_error *err) MU_MUST_CHECK;

#endif
