#include "apply/batch_internal.h"
#include "apply/findings.h"
#include "apply/payload_block.h"
#include "store/copied_rows.h"
#include "store/metrics.h"

#include "base/clock.h"
#include "base/memory.h"
#include "base/stop.h"
#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    BATCH_ARENA_MAX_BYTES = 1024 * 1024 * 1024,
    BATCH_MAX_TRIES = 4,
    BATCH_RETRY_MS = 20,
    SHARE_MIN = 250,
    SHARE_GROWS = 3,
    SHARE_OF_THE_REST = 3 /* a third is left */
};

struct batch_applier *batch_applier_new(const struct evidence_store *evidence,
                                        int64_t untagged_grace_ms)
{
    struct batch_applier *applier = mu_xcalloc(1, sizeof(*applier));

    applier->evidence = evidence;
    applier->untagged_grace_ms = untagged_grace_ms;
    applier->set = write_set_new();
    write_set_remember(applier->set);
    applier->other = write_set_twin(applier->set);
    applier->wishes = job_wishes_new();
    applier->arena = mu_arena_new(BATCH_ARENA_MAX_BYTES);
    mu_buf_init(&applier->plain, PAYLOAD_BLOCK_MAX_BYTES);
    mu_buf_init(&applier->block, PAYLOAD_BLOCK_MAX_BYTES);
    return applier;
}

void batch_applier_free(struct batch_applier *applier)
{
    if (!applier)
        return;
    write_set_free(applier->set);
    write_set_free(applier->other);
    job_wishes_free(applier->wishes);
    mu_arena_free(applier->arena);
    mu_buf_done(&applier->plain);
    mu_buf_done(&applier->block);
    free(applier);
}

void batch_applier_claim(struct batch_applier *applier, enum mu_topic topic, int32_t partition,
                         int64_t epoch)
{
    size_t i = 0;

    while (i < applier->claim_count &&
           (applier->claims[i].topic != topic || applier->claims[i].partition != partition))
        i++;
    if (i == BATCH_MAX_PARTITIONS)
        return;
    applier->claims[i] = (struct claim){topic, partition, epoch};
    applier->claim_count += i == applier->claim_count;
}

int64_t batch_applier_epoch(const struct batch_applier *applier, enum mu_topic topic,
                            int32_t partition)
{
    for (size_t i = 0; i < applier->claim_count; i++)
        if (applier->claims[i].topic == topic && applier->claims[i].partition == partition)
            return applier->claims[i].epoch;
    return -1;
}

void batch_applier_disclaim(struct batch_applier *applier)
{
    applier->claim_count = 0;
}

/* ---- identities, each once ---- */

static int compare_ids(const void *a, const void *b)
{
    const struct event *const *left = a, *const *right = b;
    int order = strcmp((*left)->event_id, (*right)->event_id);

    return order ? order : (*left > *right) - (*left < *right);
}

static enum mu_status make_room(struct batch *batch, struct mu_error *err)
{
    struct mu_arena *arena = batch->applier->arena;

    batch->events = mu_arena_alloc(arena, batch->count * sizeof(struct event));
    batch->distinct = mu_arena_alloc(arena, batch->count * sizeof(struct event *));
    batch->fates = mu_arena_alloc(arena, batch->count);
    batch->flags = mu_arena_alloc(arena, batch->count);
    if (!batch->events || !batch->distinct || !batch->fates || !batch->flags)
        return mu_fail(err, MU_E_UNAVAILABLE, "batch: out of memory");
    return MU_OK;
}

/* Of two the understood one, then the first. */
static struct event *better_of(struct batch *batch, struct event *first, struct event *second)
{
    event_read(first, batch->applier->arena);
    event_read(second, batch->applier->arena);
    return !first->message && second->message ? second : first;
}

static enum mu_status identify(struct batch *batch, const struct mu_incoming *messages,
                               struct mu_error *err)
{
    struct event **distinct;
    size_t kept = 0;

