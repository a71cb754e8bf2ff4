/* What cannot be understood goes where people see it, with the reason, ready to be replayed. */
#include "apply/effects.h"

#include "store/outbox_row.h"

#include "base/text.h"

enum { QUARANTINE_MAX_PAYLOAD_BYTES = 40 * 1024 };

enum mu_status effects_quarantine(struct effects *effects, const struct event *event,
                                  struct mu_error *err)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf payload;
    const struct mu_incoming *incoming = event->incoming;
    size_t kept = incoming->value_len < QUARANTINE_MAX_PAYLOAD_BYTES ? incoming->value_len
                                                                     : QUARANTINE_MAX_PAYLOAD_BYTES;
    char digest[MU_DIGEST_TEXT_SIZE], id[MU_UUID_TEXT_SIZE];
    struct mu_quarantine_record record = {.stage = "inventory",
                                          .source = mu_topic_name(incoming->topic),
                                          .reason_code = mu_status_name(event->status),
                                          .reason = event->reason,
                                          .received_at_us = event->received_at_us,
                                          .payload_digest = digest,
                                          .payload_size_bytes = (int64_t)incoming->value_len,
                                          .payload_truncated = kept < incoming->value_len};
    struct outbox_row row = {.topic = MU_TOPIC_QUARANTINE,
                             .type = MU_MSG_QUARANTINE_RECORD,
                             .key = event->event_id,
                             .id = id,
                             .time_us = event->received_at_us,
                             .parent = event->traceparent};

    mu_buf_init(&payload, 2 * QUARANTINE_MAX_PAYLOAD_BYTES);
    mu_base64_encode(incoming->value ? incoming->value : "", kept, &payload);
    record.payload_base64 = payload.data;
    mu_sha256_text(incoming->value ? incoming->value : "", incoming->value_len, digest);
    mu_stable_id("muster.quarantine-record.v1", (const char *const[]){event->event_id}, 1, id);
    return outbox_row_add(effects->set, &row, &record, err);
}
