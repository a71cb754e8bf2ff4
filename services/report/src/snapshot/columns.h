/*
 * columns: the members of a snapshot's rows in the order of their columns, for what reads them from
 * PostgreSQL and what keeps them. Not for others.
 */
#ifndef REPORT_SNAPSHOT_COLUMNS_H
#define REPORT_SNAPSHOT_COLUMNS_H

#include "snapshot/snapshot.h"

enum value_type {
    VALUE_TEXT,  /* const char * */
    VALUE_TIME,  /* const char *, RFC 3339 */
    VALUE_NUMBER /* int64_t */
};

struct column {
    const char *name;
    enum value_type type;
    size_t offset;
};

enum { COLUMNS_MAX = 40 };

struct row_kind {
    const char *table;
    const struct column *columns;
    size_t column_count, row_size;
};

extern const struct row_kind row_kinds[SNAPSHOT_ROWS_COUNT];

union any_row {
    struct inventory_row inventory;
    struct instance_row instance;
    struct target_row target;
    struct total_row total;
    struct original_row original;
    struct finding_row finding;
    struct closed_finding_row closed;
    struct deviation_row deviation;
    struct failure_row failure;
    struct description_row description;
    struct issue_row issue;
    struct scan_row scan;
};

#endif
