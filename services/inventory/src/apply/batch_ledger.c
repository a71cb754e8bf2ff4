/* What was received: ids, rows, payloads and positions of one transaction. */
#include "apply/batch_internal.h"
#include "apply/payload_block.h"

#include "base/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- ids ---- */

static int compare_id_to_event(const void *id, const void *event)
{
    return strcmp(id, (*(const struct event *const *)event)->event_id);
}

/* Place of an id among the distinct events; SIZE_MAX when it is not there. */
static size_t find_distinct(const struct batch *batch, const char *id)
{
    struct event **found = bsearch(id, batch->distinct, batch->distinct_count,
                                   sizeof(struct event *), compare_id_to_event);

    return found ? (size_t)(found - batch->distinct) : SIZE_MAX;
}

static void mark(struct batch *batch, const struct mu_pg_result *result, enum fate fate)
{
    for (size_t row = 0; row < mu_pg_rows(result); row++) {
        size_t place = find_distinct(batch, mu_pg_text(result, row, 0));

        if (place != SIZE_MAX)
            batch->fates[place] = (unsigned char)fate;
    }
}

/* One parameter: the ids of all distinct events, or of those understood ones that were there. */
static enum mu_status ask(struct batch *batch, enum inventory_statement statement, bool duplicates,
                          struct mu_pg_result **ret_result, struct mu_error *err)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf ids;
    const char *values[1];
    enum mu_status st;

    mu_buf_init(&ids, BATCH_IDS_MAX_BYTES);
    mu_pg_array_begin(&ids);
    for (size_t i = 0; i < batch->distinct_count; i++)
        if (!duplicates || (batch->fates[i] == FATE_DUPLICATE && batch->distinct[i]->message))
            mu_pg_array_add(&ids, batch->distinct[i]->event_id);
    mu_pg_array_end(&ids);
    values[0] = ids.data;
    st = mu_buf_status(&ids, "ids", err);
    if (st == MU_OK && ids.len > 2)
        st = mu_pg_execute(batch->pg, (int)statement, values, ret_result, err);
    return st;
}

enum mu_status batch_tick(struct batch *batch, struct mu_error *err)
{
    MU_AUTO(pg_result) struct mu_pg_result *now = NULL;
    enum mu_status st = mu_pg_execute(batch->pg, READ_BATCH_PLANS, NULL, NULL, err);

    if (st == MU_OK)
        st = mu_pg_execute(batch->pg, READ_TICK, NULL, &now, err);
    if (st != MU_OK)
        return st;
    (void)snprintf(batch->known_at, sizeof(batch->known_at), "%s", mu_pg_text(now, 0, 0));
    batch->known_us = mu_pg_time_us(now, 0, 0);
    return MU_OK;
}

enum mu_status batch_ask_ids(struct batch *batch, struct mu_error *err)
{
    MU_AUTO(pg_result) struct mu_pg_result *there = NULL;
    MU_AUTO(pg_result) struct mu_pg_result *quarantined = NULL;
    enum mu_status st = ask(batch, READ_LEDGER_IDS, false, &there, err);

    if (st != MU_OK)
        return st;
    if (there)
        mark(batch, there, FATE_DUPLICATE);
    for (size_t i = 0; i < batch->distinct_count; i++)
        if (batch->fates[i] == FATE_DUPLICATE)
            event_read(batch->distinct[i], batch->arena);
    st = ask(batch, READ_LEDGER_QUARANTINED, true, &quarantined, err);
    if (st == MU_OK && quarantined)
        mark(batch, quarantined, FATE_UNDERSTOOD);
    return st;
}

/* ---- rows ---- */

static void add_row(struct batch *batch, const struct event *event)
{
    struct effects *effects = &batch->effects;

    WRITE_SET_ADD(batch->set, WRITE_LEDGER_IDS, event->event_id);
    WRITE_SET_ADD(
            batch->set, WRITE_LEDGER, event->event_id, event->ce_source, event->ce_id,
            event->ce_type, event->message ? "applied" : "quarantined",
            event->message ? NULL : mu_status_name(event->status),
            event->message ? NULL : event->reason, effects_time(effects, event->occurred_at_us),
            effects_time(effects, event->received_at_us), mu_topic_name(event->incoming->topic),
            effects_int(effects, event->incoming->partition),
            effects_int(effects, event->incoming->offset), event->traceparent);
}

static void add_understood(struct batch *batch, const struct event *event)
{
    struct effects *effects = &batch->effects;

    WRITE_SET_ADD(batch->set, WRITE_LEDGER_UNDERSTOOD, event->event_id, event->ce_type,
                  effects_time(effects, event->occurred_at_us),
                  effects_time(effects, event->received_at_us));
}

void batch_add_row(struct batch *batch, size_t place)
{
    if (batch->fates[place] == FATE_NEW)
        add_row(batch, batch->distinct[place]);
    else
        add_understood(batch, batch->distinct[place]);
}

enum mu_status batch_add_payloads(struct batch *batch, struct mu_error *err)
{
    struct mu_buf *plain = &batch->plain, *block = &batch->block;
    size_t count = (size_t)(batch->applied + batch->quarantined);
    int64_t occurred_to_us = INT64_MIN;

