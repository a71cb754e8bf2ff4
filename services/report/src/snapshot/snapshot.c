#include "snapshot/snapshot.h"

#include "base/clock.h"
#include "base/stop.h"
#include "pg/pg.h"

#include <stdlib.h>
#include <string.h>

enum statement {
    STATEMENT_SESSION,
    STATEMENT_HORIZON,
    STATEMENT_INVENTORY,
    STATEMENT_INSTANCES,
    STATEMENT_NOT_RUNNING,
    STATEMENT_TOTALS,
    STATEMENT_ORIGINALS
};

static const struct mu_pg_statement statements[] = {
        /* A month of a large fleet takes longer than the other programs allow a statement. */
        [STATEMENT_SESSION] = {"session", "SELECT set_config('statement_timeout', '30min', true)",
                               0},
        [STATEMENT_HORIZON] = {"horizon", "SELECT report_v1.horizon($1)", 1},
        [STATEMENT_INVENTORY] =
                {"inventory",
                 "SELECT uai, manifest_digest, repository, tag, platform, os_name, image_title,"
                 " image_version, image_vendor, running_containers, state, reason, evidence_digest,"
                 " scan_finished_at, reported_digest, floating FROM report_v1.inventory($1, $2)",
                 2},
        [STATEMENT_INSTANCES] =
                {"instances",
                 "SELECT cluster, namespace, pod, container, container_kind, image, uai,"
                 " manifest_digest, state, reason, started_at, node"
                 " FROM report_v1.instances($1, $2)",
                 2},
        [STATEMENT_NOT_RUNNING] = {"not_running",
                                   "SELECT uai, manifest_digest FROM report_v1.not_running($1, $2)",
                                   2},
        [STATEMENT_TOTALS] = {"totals", "SELECT state, containers FROM report_v1.totals($1, $2)",
                              2},
        [STATEMENT_ORIGINALS] =
                {"originals",
                 "SELECT evidence_digest, original_digest FROM report_v1.originals($1)", 1},
};

/* Rows of one kind as they stream in: the array doubles in memory of its own, texts go to the
 * arena. */
struct collector {
    struct mu_arena *arena;
    const char *what;
    char *rows;
    size_t count, capacity, row_size;
    bool failed; /* the arena is exhausted */
    void (*fill)(struct collector *collector, void *row, const struct mu_pg_result *result);
};

static const char *copy(struct collector *collector, const struct mu_pg_result *result, int column)
{
    const char *text = mu_pg_text(result, 0, column);
    const char *copied = text ? mu_arena_strdup(collector->arena, text) : NULL;

    if (text && !copied)
        collector->failed = true;
    return copied;
}

static const char *copy_time(struct collector *collector, const struct mu_pg_result *result,
                             int column)
{
    char text[MU_TIME_TEXT_SIZE];
    const char *copied;

    if (mu_pg_null(result, 0, column))
        return NULL;
    mu_time_format(mu_pg_time_us(result, 0, column), text);
    copied = mu_arena_strdup(collector->arena, text);
    collector->failed |= !copied;
    return copied;
}

static void fill_inventory(struct collector *c, void *row, const struct mu_pg_result *r)
{
    *(struct inventory_row *)row = (struct inventory_row){
            .uai = copy(c, r, 0),
            .manifest_digest = copy(c, r, 1),
            .repository = copy(c, r, 2),
            .tag = copy(c, r, 3),
            .platform = copy(c, r, 4),
            .os_name = copy(c, r, 5),
            .image_title = copy(c, r, 6),
            .image_version = copy(c, r, 7),
            .image_vendor = copy(c, r, 8),
            .running_containers = mu_pg_int(r, 0, 9),
            .state = copy(c, r, 10),
            .reason = copy(c, r, 11),
            .evidence_digest = copy(c, r, 12),
            .scan_finished_at = copy_time(c, r, 13),
            .reported_digest = copy(c, r, 14),
            .floating = mu_pg_bool(r, 0, 15),
    };
}

