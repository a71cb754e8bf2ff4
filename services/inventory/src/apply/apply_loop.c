#include "apply/apply_loop.h"

#include "apply/batch.h"
#include "apply/claim.h"
#include "store/metrics.h"
#include "store/statements.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/stop.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { OWNER_SIZE = 128 };
enum { POLL_MS = 500, BOUNDS_MS = 2000, RETRY_MIN_MS = 200, RETRY_MAX_MS = 5000 };

static const enum mu_topic topics[] = {MU_TOPIC_REGISTRY_EVENTS, MU_TOPIC_WORKLOAD_EVENTS,
                                       MU_TOPIC_SCAN_RESULTS};
static const char group[] = "muster-inventory";

struct fetched {
    struct mu_incoming messages[BATCH_MAX_MESSAGES];
    size_t count;
};

struct apply_loop {
    const struct apply_config *config;
    struct mu_pg *pg;
    struct mu_consumer *consumer;
    struct batch_applier *applier;
    struct fetched
            fetched[2];      /* that is applied, perhaps still written; that is fetched meanwhile */
    struct fetched *held;    /* the one of them that has messages, between two steps; NULL: none */
    char owner[OWNER_SIZE];  /* who claims partitions */
    bool rewinding;          /* partitions are asked for again, not newly assigned */
    struct mu_error failure; /* of what was still written when a position was asked for */
    uint64_t ask_again_ms;   /* a broker did not say what it holds: not before */
    bool must_rewind;        /* what was fetched is not applied: read again before anything newer */
};

static enum mu_status connect_database(struct apply_loop *loop, struct mu_error *err)
{
    if (loop->pg && mu_pg_alive(loop->pg))
        return MU_OK;
    mu_pg_close(loop->pg);
    loop->pg = NULL;
    return inventory_pg_open(loop->config->conninfo, "muster-inventory apply", &loop->pg, err);
}

/*
 * Where reading goes on in place of `next_offset`, when that is gone. Asked once the partition is
 * ours, so that nobody moves the position meanwhile. A broker that does not say holds nothing up:
 * what is read then does not follow (batch_note_lost), and the next claim asks again.
 */
static enum mu_status look_for_lost(struct apply_loop *loop, const struct claim_bid *bid,
                                    struct claimed *claimed, struct mu_error *err)
{
    struct mu_bounds bounds;
    struct lost lost;
    char sentence[LOST_SENTENCE_SIZE];
    struct mu_error why;

    if (mu_monotonic_ms() < loop->ask_again_ms)
        return MU_OK;
    if (mu_consumer_bounds(loop->consumer, bid->topic, bid->partition, BOUNDS_MS, &bounds, &why) !=
        MU_OK) {
        loop->ask_again_ms = mu_monotonic_ms() + BOUNDS_MS;
        MU_LOG(MU_LOG_WARN, "what Kafka still holds is not known; the next claim asks again",
               MU_KV("error", why.message));
        return MU_OK;
    }
    if (!claim_is_lost(bid, claimed, &bounds, &lost))
        return MU_OK;
    if (claim_move(loop->pg, claimed, &lost, err) != MU_OK)
        return err->status;
    if (lost.expected >= 0) {
        lost_describe(&lost, sentence);
        MU_LOG(MU_LOG_ERROR, "events are lost", MU_KV("what", sentence));
    }
    return MU_OK;
}

/* A partition newly assigned. */
static enum mu_status claim(struct apply_loop *loop, enum mu_topic topic, int32_t partition,
                            int64_t *ret_offset, struct mu_error *err)
{
    const struct claim_bid bid = {topic, partition, loop->owner};
    struct claimed claimed;
    enum mu_status st = claim_take(loop->pg, &bid, &claimed, err);

    if (st == MU_OK)
        st = look_for_lost(loop, &bid, &claimed, err);
    if (st != MU_OK)
        return st;
    *ret_offset = claimed.next_offset;
    batch_applier_claim(loop->applier, topic, partition, claimed.epoch, claim_expects(&claimed));
    return MU_OK;
}