    if (count == 0)
        return MU_OK;
    mu_buf_reset(plain);
    mu_buf_reset(block);
    payload_block_begin(plain, batch->now_us, count);
    for (size_t i = 0; i < batch->distinct_count; i++) {
        const struct event *event = batch->distinct[i];

        if (batch->fates[i] == FATE_DUPLICATE)
            continue;
        payload_block_add(plain, event->incoming, batch->flags[i]);
        if (event->occurred_at_us > occurred_to_us)
            occurred_to_us = event->occurred_at_us;
    }
    if (payload_block_pack(plain, block, err) != MU_OK)
        return err->status;
    WRITE_SET_ADD(batch->set, WRITE_TRANSACTIONS, effects_time(&batch->effects, occurred_to_us));
    WRITE_SET_ADD(batch->set, WRITE_PAYLOADS, effects_int(&batch->effects, (int64_t)count),
                  (const char *)(const void *)block);
    return MU_OK;
}

/* ---- positions ---- */

struct position {
    enum mu_topic topic;
    int32_t partition;
    int64_t next_offset, received, applied, quarantined, duplicates;
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

/* received = applied + quarantined + duplicates; what is understood late was received before: it
 * moves from quarantined to applied, and this time counts as a duplicate. */
static void count_event(const struct batch *batch, const struct event *event,
                        struct position *position)
{
    size_t place = find_distinct(batch, event->event_id);
    /* The same id twice in this batch: one of them. */
    bool chosen = place != SIZE_MAX && batch->distinct[place] == event;
    enum fate fate = chosen ? (enum fate)batch->fates[place] : FATE_DUPLICATE;

    position->received++;
    position->applied += fate != FATE_DUPLICATE && event->message != NULL;
    position->quarantined += fate == FATE_NEW && event->message == NULL;
    position->quarantined -= fate == FATE_UNDERSTOOD;
    position->duplicates += fate != FATE_NEW;
}

enum { POSITION_COLUMNS = 9 };

static enum mu_status send_positions(struct batch *batch, const struct position *positions,
                                     size_t count, struct mu_pg_result **ret_result,
                                     struct mu_error *err)
{
    struct mu_buf columns[POSITION_COLUMNS];
    const char *values[POSITION_COLUMNS + 1] = {batch->known_at};
    enum mu_status st = MU_OK;

    for (size_t c = 0; c < POSITION_COLUMNS; c++) {
        mu_buf_init(&columns[c], BATCH_IDS_MAX_BYTES);
        mu_pg_array_begin(&columns[c]);
    }
    for (size_t i = 0; i < count; i++) {
        const struct position *p = &positions[i];
        const int64_t numbers[] = {p->partition,
                                   p->next_offset,
                                   p->received,
                                   p->applied,
                                   p->quarantined,
                                   p->duplicates,
                                   batch_applier_epoch(batch->applier, p->topic, p->partition),
                                   batch_expected(batch->applier, p->topic, p->partition)};

        mu_pg_array_add(&columns[0], mu_topic_name(p->topic));
        for (size_t c = 1; c < POSITION_COLUMNS; c++)
            mu_pg_array_add(&columns[c], mu_arena_printf(batch->arena, "%" PRId64, numbers[c - 1]));
    }
    for (size_t c = 0; c < POSITION_COLUMNS; c++) {
        mu_pg_array_end(&columns[c]);
        if (st == MU_OK)
            st = mu_buf_status(&columns[c], "positions", err);
        values[c + 1] = columns[c].data;
    }
    if (st == MU_OK)
        st = mu_pg_execute(batch->pg, READ_POSITIONS_ADVANCE, values, ret_result, err);
    for (size_t c = 0; c < POSITION_COLUMNS; c++)
        mu_buf_done(&columns[c]);
    return st;
}

enum mu_status batch_advance(struct batch *batch, struct mu_error *err)
{
    struct position *positions =
            mu_arena_alloc(batch->arena, BATCH_MAX_PARTITIONS * sizeof(struct position));
    MU_AUTO(pg_result) struct mu_pg_result *moved = NULL;
    size_t count = 0;

    if (!positions)
        return mu_fail(err, MU_E_UNAVAILABLE, "batch: out of memory");
    for (size_t i = 0; i < batch->count; i++) {
        const struct mu_incoming *incoming = batch->events[i].incoming;
        struct position *position = position_of(positions, &count, incoming);

        if (!position)
            return mu_fail(err, MU_E_LIMIT, "batch: too many partitions");
        count_event(batch, &batch->events[i], position);
        position->next_offset = incoming->offset + 1;
    }
    if (send_positions(batch, positions, count, &moved, err) != MU_OK)
        return err->status;
    batch->applier->lost_partition = mu_pg_rows(moved) < count;
    if (batch->applier->lost_partition)
        return mu_fail(err, MU_E_CONFLICT,
                       "another process has taken %zu of %zu partitions of this batch, or the "
                       "database is not where we left it",
                       count - mu_pg_rows(moved), count);
    return MU_OK;
}
