/*
 * outbox_row: a message as a row of the outbox, encoded, with envelope and deterministic id.
 */
#ifndef INVENTORY_STORE_OUTBOX_ROW_H
#define INVENTORY_STORE_OUTBOX_ROW_H

#include "store/write_set.h"

#include "bus/bus.h"
#include "msg/msg.h"

struct outbox_row {
    enum mu_topic topic;
    enum mu_msg_type type;
    const char *key;
    const char *id;     /* ce_id */
    int64_t time_us;    /* ce_time */
    const char *parent; /* traceparent of the cause or NULL: the message's own is its child */
};

/* Errors: MU_E_INVALID, MU_E_LIMIT (see mu_msg_encode). */
enum mu_status outbox_row_add(struct write_set *set, const struct outbox_row *row,
                              const void *message, struct mu_error *err) MU_MUST_CHECK;

/* A notification: its row, and its message. `cause` makes the id: the same cause notifies once. */
enum mu_status outbox_notify(struct write_set *set, const struct mu_notification *notification,
                             const char *cause, const char *parent,
                             struct mu_error *err) MU_MUST_CHECK;

/* The notification of a failure of detection that is of a source. */
struct failure_notice {
    const char *failure_id, *source, *code, *sentence;
    int64_t at_us;
    const char *parent; /* as of outbox_row */
};
enum mu_status outbox_notify_failure(struct write_set *set, const struct failure_notice *notice,
                                     struct mu_error *err) MU_MUST_CHECK;

#endif
