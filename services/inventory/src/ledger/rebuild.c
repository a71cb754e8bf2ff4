#include "ledger/rebuild.h"

#include "apply/batch.h"
#include "apply/payload_block.h"
#include "store/statements.h"
#include "store/tables.h"

#include "base/clock.h"
#include "base/memory.h"
#include "base/stop.h"
#include "base/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LOCK_WAIT_MS = 5000, LOCK_POLL_MS = 100, TIME_SIZE = 64 };
static const char events_at_a_time[] = "5000";

struct rebuild {
    struct batch_applier *applier;
    struct mu_buf block;
    char known_from[TIME_SIZE], known_to[TIME_SIZE], done_to[TIME_SIZE];
    int64_t events;
};

struct rebuild *rebuild_new(const struct evidence_store *evidence)
{
    struct rebuild *rebuild = mu_xcalloc(1, sizeof(*rebuild));

    rebuild->applier = batch_applier_new(evidence, 0);
    mu_buf_init(&rebuild->block, PAYLOAD_BLOCK_MAX_BYTES);
    return rebuild;
}

void rebuild_free(struct rebuild *rebuild)
{
    if (!rebuild)
        return;
    batch_applier_free(rebuild->applier);
    mu_buf_done(&rebuild->block);
    free(rebuild);
}

/* ---- begin ---- */

/* The server may need a moment to notice that a rebuild was killed. */
static enum mu_status lock(struct mu_pg *pg, struct mu_error *err)
{
    uint64_t deadline_ms = mu_monotonic_ms() + LOCK_WAIT_MS;
    bool locked = false;

    if (mu_pg_pooled(pg))
        return mu_fail(err, MU_E_CONFLICT,
                       "a rebuild needs a connection of its own: connect to PostgreSQL itself, not "
                       "to its pooler");
    for (;;) {
        MU_AUTO(pg_result) struct mu_pg_result *result = NULL;

        if (mu_pg_execute(pg, READ_REBUILD_LOCK, NULL, &result, err) != MU_OK)
            return err->status;
        locked = mu_pg_bool(result, 0, 0);
        if (locked || mu_monotonic_ms() >= deadline_ms || mu_stop_wait(LOCK_POLL_MS))
            break;
    }
    return locked ? MU_OK : mu_fail(err, MU_E_CONFLICT, "another rebuild is at work");
}

static enum mu_status check_writers(struct mu_pg *pg, struct mu_error *err)
{
    MU_AUTO(pg_result) struct mu_pg_result *result = NULL;
    enum mu_status st = mu_pg_execute(pg, READ_REBUILD_WRITERS, NULL, &result, err);

    if (st == MU_OK && mu_pg_int(result, 0, 0) > 0)
        return mu_fail(err, MU_E_CONFLICT,
                       "%" PRId64 " processes apply events: stop them, or give --take-lock; then "
                       "they wait until the rebuild is done",
                       mu_pg_int(result, 0, 0));
    return st;
}

static void keep_text(char *to, const char *text)
{
    (void)snprintf(to, TIME_SIZE, "%s", text);
}

/* False in `ret_found` when none is under way. */
static enum mu_status read_state(struct rebuild *rebuild, struct mu_pg *pg, bool *ret_found,
                                 struct mu_error *err)
{
    MU_AUTO(pg_result) struct mu_pg_result *result = NULL;
    enum mu_status st = mu_pg_execute(pg, READ_REBUILD_STATE, NULL, &result, err);

    if (st != MU_OK)
        return st;
    *ret_found = mu_pg_rows(result) > 0;
    if (!*ret_found)
        return MU_OK;
    keep_text(rebuild->known_from, mu_pg_text(result, 0, 0));
    keep_text(rebuild->known_to, mu_pg_text(result, 0, 1));
    keep_text(rebuild->done_to, mu_pg_text(result, 0, 2));
    rebuild->events = mu_pg_int(result, 0, 3);
    return MU_OK;
}

