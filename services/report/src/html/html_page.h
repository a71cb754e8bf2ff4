/*
 * html_page: the frame of the report: head with a policy that forbids scripts and anything from
 * elsewhere, style for screen (light, dark) and paper, sections, tables.
 */
#ifndef REPORT_HTML_PAGE_H
#define REPORT_HTML_PAGE_H

#include "html/html_out.h"

#include <stdbool.h>

/* Up to and with <body>. Errors: none of its own. */
void html_page_begin(struct html *html, const char *title);
void html_page_end(struct html *html);

/* <section> with a heading of the second level; `id` and `heading` are ours. */
void html_section(struct html *html, const char *id, const char *heading);
void html_section_end(struct html *html);

struct html_column {
    const char *heading;
    enum html_cell {
        HTML_CELL_TEXT,
        HTML_CELL_WIDE,
        HTML_CELL_NUMBER,
        HTML_CELL_CODE,
        HTML_CELL_DAY
    } cell;
};

struct html_table {
    struct html *html;
    const struct html_column *columns;
    size_t column_count, max_rows, rows, cell;
};

/* `id` and `caption` are ours. */
void html_table_begin(struct html *html, const char *id, const char *caption,
                      const struct html_column *columns, size_t column_count, size_t max_rows,
                      struct html_table *ret_table);
/* Whether there is room for one more row, which then is begun. */
bool html_row_begin(struct html_table *table);
void html_row_end(struct html_table *table);
/* Cells in the order of the columns; the first is the header of its row. Between the two calls
 * anything may be written. */
void html_cell_begin(struct html_table *table);
void html_cell_end(struct html_table *table);
void html_cell(struct html_table *table, const char *text);
void html_cell_number(struct html_table *table, int64_t number);
void html_cell_day(struct html_table *table, const char *time);
/* Ends the table and says how many of `total` rows are only in the file; an empty one says so. */
void html_table_end(struct html_table *table, int64_t total, const char *file);

/* A word in a coloured frame; what colour says, the word says too. `tone`: bad, warn, good, calm.
 */
void html_badge(struct html *html, const char *tone, const char *word);

#endif
