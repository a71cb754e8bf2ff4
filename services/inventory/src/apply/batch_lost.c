/* Messages of a claimed partition that do not follow on those before them. */
#include "apply/batch_internal.h"
#include "apply/lost.h"

size_t batch_find_claim(const struct batch_applier *applier, enum mu_topic topic, int32_t partition)
{
    size_t i = 0;

    while (i < applier->claim_count &&
           (applier->claims[i].topic != topic || applier->claims[i].partition != partition))
        i++;
    return i;
}

int64_t batch_expected(const struct batch_applier *applier, enum mu_topic topic, int32_t partition)
{
    size_t i = batch_find_claim(applier, topic, partition);

    return i < applier->claim_count ? applier->claims[i].next_offset : -1;
}

static enum mu_status note(struct batch *batch, const struct claim *claim, int64_t offset,
                           struct mu_error *err)
{
    const struct lost lost = {claim->topic, claim->partition, claim->reached, offset};

    if (offset > claim->reached)
        batch->lost += offset - claim->reached;
    return lost_tell(batch->set, &lost, batch->known_at, batch->known_us, err);
}

enum mu_status batch_note_lost(struct batch *batch, struct mu_error *err)
{
    struct batch_applier *applier = batch->applier;
    enum mu_status st = MU_OK;

    for (size_t i = 0; i < applier->claim_count; i++)
        applier->claims[i].reached = applier->claims[i].next_offset;
    for (size_t i = 0; st == MU_OK && i < batch->count; i++) {
        const struct mu_incoming *incoming = &batch->messages[i];
        struct claim *claim =
                &applier->claims[batch_find_claim(applier, incoming->topic, incoming->partition)];

        if (claim == &applier->claims[applier->claim_count])
            continue;
        if (claim->reached >= 0 && incoming->offset != claim->reached)
            st = note(batch, claim, incoming->offset, err);
        claim->reached = incoming->offset + 1;
    }
    return st;
}

void batch_reached(struct batch_applier *applier)
{
    for (size_t i = 0; i < applier->claim_count; i++)
        applier->claims[i].next_offset = applier->claims[i].reached;
}