/* All rows, or those learned since payloads are kept. */
static enum mu_status empty_tables(struct mu_pg *pg, const char *known_from, bool whole,
                                   struct mu_error *err)
{
    enum mu_status st = MU_OK;

    for (size_t i = 0; st == MU_OK && i < inventory_table_count; i++) {
        const struct inventory_table *table = &inventory_tables[i];

        if (table->derived)
            st = mu_pg_queue(pg, (int)(whole ? table->empty : table->forget), &known_from, err);
    }
    return st == MU_OK ? mu_pg_sync(pg, err) : st;
}

static enum mu_status start_anew(struct mu_pg *pg, bool take_lock, struct mu_error *err)
{
    MU_AUTO(pg_result) struct mu_pg_result *begun = NULL;
    enum mu_status st = take_lock ? MU_OK : check_writers(pg, err);

    if (st == MU_OK)
        st = mu_pg_execute(pg, READ_REBUILD_BEGIN, NULL, &begun, err);
    if (st == MU_OK)
        st = empty_tables(pg, mu_pg_text(begun, 0, 0), mu_pg_bool(begun, 0, 1), err);
    return st;
}

enum mu_status rebuild_begin(struct rebuild *rebuild, struct mu_pg *pg, bool take_lock,
                             struct mu_error *err)
{
    MU_AUTO(pg_transaction) struct mu_pg *transaction = pg;
    bool found = false;
    enum mu_status st = lock(pg, err);

    (void)transaction;
    if (st == MU_OK)
        st = mu_pg_begin(pg, MU_PG_READ_COMMITTED, err);
    if (st == MU_OK)
        st = mu_pg_execute(pg, READ_REBUILD_STOP_CLOCK, NULL, NULL, err);
    if (st == MU_OK)
        st = read_state(rebuild, pg, &found, err);
    if (st == MU_OK && !found)
        st = start_anew(pg, take_lock, err);
    if (st == MU_OK)
        st = read_state(rebuild, pg, &found, err);
    return st == MU_OK ? mu_pg_commit(pg, err) : st;
}

/* ---- steps ---- */

static enum mu_status replay(struct rebuild *rebuild, struct mu_pg *pg,
                             const struct mu_pg_result *rows, size_t row, struct mu_error *err)
{
    const char *text = mu_pg_text(rows, row, 2);
    size_t digits = strlen(text) - 2; /* behind "\\x" */
    char *bytes;

    mu_buf_reset(&rebuild->block);
    bytes = mu_buf_room(&rebuild->block, digits / 2 + 1);
    if (!bytes)
        return mu_fail(err, MU_E_LIMIT, "payloads of %s are too large", mu_pg_text(rows, row, 0));
    if (!mu_hex_decode(text + 2, digits, (uint8_t *)bytes, digits / 2))
        return mu_fail(err, MU_E_INVALID, "payloads of %s are damaged", mu_pg_text(rows, row, 0));
    if (batch_replay(rebuild->applier, pg, mu_pg_text(rows, row, 0), bytes, digits / 2, err) !=
        MU_OK)
        return mu_wrap(err, "payloads of %s", mu_pg_text(rows, row, 0));
    return MU_OK;
}

static enum mu_status record(struct rebuild *rebuild, struct mu_pg *pg, const char *done_to,
                             int64_t events, struct mu_error *err)
{
    char number[24];
    const char *values[] = {done_to, number};
    enum mu_status st;

    (void)snprintf(number, sizeof(number), "%" PRId64, events);
    st = mu_pg_execute(pg, READ_REBUILD_DONE_TO, values, NULL, err);
    if (st == MU_OK)
        st = mu_pg_commit(pg, err);
    if (st == MU_OK) {
        keep_text(rebuild->done_to, done_to);
        rebuild->events += events;
    }
    return st;
}

/* Who derived meanwhile saw a clock that says more than was there: that is made again. */
static enum mu_status end(struct mu_pg *pg, struct mu_error *err)
{
    enum mu_status st = mu_pg_execute(pg, READ_REBUILD_END, NULL, NULL, err);

