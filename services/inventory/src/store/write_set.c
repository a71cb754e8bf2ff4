#include "store/write_set.h"

#include "store/copied_rows.h"
#include "store/seen.h"
#include "store/tables.h"

#include "base/buf.h"
#include "base/memory.h"
#include "base/text.h"

#include <limits.h>
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
    struct copied_rows
            *copied[WRITE_COUNT]; /* of tables that are written with COPY; from the first row on */
    struct seen *seen;            /* NULL: every row is written */
    const struct trust *trust;
    int batch; /* of the two that `seen` knows; 1: the twin, whose `seen` is another's */
};

/* Rows that need not be written twice: what was written once stays. */
struct repetition {
    enum inventory_statement table;
    int columns; /* those that tell rows apart; 0: all but the event that taught it; ID(n): column n
                    has an id of them; ID_AND_WORD: the first has one, and a word of ours follows */
};
#define ID(column)  (-1 - (column))
#define ID_AND_WORD INT_MIN

static const struct repetition repetitions[] = {
        {WRITE_REPOSITORIES, 0},
        {WRITE_ASSETS, ID(0)},
        {WRITE_ASSET_DIGESTS, 2},
        {WRITE_DIGEST_FACTS, ID(1)},
        {WRITE_DIGEST_EDGES, 0},
        {WRITE_POD_FACTS, ID(2)},
        {WRITE_INSTANCES, ID(0)},
        {WRITE_INSTANCE_KINDS, ID_AND_WORD},
        {WRITE_RUN_FACTS, ID(1)},
        {WRITE_EVIDENCE_LOADS, 1},
        {WRITE_FINDING_KINDS, ID(0)},
        {WRITE_RUN_IMAGE_FACTS, ID(0)},
        {WRITE_VULNERABILITY_FACTS, ID(0)},
        {WRITE_VULNERABILITY_ALIASES, 2},
};

static size_t column_count(size_t table)
{
    const char *types = inventory_copied[table].types;

    if (types)
        return strlen(types) - (types[0] == 'k');
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
    for (size_t t = 0; t < WRITE_COUNT; t++) {
        copied_rows_free(set->copied[t]);
        for (size_t c = 0; set->tables[t].open && c < column_count(t); c++)
            mu_buf_done(&set->tables[t].arrays[c]);
    }
    if (set->batch == 0)
        seen_free(set->seen);
    free(set);
}

void write_set_remember(struct write_set *set)
{
    if (!set->seen)
        set->seen = seen_new();
}

struct write_set *write_set_twin(struct write_set *set)
{
    struct write_set *twin = write_set_new();

    twin->seen = set->seen;
    twin->batch = 1;
    return twin;
}

void write_set_keep(struct write_set *set)
{
    if (set->seen)
        seen_keep(set->seen, set->batch);
}

void write_set_drop(struct write_set *set)
{
    if (set->seen)
        seen_drop(set->seen);
}

void write_set_forget(struct write_set *set)
{
    if (set->seen)
        seen_forget(set->seen);
}

