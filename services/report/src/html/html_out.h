/*
 * html_out: a page written as a stream, and the one place where text becomes HTML.
 *
 * Text from outside goes through html_text and html_attribute only: markup is escaped, bytes that
 * are no UTF-8 become U+FFFD, and what is invisible or turns text around (control characters, marks
 * of direction, zero-width ones) is written as [U+202E]. SVG is HTML here and needs no more.
 *
 * Threads: one at a time per page. Errors: those of writing show at the end, in html_close.
 */
#ifndef REPORT_HTML_OUT_H
#define REPORT_HTML_OUT_H

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum { HTML_TEXT_MAX_BYTES = 600 };

struct html {
    FILE *file;
    const char *path; /* the caller's, for messages */
};

/* A new file, not yet durable. Errors: MU_E_UNAVAILABLE. */
enum mu_status html_open(const char *path, struct html *ret_html,
                         struct mu_error *err) MU_MUST_CHECK;
/* Errors: MU_E_UNAVAILABLE, also of what was written before. */
enum mu_status html_close(struct html *html, struct mu_error *err) MU_MUST_CHECK;
void html_done(struct html *html); /* zeroed is fine */

/* Markup of ours, as it is. */
void html_put(struct html *html, const char *markup);
/* The same; arguments are numbers and texts of ours, never of others. */
void html_putf(struct html *html, const char *fmt, ...) MU_PRINTF(2, 3);

/* Text of anybody; NULL writes nothing. Longer than HTML_TEXT_MAX_BYTES it is cut, with an
 * ellipsis. A line feed becomes a line break. */
void html_text(struct html *html, const char *text);
/* The same inside a quoted attribute, where a line feed becomes a blank. */
void html_attribute(struct html *html, const char *text);
/* An id made of anybody's text: letters, digits, dots, hyphens; other bytes as _XX. */
void html_id(struct html *html, const char *prefix, const char *text);
/* 1,234,567 whatever the locale; NUMBERS_UNKNOWN is "not known". */
void html_number(struct html *html, int64_t number);
/* The day of an RFC 3339 time, with the exact time in its element; NULL writes a dash. */
void html_day(struct html *html, const char *time);

#endif
