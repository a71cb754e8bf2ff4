/*
 * summary_bytes: numbers and texts in a row of bytes, as layer summaries hold them.
 *
 * Numbers are LEB128 without sign (seven bits a byte, lowest first); a text is its length and its
 * bytes. Threads: one at a time per object. Trust: what is read is hostile; a reader that met
 * something wrong stays `bad` and gives zeros and empty texts from then on.
 */
#ifndef SCANNER_LAYER_SUMMARY_BYTES_H
#define SCANNER_LAYER_SUMMARY_BYTES_H

#include "base/buf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

void summary_put_number(struct mu_buf *out, uint64_t value);
void summary_put_text(struct mu_buf *out, const char *text, size_t len);

struct summary_reader {
    const uint8_t *at, *end;
    bool bad;
};

struct summary_text {
    const char *text; /* borrowed, not NUL-terminated */
    size_t len;
};

uint64_t summary_get_number(struct summary_reader *reader);
struct summary_text summary_get_text(struct summary_reader *reader);
uint64_t summary_get_word(struct summary_reader *reader); /* eight bytes as they are */

#endif