static void fill_instance(struct collector *c, void *row, const struct mu_pg_result *r)
{
    *(struct instance_row *)row = (struct instance_row){
            .cluster = copy(c, r, 0),
            .namespace_name = copy(c, r, 1),
            .pod = copy(c, r, 2),
            .container = copy(c, r, 3),
            .container_kind = copy(c, r, 4),
            .image = copy(c, r, 5),
            .uai = copy(c, r, 6),
            .manifest_digest = copy(c, r, 7),
            .state = copy(c, r, 8),
            .reason = copy(c, r, 9),
            .started_at = copy_time(c, r, 10),
            .node = copy(c, r, 11),
    };
}

static void fill_target(struct collector *c, void *row, const struct mu_pg_result *r)
{
    *(struct target_row *)row =
            (struct target_row){.uai = copy(c, r, 0), .manifest_digest = copy(c, r, 1)};
}

static void fill_total(struct collector *c, void *row, const struct mu_pg_result *r)
{
    *(struct total_row *)row =
            (struct total_row){.state = copy(c, r, 0), .containers = mu_pg_int(r, 0, 1)};
}

static void fill_original(struct collector *c, void *row, const struct mu_pg_result *r)
{
    *(struct original_row *)row = (struct original_row){.evidence_digest = copy(c, r, 0),
                                                        .original_digest = copy(c, r, 1)};
}

static enum mu_status make_room(struct collector *collector, struct mu_error *err)
{
    size_t capacity = collector->capacity ? 2 * collector->capacity : 256;
    char *rows;

    if (collector->count < collector->capacity)
        return MU_OK;
    if (collector->count >= SNAPSHOT_MAX_ROWS)
        return mu_fail(err, MU_E_LIMIT, "%s: more than %d rows", collector->what,
                       SNAPSHOT_MAX_ROWS);
    rows = realloc(collector->rows, capacity * collector->row_size);
    if (!rows)
        return mu_fail(err, MU_E_NOMEM, "%s: out of memory", collector->what);
    collector->rows = rows;
    collector->capacity = capacity;
    return MU_OK;
}

static enum mu_status collect_row(void *opaque, const struct mu_pg_result *row,
                                  struct mu_error *err)
{
    struct collector *collector = opaque;
    enum mu_status st = make_room(collector, err);

    if (st != MU_OK)
        return st;
    if (mu_stop_requested())
        return mu_fail(err, MU_E_UNAVAILABLE, "stopping");
    collector->fill(collector, collector->rows + collector->count * collector->row_size, row);
    if (collector->failed)
        return mu_fail(err, MU_E_LIMIT, "%s: the snapshot is larger than memory allows",
                       collector->what);
    collector->count++;
    return MU_OK;
}

/* Moves the finished array into the arena. */
static enum mu_status settle(struct collector *collector, void **ret_rows, size_t *ret_count,
                             struct mu_error *err)
{
    size_t bytes = collector->count * collector->row_size;
    void *rows = mu_arena_alloc(collector->arena, bytes ? bytes : 1);

    if (!rows)
        return mu_fail(err, MU_E_LIMIT, "%s: the snapshot is larger than memory allows",
                       collector->what);
    if (bytes)
        memcpy(rows, collector->rows, bytes);
    *ret_rows = rows;
    *ret_count = collector->count;
    return MU_OK;
}

static enum mu_status collect(struct mu_pg *pg, enum statement statement, const char *const *values,
                              struct collector *collector, void **ret_rows, size_t *ret_count,
                              struct mu_error *err)
{
    enum mu_status st;

    collector->what = statements[statement].name;
    st = mu_pg_stream(pg, (int)statement, values, collect_row, collector, err);
    if (st == MU_OK)
        st = settle(collector, ret_rows, ret_count, err);
    free(collector->rows);
    collector->rows = NULL;
    return st;
}

#define COLLECTOR(arena_, type, fill_) \
    (&(struct collector){.arena = (arena_), .row_size = sizeof(type), .fill = (fill_)})

static enum mu_status read_rows(struct mu_pg *pg, struct mu_arena *arena, struct snapshot *snapshot,
                                struct mu_error *err)
{
    char as_of[MU_TIME_TEXT_SIZE], known_at[MU_TIME_TEXT_SIZE];
    const char *values[] = {as_of, known_at};
    void *rows = NULL;
    enum mu_status st;

