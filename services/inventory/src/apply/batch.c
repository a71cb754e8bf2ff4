#include "apply/batch.h"

#include "apply/effects.h"
#include "apply/findings.h"
#include "store/metrics.h"
#include "store/outbox_row.h"

#include "base/text.h"
#include "oci/reference.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
    BATCH_ARENA_MAX_BYTES = 512 * 1024 * 1024,
    BATCH_IDS_MAX_BYTES = 1024 * 1024,
    BATCH_MAX_PARTITIONS = 1024
};

struct batch_applier {
    const struct evidence_store *evidence;
    int64_t untagged_grace_ms;
    struct write_set *set;
    struct mu_arena *arena;
};

/* One transaction. */
struct batch {
    struct batch_applier *applier;
    struct mu_pg *pg;
    struct effects effects;
    struct event *events;    /* as they came */
    struct event **distinct; /* each id once, sorted by it */
    size_t count, distinct_count;
    bool *is_new;      /* of distinct: to be applied or quarantined now */
    bool *is_recorded; /* of distinct: the ledger had it before, not understood then */
    char known_at[64];
    int64_t applied, quarantined, findings;
};

struct batch_applier *batch_applier_new(const struct evidence_store *evidence,
                                        int64_t untagged_grace_ms)
{
    struct batch_applier *applier = mu_xcalloc(1, sizeof(*applier));

    applier->evidence = evidence;
    applier->untagged_grace_ms = untagged_grace_ms;
    applier->set = write_set_new();
    applier->arena = mu_arena_new(BATCH_ARENA_MAX_BYTES);
    return applier;
}

void batch_applier_free(struct batch_applier *applier)
{
    if (!applier)
        return;
    write_set_free(applier->set);
    mu_arena_free(applier->arena);
    free(applier);
}

/* ---- decoding and de-duplicating ---- */

static int compare_ids(const void *a, const void *b)
{
    const struct event *const *left = a, *const *right = b;
    int order = strcmp((*left)->event_id, (*right)->event_id);

    if (order == 0) /* of two the understood one, then the first */
        order = ((*left)->message == NULL) - ((*right)->message == NULL);
    return order ? order : (*left > *right) - (*left < *right);
}

static enum mu_status decode(struct batch *batch, const struct mu_incoming *messages,
                             struct mu_error *err)
{
    struct mu_arena *arena = batch->applier->arena;
    size_t kept = 0;

    batch->events = mu_arena_alloc(arena, batch->count * sizeof(struct event));
    batch->distinct = mu_arena_alloc(arena, batch->count * sizeof(struct event *));
    batch->is_new = mu_arena_alloc(arena, batch->count * sizeof(bool));
    batch->is_recorded = mu_arena_alloc(arena, batch->count * sizeof(bool));
    if (!batch->events || !batch->distinct || !batch->is_new || !batch->is_recorded)
        return mu_fail(err, MU_E_UNAVAILABLE, "batch: out of memory");
    for (size_t i = 0; i < batch->count; i++) {
        event_decode(&messages[i], arena, &batch->events[i]);
        batch->distinct[i] = &batch->events[i];
    }
    qsort(batch->distinct, batch->count, sizeof(struct event *), compare_ids);
    for (size_t i = 0; i < batch->count; i++)
        if (kept == 0 ||
            !mu_text_equal(batch->distinct[i]->event_id, batch->distinct[kept - 1]->event_id))
            batch->distinct[kept++] = batch->distinct[i];
    batch->distinct_count = kept;
    return MU_OK;
}

/* ---- ledger ---- */

enum { LEDGER_COLUMNS = 13 };

static void ledger_row(struct batch *batch, const struct event *event,
                       const char *row[LEDGER_COLUMNS])
{
    struct effects *effects = &batch->effects;
    const char *const values[LEDGER_COLUMNS] = {
            event->event_id,
            event->ce_source,
            event->ce_id,
            event->ce_type,
            event->message ? "applied" : "quarantined",
            event->message ? NULL : mu_status_name(event->status),
            event->message ? NULL : event->reason,
            effects_time(effects, event->occurred_at_us),
            effects_time(effects, event->received_at_us),
            mu_topic_name(event->incoming->topic),
            effects_int(effects, event->incoming->partition),
            effects_int(effects, event->incoming->offset),
            event->traceparent,
    };

    memcpy(row, values, sizeof(values));
}

