/* What cannot be understood goes where people see it, with the reason, ready to be replayed. */
#include "apply/effects.h"

#include "store/outbox_row.h"

enum mu_status effects_quarantine(struct effects *effects, const struct event *event,
                                  struct mu_error *err)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf payload;
    const struct mu_incoming *incoming = event->incoming;
    char digest[MU_DIGEST_TEXT_SIZE], id[MU_UUID_TEXT_SIZE];
    struct mu_quarantine_record record = {.stage = "inventory",
                                          .source = mu_topic_name(incoming->topic),
                                          .reason_code = mu_status_name(event->status),
                                          .reason = event->reason,
                                          .received_at_us = event->received_at_us};
    struct outbox_row row = {.topic = MU_TOPIC_QUARANTINE,
                             .type = MU_MSG_QUARANTINE_RECORD,
                             .key = event->event_id,
                             .id = id,
                             .time_us = event->received_at_us,
                             .parent = event->traceparent};

    mu_quarantine_payload(&record, incoming->value, incoming->value_len, &payload, digest);
    mu_stable_id("muster.quarantine-record.v1", (const char *const[]){event->event_id}, 1, id);
    return outbox_row_add(effects->set, &row, &record, err);
}
