/*
 * form: a form of several sheets as FedRAMP publishes them, described once for its two writers:
 * form_write (a new workbook) and template_fill (the official file, filled).
 *
 * A sheet has fixed texts, fields (a label, its value one row below), and a table whose rows come
 * from a reader, one at a time. Rows and columns count from 0.
 */
#ifndef REPORT_WORKBOOK_FORM_H
#define REPORT_WORKBOOK_FORM_H

#include "base/buf.h"
#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    FORM_MAX_COLUMNS = 64,
    FORM_MAX_SHEETS = 8,
    FORM_CELL_MAX = 32767, /* characters of a cell, as spreadsheets count */
    FORM_MAX_ROWS = 1048576
};

enum form_kind {
    FORM_BLANK,
    FORM_TEXT,
    FORM_NUMBER,
    FORM_DATE, /* `number` is the day as spreadsheets count */
    FORM_DUE   /* the same, calculated by the sheet's own rule where it has one */
};

struct form_cell {
    enum form_kind kind;
    const char *text;
    double number;
};

struct form_column {
    const char *header; /* exactly as the form has it */
    double width;
    enum form_kind kind; /* FORM_BLANK: people fill it, a template need not have it */
    const char *choices; /* "Yes,No": a drop-down */
    const char *note;    /* what the row below the header says; NULL: nothing */
};

struct form_fixed {
    uint32_t row, first, last; /* merged where last is beyond first */
    const char *text;
    bool bold;
    uint32_t more_rows; /* merged with as many below; then the last of its row */
};

struct form_field {
    uint32_t row, column; /* of the label */
    const char *label;
    struct form_cell value;
    uint32_t last; /* label and value are merged up to that column; 0: not */
};

/* Which columns the scheduled completion date is calculated from (see form_due_formula). */
struct form_due {
    size_t detected, original, adjusted, adjustment;
};

/* One row into `cells`, as many as the sheet has columns, blank before; they are the reader's until
 * the next call. */
typedef enum mu_status form_next_fn(void *opaque, struct form_cell *cells, bool *ret_found,
                                    struct mu_error *err);

struct form_sheet {
    const char *name;
    const struct form_fixed *fixed;
    size_t fixed_count;
    const struct form_field *fields;
    size_t field_count;
    const struct form_column *columns;
    size_t column_count;
    uint32_t first_column, header_row, data_row, freeze_row; /* freeze 0: none */
    const struct form_due *due;                              /* NULL: dates are values */
    bool zebra;
    double label_width; /* of the columns before the first; 0: none */
    bool is_own;        /* a template has it complete */
    bool has_examples;  /* a template's rows below the header are examples, to be replaced */
    form_next_fn *next; /* NULL: no rows */
    void *opaque;
};

struct form {
    const char *title; /* of the document */
    struct form_sheet sheets[FORM_MAX_SHEETS];
    size_t sheet_count;
    int64_t as_of_us; /* becomes the file's creation date */
};

/* The day as spreadsheets count it (1900 date system), of an RFC 3339 time or a date YYYY-MM-DD; 0
 * when it is neither. */
double form_day(const char *text);
double form_day_of_us(int64_t at_us);

/*
 * Days that a rating has, by the template's rule: High 30, Moderate 90, Low 180; 0 for others.
 * Source: FedRAMP POA&M Template v3.0, column Scheduled Completion Date.
 */
int form_rating_days(const char *rating);

/* The template's rule as a formula over one row: the adjusted rating counts once the adjustment is
 * approved ("Yes"). `letters` are the columns' in the order detected, original, adjusted,
 * adjustment; `row` counts from 1. */
void form_due_formula(const char *const letters[4], uint32_t row, struct mu_buf *out);

/* "AB" of 27. */
enum { FORM_LETTERS_SIZE = 4 };
void form_column_letters(size_t column, char ret_letters[FORM_LETTERS_SIZE]);

/* Height in points at which the row's texts can be read, within what spreadsheets allow. */
double form_row_height(const struct form_sheet *sheet, const struct form_cell *cells);
double form_header_height(const struct form_sheet *sheet);

/* Errors: MU_E_LIMIT (more than FORM_CELL_MAX), MU_E_INVALID (not UTF-8), naming sheet and column.
 */
enum mu_status form_check_cells(const struct form_sheet *sheet, const struct form_cell *cells,
                                struct mu_error *err) MU_MUST_CHECK;

#endif