static int compare_id_to_event(const void *id, const void *event)
{
    return strcmp(id, (*(const struct event *const *)event)->event_id);
}

/* Place of an id among the distinct events; NULL when it is not there. */
static struct event **find_distinct(const struct batch *batch, const char *id)
{
    return bsearch(id, batch->distinct, batch->distinct_count, sizeof(struct event *),
                   compare_id_to_event);
}

/* Marks the ids that the ledger did not have, or only as not understood. */
static void mark_new(struct batch *batch, const struct mu_pg_result *result)
{
    for (size_t row = 0; row < mu_pg_rows(result); row++) {
        struct event **found = find_distinct(batch, mu_pg_text(result, row, 0));

        if (!found)
            continue;
        batch->is_new[found - batch->distinct] = true;
        batch->is_recorded[found - batch->distinct] = !mu_pg_bool(result, row, 1);
    }
}

static enum mu_status insert_ledger(struct batch *batch, struct mu_error *err)
{
    struct mu_buf columns[LEDGER_COLUMNS];
    const char *values[LEDGER_COLUMNS + 1] = {batch->known_at};
    MU_AUTO(pg_result) struct mu_pg_result *result = NULL;
    enum mu_status st = MU_OK;

    for (size_t c = 0; c < LEDGER_COLUMNS; c++) {
        mu_buf_init(&columns[c], WRITE_SET_COLUMN_MAX_BYTES);
        mu_pg_array_begin(&columns[c]);
    }
    for (size_t i = 0; i < batch->distinct_count; i++) {
        const char *row[LEDGER_COLUMNS];

        ledger_row(batch, batch->distinct[i], row);
        for (size_t c = 0; c < LEDGER_COLUMNS; c++)
            mu_pg_array_add(&columns[c], row[c]);
    }
    for (size_t c = 0; c < LEDGER_COLUMNS; c++) {
        mu_pg_array_end(&columns[c]);
        if (st == MU_OK)
            st = mu_buf_status(&columns[c], "ledger", err);
        values[c + 1] = columns[c].data;
    }
    if (st == MU_OK)
        st = mu_pg_execute(batch->pg, READ_LEDGER_INSERT, values, &result, err);
    for (size_t c = 0; c < LEDGER_COLUMNS; c++)
        mu_buf_done(&columns[c]);
    if (st == MU_OK)
        mark_new(batch, result);
    return st;
}

/* ---- effects ---- */

/* Findings of a complete scan. Evidence that is not there makes the scan a failure to be repeated.
 */
static enum mu_status apply_scan_result(struct batch *batch, const struct event *event,
                                        struct mu_error *err)
{
    static const struct mu_scan_failure missing = {
            .code = "evidence_missing",
            .message = "the scanner's evidence is not in the evidence store",
            .retryable = true};
    const struct mu_scan_result *result = event->message;
    enum mu_status st = MU_OK;

    if (result->outcome == MU_SCAN_COMPLETE)
        st = findings_load(&batch->effects, batch->applier->evidence, event, err);
    if (st != MU_OK && st != MU_E_NOT_FOUND)
        return st;
    effects_scan_result(&batch->effects, event, st == MU_E_NOT_FOUND ? &missing : NULL);
    return MU_OK;
}

static enum mu_status apply_event(struct batch *batch, const struct event *event,
                                  struct mu_error *err)
{
    if (!event->message) {
        batch->quarantined++;
        return effects_quarantine(&batch->effects, event, err);
    }
    batch->applied++;
    if (event->type == MU_MSG_SCAN_RESULT)
        return apply_scan_result(batch, event, err);
    if (event->type == MU_MSG_SOURCE_HEALTH)
        return effects_source_health(&batch->effects, event, err);
    if (event->type == MU_MSG_REGISTRY_EVENT)
        effects_registry(&batch->effects, event);
    else
        effects_workload(&batch->effects, event);
    return MU_OK;
}

static enum mu_status apply_events(struct batch *batch, struct mu_error *err)
{
    enum mu_status st = MU_OK;

    for (size_t i = 0; st == MU_OK && i < batch->distinct_count; i++)
        if (batch->is_new[i])
            st = apply_event(batch, batch->distinct[i], err);
    return st;
}

/* ---- positions ---- */

