/*
 * secret_text: what tells a real secret from a word that looks like one.
 *
 * Threads: none held. Trust: any bytes; nothing is read outside of (bytes, len).
 */
#ifndef SCANNER_CHECK_SECRET_TEXT_H
#define SCANNER_CHECK_SECRET_TEXT_H

#include "check/text_lines.h"

#include <stdbool.h>
#include <stddef.h>

/* Alphabets of tokens; a byte has the bits of all it belongs to. */
enum secret_alphabet {
    SECRET_DIGIT = 1 << 0,
    SECRET_HEX = 1 << 1,    /* lower case */
    SECRET_BASE32 = 1 << 2, /* A-Z 2-7 */
    SECRET_UPPER_ALNUM = 1 << 3,
    SECRET_ALNUM = 1 << 4,
    SECRET_WORD = 1 << 5,      /* letters, digits, _ */
    SECRET_BASE64 = 1 << 6,    /* letters, digits, + / */
    SECRET_BASE64_URL = 1 << 7 /* letters, digits, - _ */
};

/* Bytes of the alphabet from `at` on; counting ends at `max`. */
size_t secret_run(struct text_piece text, size_t at, size_t max, enum secret_alphabet alphabet);

/* Shannon entropy in bits per byte; 0 of nothing. */
double secret_entropy(struct text_piece text);

/* 36 characters: 30 random, then their CRC-32 in base 62 (0-9 A-Z a-z), as GitHub and npm make
 * them. Source: GitHub, "Behind GitHub's new authentication token formats" (2021). */
bool secret_crc62_right(struct text_piece text);

/* What people write where a secret belongs: "changeme", "<password>", "${TOKEN}", "xxxx". */
bool secret_is_placeholder(struct text_piece text);

/* A password somebody may have meant: 6 bytes or more, no blanks, no placeholder. */
bool secret_is_password(struct text_piece text);

/* user:password@ in the authority of a URL of the text, where the password may be real.
 * `ret_scheme` is from the scheme to the user. */
bool secret_url_password(struct text_piece text, struct text_piece *ret_scheme);

#endif