    if (make_room(batch, err) != MU_OK)
        return err->status;
    distinct = batch->distinct;
    for (size_t i = 0; i < batch->count; i++) {
        event_identify(&messages[i], batch->now_us, batch->applier->arena, &batch->events[i]);
        distinct[i] = &batch->events[i];
    }
    qsort(distinct, batch->count, sizeof(struct event *), compare_ids);
    for (size_t i = 0; i < batch->count; i++)
        if (kept > 0 && mu_text_equal(distinct[i]->event_id, distinct[kept - 1]->event_id))
            distinct[kept - 1] = better_of(batch, distinct[kept - 1], distinct[i]);
        else
            distinct[kept++] = distinct[i];
    batch->distinct_count = kept;
    return MU_OK;
}

/* ---- effects ---- */

static enum mu_status queue(struct batch *batch, struct mu_error *err)
{
    return write_set_queue(batch->applier->set, batch->pg, batch->known_at, err);
}

/* Findings of a complete scan. Evidence that is not there makes the scan a failure to be repeated;
 * a replay does as was done then. */
static enum mu_status apply_scan_result(struct batch *batch, size_t place, struct mu_error *err)
{
    static const struct mu_scan_failure missing = {
            .code = "evidence_missing",
            .message = "the scanner's evidence is not in the evidence store",
            .retryable = true};
    const struct event *event = batch->distinct[place];
    const struct mu_scan_result *result = event->message;
    bool was_missing = batch->is_replay && (batch->flags[place] & PAYLOAD_EVIDENCE_MISSING);
    enum mu_status st = MU_OK;

    if (result->outcome == MU_SCAN_COMPLETE && !was_missing)
        st = findings_load(&batch->effects, batch->applier->evidence, event, err);
    if (st != MU_OK && (st != MU_E_NOT_FOUND || batch->is_replay))
        return st;
    if (st == MU_E_NOT_FOUND)
        batch->flags[place] |= PAYLOAD_EVIDENCE_MISSING;
    effects_scan_result(&batch->effects, event,
                        st == MU_E_NOT_FOUND || was_missing ? &missing : NULL);
    return MU_OK;
}

static enum mu_status apply_event(struct batch *batch, size_t place, struct mu_error *err)
{
    struct event *event = batch->distinct[place];

    event_read(event, batch->applier->arena);
    if (!event->message) {
        batch->quarantined++;
        batch->flags[place] |= PAYLOAD_QUARANTINED;
        return effects_quarantine(&batch->effects, event, err);
    }
    batch->applied++;
    if (event->type == MU_MSG_SCAN_RESULT)
        return apply_scan_result(batch, place, err);
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
        if (batch->fates[i] != FATE_DUPLICATE)
            st = apply_event(batch, i, err);
    return st;
}

/*
 * How many events the rows are made of that are sent next, while those of the following ones are
 * made. The database takes longer than we do: it gets little at first, to begin soon, then more
 * each time, and little at the end, when nothing is left to be made meanwhile.
 */
static size_t next_share(size_t last, size_t left)
{
    size_t most = left - left / SHARE_OF_THE_REST, next = SHARE_GROWS * last;

    return next < most ? next : most < SHARE_MIN ? SHARE_MIN : most;
}

static enum mu_status apply_and_send(struct batch *batch, struct mu_error *err)
{
    enum mu_status st = MU_OK;
    size_t share = SHARE_MIN, made = 0;

    for (size_t i = 0; st == MU_OK && i < batch->distinct_count; i++) {
        if (batch->fates[i] == FATE_DUPLICATE)
            continue;
        st = apply_event(batch, i, err);
        if (st == MU_OK)
            batch_add_row(batch, i);
        if (st == MU_OK && ++made == share) {
            share = next_share(share, batch->distinct_count - i - 1);
            made = 0;
            st = batch_send(batch, err);
        }
    }
    return st;
}

/* ---- one transaction ---- */

static enum mu_status flush(struct batch *batch, struct mu_error *err)
{
    enum mu_status st = queue(batch, err);

    return st == MU_OK ? mu_pg_sync(batch->pg, err) : st;
}

static enum mu_status write_all(struct batch *batch, struct mu_error *err)
{
    struct batch_applier *applier = batch->applier;
    enum mu_status st = batch_take_ids(batch, err);

