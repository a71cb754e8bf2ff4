/*
 * web_token: JSON web tokens (RFC 7519) with a signature.
 *
 * One counts when its header is JSON and names an algorithm, its payload is a JSON object with one
 * of the registered claims, and its signature has the length that algorithm gives. Tokens of
 * documentation (RFC 7519's "joe", jwt.io's "John Doe") do not count. Whether it has expired is not
 * asked. Source: RFC 7515 section 3.1, RFC 7518 section 3.1, RFC 8037.
 */
#ifndef SCANNER_CHECK_WEB_TOKEN_H
#define SCANNER_CHECK_WEB_TOKEN_H

#include "check/text_lines.h"

/* `at` is where "eyJ" stands. The length of the token, 0 when it is none. */
size_t web_token_length(struct text_piece text, size_t at);

#endif