    for (size_t i = 0; st == MU_OK && i < inventory_table_count; i++)
        if (inventory_tables[i].follows)
            st = mu_pg_queue(pg, (int)inventory_tables[i].empty, NULL, err);
    if (st == MU_OK)
        st = mu_pg_sync(pg, err);
    if (st == MU_OK)
        st = mu_pg_commit(pg, err);
    return st == MU_OK ? MU_END : st;
}

enum mu_status rebuild_step(struct rebuild *rebuild, struct mu_pg *pg, struct mu_error *err)
{
    MU_AUTO(pg_transaction) struct mu_pg *transaction = pg;
    MU_AUTO(pg_result) struct mu_pg_result *rows = NULL;
    const char *values[] = {rebuild->done_to, rebuild->known_to, events_at_a_time};
    int64_t events = 0;
    size_t row = 0;
    enum mu_status st = mu_pg_begin(pg, MU_PG_READ_COMMITTED, err);

    (void)transaction;
    if (st == MU_OK)
        st = mu_pg_execute(pg, READ_REBUILD_NEXT, values, &rows, err);
    if (st == MU_OK && mu_pg_rows(rows) == 0)
        return end(pg, err);
    for (; st == MU_OK && row < mu_pg_rows(rows); row++) {
        st = replay(rebuild, pg, rows, row, err);
        events += mu_pg_int(rows, row, 1);
    }
    return st == MU_OK ? record(rebuild, pg, mu_pg_text(rows, row - 1, 0), events, err) : st;
}

/* ---- command ---- */

#define OPTION(member) offsetof(struct rebuild_config, member)

const struct mu_option rebuild_options[REBUILD_OPTION_COUNT] = {
        {"postgres", MU_OPTION_TEXT, OPTION(postgres), NULL, 0, 0, MU_OPTION_REQUIRED,
         "connection string of the database, as the owner of its tables"},
        {"evidence-dir", MU_OPTION_TEXT, OPTION(evidence_dir), NULL, 0, 0, MU_OPTION_REQUIRED,
         "folder of raw results"},
        {"take-lock", MU_OPTION_BOOL, OPTION(take_lock), "false", 0, 0, 0,
         "also while processes apply events: they wait until the rebuild is done"},
};

static enum mu_status run(struct rebuild *rebuild, const struct rebuild_config *config,
                          struct mu_error *err)
{
    MU_AUTO(pg) struct mu_pg *pg = NULL;
    enum mu_status st = inventory_pg_open(config->postgres, "muster-inventory rebuild", &pg, err);

    if (st == MU_OK)
        st = rebuild_begin(rebuild, pg, config->take_lock, err);
    while (st == MU_OK)
        st = rebuild_step(rebuild, pg, err);
    return st == MU_END ? MU_OK : st;
}

int rebuild_command(void *config_struct, int argc, char **argv)
{
    const struct rebuild_config *config = config_struct;
    MU_AUTO(rebuild) struct rebuild *rebuild = NULL;
    struct evidence_store *evidence = NULL;
    uint64_t start_ms = mu_monotonic_ms();
    struct mu_error err;
    enum mu_status st = evidence_store_open(config->evidence_dir, &evidence, &err);

    (void)argc, (void)argv;
    if (st == MU_OK) {
        rebuild = rebuild_new(evidence);
        st = run(rebuild, config, &err);
    }
    if (st == MU_OK)
        (void)printf("%" PRId64 " events applied again, up to what was known at %s, in %.1f s\n",
                     rebuild->events, rebuild->known_to,
                     (double)(mu_monotonic_ms() - start_ms) / 1000);
    else
        (void)fprintf(stderr, "muster-inventory: %s\n", err.message);
    evidence_store_close(evidence);
    return st == MU_OK ? MU_EXIT_OK : MU_EXIT_FAILURE;
}
