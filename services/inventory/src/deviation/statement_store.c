#include "deviation/statement_store.h"

#include "base/buf.h"

/*
 * An approval may look at every deviation there is, so more would come near the server's time-out;
 * a hundred are hardly slower than a thousand. A value is doubled by what escapes it.
 */
enum { BATCH_RECORDS = 100, COLUMN_MAX_BYTES = 2 * RECORD_FILE_MAX_BYTES + 64 * BATCH_RECORDS };

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

static void fact_id_of(enum statement_kind kind, const struct record *record,
                       char ret_id[MU_UUID_TEXT_SIZE])
{
    const struct record_kind *records = &statement_records[kind];

    mu_stable_id(records->name, record->values, records->field_count, ret_id);
}

/* ---- batches ---- */

/* Records as one array per column: the fact's id, then its fields. */
struct batch {
    struct mu_buf columns[1 + RECORD_FIELDS_MAX];
};

static void batch_init(struct batch *batch)
{
    for (size_t i = 0; i <= RECORD_FIELDS_MAX; i++)
        mu_buf_init(&batch->columns[i], COLUMN_MAX_BYTES);
}

static void batch_done(struct batch *batch)
{
    for (size_t i = 0; i <= RECORD_FIELDS_MAX; i++)
        mu_buf_done(&batch->columns[i]);
}

static enum mu_status batch_fill(struct batch *batch, enum statement_kind kind,
                                 const struct record_set *part, struct mu_error *err)
{
    size_t fields = statement_records[kind].field_count;
    char fact_id[MU_UUID_TEXT_SIZE];

    for (size_t i = 0; i <= fields; i++) {
        mu_buf_reset(&batch->columns[i]);
        mu_pg_array_begin(&batch->columns[i]);
    }
    for (size_t row = 0; row < part->count; row++) {
        fact_id_of(kind, &part->items[row], fact_id);
        mu_pg_array_add(&batch->columns[0], fact_id);
        for (size_t i = 0; i < fields; i++)
            mu_pg_array_add(&batch->columns[1 + i], part->items[row].values[i]);
    }
    for (size_t i = 0; i <= fields; i++) {
        mu_pg_array_end(&batch->columns[i]);
        if (mu_buf_status(&batch->columns[i], "records", err) != MU_OK)
            return err->status;
    }
    return MU_OK;
}

static enum mu_status add_part(struct mu_pg *pg, enum statement_kind kind, const char *known_at,
                               const struct record_set *part, struct batch *batch,
                               size_t *ret_wrong, struct mu_error *err)
{
    const char *values[2 + RECORD_FIELDS_MAX] = {known_at};
    MU_AUTO(pg_result) struct mu_pg_result *wrong = NULL;

    if (batch_fill(batch, kind, part, err) != MU_OK)
        return err->status;
    for (size_t i = 0; i <= statement_records[kind].field_count; i++)
        values[1 + i] = batch->columns[i].data;
    if (mu_pg_execute(pg, STATEMENT_RECORD_DEVIATION + (int)kind, values, &wrong, err) != MU_OK)
        return err->status;
    if (mu_pg_rows(wrong) == 0)
        return MU_OK;
    *ret_wrong = (size_t)mu_pg_int(wrong, 0, 0);
    return mu_fail(err, MU_E_CONFLICT, "%s", mu_pg_text(wrong, 0, 1));
}

static enum mu_status add_all(struct mu_pg *pg, enum statement_kind kind, const char *known_at,
                              const struct record_set *set, size_t *ret_wrong, struct mu_error *err)
{
    MU_AUTO_DONE(batch_done) struct batch batch;
    enum mu_status st = MU_OK;

    batch_init(&batch);
    for (size_t from = 0; st == MU_OK && from < set->count; from += BATCH_RECORDS) {
        struct record_set part = {&set->items[from], set->count - from};
        size_t wrong = 0;

        if (part.count > BATCH_RECORDS)
            part.count = BATCH_RECORDS;
        st = add_part(pg, kind, known_at, &part, &batch, &wrong, err);
        if (st == MU_E_CONFLICT)
            *ret_wrong = from + wrong;
    }
    return st;
}

/* The clock's lock makes two people's records come one after the other. */
enum mu_status statement_store_add(struct mu_pg *pg, enum statement_kind kind,
                                   const struct record_set *set, size_t *ret_wrong,
                                   struct mu_error *err)
{
    MU_AUTO(pg_transaction) struct mu_pg *transaction = pg;
    MU_AUTO(pg_result) struct mu_pg_result *tick = NULL;
    enum mu_status st = mu_pg_begin(pg, MU_PG_READ_COMMITTED, err);

    (void)transaction;
    if (st == MU_OK)
        st = mu_pg_execute(pg, STATEMENT_TICK, NULL, &tick, err);
    if (st == MU_OK)
        st = add_all(pg, kind, mu_pg_text(tick, 0, 0), set, ret_wrong, err);
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
    struct record same = *record;
    const struct record_set set = {&same, 1};
    struct statement_made made;
    size_t wrong = 0;
    enum mu_status st = mu_pg_begin(pg, MU_PG_READ_COMMITTED, err);

    (void)transaction;
    if (st == MU_OK)
        st = mu_pg_execute(pg, STATEMENT_TICK, NULL, &tick, err);
    if (st == MU_OK)
        st = add_all(pg, kind, mu_pg_text(tick, 0, 0), &set, &wrong, err);
    fact_id_of(kind, record, made.fact_id);
    if (st == MU_OK)
        st = read_made(pg, kind, mu_pg_text(tick, 0, 0), &made, err);
    if (st == MU_OK)
        st = mu_pg_commit(pg, err);
    if (st == MU_OK)
        *ret_made = made;
    return st;
}

/* ---- reading ---- */

struct reader {
    const struct record_kind *kind;
    statement_fn *each;
    void *opaque;
};

static enum mu_status read_row(void *opaque, const struct mu_pg_result *row, struct mu_error *err)
{
    const struct reader *reader = opaque;
    struct record record = {0};

    for (size_t i = 0; i < reader->kind->field_count; i++)
        record.values[i] = mu_pg_text(row, 0, (int)i);
    return reader->each(reader->opaque, &record, err);
}

/* A long read: whoever takes the records may be slow. */
enum mu_status statement_store_each(struct mu_pg *pg, enum statement_kind kind, statement_fn *each,
                                    void *opaque, struct mu_error *err)
{
    MU_AUTO(pg_transaction) struct mu_pg *transaction = pg;
    struct reader reader = {&statement_records[kind], each, opaque};
    enum mu_status st = mu_pg_begin(transaction, MU_PG_LONG_READ, err);

    if (st == MU_OK)
        st = mu_pg_stream(pg, STATEMENT_EXPORT_DEVIATION + (int)kind, NULL, read_row, &reader, err);
    return st == MU_OK ? mu_pg_commit(pg, err) : st;
}
