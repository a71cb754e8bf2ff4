/*
 * list: what inventory can list, in one table that the HTTP API, CSV and the commands share: each
 * list's columns, what it can be narrowed by, and its query.
 *
 * Every query takes $1 valid at, $2 known at, $3 the key after which to go on (NULL: from the
 * beginning), $4 the most rows, and from $5 on its filters (NULL: not narrowed); it gives the
 * columns in their order and then the row's key.
 */
#ifndef INVENTORY_LIST_H
#define INVENTORY_LIST_H

#include "query/instants.h"
#include "query/queries.h"

#include "base/buf.h"

#include <stdbool.h>
#include <stddef.h>

enum {
    LIST_MAX_COLUMNS = 22,
    LIST_MAX_FILTERS = 8,
    LIST_FIRST_FILTER = 4, /* of the parameters before it */
    LIST_MAX_PARAMETERS = LIST_FIRST_FILTER + LIST_MAX_FILTERS,
    LIST_MAX_ROWS = 1000,
    LIST_DEFAULT_ROWS = 100,
    LIST_TEXT_MAX_CHARACTERS = 512, /* of a filter's value */
    LIST_TEXT_MAX_BYTES = LIST_TEXT_MAX_CHARACTERS * 4
};

enum list_type { LIST_TEXT, LIST_INT, LIST_BOOL, LIST_TIME, LIST_JSON };

struct list_column {
    const char *name;
    enum list_type type;
};

enum list_filter_type { FILTER_TEXT, FILTER_WORD, FILTER_TIME, FILTER_BOOL, FILTER_COUNT };

enum list_filter_flag { FILTER_REQUIRED = 1 << 0 };

struct list_filter {
    const char *name;
    enum list_filter_type type;
    unsigned flags;
    const char *const *words; /* FILTER_WORD: ends with NULL */
};

struct list {
    const char *name; /* "assets" */
    enum inventory_query query;
    bool timed;             /* asked of an instant, as known at an instant */
    const char *valid_name; /* of the parameter that is the first of them: "valid_at" */
    const struct list_column *columns;
    size_t column_count;
    size_t short_columns; /* how many of the first go to a terminal */
    const struct list_filter *filters;
    size_t filter_count;
};

enum list_id {
    LIST_ASSETS,
    LIST_INSTANCES,
    LIST_COVERAGE,
    LIST_TOTALS,
    LIST_HISTORY,
    LIST_WHOWAS,
    LIST_SOURCES,
    LIST_FAILURES,
    LIST_FINDINGS,
    LIST_VULNERABILITIES,
    LIST_VULNERABILITY_COUNTS,
    LIST_DIFF,
    LIST_SAMPLE,
    LIST_LEDGER,
    LIST_AUDIT,
    LIST_APPROVALS,
    LIST_DECISIONS,
    LIST_GATE_DECISIONS,
    LIST_DEVIATIONS,
    LIST_HARDENING,
    LIST_EXPOSURES,
    LIST_SSVC,
    LIST_EXCLUSIONS,
    LIST_MOVES,
    LIST_COUNT
};

extern const struct list inventory_lists[LIST_COUNT];

/*
 * Checks a filter's value and gives it as the text for the database in `ret_text` (of
 * LIST_TEXT_MAX_BYTES + 1): times in UTC. Errors: MU_E_INVALID, beginning with `label`.
 */
enum mu_status list_filter_value(const struct list_filter *filter, const char *label,
                                 const char *value, char ret_text[LIST_TEXT_MAX_BYTES + 1],
                                 struct mu_error *err) MU_MUST_CHECK;

/* A row as a JSON object; as a line of CSV, with the line of names before the first one. Failure
 * sticks to the buffer. */
void list_write_json(const struct list *list, const struct mu_pg_result *rows, size_t row,
                     struct mu_buf *out);
void list_write_csv_names(const struct list *list, struct mu_buf *out);
void list_write_csv(const struct list *list, const struct mu_pg_result *rows, size_t row,
                    struct mu_buf *out);
/* One cell as people read it; NULL when it is not known. `ret_time` is where a time is written. */
const char *list_cell(const struct list *list, const struct mu_pg_result *rows, size_t row,
                      size_t column, char ret_time[QUERY_TIME_SIZE]);

/* An instant as RFC 3339 writes it, in UTC; `name` is for the error. Errors: MU_E_INVALID. */
enum mu_status list_instant(const char *name, const char *value, char ret_text[QUERY_TIME_SIZE],
                            struct mu_error *err) MU_MUST_CHECK;

#endif