    mu_time_format(snapshot->as_of_us, as_of);
    mu_time_format(snapshot->known_at_us, known_at);
    st = collect(pg, STATEMENT_INVENTORY, values,
                 COLLECTOR(arena, struct inventory_row, fill_inventory), &rows,
                 &snapshot->inventory_count, err);
    if (st != MU_OK)
        return st;
    snapshot->inventory = rows;
    st = collect(pg, STATEMENT_INSTANCES, values,
                 COLLECTOR(arena, struct instance_row, fill_instance), &rows,
                 &snapshot->instance_count, err);
    if (st != MU_OK)
        return st;
    snapshot->instances = rows;
    st = collect(pg, STATEMENT_NOT_RUNNING, values,
                 COLLECTOR(arena, struct target_row, fill_target), &rows,
                 &snapshot->not_running_count, err);
    if (st != MU_OK)
        return st;
    snapshot->not_running = rows;
    st = collect(pg, STATEMENT_TOTALS, values, COLLECTOR(arena, struct total_row, fill_total),
                 &rows, &snapshot->total_count, err);
    if (st != MU_OK)
        return st;
    snapshot->totals = rows;
    st = collect(pg, STATEMENT_ORIGINALS, values + 1,
                 COLLECTOR(arena, struct original_row, fill_original), &rows,
                 &snapshot->original_count, err);
    if (st == MU_OK)
        snapshot->originals = rows;
    return st;
}

/*
 * The instants spoken of: neither is later than the newest fact, so that the answer does not move,
 * and a run with --known-at of the manifest asks the very same question.
 */
static enum mu_status read_horizon(struct mu_pg *pg, const struct snapshot_question *question,
                                   const char *known_at, struct snapshot *snapshot,
                                   struct mu_error *err)
{
    MU_AUTO(pg_result) struct mu_pg_result *result = NULL;
    const char *values[] = {known_at};
    int64_t horizon_us;
    enum mu_status st;

    st = mu_pg_execute(pg, STATEMENT_HORIZON, values, &result, err);
    if (st != MU_OK)
        return st;
    if (mu_pg_rows(result) == 0 || mu_pg_null(result, 0, 0))
        return mu_fail(err, MU_E_NOT_FOUND, "the database holds no events yet");
    horizon_us = mu_pg_time_us(result, 0, 0);
    if (horizon_us < question->month_begin_us)
        return mu_fail(err, MU_E_NOT_FOUND, "no fact reaches into that month yet");
    snapshot->as_of_us = question->month_end_us - 1;
    if (horizon_us < snapshot->as_of_us)
        snapshot->as_of_us = horizon_us;
    snapshot->known_at_us = horizon_us;
    if (question->known_at_us != MU_TIME_NONE && question->known_at_us < horizon_us)
        snapshot->known_at_us = question->known_at_us;
    return MU_OK;
}

enum mu_status snapshot_read(const struct snapshot_question *question, struct mu_arena *arena,
                             struct snapshot *ret_snapshot, struct mu_error *err)
{
    MU_AUTO(pg) struct mu_pg *pg = NULL;
    struct snapshot snapshot = {0};
    char known_at[MU_TIME_TEXT_SIZE] = "infinity";
    enum mu_status st;

    if (question->known_at_us != MU_TIME_NONE)
        mu_time_format(question->known_at_us, known_at);
    st = mu_pg_open(question->conninfo, "muster-report", statements,
                    sizeof(statements) / sizeof(statements[0]), &pg, err);
    if (st != MU_OK)
        return mu_wrap(err, "PostgreSQL");
    st = mu_pg_begin(pg, MU_PG_REPEATABLE_READ_READ_ONLY, err);
    if (st == MU_OK)
        st = mu_pg_execute(pg, STATEMENT_SESSION, NULL, NULL, err);
    if (st == MU_OK)
        st = read_horizon(pg, question, known_at, &snapshot, err);
    if (st == MU_OK)
        st = read_rows(pg, arena, &snapshot, err);
    mu_pg_rollback(pg);
    if (st == MU_OK)
        *ret_snapshot = snapshot;
    return st == MU_OK ? MU_OK : mu_wrap(err, "snapshot");
}
