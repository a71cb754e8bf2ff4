#include "job/message_sender.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/stop.h"

enum { RETRY_MIN_MS = 200, RETRY_MAX_MS = 15000 };

void message_sender_init(struct message_sender *sender, struct mu_producer *producer)
{
    *sender = (struct message_sender){.producer = producer};
    (void)pthread_mutex_init(&sender->lock, NULL);
    (void)pthread_cond_init(&sender->settled, NULL);
}

void message_sender_done(struct message_sender *sender)
{
    (void)pthread_cond_destroy(&sender->settled);
    (void)pthread_mutex_destroy(&sender->lock);
}

static void on_delivered(void *opaque, enum mu_status status, const char *message)
{
    struct message_sender *sender = opaque;

    (void)message;
    (void)pthread_mutex_lock(&sender->lock);
    sender->ready = true;
    sender->status = status;
    (void)pthread_cond_signal(&sender->settled);
    (void)pthread_mutex_unlock(&sender->lock);
}

static enum mu_status send_once(struct message_sender *sender, const struct mu_outgoing *message,
                                struct mu_error *err)
{
    enum mu_status st;

    sender->ready = false; /* nothing is under way: nobody else looks at it */
    st = mu_producer_send(sender->producer, message, on_delivered, sender, err);
    if (st != MU_OK)
        return st;
    (void)pthread_mutex_lock(&sender->lock);
    while (!sender->ready) /* ends: the producer gives every message its report in time */
        (void)pthread_cond_wait(&sender->settled, &sender->lock);
    st = sender->status;
    (void)pthread_mutex_unlock(&sender->lock);
    return st == MU_OK ? MU_OK : mu_fail(err, st, "Kafka did not acknowledge the message");
}

/* Missing rights are an operator's to mend: we wait for them too. */
static enum mu_status send_until_there(struct message_sender *sender,
                                       const struct mu_outgoing *message, struct mu_error *err)
{
    struct mu_backoff backoff = {RETRY_MIN_MS, RETRY_MAX_MS, 0};
    enum mu_status st;

    while ((st = send_once(sender, message, err)) != MU_OK) {
        if (st == MU_E_INVALID || st == MU_E_LIMIT)
            return st;
        if (sender->ends_at_ms > 0 && mu_monotonic_ms() >= sender->ends_at_ms)
            return err->status = MU_E_UNAVAILABLE;
        MU_LOG(st == MU_E_UNAVAILABLE ? MU_LOG_WARN : MU_LOG_ERROR, "message not sent, retrying",
               MU_KV("topic", mu_topic_name(message->topic)), MU_KV("error", err->message));
        if (mu_backoff_wait(&backoff))
            return mu_fail(err, MU_E_UNAVAILABLE, "the scanner is stopping");
    }
    return MU_OK;
}

enum mu_status message_send(struct message_sender *sender, const struct message_to_send *message,
                            struct mu_error *err)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf value;
    char traceparent[MU_TRACEPARENT_SIZE];
    struct mu_outgoing outgoing = {.topic = message->topic, .key = message->key};

    mu_buf_init(&value, 4 * MU_MSG_MAX_BYTES);
    if (mu_msg_encode(message->type, message->message, &value, err) != MU_OK)
        return err->status;
    mu_traceparent_new(message->traceparent, traceparent);
    outgoing.envelope = (struct mu_msg_envelope){.type = message->type,
                                                 .id = message->id,
                                                 .source = "/muster/scanner",
                                                 .time_us = mu_now_us(),
                                                 .traceparent = traceparent};
    outgoing.value = value.data;
    outgoing.value_len = value.len;
    return send_until_there(sender, &outgoing, err);
}
