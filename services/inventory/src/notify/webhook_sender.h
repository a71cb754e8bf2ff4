/*
 * webhook_sender: tells notifications to the targets of a configuration, each at least once.
 *
 * A delivery is a row: leased, posted, and then done or due again with a doubling delay; after the
 * last try it is failed, for people to see and retry. Killed at any instant, it is posted again
 * under the same id when its lease ends. A target that fails is left alone for the delay, so it
 * does not hold up the others; no more than a fixed number may wait for one. Several processes may
 * run it.
 *
 * Threads: a sender belongs to one thread at a time.
 * Trust: a target's answer is bounded and not read; a redirect is a failure.
 */
#ifndef INVENTORY_WEBHOOK_SENDER_H
#define INVENTORY_WEBHOOK_SENDER_H

#include "notify/webhook_config.h"
#include "notify/webhook_message.h"

#include <stdbool.h>

struct webhook_sender_config {
    const char *conninfo;
    const struct webhook_config *webhooks;
    int64_t retry_min_ms, retry_max_ms; /* 0: 10 s, 1 h */
    int64_t max_attempts;               /* 0: 12 */
    int64_t max_waiting;                /* of one target; 0: 10000 */
};

struct webhook_sender;

/* `config` must outlive the sender. Errors: as mu_http_client_new. */
enum mu_status webhook_sender_new(const struct webhook_sender_config *config,
                                  struct webhook_sender **ret_sender,
                                  struct mu_error *err) MU_MUST_CHECK;
void webhook_sender_free(struct webhook_sender *sender);

/* What is due now. `ret_busy`: more is, go on at once. Errors: as mu_pg_execute; a target's failure
 * is none. */
enum mu_status webhook_sender_round(struct webhook_sender *sender, bool *ret_busy,
                                    struct mu_error *err) MU_MUST_CHECK;

/* Until a stop is requested. */
void webhook_sender_run(struct webhook_sender *sender);

/* One post without a database. `ret_status`: of the answer, 0 when there was none. `ret_retry_ms`:
 * how long the target asks to be left alone, -1 when it does not. Errors: as mu_http_status_error,
 * for what is no 2xx. */
enum mu_status webhook_post(struct webhook_sender *sender, const struct webhook_target *target,
                            const char *delivery_id,
                            const struct webhook_notification *notification, int *ret_status,
                            int64_t *ret_retry_ms, struct mu_error *err) MU_MUST_CHECK;

MU_DEFINE_AUTO(webhook_sender, struct webhook_sender, webhook_sender_free)

#endif