/* After a failure we go back only on what is still ours. */
static enum mu_status go_back(struct apply_loop *loop, enum mu_topic topic, int32_t partition,
                              int64_t *ret_offset, struct mu_error *err)
{
    MU_AUTO(pg_result) struct mu_pg_result *result = NULL;
    char number[16], epoch[24];
    const char *values[] = {mu_topic_name(topic), number, epoch};
    struct claimed claimed = {.epoch = batch_applier_epoch(loop->applier, topic, partition)};
    enum mu_status st;

    (void)snprintf(number, sizeof(number), "%" PRId32, partition);
    (void)snprintf(epoch, sizeof(epoch), "%" PRId64, claimed.epoch);
    st = mu_pg_execute(loop->pg, READ_POSITION_OF_CLAIM, values, &result, err);
    if (st == MU_OK && mu_pg_rows(result) == 0)
        return mu_fail(err, MU_E_CONFLICT, "another process has taken the partition");
    if (st != MU_OK)
        return st;
    *ret_offset = claimed.next_offset = mu_pg_int(result, 0, 0);
    batch_applier_claim(loop->applier, topic, partition, claimed.epoch, claim_expects(&claimed));
    return MU_OK;
}

/* The last message of each run of a partition is enough. */
static void store_offsets(struct apply_loop *loop, const struct fetched *fetched)
{
    const struct mu_incoming *messages = fetched->messages;
    size_t count = fetched->count;
    struct mu_error ignored; /* a hint: the partition may have gone to another process */

    for (size_t i = 0; i < count; i++)
        if (i + 1 == count || messages[i + 1].topic != messages[i].topic ||
            messages[i + 1].partition != messages[i].partition)
            (void)!mu_consumer_store(loop->consumer, &messages[i], &ignored);
}

/* What becomes of messages: their positions are in the database, or they are read again. */
static void let_go(struct apply_loop *loop, struct fetched *fetched, enum mu_status st)
{
    if (!fetched || fetched->count == 0)
        return;
    if (st == MU_OK)
        store_offsets(loop, fetched);
    else
        loop->must_rewind = true;
    mu_consumer_release(fetched->messages, fetched->count);
    fetched->count = 0;
}

/* Waits for what is still written. */
static enum mu_status finish(struct apply_loop *loop, struct mu_error *err)
{
    struct fetched *held = loop->held;
    enum mu_status st = held ? batch_finish(loop->applier, err) : MU_OK;

    loop->held = NULL;
    let_go(loop, held, st);
    return st;
}

/* Where a partition goes on: what the database has, else the beginning. */
static enum mu_status position_of(void *opaque, enum mu_topic topic, int32_t partition,
                                  int64_t *ret_offset, struct mu_error *err)
{
    struct apply_loop *loop = opaque;
    enum mu_status st = finish(loop, err); /* the connection is needed, and the position moves */

    if (st != MU_OK)
        loop->failure = *err;
    if (st == MU_OK)
        st = connect_database(loop, err);
    if (st != MU_OK)
        return st;
    return loop->rewinding ? go_back(loop, topic, partition, ret_offset, err)
                           : claim(loop, topic, partition, ret_offset, err);
}

/* Back to the database's positions. Until that has worked nothing newer may be read. */
static enum mu_status rewind_to_positions(struct apply_loop *loop, struct mu_error *err)
{
    enum mu_status st;

    if (!loop->must_rewind)
        return MU_OK;
    loop->rewinding = true;
    st = mu_consumer_rewind(loop->consumer, err);
    loop->rewinding = false;
    if (st == MU_OK)
        loop->must_rewind = false;
    return st;
}

/* We were away and the group has gone on without us: join it anew, and claim what it gives us. */
static void leave_group(struct apply_loop *loop)
{
    mu_metric_add(&metric_batches_fenced, 1);
    mu_consumer_close(loop->consumer);
    loop->consumer = NULL;
    batch_applier_disclaim(loop->applier);
    loop->must_rewind = false;
}

/* The last part of them is still written when they are held. */
static enum mu_status apply(struct apply_loop *loop, struct fetched *fetched, struct mu_error *err)
{
    enum mu_status st =
            batch_apply_ahead(loop->applier, loop->pg, fetched->messages, fetched->count, err);

    let_go(loop, loop->held, st);
    loop->held = st == MU_OK ? fetched : NULL;
    if (st != MU_OK)
        let_go(loop, fetched, st);
    return st;
}

