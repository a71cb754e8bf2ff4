/*
 * text: small operations on text from outside, given as (pointer, length) or as a
 * NUL-terminated string, and the encodings that every part needs.
 */
#ifndef MU_BASE_TEXT_H
#define MU_BASE_TEXT_H

#include "base/buf.h"
#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

bool mu_text_equal(const char *a, const char *b); /* NULL equals only NULL */
bool mu_text_starts(const char *text, const char *prefix);
bool mu_text_ends(const char *text, const char *suffix);

/* Compares secrets in time that depends only on the lengths. */
bool mu_secret_equal(const char *secret, size_t secret_len, const char *given, size_t given_len);

/* Decimal, whole string, no sign, no spaces. Errors: MU_E_INVALID naming `what`. */
enum mu_status mu_text_to_u64(const char *text, const char *what, uint64_t *ret_value,
                              struct mu_error *err) MU_MUST_CHECK;

enum { MU_NUMBER_TEXT_SIZE = 24 };
/* Decimal; gives the length. printf takes ten times as long. */
size_t mu_text_of_number(int64_t number, char ret_text[MU_NUMBER_TEXT_SIZE]);

bool mu_utf8_valid(const char *bytes, size_t len);
/* Replaces each byte that belongs to no UTF-8 sequence (RFC 3629) by '?'. */
void mu_utf8_clean(char *text);
size_t mu_utf8_count(const char *bytes, size_t len); /* characters of valid UTF-8 */
/* Writes a code point of at most U+FFFF that is no surrogate; gives where its one to three bytes
 * end. */
char *mu_utf8_put(char *out, unsigned code);

/* The bytes as a JSON string with its quotes; what is not UTF-8 becomes '?'. */
void mu_text_to_json(const char *bytes, size_t len, struct mu_buf *out);

/* For paths, queries and forms: what is neither unreserved (RFC 3986 section 2.3) nor one of `also`
 * becomes %XX. */
void mu_text_percent(const char *text, const char *also, struct mu_buf *out);

void mu_hex_encode(const uint8_t *bytes, size_t len, char *ret_text); /* 2*len + NUL, lower case */
/* Of two digits, lower or upper case; negative: they are none. What follows a NUL is not read. */
int mu_hex_byte(const char *text);
/* Strict lower or upper case hex of exactly 2*len digits. */
bool mu_hex_decode(const char *text, size_t text_len, uint8_t *ret_bytes, size_t len);

/* Standard alphabet with padding (RFC 4648 section 4). */
void mu_base64_encode(const void *bytes, size_t len, struct mu_buf *out);
/* Standard alphabet with padding. Errors: MU_E_INVALID; MU_E_LIMIT from `out`. */
enum mu_status mu_base64_decode(const char *text, size_t len, struct mu_buf *out,
                                struct mu_error *err) MU_MUST_CHECK;

#endif
