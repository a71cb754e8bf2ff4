/*
 * event: one message from Kafka, understood or not.
 *
 * Decoding never fails: what cannot be understood becomes an event to quarantine, with the reason.
 * A message without usable CloudEvents identity gets one from its place and content, so that it too
 * is recorded exactly once.
 *
 * Trust: messages are hostile. Texts are valid UTF-8 without NUL; sizes are those of the schemas.
 */
#ifndef INVENTORY_APPLY_EVENT_H
#define INVENTORY_APPLY_EVENT_H

#include "base/memory.h"
#include "base/sha256.h"
#include "bus/bus.h"
#include "msg/msg.h"

/* How far a source's clock may be ahead: clock_tolerance() of the database. */
enum { CLOCK_TOLERANCE_US = 5 * 60 * 1000000 };

struct event {
    const struct mu_incoming *incoming;
    char event_id[MU_UUID_TEXT_SIZE];
    const char *ce_source, *ce_id, *ce_type;
    const char *traceparent; /* NULL: none */
    const char *source;      /* of a registry or workload event: as ingest calls it */
    int64_t occurred_at_us, received_at_us;
    enum mu_msg_type type;
    bool is_read;          /* else message, status and reason are not there yet */
    void *message;         /* struct of `type`; NULL: quarantine */
    enum mu_status status; /* why, when message is NULL */
    const char *reason;
};

/* Its identity alone. `now_us` stands for times that a message does not say. Texts are borrowed
 * from `incoming` or live in the arena. */
void event_identify(const struct mu_incoming *incoming, int64_t now_us, struct mu_arena *arena,
                    struct event *ret_event);

/* What the message says, of an event that is identified; once is enough. */
void event_read(struct event *event, struct mu_arena *arena);

/* Both. */
void event_decode(const struct mu_incoming *incoming, int64_t now_us, struct mu_arena *arena,
                  struct event *ret_event);

/*
 * When that was which a source dates: nothing happens after it was received, so what is dated later
 * than a clock may be ahead was when it was received. MU_TIME_NONE stays.
 */
int64_t event_happened(const struct event *event, int64_t told_us);

/* Makes an event one to quarantine. */
void event_reject(struct event *event, struct mu_arena *arena, const struct mu_error *why);

#endif
