/*
 * csv_reader: the rows of a CSV file as RFC 4180 has it (comma, quotes doubled inside
 * quotes, line feeds allowed there; lines end with LF or CRLF), one at a time.
 *
 * Trust: hostile. Columns and bytes of a row are bounded; NUL bytes are refused.
 */
#ifndef REPORT_CSV_READER_H
#define REPORT_CSV_READER_H

#include "base/error.h"

#include <stddef.h>
#include <stdio.h>

enum { CSV_MAX_COLUMNS = 64, CSV_MAX_ROW_BYTES = 1024 * 1024 };

/* `row` counts from 1. Fields are borrowed during the call; a failure ends the reading. */
typedef enum mu_status csv_row_fn(void *opaque, size_t row, const char *const *fields, size_t count,
                                  struct mu_error *err);

/* Errors: MU_E_INVALID (a quote or carriage return out of place, NUL, torn inside quotes),
 * MU_E_LIMIT, MU_E_UNAVAILABLE (read), or what `each` returned. */
enum mu_status csv_read(FILE *in, csv_row_fn *each, void *opaque,
                        struct mu_error *err) MU_MUST_CHECK;

#endif
