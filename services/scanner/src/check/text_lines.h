/*
 * text_lines: lines of a file and pieces of them, not copied.
 *
 * Trust: any bytes; a line ends at a newline or at the end, a carriage return before it is cut.
 */
#ifndef SCANNER_CHECK_TEXT_LINES_H
#define SCANNER_CHECK_TEXT_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct text_piece {
    const char *text; /* not NUL-terminated */
    size_t len;
};

struct text_lines {
    const char *at, *end;
    uint32_t number; /* of the line last given; 1 is the first */
};

struct text_lines text_lines_of(const void *bytes, size_t len);
bool text_lines_next(struct text_lines *lines, struct text_piece *ret_line);

bool text_piece_is(struct text_piece piece, const char *text);
bool text_piece_starts(struct text_piece piece, const char *prefix);
/* Whether `text` stands in it; ASCII letters of any case. */
bool text_piece_has(struct text_piece piece, const char *text);
struct text_piece text_piece_trimmed(struct text_piece piece); /* spaces and tabs */
/* Cuts the first word (up to a space or tab) off; empty when none is left. */
struct text_piece text_piece_word(struct text_piece *piece);

#endif
