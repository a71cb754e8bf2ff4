/*
 * worker_pool: threads that run scans and hand their results to Kafka.
 *
 * A task ends when its result is acknowledged by Kafka (or was quarantined), never before. Whatever
 * is away (registry: a failed result; evidence API and Kafka: retried with backoff) does not lose
 * it. A result that can never be sent (too large for a message) is sent as a failed one instead, so
 * that no request blocks its partition for good.
 *
 * Order: a free worker takes the most urgent task that waits, in order of arrival within a topic.
 *
 * Threads: one feeder thread submits and collects.
 */
#ifndef SCANNER_JOB_WORKER_POOL_H
#define SCANNER_JOB_WORKER_POOL_H

#include "job/scan.h"

#include "bus/bus.h"

struct worker_pool;

struct worker_pool_config {
    const struct scan_context *context;
    struct mu_producer *producer;
    unsigned workers;
};

/* A request as received; `incoming` is the feeder's until the task is done. */
struct scan_task {
    struct mu_incoming incoming;
    bool done;
    struct scan_task *next; /* the pool's, while it waits */
};

/* Errors: MU_E_UNAVAILABLE (threads). */
enum mu_status worker_pool_start(const struct worker_pool_config *config,
                                 struct worker_pool **ret_pool, struct mu_error *err) MU_MUST_CHECK;
/* From here on no waiting task is begun. */
void worker_pool_close(struct worker_pool *pool);
/* Closes, and ends the threads when what they are at is over; tasks that did not end stay undone.
 */
void worker_pool_stop(struct worker_pool *pool);
void worker_pool_free(struct worker_pool *pool); /* stops it first; NULL is fine */

/* The task stays the caller's and must live until done. */
void worker_pool_submit(struct worker_pool *pool, struct scan_task *task);
/* Whether the task has ended; after that the pool does not touch it any more. */
bool worker_pool_done(struct worker_pool *pool, const struct scan_task *task);

#endif
