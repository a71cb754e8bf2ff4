/*
 * json_plain: reads documents as machines write them, several times faster than jansson's
 * character-wise reader, into jansson's values.
 *
 * It only ever says yes or "ask jansson": NULL is no verdict. Left to jansson are errors of any
 * kind, fractions, numbers of more than 18 digits, escapes of NUL and of pairs of surrogates, and
 * nesting beyond `max_depth`. What it does read is exactly what jansson reads.
 *
 * Trust: input is hostile. Internal to common/json.
 */
#ifndef MU_JSON_PLAIN_H
#define MU_JSON_PLAIN_H

#include <jansson.h>
#include <stddef.h>

/* `bytes` are UTF-8. New reference, or NULL. */
json_t *json_read_plain(const char *bytes, size_t len, unsigned max_depth);

#endif
