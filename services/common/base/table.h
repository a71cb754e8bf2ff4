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
/* `cells` holds column_count texts; NULL prints as "-" and as JSON null. */
void mu_table_row(struct mu_table *table, const char *const *cells);
size_t mu_table_row_count(const struct mu_table *table);

/*
 * `width` in columns; 0 asks the terminal and falls back to no limit. When rows are wider, times
 * go without their fractions, then the widest columns are shortened in the middle with "..". Where
 * that would leave too little of them to be read, each row is printed as a block of lines instead,
 * a known cell on each.
 */
void mu_table_print(const struct mu_table *table, enum mu_format format, size_t width, FILE *out);

MU_DEFINE_AUTO(table, struct mu_table, mu_table_free)

#endif
