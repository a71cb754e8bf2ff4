/* A payload block is applied again, as it was then. */
#include "apply/batch_internal.h"
#include "apply/payload_block.h"

#include <stdio.h>

/* Events as they were decoded then; all of them are to be applied but those that were not. */
static enum mu_status decode_block(struct batch *batch, const struct payload_block *block,
                                   struct mu_error *err)
{
    batch->count = batch->distinct_count = block->count;
    batch->now_us = block->now_us;
    if (batch_make_room(batch, err) != MU_OK)
        return err->status;
    for (size_t i = 0; i < block->count; i++) {
        struct event *event = &batch->events[i];

        batch->distinct[i] = event;
        batch->flags[i] = (unsigned char)block->entries[i].flags;
        if (batch->flags[i] & PAYLOAD_QUARANTINED)
            continue;
        event_decode(&block->entries[i].incoming, batch->now_us, batch->arena, event);
        if (!event->message)
            return mu_fail(err, MU_E_INVALID, "event %s was applied, and is not understood: %.200s",
                           event->event_id, event->reason);
        batch->fates[i] = FATE_NEW;
    }
    return MU_OK;
}

enum mu_status batch_replay(struct batch_applier *applier, struct mu_pg *pg, const char *known_at,
                            const void *bytes, size_t len, struct mu_error *err)
{
    struct batch *batch = &applier->batches[0];
    struct payload_block block = {.count = 0};
    enum mu_status st;

    batch_begin(batch, pg, NULL, 0);
    batch->is_replay = true;
    batch->effects.wishes = NULL;
    batch->effects.is_replay = true;
    write_set_forget(batch->set); /* the transaction is not ours */
    write_set_trust(batch->set, NULL);
    (void)snprintf(batch->known_at, sizeof(batch->known_at), "%s", known_at);
    st = mu_pg_execute(pg, READ_BATCH_PLANS, NULL, NULL, err);
    if (st == MU_OK)
        st = payload_block_read(bytes, len, batch->arena, &block, err);
    if (st == MU_OK)
        st = decode_block(batch, &block, err);
    if (st == MU_OK)
        st = batch_apply_events(batch, err);
    if (st == MU_OK)
        st = write_set_queue_derived(batch->set, pg, batch->known_at, err);
    return st;
}
