/*
 * table: rows for people (columns that fit the terminal) or for programs
 * (--format json: an array of objects keyed by column name).
 *
 * Threads: one at a time per table. All text is copied.
 */
#ifndef MU_BASE_TABLE_H
#define MU_BASE_TABLE_H

#include "base/error.h"
#include "base/scope.h"

#include <stddef.h>
#include <stdio.h>

enum mu_format { MU_FORMAT_TEXT, MU_FORMAT_JSON };

enum mu_status mu_format_parse(const char *name, enum mu_format *ret_format,
                               struct mu_error *err) MU_MUST_CHECK;

struct mu_table;

/* `columns` are JSON keys ("asset_id"); the heading shows them upper case with spaces. */
struct mu_table *mu_table_new(const char *const *columns, size_t column_count);
void mu_table_free(struct mu_table *table); /* NULL is fine */
/* Before the first row: only the last `count` (> 0) rows are kept. */
void mu_table_keep_last(struct mu_table *table, size_t count);
/* `cells` holds column_count texts; NULL prints as "-" and as JSON null. */
void mu_table_row(struct mu_table *table, const char *const *cells);
/* How many were given, kept or not. */
size_t mu_table_row_count(const struct mu_table *table);

/*
 * `width` in columns; 0 asks the terminal and falls back to no limit. When rows are wider, times
 * go without their fractions, then the widest columns are shortened in the middle with "..". Where
 * that would leave too little of them to be read, each row is printed as a block of lines instead,
 * a known cell on each.
 */
void mu_table_print(const struct mu_table *table, enum mu_format format, size_t width, FILE *out);

/*
 * For rows without end, before the first of them: they are printed to `out` as they come, a
 * thousand at a time, and not kept. Columns have the width that the first thousand need; a longer
 * cell behind those is shortened on a terminal and printed whole elsewhere. mu_table_end prints
 * what is left; until then nothing was printed of a table with fewer rows.
 */
void mu_table_begin(struct mu_table *table, enum mu_format format, size_t width, FILE *out);
void mu_table_end(struct mu_table *table);

MU_DEFINE_AUTO(table, struct mu_table, mu_table_free)

#endif
