#include "deviation/statement_store.h"

#include "records/record_parse.h"

static const struct mu_pg_statement statements[STATEMENT_NAME_COUNT] = {
#define STATEMENT(name, parameters, sql) [STATEMENT_##name] = {#name, sql, parameters},
#include "deviation/statements.def"
#undef STATEMENT
};

enum mu_status statement_store_open(const char *conninfo, struct mu_pg **ret_pg,
                                    struct mu_error *err)
{
    return mu_pg_open(conninfo, "muster-statements", statements, STATEMENT_NAME_COUNT, ret_pg, err);
}

static enum mu_status add_one(struct mu_pg *pg, enum statement_kind kind, const char *known_at,
                              const struct record *record, char fact_id[MU_UUID_TEXT_SIZE],
                              struct mu_error *err)
{
    const struct record_kind *records = &statement_records[kind];
    const char *values[2 + RECORD_FIELDS_MAX] = {known_at};
    MU_AUTO(pg_result) struct mu_pg_result *result = NULL;

    mu_stable_id(records->name, record->values, records->field_count, fact_id);
    values[1] = fact_id;
    for (size_t i = 0; i < records->field_count; i++)
        values[2 + i] = record->values[i];
    if (mu_pg_execute(pg, STATEMENT_RECORD_DEVIATION + (int)kind, values, &result, err) != MU_OK)
        return err->status;
    if (!mu_pg_null(result, 0, 0))
        return mu_fail(err, MU_E_CONFLICT, "%s", mu_pg_text(result, 0, 0));
    return MU_OK;
}

/* The clock's lock makes two people's records come one after the other. */
enum mu_status statement_store_add(struct mu_pg *pg, enum statement_kind kind,
                                   const struct record_set *set, size_t *ret_wrong,
                                   struct mu_error *err)
{
    MU_AUTO(pg_transaction) struct mu_pg *transaction = pg;
    MU_AUTO(pg_result) struct mu_pg_result *tick = NULL;
    char fact_id[MU_UUID_TEXT_SIZE];
    enum mu_status st = mu_pg_begin(pg, MU_PG_READ_COMMITTED, err);

    (void)transaction;
    if (st == MU_OK)
        st = mu_pg_execute(pg, STATEMENT_TICK, NULL, &tick, err);
    for (size_t i = 0; st == MU_OK && i < set->count; i++) {
        st = add_one(pg, kind, mu_pg_text(tick, 0, 0), &set->items[i], fact_id, err);
        if (st == MU_E_CONFLICT)
            *ret_wrong = i;
    }
    return st == MU_OK ? mu_pg_commit(pg, err) : st;
}

static enum mu_status read_made(struct mu_pg *pg, enum statement_kind kind, const char *known_at,
                                struct statement_made *made, struct mu_error *err)
{
    const char *const values[] = {made->fact_id, known_at};
    MU_AUTO(pg_result) struct mu_pg_result *stored = NULL;
    enum mu_status st =
            mu_pg_execute(pg, STATEMENT_STORED_DEVIATION + (int)kind, values, &stored, err);

    if (st != MU_OK)
        return st;
    mu_time_format(mu_pg_time_us(stored, 0, 0), made->known_at);
    made->is_new = mu_pg_bool(stored, 0, 1);
    return MU_OK;
}

enum mu_status statement_store_one(struct mu_pg *pg, enum statement_kind kind,
                                   const struct record *record, struct statement_made *ret_made,
                                   struct mu_error *err)
{
    MU_AUTO(pg_transaction) struct mu_pg *transaction = pg;
    MU_AUTO(pg_result) struct mu_pg_result *tick = NULL;
    struct statement_made made;
    enum mu_status st = mu_pg_begin(pg, MU_PG_READ_COMMITTED, err);

    (void)transaction;
    if (st == MU_OK)
        st = mu_pg_execute(pg, STATEMENT_TICK, NULL, &tick, err);
    if (st == MU_OK)
        st = add_one(pg, kind, mu_pg_text(tick, 0, 0), record, made.fact_id, err);
    if (st == MU_OK)
        st = read_made(pg, kind, mu_pg_text(tick, 0, 0), &made, err);
    if (st == MU_OK)
        st = mu_pg_commit(pg, err);
    if (st == MU_OK)
        *ret_made = made;
    return st;
}

static enum mu_status take_row(void *opaque, const struct mu_pg_result *row, struct mu_error *err)
{
    struct record_list *list = opaque;
    struct record *record;

    if (record_list_add(list, &record, err) != MU_OK)
        return err->status;
    for (size_t i = 0; i < list->kind->field_count; i++) {
        const char *value = mu_pg_text(row, 0, (int)i);

        record->values[i] = value ? mu_arena_strdup(list->arena, value) : NULL;
        if (value && !record->values[i])
            return mu_fail(err, MU_E_NOMEM, "statements: out of memory");
    }
    return MU_OK;
}

enum mu_status statement_store_read(struct mu_pg *pg, enum statement_kind kind,
                                    struct mu_arena *arena, struct record_set *ret_set,
                                    struct mu_error *err)
{
    struct record_list list = {.kind = &statement_records[kind], .arena = arena};
    enum mu_status st =
            mu_pg_stream(pg, STATEMENT_EXPORT_DEVIATION + (int)kind, NULL, take_row, &list, err);

    if (st == MU_OK)
        *ret_set = list.set;
    return st;
}