/* A little is waited for at once; of much the end is written while the next is fetched and made. */
static enum mu_status apply_fetched(struct apply_loop *loop, struct fetched *fetched,
                                    struct mu_error *err)
{
    size_t count = fetched->count;
    enum mu_status st = apply(loop, fetched, err);

    return st == MU_OK && count < BATCH_AHEAD_MIN ? finish(loop, err) : st;
}

/* What failed while we polled, and was not the poll. */
static enum mu_status take_failure(struct apply_loop *loop, enum mu_status st, struct mu_error *err)
{
    if (loop->failure.status == MU_OK)
        return st;
    *err = loop->failure;
    loop->failure.status = MU_OK;
    return err->status;
}

/* Takes and applies some messages. */
static enum mu_status step(struct apply_loop *loop, struct mu_error *err)
{
    struct fetched *fetched = &loop->fetched[loop->held == &loop->fetched[0]];
    enum mu_status st = rewind_to_positions(loop, err), finished = MU_OK;
    struct mu_error why;

    if (st == MU_OK)
        st = mu_consumer_poll(loop->consumer, fetched->messages, BATCH_MAX_MESSAGES,
                              loop->held ? 0 : POLL_MS, &fetched->count, err);
    st = take_failure(loop, st, err);
    if (st == MU_OK && fetched->count > 0)
        st = apply_fetched(loop, fetched, err);
    else {
        let_go(loop, fetched, MU_E_UNAVAILABLE);
        finished = finish(loop, &why);
    }
    if (st == MU_OK && finished != MU_OK) {
        *err = why;
        st = finished;
    }
    if (st == MU_E_CONFLICT)
        leave_group(loop);
    return st;
}

static enum mu_status open_all(struct apply_loop *loop, struct mu_error *err)
{
    enum mu_status st = loop->held ? MU_OK : connect_database(loop, err); /* it is in use */

    if (st == MU_OK && !loop->consumer)
        st = mu_consumer_open(loop->config->bus, group, topics, sizeof(topics) / sizeof(topics[0]),
                              position_of, loop, &loop->consumer, err);
    return st;
}

/* For people who look at the table: which process has it. */
static void name_owner(char owner[OWNER_SIZE])
{
    char host[64] = "";

    (void)gethostname(host, sizeof(host) - 1);
    (void)snprintf(owner, OWNER_SIZE, "%s/%ld", host, (long)getpid());
}

struct apply_loop *apply_loop_new(const struct apply_config *config)
{
    struct apply_loop *loop = mu_xcalloc(1, sizeof(*loop));

    loop->config = config;
    name_owner(loop->owner);
    loop->applier = batch_applier_new(config->evidence, config->untagged_grace_ms);
    return loop;
}

void apply_loop_free(struct apply_loop *loop)
{
    struct mu_error ignored;

    if (!loop)
        return;
    (void)!finish(loop, &ignored);
    mu_consumer_close(loop->consumer);
    mu_pg_close(loop->pg);
    batch_applier_free(loop->applier);
    free(loop);
}

enum mu_status apply_loop_step(struct apply_loop *loop, struct mu_error *err)
{
    enum mu_status st = open_all(loop, err);

    if (st == MU_OK)
        st = step(loop, err);
    if (st != MU_OK && st != MU_E_CONFLICT) { /* another server may lead when we ask again */
        mu_pg_close(loop->pg);
        loop->pg = NULL;
    }
    return st;
}

void apply_loop_run(const struct apply_config *config)
{
    MU_AUTO(apply_loop) struct apply_loop *loop = apply_loop_new(config);
    struct mu_backoff backoff = {RETRY_MIN_MS, RETRY_MAX_MS, 0};

    while (!mu_stop_requested()) {
        struct mu_error err;
        enum mu_status st = apply_loop_step(loop, &err);

        atomic_store(config->ready, st == MU_OK);
        if (st == MU_OK) {
            backoff.attempt = 0;
            continue;
        }
        MU_LOG(st == MU_E_UNAVAILABLE || st == MU_E_CONFLICT ? MU_LOG_WARN : MU_LOG_ERROR,
               "events wait, retrying", MU_KV("error", err.message));
        (void)mu_backoff_wait(&backoff);
    }
    atomic_store(config->ready, false);
}
