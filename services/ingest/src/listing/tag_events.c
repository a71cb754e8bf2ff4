#include "listing/tag_events.h"

#include "delivery/outbound.h"
#include "metrics/metrics.h"
#include "source/source.h"

#include "base/memory.h"
#include "base/sha256.h"
#include "json/json_doc.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    BATCH_MAX = 100,
    UNDER_WAY_MAX = 20, /* batches */
    BODY_MAX_BYTES = 1024 * 1024,
    ARENA_MAX_BYTES = 16 * 1024 * 1024
};

struct tag_events {
    const struct source_config *source;
    struct delivery *delivery;
    struct mu_arena *arena; /* of one batch */
    json_t *batch;

    pthread_mutex_t lock;
    pthread_cond_t settled;
    size_t under_way;
    bool lost;
};

struct tag_events *tag_events_new(const struct source_config *source, struct delivery *delivery)
{
    struct tag_events *events = mu_xcalloc(1, sizeof(*events));

    events->source = source;
    events->delivery = delivery;
    events->arena = mu_arena_new(ARENA_MAX_BYTES);
    events->batch = json_array();
    (void)pthread_mutex_init(&events->lock, NULL);
    (void)pthread_cond_init(&events->settled, NULL);
    return events;
}

/* ---- deliveries ---- */

static void on_durable(void *opaque, enum mu_status status)
{
    struct tag_events *events = opaque;

    (void)pthread_mutex_lock(&events->lock);
    events->under_way--;
    events->lost |= status != MU_OK;
    (void)pthread_cond_signal(&events->settled);
    (void)pthread_mutex_unlock(&events->lock);
}

/* Waits until at most `most` are under way; an earlier loss is told once. */
static enum mu_status wait_settled(struct tag_events *events, size_t most, struct mu_error *err)
{
    bool lost;

    (void)pthread_mutex_lock(&events->lock);
    while (events->under_way > most)
        (void)pthread_cond_wait(&events->settled, &events->lock);
    lost = events->lost;
    events->lost = false;
    (void)pthread_mutex_unlock(&events->lock);
    return lost ? mu_fail(err, MU_E_UNAVAILABLE, "events could not be made durable") : MU_OK;
}

void tag_events_free(struct tag_events *events)
{
    struct mu_error ignored;

    if (!events)
        return;
    if (wait_settled(events, 0, &ignored) != MU_OK)
        events->lost = false; /* whoever cared has asked */
    json_decref(events->batch);
    mu_arena_free(events->arena);
    (void)pthread_cond_destroy(&events->settled);
    (void)pthread_mutex_destroy(&events->lock);
    free(events);
}

/* ---- batches ---- */

static enum mu_status send_body(struct tag_events *events, const struct mu_buf *body,
                                struct mu_error *err)
{
    struct source_input input = {.source = events->source,
                                 .content_type = "application/json",
                                 .body = body->data,
                                 .len = body->len,
                                 .received_at_us = mu_now_us(),
                                 .arena = events->arena};
    struct source_events decoded = {.arena = events->arena};
    struct mu_outgoing *messages = NULL;
    enum mu_status st = source_decode(&input, &decoded, err);

    if (st == MU_OK)
        st = outbound_make(&input, &decoded, NULL, &messages, err);
    if (st != MU_OK)
        return st;
    (void)pthread_mutex_lock(&events->lock);
    events->under_way++;
    (void)pthread_mutex_unlock(&events->lock);
    delivery_send(events->delivery, messages, decoded.count, on_durable, events);
    return MU_OK;
}

static enum mu_status flush(struct tag_events *events, struct mu_error *err)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf body;
    json_auto_t *document = json_pack("{s:O}", "listed", events->batch);
    enum mu_status st = MU_OK;

    mu_buf_init(&body, BODY_MAX_BYTES);
    if (json_array_size(events->batch) == 0)
        return MU_OK;
    st = mu_json_print(document, &body, err);
    if (st == MU_OK)
        st = send_body(events, &body, err);
    (void)json_array_clear(events->batch);
    mu_arena_reset(events->arena);
    return st == MU_OK ? wait_settled(events, UNDER_WAY_MAX, err) : st;
}

/* See tag_events_add. */
static void change_id(const struct known_tags_head *head, const struct tag_change *change,
                      char ret_id[MU_UUID_TEXT_SIZE])
{
    const struct tag_line *line = change->line;
    char known[64];
    const char *parts[] = {line->repository, line->tag,
                           change->kind == TAG_GONE ? "" : line->digest, change->previous, known};

    (void)snprintf(known, sizeof(known), "%" PRId64 ".%" PRId64, head->epoch, head->generation);
    mu_stable_id("muster.listing", parts, sizeof(parts) / sizeof(parts[0]), ret_id);
}

enum mu_status tag_events_add(struct tag_events *events, const struct known_tags_head *head,
                              const struct tag_change *change, int64_t at_us, struct mu_error *err)
{
    const struct tag_line *line = change->line;
    const bool gone = change->kind == TAG_GONE;
    char id[MU_UUID_TEXT_SIZE], at[MU_TIME_TEXT_SIZE];
    json_t *event;

    change_id(head, change, id);
    mu_time_format(at_us, at);
    event = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s*, s:s*, s:s*}", "id", id, "action",
                      gone ? "delete" : "push", "repository", line->repository, "tag", line->tag,
                      "time", at, "digest", gone ? NULL : line->digest, "media_type",
                      line->media_type[0] && !gone ? line->media_type : NULL, "previous",
                      change->previous[0] ? change->previous : NULL);
    if (!event || json_array_append_new(events->batch, event) != 0)
        return mu_fail(err, MU_E_NOMEM, "out of memory");
    mu_metric_add(&metric_listing_changes, 1);
    return json_array_size(events->batch) == BATCH_MAX ? flush(events, err) : MU_OK;
}

enum mu_status tag_events_settle(struct tag_events *events, struct mu_error *err)
{
    enum mu_status st = flush(events, err);
    struct mu_error settle_err;

    if (wait_settled(events, 0, &settle_err) == MU_OK)
        return st;
    *err = settle_err;
    return err->status;
}