    if (st == MU_OK)
        st = apply_and_send(batch, err);
    if (st == MU_OK)
        st = batch_add_payloads(batch, err);
    if (st == MU_OK)
        job_wishes_write(applier->wishes, applier->set, batch->known_us, applier->arena);
    if (st == MU_OK)
        st = batch_send_wait(batch, err);
    if (st == MU_OK)
        st = flush(batch, err);
    if (st == MU_OK)
        st = batch_notify_moves(batch, err);
    if (st == MU_OK)
        st = flush(batch, err);
    return st == MU_OK ? batch_advance(batch, err) : st;
}

/* `poison` NULL, or why the only message of the batch is to be quarantined. */
static enum mu_status run_batch(struct batch_applier *applier, struct mu_pg *pg,
                                const struct mu_incoming *messages, size_t count,
                                const struct mu_error *poison, struct mu_error *err)
{
    struct batch batch = {.applier = applier,
                          .pg = pg,
                          .count = count,
                          .now_us = mu_now_us(),
                          .effects = {.set = applier->set,
                                      .arena = applier->arena,
                                      .wishes = applier->wishes,
                                      .untagged_grace_ms = applier->untagged_grace_ms}};
    MU_AUTO(pg_transaction) struct mu_pg *transaction = pg;
    enum mu_status st;

    (void)transaction;
    mu_arena_reset(applier->arena);
    write_set_reset(applier->set);
    write_set_reset(applier->other);
    job_wishes_reset(applier->wishes);
    if (applier->connection !=
        mu_pg_serial(pg)) /* perhaps another server, or a restored database */
        write_set_forget(applier->set);
    applier->connection = mu_pg_serial(pg);
    applier->lost_partition = false;
    write_set_trust(applier->set, &applier->trust);
    write_set_trust(applier->other, &applier->trust);
    st = identify(&batch, messages, err);
    if (st == MU_OK && poison) {
        event_read(&batch.events[0], applier->arena);
        event_reject(&batch.events[0], applier->arena, poison);
    }
    if (st == MU_OK)
        st = mu_pg_begin(pg, MU_PG_READ_COMMITTED, err);
    if (st == MU_OK)
        st = write_all(&batch, err);
    if (st == MU_OK)
        st = mu_pg_commit(pg, err);
    else
        (void)!batch_send_wait(&batch, &(struct mu_error){.status = MU_OK});
    if (st == MU_OK)
        write_set_keep(applier->set);
    else
        write_set_drop(applier->set);
    mu_metric_add(st == MU_OK ? &metric_batches : &metric_batches_failed, 1);
    if (st != MU_OK)
        return st;
    trust_kept(&applier->trust);
    mu_metric_add(&metric_events_applied, batch.applied);
    mu_metric_add(&metric_events_quarantined, batch.quarantined);
    mu_metric_add(&metric_findings_loaded, batch.effects.findings);
    mu_metric_add(&metric_events_duplicate, (int64_t)count - batch.applied - batch.quarantined);
    return MU_OK;
}

/* Whether another try can help: then no message is to blame. */
static bool is_passing(enum mu_status status, const struct mu_pg *pg)
{
    return status == MU_E_UNAVAILABLE || status == MU_E_NOMEM || status == MU_E_DENIED ||
           !mu_pg_alive(pg);
}

/* Deadlocks and failed serialisations (class 40) are nobody's fault, nor is a row that somebody
 * else made meanwhile (23505; scan jobs are made by gates too): the same again, some times. */
static bool is_worth_another_try(const struct mu_pg *pg)
{
    return mu_pg_alive(pg) &&
           (mu_text_starts(mu_pg_sqlstate(pg), "40") || mu_text_equal(mu_pg_sqlstate(pg), "23505"));
}

/* A row was there of a table that was trusted: the same again, asking first. */
static bool was_trust_broken(struct batch_applier *applier, const struct mu_pg *pg)
{
    return mu_pg_alive(pg) && mu_text_equal(mu_pg_sqlstate(pg), "23505") &&
           trust_broken(&applier->trust, mu_pg_error_table(pg));
}

