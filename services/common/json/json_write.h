/*
 * json_write: the canonical form of values, appended to a buffer: what jansson writes with
 * JSON_COMPACT and JSON_SORT_KEYS, byte for byte. Internal to common/json.
 *
 * Failure sticks to the buffer (buf.h).
 */
#ifndef MU_JSON_WRITE_H
#define MU_JSON_WRITE_H

#include "base/buf.h"

#include <stdint.h>

/* How many characters at `text` stand for themselves in JSON: no control, quote or backslash. */
size_t json_plain_length(const char *text, size_t len);
/* In quotes; escaped is only what has to be. `text` is UTF-8. */
void json_write_text(struct mu_buf *out, const char *text, size_t len);
void json_write_int(struct mu_buf *out, int64_t number);

#endif
