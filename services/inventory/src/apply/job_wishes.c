#include "apply/job_wishes.h"

#include "base/clock.h"
#include "base/sha256.h"
#include "identity/identity.h"

#include <stdlib.h>
#include <string.h>

enum { CAPACITY = 1 << 12 };

struct slot {
    char job_id[MU_UUID_TEXT_SIZE]; /* "": empty */
    struct job_wish wish;
};

struct job_wishes {
    struct slot *slots;
    size_t count, capacity; /* a power of two */
};

struct job_wishes *job_wishes_new(void)
{
    struct job_wishes *wishes = mu_xcalloc(1, sizeof(*wishes));

    wishes->capacity = CAPACITY;
    wishes->slots = mu_xcalloc(CAPACITY, sizeof(struct slot));
    return wishes;
}

void job_wishes_free(struct job_wishes *wishes)
{
    if (!wishes)
        return;
    free(wishes->slots);
    free(wishes);
}

void job_wishes_reset(struct job_wishes *wishes)
{
    for (size_t i = 0; wishes->count > 0 && i < wishes->capacity; i++)
        wishes->slots[i].job_id[0] = '\0';
    wishes->count = 0;
}

/* The job's own slot, or the empty one where it belongs. */
static struct slot *slot_of(const struct job_wishes *wishes, const char *job_id)
{
    size_t at =
            (size_t)strtoull(job_id, NULL, 16) & (wishes->capacity - 1); /* 8 digits of a hash */

    while (wishes->slots[at].job_id[0] && strcmp(wishes->slots[at].job_id, job_id) != 0)
        at = (at + 1) & (wishes->capacity - 1);
    return &wishes->slots[at];
}

static void grow(struct job_wishes *wishes)
{
    struct slot *old = wishes->slots;
    size_t capacity = wishes->capacity;

    wishes->capacity = 2 * capacity;
    wishes->slots = mu_xcalloc(wishes->capacity, sizeof(struct slot));
    for (size_t i = 0; i < capacity; i++)
        if (old[i].job_id[0])
            *slot_of(wishes, old[i].job_id) = old[i];
    free(old);
}

static void merge(struct job_wish *wish, const struct job_wish *other)
{
    if (other->priority < wish->priority ||
        (other->priority == wish->priority && strcmp(other->reason, wish->reason) < 0)) {
        wish->priority = other->priority;
        wish->reason = other->reason;
    }
    if (other->grace_ms < wish->grace_ms)
        wish->grace_ms = other->grace_ms;
    if (!wish->traceparent ||
        (other->traceparent && strcmp(other->traceparent, wish->traceparent) < 0))
        wish->traceparent = other->traceparent;
}

void job_wishes_add(struct job_wishes *wishes, const struct job_wish *wish)
{
    char job_id[MU_UUID_TEXT_SIZE];
    struct slot *slot;

    if (2 * wishes->count >= wishes->capacity)
        grow(wishes);
    identity_job(wish->repository, wish->digest, job_id);
    slot = slot_of(wishes, job_id);
    if (slot->job_id[0]) {
        merge(&slot->wish, wish);
        return;
    }
    memcpy(slot->job_id, job_id, sizeof(job_id));
    slot->wish = *wish;
    wishes->count++;
}

void job_wishes_write(const struct job_wishes *wishes, struct write_set *set, int64_t known_us,
                      struct mu_arena *arena)
{
    for (size_t i = 0; wishes->count > 0 && i < wishes->capacity; i++) {
        const struct job_wish *wish = &wishes->slots[i].wish;
        char at[MU_TIME_TEXT_SIZE];

        if (!wishes->slots[i].job_id[0])
            continue;
        mu_time_format(known_us + wish->grace_ms * 1000, at);
        WRITE_SET_ADD(set, WRITE_JOBS_WANTED, wishes->slots[i].job_id, wish->digest,
                      mu_arena_printf(arena, "%d", wish->priority), wish->reason, at,
                      wish->repository, "pending", wish->traceparent);
    }
}
