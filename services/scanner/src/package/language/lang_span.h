/*
 * lang_span: a piece of text within bytes that somebody else owns, and the few questions that
 * readers of metadata ask of it. Letters are compared as ASCII.
 *
 * Threads: none held. Ownership: borrowed, always. Trust: any bytes, also NUL.
 */
#ifndef SCANNER_PACKAGE_LANGUAGE_LANG_SPAN_H
#define SCANNER_PACKAGE_LANGUAGE_LANG_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct lang_span {
    const char *text; /* not NUL-terminated; NULL only when len is 0 */
    size_t len;
};

struct lang_span lang_span_of(const char *text); /* NULL: empty */
struct lang_span lang_bytes(const uint8_t *bytes, size_t len);

bool lang_is(struct lang_span span, const char *word);
bool lang_is_folded(struct lang_span span, const char *word); /* A is a */
bool lang_same(struct lang_span a, struct lang_span b);
bool lang_starts(struct lang_span span, const char *prefix);
bool lang_ends(struct lang_span span, const char *suffix);
bool lang_ends_folded(struct lang_span span, const char *suffix);
bool lang_has(struct lang_span span, const char *needle);

/* The last byte, NUL for none: what most files are turned away by. */
static inline char lang_last(struct lang_span span)
{
    return span.len > 0 ? span.text[span.len - 1] : '\0';
}

bool lang_digit(char c);
bool lang_alpha(char c);

/* The first `len` bytes, and what is behind them; both clamp. */
struct lang_span lang_head(struct lang_span span, size_t len);
struct lang_span lang_tail(struct lang_span span, size_t from);
struct lang_span lang_trim(struct lang_span span); /* without blanks, tabs, CR, LF at both ends */

/* Takes the text before the first `end`, and the `end` too; all when there is none. */
struct lang_span lang_take_until(struct lang_span *rest, char end);
/* Takes a line without its LF or CRLF. False when nothing is left. */
bool lang_take_line(struct lang_span *rest, struct lang_span *ret_line);
/* The offset of the first `c`, or len. */
size_t lang_find(struct lang_span span, char c);

/* A path's last name, and the path before it without '/'. */
struct lang_span lang_path_base(struct lang_span path);
struct lang_span lang_path_parent(struct lang_span path);

#endif
