/*
 * cell_text: text as it stands in the XML of a cell, and back. XML 1.0 cannot hold control
 * characters, so spreadsheets write them as _xHHHH_; a text that looks like such an escape has its
 * first underscore escaped. What is encoded here decodes to the same bytes.
 *
 * Source: ECMA-376 part 1, section 22.4.2.4 (bstr).
 */
#ifndef REPORT_CELL_TEXT_H
#define REPORT_CELL_TEXT_H

#include "base/buf.h"

#include <stdbool.h>
#include <stddef.h>

/* Appends the encoded text to `out`; `text` is UTF-8. */
void cell_text_encode(const char *text, struct mu_buf *out);

/* In place: the text never grows. Escapes of NUL and of surrogates stay as they are. */
void cell_text_decode(char *text);

/* Length as spreadsheets count it: UTF-16 code units. */
size_t cell_text_length(const char *text);

/* Whether a spreadsheet would run the text as a formula once somebody types or pastes it
 * (=, +, -, @, tab or carriage return in front). */
bool cell_text_is_runnable(const char *text);

#endif