struct position {
    enum mu_topic topic;
    int32_t partition;
    int64_t next_offset, received, duplicates;
};

static struct position *position_of(struct position *positions, size_t *count,
                                    const struct mu_incoming *incoming)
{
    for (size_t i = 0; i < *count; i++)
        if (positions[i].topic == incoming->topic && positions[i].partition == incoming->partition)
            return &positions[i];
    if (*count == BATCH_MAX_PARTITIONS)
        return NULL;
    positions[*count] =
            (struct position){.topic = incoming->topic, .partition = incoming->partition};
    return &positions[(*count)++];
}

/* Whether the event made a ledger row: received = ledger rows + duplicates. */
static bool made_a_row(const struct batch *batch, const struct event *event)
{
    struct event **found = find_distinct(batch, event->event_id);
    size_t place = found ? (size_t)(found - batch->distinct) : 0;

    /* The same id twice in this batch: one of them. */
    return found && *found == event && batch->is_new[place] && !batch->is_recorded[place];
}

static enum mu_status write_positions(struct batch *batch, struct mu_error *err)
{
    struct position *positions =
            mu_arena_alloc(batch->applier->arena, BATCH_MAX_PARTITIONS * sizeof(struct position));
    size_t count = 0;

    if (!positions)
        return mu_fail(err, MU_E_UNAVAILABLE, "batch: out of memory");
    for (size_t i = 0; i < batch->count; i++) {
        const struct mu_incoming *incoming = batch->events[i].incoming;
        struct position *position = position_of(positions, &count, incoming);
        bool is_new = made_a_row(batch, &batch->events[i]);

        if (!position)
            return mu_fail(err, MU_E_LIMIT, "batch: too many partitions");
        position->received++;
        position->duplicates += !is_new;
        if (incoming->offset >= position->next_offset)
            position->next_offset = incoming->offset + 1;
    }
    for (size_t i = 0; i < count; i++)
        WRITE_SET_ADD(batch->applier->set, WRITE_POSITIONS, mu_topic_name(positions[i].topic),
                      effects_int(&batch->effects, positions[i].partition),
                      effects_int(&batch->effects, positions[i].next_offset),
                      effects_int(&batch->effects, positions[i].received),
                      effects_int(&batch->effects, positions[i].duplicates));
    return MU_OK;
}

/* ---- tags that moved ---- */

static enum mu_status notify_move(struct batch *batch, const struct mu_pg_result *result,
                                  size_t row, struct mu_error *err)
{
    const char *repository = mu_pg_text(result, row, 0), *tag = mu_pg_text(result, row, 1);
    const char *now = mu_pg_text(result, row, 2), *before = mu_pg_text(result, row, 3);
    bool floating = mu_pg_bool(result, row, 5);
    struct mu_json_pair details[] = {{"digest", now}, {"previous_digest", before}};
    char uai[MU_OCI_UAI_SIZE];
    struct mu_notification notification = {
            .kind = "tag_moved",
            .severity = floating ? MU_NOTIFICATION_INFO : MU_NOTIFICATION_WARNING,
            .subject = uai,
            .message = floating
                               ? "a floating tag names another image now"
                               : "a version tag was pushed again with another image: containers of "
                                 "one asset may differ; give each build its own version",
            .occurred_at_us = mu_pg_time_us(result, row, 4),
            .details = {details, 2}};

    mu_oci_uai_format(repository, tag, NULL, uai);
    return outbox_notify(batch->applier->set, &notification, mu_pg_text(result, row, 6), NULL, err);
}

static enum mu_status notify_moves(struct batch *batch, struct mu_error *err)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf ids;
    MU_AUTO(pg_result) struct mu_pg_result *result = NULL;
    const char *values[] = {NULL};
    enum mu_status st;

    mu_buf_init(&ids, BATCH_IDS_MAX_BYTES);
    mu_pg_array_begin(&ids);
    for (size_t i = 0; i < batch->distinct_count; i++)
        if (batch->is_new[i] && batch->distinct[i]->message &&
            batch->distinct[i]->type == MU_MSG_REGISTRY_EVENT)
            mu_pg_array_add(&ids, batch->distinct[i]->event_id);
    mu_pg_array_end(&ids);
    if (ids.len <= 2)
        return MU_OK;
    values[0] = ids.data;
    st = mu_pg_execute(batch->pg, READ_TAG_MOVES, values, &result, err);
    for (size_t i = 0; st == MU_OK && i < mu_pg_rows(result); i++)
        st = notify_move(batch, result, i, err);
    return st;
}