void write_set_trust(struct write_set *set, const struct trust *trust)
{
    set->trust = trust;
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

static bool was_row_seen(const struct write_set *set, const struct repetition *repetition,
                         const char *const *values)
{
    size_t table = (size_t)repetition->table;
    struct seen *seen = set->seen;
    int batch = set->batch;

    if (repetition->columns == ID_AND_WORD)
        return seen_before_id(seen, batch, table, values[0], values[1]);
    if (repetition->columns < 0)
        return seen_before_id(seen, batch, table, values[-1 - repetition->columns], NULL);
    if (repetition->columns > 0)
        return seen_before(seen, batch, table, values, (size_t)repetition->columns, SIZE_MAX);
    return seen_before(seen, batch, table, values, column_count(table),
                       event_column(repetition->table));
}

static bool was_written(struct write_set *set, enum inventory_statement table,
                        const char *const *values)
{
    static const size_t count = sizeof(repetitions) / sizeof(repetitions[0]);

    for (size_t i = 0; set->seen && i < count; i++)
        if (repetitions[i].table == table)
            return was_row_seen(set, &repetitions[i], values);
    return false;
}

static void table_reset(struct write_set *set, size_t index)
{
    struct column_set *table = &set->tables[index];

    for (size_t c = 0; table->open && c < column_count(index); c++)
        mu_buf_reset(&table->arrays[c]);
    table->rows = 0;
    if (set->copied[index])
        copied_rows_reset(set->copied[index]);
}

void write_set_reset(struct write_set *set)
{
    for (size_t t = 0; t < WRITE_COUNT; t++)
        table_reset(set, t);
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

bool write_set_add(struct write_set *set, enum inventory_statement table, const char *const *values)
{
    struct column_set *rows = &set->tables[table];
    size_t columns = column_count((size_t)table);

    if (was_written(set, table, values))
        return false;
    if (inventory_copied[table].table) {
        if (!set->copied[table])
            set->copied[table] = copied_rows_new(table);
        copied_rows_add(set->copied[table], values);
        return true;
    }
    if (rows->rows == 0)
        table_begin(rows, columns);
    for (size_t c = 0; c < columns; c++)
        mu_pg_array_add(&rows->arrays[c], values[c]);
    rows->rows++;
    return true;
}

void write_set_note(struct write_set *set, enum inventory_statement table,
                    const char *const *values)
{
    (void)was_written(set, table, values);
}

bool write_set_said(struct write_set *set, enum inventory_statement table, const char *id,
                    const char *word)
{
    return set->seen && seen_before_id(set->seen, set->batch, (size_t)table, id, word);
}

size_t write_set_rows(const struct write_set *set, enum inventory_statement table)
{
    return set->copied[table] ? copied_rows_count(set->copied[table]) : set->tables[table].rows;
}

/* A name that an asset got is looked at behind all facts (JOBS_REOPEN). */
static void name_added(void *opaque, const char *const *keys)
{
    (void)write_set_add(opaque, WRITE_NAMES_ADDED, keys);
}

static enum mu_status columns_queue(struct write_set *set, size_t index, struct mu_pg *pg,
                                    const char *known_at, struct mu_error *err)
{
    struct column_set *table = &set->tables[index];
    const char *values[COLUMNS_MAX + 1] = {known_at};
    enum mu_status st;

    for (size_t c = 0; c < column_count(index); c++) {
        mu_pg_array_end(&table->arrays[c]);
        st = mu_buf_status(&table->arrays[c], inventory_statements[index].name, err);
        if (st != MU_OK)
            return st;
        values[c + 1] = table->arrays[c].data;
    }
    return mu_pg_queue(pg, (int)index, values, err);
}

static enum mu_status table_queue(struct write_set *set, size_t index, struct mu_pg *pg,
                                  const char *known_at, struct mu_error *err)
{
    enum mu_status st =
            set->copied[index]
                    ? copied_rows_send(set->copied[index], pg, known_at,
                                       trust_in(set->trust, (enum inventory_statement)index),
                                       index == WRITE_ASSET_DIGESTS ? name_added : NULL, set, err)
                    : columns_queue(set, index, pg, known_at, err);

    table_reset(set, index);
    return st;
}

/* `derived`: only tables of that kind; the others are emptied. */
static enum mu_status queue(struct write_set *set, struct mu_pg *pg, const char *known_at,
                            bool derived, struct mu_error *err)
{
    for (size_t t = 0; t < WRITE_COUNT; t++) {
        enum mu_status st;

        if (write_set_rows(set, (enum inventory_statement)t) == 0)
            continue;
        if (derived && !inventory_write_is_derived((enum inventory_statement)t)) {
            table_reset(set, t);
            continue;
        }
        st = table_queue(set, t, pg, known_at, err);
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
