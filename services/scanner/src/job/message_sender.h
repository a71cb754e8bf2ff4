/*
 * message_sender: one message after the other into Kafka, each until it is there.
 *
 * Kafka away or rights missing: tried again with backoff, for as long as it takes or until the
 * deadline. A message that can never be sent is an error at once.
 *
 * Threads: a sender belongs to one thread at a time; the producer may be shared.
 */
#ifndef SCANNER_JOB_MESSAGE_SENDER_H
#define SCANNER_JOB_MESSAGE_SENDER_H

#include "bus/bus.h"

#include <pthread.h>
#include <stdbool.h>

struct message_sender {
    struct mu_producer *producer;
    uint64_t ends_at_ms;  /* mu_monotonic_ms; 0: none */
    pthread_mutex_t lock; /* over what the delivery report says */
    pthread_cond_t settled;
    bool ready;
    enum mu_status status;
};

/* The producer is borrowed. */
void message_sender_init(struct message_sender *sender, struct mu_producer *producer);
void message_sender_done(struct message_sender *sender);

struct message_to_send {
    enum mu_topic topic;
    enum mu_msg_type type;
    const void *message;     /* the struct of the type */
    const char *key, *id;    /* partition key, ce_id */
    const char *traceparent; /* of what caused it; NULL: none */
};

/*
 * MU_OK: Kafka has acknowledged it. Errors: MU_E_INVALID, MU_E_LIMIT (it cannot be encoded or Kafka
 * refuses it for good), MU_E_UNAVAILABLE (a stop was requested, or the deadline is over, first).
 */
enum mu_status message_send(struct message_sender *sender, const struct message_to_send *message,
                            struct mu_error *err) MU_MUST_CHECK;

#endif