static enum mu_status try_batch(struct batch_applier *applier, struct mu_pg *pg,
                                const struct mu_incoming *messages, size_t count,
                                const struct mu_error *poison, struct mu_error *err)
{
    enum mu_status st = run_batch(applier, pg, messages, count, poison, err);

    while (st != MU_OK && was_trust_broken(applier, pg))
        st = run_batch(applier, pg, messages, count, poison, err);
    for (int tries = 1;
         (st == MU_E_UNAVAILABLE || st == MU_E_CONFLICT) && tries < BATCH_MAX_TRIES &&
         !applier->lost_partition && is_worth_another_try(pg);
         tries++) {
        mu_metric_add(&metric_batches_retried, 1);
        (void)mu_stop_wait(BATCH_RETRY_MS << tries);
        st = run_batch(applier, pg, messages, count, poison, err);
    }
    return st;
}

enum mu_status batch_apply(struct batch_applier *applier, struct mu_pg *pg,
                           const struct mu_incoming *messages, size_t count, struct mu_error *err)
{
    enum mu_status st = try_batch(applier, pg, messages, count, NULL, err);

    if (st == MU_OK || applier->lost_partition)
        return st;
    if (is_passing(st, pg))
        return err->status = MU_E_UNAVAILABLE;
    if (count == 1) {
        struct mu_error poison = *err;

        return try_batch(applier, pg, messages, 1, &poison, err);
    }
    st = batch_apply(applier, pg, messages, count / 2, err);
    return st == MU_OK ? batch_apply(applier, pg, messages + count / 2, count - count / 2, err)
                       : st;
}

/* ---- replay ---- */

/* Events as they were decoded then; all of them are to be applied but those that were not. */
static enum mu_status decode_block(struct batch *batch, const struct payload_block *block,
                                   struct mu_error *err)
{
    if (make_room(batch, err) != MU_OK)
        return err->status;
    for (size_t i = 0; i < block->count; i++) {
        struct event *event = &batch->events[i];

        batch->distinct[i] = event;
        batch->flags[i] = (unsigned char)block->entries[i].flags;
        if (batch->flags[i] & PAYLOAD_QUARANTINED)
            continue;
        event_decode(&block->entries[i].incoming, batch->now_us, batch->applier->arena, event);
        if (!event->message)
            return mu_fail(err, MU_E_INVALID, "event %s was applied, and is not understood: %.200s",
                           event->event_id, event->reason);
        batch->fates[i] = FATE_NEW;
    }
    batch->distinct_count = block->count;
    return MU_OK;
}

enum mu_status batch_replay(struct batch_applier *applier, struct mu_pg *pg, const char *known_at,
                            const void *bytes, size_t len, struct mu_error *err)
{
    struct payload_block block = {.count = 0};
    struct batch batch = {.applier = applier,
                          .pg = pg,
                          .is_replay = true,
                          .effects = {.set = applier->set,
                                      .arena = applier->arena,
                                      .untagged_grace_ms = applier->untagged_grace_ms}};
    int64_t known_us = 0;
    enum mu_status st = copied_rows_time(known_at, &known_us, err);

    if (st != MU_OK)
        return st;
    mu_arena_reset(applier->arena);
    write_set_reset(applier->set);
    write_set_forget(applier->set); /* the transaction is not ours */
    write_set_trust(applier->set, NULL);
    write_set_known(applier->set, known_us);
    (void)snprintf(batch.known_at, sizeof(batch.known_at), "%s", known_at);
    st = mu_pg_execute(pg, READ_BATCH_PLANS, NULL, NULL, err);
    if (st == MU_OK)
        st = payload_block_read(bytes, len, applier->arena, &block, err);
    batch.count = block.count;
    batch.now_us = block.now_us;
    if (st == MU_OK)
        st = decode_block(&batch, &block, err);
    if (st == MU_OK)
        st = apply_events(&batch, err);
    if (st == MU_OK)
        st = write_set_queue_derived(applier->set, pg, batch.known_at, err);
    return st;
}
