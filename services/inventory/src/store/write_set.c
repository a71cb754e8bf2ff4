#include "store/write_set.h"

#include "store/seen.h"
#include "store/tables.h"

#include "base/buf.h"
#include "base/memory.h"
#include "base/text.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { COLUMNS_MAX = 26 };

struct column_set {
    size_t rows;
    struct mu_buf arrays[COLUMNS_MAX]; /* those of the table are initialised with the first row */
    bool open;
};

struct write_set {
    struct column_set tables[WRITE_COUNT];
    struct seen *seen; /* NULL: every row is written */
};

/* Tables of which the same is said again and again; to write a row twice changes nothing. */
static const enum inventory_statement repetitive[] = {
        WRITE_REPOSITORIES, WRITE_ASSETS,    WRITE_ASSET_DIGESTS, WRITE_DIGEST_FACTS,
        WRITE_DIGEST_EDGES, WRITE_POD_FACTS, WRITE_INSTANCES,     WRITE_RUN_FACTS,
};

static size_t column_count(size_t table)
{
    return (size_t)inventory_statements[table].parameter_count - 1; /* without the known time */
}

struct write_set *write_set_new(void)
{
    return mu_xcalloc(1, sizeof(struct write_set));
}

void write_set_free(struct write_set *set)
{
    if (set == NULL)
        return;
    for (size_t t = 0; t < WRITE_COUNT; t++)
        for (size_t c = 0; set->tables[t].open && c < column_count(t); c++)
            mu_buf_done(&set->tables[t].arrays[c]);
    seen_free(set->seen);
    free(set);
}

void write_set_remember(struct write_set *set)
{
    if (!set->seen)
        set->seen = seen_new();
}

void write_set_forget(struct write_set *set)
{
    if (set->seen)
        seen_forget(set->seen);
}

/* Place of event_id in "INSERT INTO t (a, b, event_id, ...": who taught a fact is no part of it. */
static size_t event_column(enum inventory_statement table)
{
    const char *at = strchr(strstr(inventory_statements[table].sql, "INSERT INTO "), '('), *end;
    size_t column = 0;

    for (end = strchr(at, ')'); at < end; column++) {
        at += strspn(at, "( ,");
        if (mu_text_starts(at, "event_id"))
            return column;
        at += strcspn(at, ",)");
    }
    return SIZE_MAX;
}

static bool was_written(struct write_set *set, enum inventory_statement table,
                        const char *const *values)
{
    static const size_t count = sizeof(repetitive) / sizeof(repetitive[0]);

    for (size_t i = 0; set->seen && i < count; i++)
        if (repetitive[i] == table)
            return seen_before(set->seen, (size_t)table, values, column_count((size_t)table),
                               event_column(table));
    return false;
}

static void table_reset(struct column_set *table, size_t columns)
{
    for (size_t c = 0; table->open && c < columns; c++)
        mu_buf_reset(&table->arrays[c]);
    table->rows = 0;
}

void write_set_reset(struct write_set *set)
{
    for (size_t t = 0; t < WRITE_COUNT; t++)
        table_reset(&set->tables[t], column_count(t));
}

static void table_begin(struct column_set *table, size_t columns)
{
    for (size_t c = 0; c < columns; c++) {
        if (!table->open)
            mu_buf_init(&table->arrays[c], WRITE_SET_COLUMN_MAX_BYTES);
        mu_pg_array_begin(&table->arrays[c]);
    }
    table->open = true;
}

void write_set_add(struct write_set *set, enum inventory_statement table, const char *const *values)
{
    struct column_set *rows = &set->tables[table];
    size_t columns = column_count((size_t)table);

    if (was_written(set, table, values))
        return;
    if (rows->rows == 0)
        table_begin(rows, columns);
    for (size_t c = 0; c < columns; c++)
        mu_pg_array_add(&rows->arrays[c], values[c]);
    rows->rows++;
}

size_t write_set_rows(const struct write_set *set, enum inventory_statement table)
{
    return set->tables[table].rows;
}

static enum mu_status table_queue(struct column_set *table, size_t index, struct mu_pg *pg,
                                  const char *known_at, struct mu_error *err)
{
    const char *values[COLUMNS_MAX + 1] = {known_at};
    size_t columns = column_count(index);
    enum mu_status st;

    for (size_t c = 0; c < columns; c++) {
        mu_pg_array_end(&table->arrays[c]);
        st = mu_buf_status(&table->arrays[c], inventory_statements[index].name, err);
        if (st != MU_OK)
            return st;
        values[c + 1] = table->arrays[c].data;
    }
    st = mu_pg_queue(pg, (int)index, values, err);
    table_reset(table, columns);
    return st;
}

/* `derived`: only tables of that kind; the others are emptied. */
static enum mu_status queue(struct write_set *set, struct mu_pg *pg, const char *known_at,
                            bool derived, struct mu_error *err)
{
    for (size_t t = 0; t < WRITE_COUNT; t++) {
        enum mu_status st;

        if (set->tables[t].rows == 0)
            continue;
        if (derived && !inventory_write_is_derived((enum inventory_statement)t)) {
            table_reset(&set->tables[t], column_count(t));
            continue;
        }
        st = table_queue(&set->tables[t], t, pg, known_at, err);
        if (st != MU_OK)
            return st;
    }
    return MU_OK;
}

enum mu_status write_set_queue(struct write_set *set, struct mu_pg *pg, const char *known_at,
                               struct mu_error *err)
{
    return queue(set, pg, known_at, false, err);
}

enum mu_status write_set_queue_derived(struct write_set *set, struct mu_pg *pg,
                                       const char *known_at, struct mu_error *err)
{
    return queue(set, pg, known_at, true, err);
}
