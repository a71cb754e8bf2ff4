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
    TRANSACTION_MIN = 1500,
    TRANSACTION_MAX = 20000,
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
    if (!applier)
        return;
    batch_done(&applier->batches[0]);
    batch_done(&applier->batches[1]);
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
 * How many messages the next transaction takes. The first is small, since nothing is written while
 * it is made. They grow as far as they are worth it, since what a transaction costs by itself is
 * spread; not faster than one is made while the last is written.
 */
static size_t next_size(size_t last, const struct mu_incoming *messages, size_t left)
{
    size_t size = last == 0 ? TRANSACTION_MIN : last + last / 4;

    if (size > TRANSACTION_MAX)
        size = TRANSACTION_MAX;
    if (left < size + TRANSACTION_MIN)
        size = left; /* no crumbs */
    return fitting(messages, size);
}

/* What was committed of a run of messages, and the size of the batch that failed. */
struct progress {
    size_t committed, failed;
};

/* Waits for the batch that is written, if there is one. */
static enum mu_status settle(struct batch **written, struct progress *progress,
                             struct mu_error *err)
{
    struct batch *batch = *written;
    enum mu_status st = batch ? batch_written(batch, err) : MU_OK;

    *written = NULL;
    if (batch)
        *(st == MU_OK ? &progress->committed : &progress->failed) += batch->count;
    return st;
}

/* Makes a batch while the last one is written, unless the database is asked for it, and waits for
 * that one. */
static enum mu_status make_next(struct batch *batch, struct batch **written,
                                struct progress *progress, struct mu_error *err)
{
    enum mu_status st = batch_must_ask(batch->applier) ? settle(written, progress, err) : MU_OK;
    enum mu_status made;
    struct mu_error why;

    if (st != MU_OK)
        return st;
    made = batch_make(batch, NULL, &why);
    st = settle(written, progress, err);
    if (st != MU_OK || made == MU_OK)
        return st;
    progress->failed = batch->count;
    *err = why;
    return made;
}

/* What was made for it is as if it had never been. */
static enum mu_status give_up(struct batch_applier *applier, enum mu_status st)
{
    write_set_drop(applier->batches[0].set);
    mu_metric_add(&metric_batches_failed, 1);
    return st;
}

static enum mu_status run(struct batch_applier *applier, struct mu_pg *pg,
                          const struct mu_incoming *messages, size_t count,
                          struct progress *progress, struct mu_error *err)
{
    struct batch *written = NULL;
    enum mu_status st = MU_OK;
    size_t at = 0, size = 0;

    know(applier, pg);
    for (size_t i = 0; st == MU_OK && at < count; at += size, i++) {
        struct batch *batch = &applier->batches[i % 2];

        size = next_size(size, messages + at, count - at);
        batch_begin(batch, pg, messages + at, size);
        st = make_next(batch, &written, progress, err);
        if (st != MU_OK)
            break;
        batch_write(batch, at + size < count);
        written = batch;
    }
    if (st == MU_OK)
        st = settle(&written, progress, err);
    return st == MU_OK ? st : give_up(applier, st);
}

/* One transaction of all of them. */
static enum mu_status run_alone(struct batch_applier *applier, struct mu_pg *pg,
                                const struct mu_incoming *messages, size_t count,
                                const struct mu_error *poison, struct mu_error *err)
{
    struct batch *batch = &applier->batches[0];
    enum mu_status st;

    know(applier, pg);
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

enum mu_status batch_apply(struct batch_applier *applier, struct mu_pg *pg,
                           const struct mu_incoming *messages, size_t count, struct mu_error *err)
{
    enum mu_status st = MU_OK;
    size_t done = 0;

    while (st == MU_OK && done < count) {
        struct progress progress = {0, 0};

        st = run(applier, pg, messages + done, count - done, &progress, err);
        done += progress.committed;
        if (st == MU_OK)
            continue;
        st = mend(applier, pg, messages + done, progress.failed, st, err);
        done += progress.failed;
    }
    return st;
}
