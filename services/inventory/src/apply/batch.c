#include "apply/batch_internal.h"
#include "apply/payload_block.h"
#include "store/metrics.h"

#include "base/memory.h"
#include "base/stop.h"
#include "base/text.h"

#include <stdlib.h>

enum {
    BATCH_ARENA_MAX_BYTES = 1024 * 1024 * 1024,
    BATCH_MAX_TRIES = 4,
    BATCH_RETRY_MS = 20,
    TRANSACTION_MAX = BATCH_MAX_MESSAGES,
    TRANSACTION_MAX_BYTES = PAYLOAD_BLOCK_MAX_BYTES / 4 * 3 /* envelopes need room too */
};

static void batch_init(struct batch *batch, struct batch_applier *applier, struct write_set *set)
{
    batch->applier = applier;
    batch->set = set;
    batch->wishes = job_wishes_new();
    batch->arena = mu_arena_new(BATCH_ARENA_MAX_BYTES);
    mu_buf_init(&batch->plain, PAYLOAD_BLOCK_MAX_BYTES);
    mu_buf_init(&batch->block, PAYLOAD_BLOCK_MAX_BYTES);
}

static void batch_done(struct batch *batch)
{
    write_set_free(batch->set);
    job_wishes_free(batch->wishes);
    mu_arena_free(batch->arena);
    mu_buf_done(&batch->plain);
    mu_buf_done(&batch->block);
}

struct batch_applier *batch_applier_new(const struct evidence_store *evidence,
                                        int64_t untagged_grace_ms)
{
    struct batch_applier *applier = mu_xcalloc(1, sizeof(*applier));
    struct write_set *set = write_set_new();

    applier->evidence = evidence;
    applier->untagged_grace_ms = untagged_grace_ms;
    write_set_remember(set);
    batch_init(&applier->batches[0], applier, set);
    batch_init(&applier->batches[1], applier, write_set_twin(set));
    return applier;
}

void batch_applier_free(struct batch_applier *applier)
{
    struct mu_error ignored;

    if (!applier)
        return;
    if (applier->written)
        (void)!batch_written(applier->written, &ignored);
    batch_done(&applier->batches[0]);
    batch_done(&applier->batches[1]);
    free(applier);
}

void batch_applier_claim(struct batch_applier *applier, enum mu_topic topic, int32_t partition,
                         int64_t epoch, int64_t next_offset)
{
    size_t i = batch_find_claim(applier, topic, partition);

    if (i == BATCH_MAX_PARTITIONS)
        return;
    applier->claims[i] = (struct claim){topic, partition, epoch, next_offset, next_offset};
    applier->claim_count += i == applier->claim_count;
}

int64_t batch_applier_epoch(const struct batch_applier *applier, enum mu_topic topic,
                            int32_t partition)
{
    size_t i = batch_find_claim(applier, topic, partition);

    return i < applier->claim_count ? applier->claims[i].epoch : -1;
}

void batch_applier_disclaim(struct batch_applier *applier)
{
    applier->claim_count = 0;
}

/* ---- one after the other, the next being made meanwhile ---- */

/* A connection that is not the last one's may be to another server, or to a restored database. */
static void know(struct batch_applier *applier, const struct mu_pg *pg)
{
    struct write_set *set = applier->batches[0].set;

    if (applier->connection != mu_pg_serial(pg))
        write_set_forget(set);
    applier->connection = mu_pg_serial(pg);
    applier->lost_partition = false;
    write_set_trust(set, &applier->trust);
    write_set_trust(applier->batches[1].set, &applier->trust);
}

/* How many of the messages one payload block holds, at least one. */
static size_t fitting(const struct mu_incoming *messages, size_t count)
{
    size_t bytes = 0, n = 0;

    while (n < count && (n == 0 || bytes + messages[n].value_len <= TRANSACTION_MAX_BYTES))
        bytes += messages[n++].value_len;
    return n;
}

/*
 * How many messages the next transaction takes. It is small when nothing is written while it is
 * made; then they double, as far as they are worth it, since what a transaction costs by itself is
 * spread.
 */
static size_t next_size(size_t last, const struct mu_incoming *messages, size_t left)
{
    size_t size = last < BATCH_AHEAD_MIN / 2 ? BATCH_AHEAD_MIN : 2 * last;

    if (left < size + size / 4) /* no crumbs */
        size = left;
    return fitting(messages, size < TRANSACTION_MAX ? size : TRANSACTION_MAX);
}

/* What was made for it is as if it had never been. */
static enum mu_status give_up(struct batch_applier *applier, enum mu_status st)
{
    write_set_drop(applier->batches[0].set);
    mu_metric_add(&metric_batches_failed, 1);
    return st;
}

static enum mu_status mend(struct batch_applier *applier, struct mu_pg *pg,
                           const struct mu_incoming *messages, size_t count, enum mu_status st,
                           struct mu_error *err);

/* Waits for the batch that is written, if there is one. When that failed, and other tries did not,
 * what was made meanwhile is void. */
static enum mu_status settle(struct batch_applier *applier, bool *ret_void, struct mu_error *err)
{
    struct batch *batch = applier->written;
    enum mu_status st = batch ? batch_written(batch, err) : MU_OK;