/* ---- one transaction ---- */

static enum mu_status tick(struct batch *batch, struct mu_error *err)
{
    MU_AUTO(pg_result) struct mu_pg_result *result = NULL;
    enum mu_status st = mu_pg_execute(batch->pg, READ_TICK, NULL, &result, err);

    if (st == MU_OK)
        (void)snprintf(batch->known_at, sizeof(batch->known_at), "%s", mu_pg_text(result, 0, 0));
    return st;
}

static enum mu_status flush(struct batch *batch, struct mu_error *err)
{
    struct mu_error ignored;
    enum mu_status st;

    batch->findings += (int64_t)write_set_rows(batch->applier->set, WRITE_FINDINGS);
    st = write_set_queue(batch->applier->set, batch->pg, batch->known_at, err);
    if (st == MU_OK)
        return mu_pg_sync(batch->pg, err);
    (void)!mu_pg_sync(batch->pg, &ignored);
    return st;
}

static enum mu_status write_all(struct batch *batch, struct mu_error *err)
{
    enum mu_status st = tick(batch, err);

    if (st == MU_OK)
        st = insert_ledger(batch, err);
    if (st == MU_OK)
        st = apply_events(batch, err);
    if (st == MU_OK)
        st = write_positions(batch, err);
    if (st == MU_OK)
        st = flush(batch, err);
    if (st == MU_OK)
        st = notify_moves(batch, err);
    if (st == MU_OK)
        st = flush(batch, err);
    return st;
}

/* `poison` NULL, or why the only message of the batch is to be quarantined. */
static enum mu_status run_batch(struct batch_applier *applier, struct mu_pg *pg,
                                const struct mu_incoming *messages, size_t count,
                                const struct mu_error *poison, struct mu_error *err)
{
    struct batch batch = {.applier = applier,
                          .pg = pg,
                          .count = count,
                          .effects = {.set = applier->set,
                                      .arena = applier->arena,
                                      .untagged_grace_ms = applier->untagged_grace_ms}};
    MU_AUTO(pg_transaction) struct mu_pg *transaction = pg;
    enum mu_status st;

    (void)transaction;
    mu_arena_reset(applier->arena);
    write_set_reset(applier->set);
    st = decode(&batch, messages, err);
    if (st == MU_OK && poison)
        event_reject(&batch.events[0], applier->arena, poison);
    if (st == MU_OK)
        st = mu_pg_begin(pg, MU_PG_READ_COMMITTED, err);
    if (st == MU_OK)
        st = write_all(&batch, err);
    if (st == MU_OK)
        st = mu_pg_commit(pg, err);
    mu_metric_add(st == MU_OK ? &metric_batches : &metric_batches_failed, 1);
    if (st != MU_OK)
        return st;
    mu_metric_add(&metric_events_applied, batch.applied);
    mu_metric_add(&metric_events_quarantined, batch.quarantined);
    mu_metric_add(&metric_findings_loaded, batch.findings);
    mu_metric_add(&metric_events_duplicate, (int64_t)count - batch.applied - batch.quarantined);
    return MU_OK;
}

/* Whether another try can help: then no message is to blame. */
static bool is_passing(enum mu_status status, const struct mu_pg *pg)
{
    return status == MU_E_UNAVAILABLE || status == MU_E_NOMEM || status == MU_E_DENIED ||
           !mu_pg_alive(pg);
}

enum mu_status batch_apply(struct batch_applier *applier, struct mu_pg *pg,
                           const struct mu_incoming *messages, size_t count, struct mu_error *err)
{
    enum mu_status st = run_batch(applier, pg, messages, count, NULL, err);

    if (st == MU_OK)
        return MU_OK;
    if (is_passing(st, pg))
        return err->status = MU_E_UNAVAILABLE;
    if (count == 1) {
        struct mu_error poison = *err;

        return run_batch(applier, pg, messages, 1, &poison, err);
    }
    st = batch_apply(applier, pg, messages, count / 2, err);
    return st == MU_OK ? batch_apply(applier, pg, messages + count / 2, count - count / 2, err)
                       : st;
}
