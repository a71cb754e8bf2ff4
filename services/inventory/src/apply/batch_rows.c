/* Messages become events, each id once, and events become rows; the database is not asked. */
#include "apply/batch_internal.h"
#include "apply/findings.h"
#include "apply/payload_block.h"

#include "base/clock.h"
#include "base/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void batch_begin(struct batch *batch, struct mu_pg *pg, const struct mu_incoming *messages,
                 size_t count)
{
    const struct batch fresh = {
            .applier = batch->applier,
            .set = batch->set,
            .wishes = batch->wishes,
            .arena = batch->arena,
            .plain = batch->plain,
            .block = batch->block,
            .pg = pg,
            .messages = messages,
            .count = count,
            .now_us = mu_now_us(),
            .effects = {.set = batch->set,
                        .arena = batch->arena,
                        .wishes = batch->wishes,
                        .untagged_grace_ms = batch->applier->untagged_grace_ms}};

    mu_arena_reset(batch->arena);
    write_set_reset(batch->set);
    job_wishes_reset(batch->wishes);
    *batch = fresh;
    (void)snprintf(batch->effects.moment, sizeof(batch->effects.moment), "%" PRId64,
                   batch->now_us / (WISH_REPEATS_MS * INT64_C(1000)));
}

/* ---- identities ---- */

enum mu_status batch_make_room(struct batch *batch, struct mu_error *err)
{
    struct mu_arena *arena = batch->arena;

    batch->events = mu_arena_alloc(arena, batch->count * sizeof(struct event));
    batch->distinct = mu_arena_alloc(arena, batch->count * sizeof(struct event *));
    batch->fates = mu_arena_alloc(arena, batch->count);
    batch->flags = mu_arena_alloc(arena, batch->count);
    if (!batch->events || !batch->distinct || !batch->fates || !batch->flags)
        return mu_fail(err, MU_E_UNAVAILABLE, "batch: out of memory");
    return MU_OK;
}

static int compare_ids(const void *a, const void *b)
{
    const struct event *const *left = a, *const *right = b;
    int order = strcmp((*left)->event_id, (*right)->event_id);

    return order ? order : (*left > *right) - (*left < *right);
}

/* Of two the understood one, then the first. */
static struct event *better_of(struct batch *batch, struct event *first, struct event *second)
{
    event_read(first, batch->arena);
    event_read(second, batch->arena);
    return !first->message && second->message ? second : first;
}

enum mu_status batch_identify(struct batch *batch, struct mu_error *err)
{
    struct event **distinct;
    size_t kept = 0;

    if (batch_make_room(batch, err) != MU_OK)
        return err->status;
    distinct = batch->distinct;
    for (size_t i = 0; i < batch->count; i++) {
        event_identify(&batch->messages[i], batch->now_us, batch->arena, &batch->events[i]);
        distinct[i] = &batch->events[i];
    }
    qsort(distinct, batch->count, sizeof(struct event *), compare_ids);
    for (size_t i = 0; i < batch->count; i++)
        if (kept > 0 && mu_text_equal(distinct[i]->event_id, distinct[kept - 1]->event_id))
            distinct[kept - 1] = better_of(batch, distinct[kept - 1], distinct[i]);
        else
            distinct[kept++] = distinct[i];
    batch->distinct_count = kept;
    memset(batch->fates, FATE_NEW, kept);
    return MU_OK;
}

/* ---- effects ---- */

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

    event_read(event, batch->arena);
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
    return batch->effects.is_ahead ? effects_clock_failure(&batch->effects, event, err) : MU_OK;
}

enum mu_status batch_apply_events(struct batch *batch, struct mu_error *err)
{
    enum mu_status st = MU_OK;

    for (size_t i = 0; st == MU_OK && i < batch->distinct_count; i++)
        if (batch->fates[i] != FATE_DUPLICATE)
            st = apply_event(batch, i, err);
    return st;
}