    applier->written = NULL;
    *ret_void = st != MU_OK;
    if (st == MU_OK)
        return st;
    (void)give_up(applier, st);
    return mend(applier, batch->pg, batch->messages, batch->count, st, err);
}

/* The next transaction of these messages; `ret_done`: how many it took. Zero: to be made again. */
static enum mu_status step(struct batch_applier *applier, struct mu_pg *pg,
                           const struct mu_incoming *messages, size_t count, bool ahead,
                           size_t *ret_done, struct mu_error *err)
{
    size_t size = next_size(applier->written ? applier->written->count : 0, messages, count);
    bool is_void = false;
    enum mu_status st = batch_must_ask(applier) ? settle(applier, &is_void, err) : MU_OK, made;
    struct batch *batch = &applier->batches[applier->written == &applier->batches[0]];
    struct mu_error why;

    *ret_done = 0;
    if (st != MU_OK || is_void)
        return st;
    if (!applier->written)
        know(applier, pg);
    batch_begin(batch, pg, messages, size);
    made = batch_make(batch, NULL, &why);
    st = settle(applier, &is_void, err);
    if (st != MU_OK || is_void)
        return st;
    *ret_done = size;
    if (made != MU_OK) {
        if (!batch_must_ask(applier))
            mu_pg_forget_error(pg); /* it was not the database */
        *err = why;
        return mend(applier, pg, messages, size, give_up(applier, made), err);
    }
    batch_write(batch, size < count || (ahead && size >= BATCH_AHEAD_MIN));
    applier->written = batch;
    return MU_OK;
}

static enum mu_status apply(struct batch_applier *applier, struct mu_pg *pg,
                            const struct mu_incoming *messages, size_t count, bool ahead,
                            struct mu_error *err)
{
    enum mu_status st = MU_OK;
    size_t done = 0, taken;

    for (; st == MU_OK && done < count; done += taken)
        st = step(applier, pg, messages + done, count - done, ahead, &taken, err);
    return st;
}

enum mu_status batch_apply_ahead(struct batch_applier *applier, struct mu_pg *pg,
                                 const struct mu_incoming *messages, size_t count,
                                 struct mu_error *err)
{
    return apply(applier, pg, messages, count, true, err);
}

enum mu_status batch_finish(struct batch_applier *applier, struct mu_error *err)
{
    bool is_void;

    return settle(applier, &is_void, err);
}

enum mu_status batch_apply(struct batch_applier *applier, struct mu_pg *pg,
                           const struct mu_incoming *messages, size_t count, struct mu_error *err)
{
    enum mu_status st = apply(applier, pg, messages, count, false, err);

    return st == MU_OK ? batch_finish(applier, err) : st;
}

/* One transaction of all of them. */
static enum mu_status run_alone(struct batch_applier *applier, struct mu_pg *pg,
                                const struct mu_incoming *messages, size_t count,
                                const struct mu_error *poison, struct mu_error *err)
{
    struct batch *batch = &applier->batches[0];
    enum mu_status st;

    know(applier, pg);
    mu_pg_forget_error(pg);
    batch_begin(batch, pg, messages, count);
    st = batch_make(batch, poison, err);
    if (st == MU_OK) {
        batch_write(batch, false);
        st = batch_written(batch, err);
    }
    return st == MU_OK ? st : give_up(applier, st);
}

/* ---- faults ---- */

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

/* `st`: how the first try went. */
static enum mu_status try_again(struct batch_applier *applier, struct mu_pg *pg,
                                const struct mu_incoming *messages, size_t count,
                                const struct mu_error *poison, enum mu_status st,
                                struct mu_error *err)
{
    while (st != MU_OK && was_trust_broken(applier, pg))
        st = run_alone(applier, pg, messages, count, poison, err);
    for (int tries = 1;
         (st == MU_E_UNAVAILABLE || st == MU_E_CONFLICT) && tries < BATCH_MAX_TRIES &&
         !applier->lost_partition && is_worth_another_try(pg);
         tries++) {
        mu_metric_add(&metric_batches_retried, 1);
        (void)mu_stop_wait(BATCH_RETRY_MS << tries);
        st = run_alone(applier, pg, messages, count, poison, err);
    }
    return st;
}

/* What to do with messages whose transaction failed with `st`. */
static enum mu_status mend(struct batch_applier *applier, struct mu_pg *pg,
                           const struct mu_incoming *messages, size_t count, enum mu_status st,
                           struct mu_error *err)
{
    st = try_again(applier, pg, messages, count, NULL, st, err);
    if (st == MU_OK || applier->lost_partition)
        return st;
    if (is_passing(st, pg))
        return err->status = MU_E_UNAVAILABLE;
    if (count == 1) {
        struct mu_error poison = *err;

        st = run_alone(applier, pg, messages, 1, &poison, err);
        return try_again(applier, pg, messages, 1, &poison, st, err);
    }
    st = batch_apply(applier, pg, messages, count / 2, err);
    return st == MU_OK ? batch_apply(applier, pg, messages + count / 2, count - count / 2, err)
                       : st;
}
