#include "msg/field.h"

#include "base/text.h"

enum { QUARANTINE_MAX_BASE64 = 56 * 1024 };

#define M mu_quarantine_record
static const struct mu_json_field fields[] = {
        TEXT(M, content_type, "content_type", MAY, FIELD_NAME_MAX),
        {.name = "headers",
         .type = MU_JSON_MAP,
         .offset = offsetof(struct M, headers),
         .max = MU_QUARANTINE_MAX_HEADERS,
         .present_offset = offsetof(struct M, has_headers)},
        TEXT(M, payload_base64, "payload_base64", MAY, QUARANTINE_MAX_BASE64),
        DIGEST(M, payload_digest, "payload_digest", MUST),
        COUNT(M, payload_size_bytes, "payload_size_bytes", MUST),
        BOOL(M, payload_truncated, "payload_truncated", MUST),
        TEXT(M, reason, "reason", MUST, FIELD_MESSAGE_MAX),
        TEXT(M, reason_code, "reason_code", MUST, FIELD_NAME_MAX),
        TIME(M, received_at_us, "received_at", MUST),
        TEXT(M, source, "source", MUST, FIELD_NAME_MAX),
        TEXT(M, source_kind, "source_kind", MAY, FIELD_NAME_MAX),
        TEXT(M, stage, "stage", MUST, FIELD_NAME_MAX),
};

const struct mu_json_object mu_quarantine_record_object =
        MESSAGE_OBJECT(fields, "quarantine record", mu_quarantine_record);

void mu_quarantine_payload(struct mu_quarantine_record *record, const void *payload,
                           size_t payload_len, struct mu_buf *base64,
                           char ret_digest[MU_DIGEST_TEXT_SIZE])
{
    size_t kept = payload_len < MU_QUARANTINE_MAX_PAYLOAD_BYTES ? payload_len
                                                                : MU_QUARANTINE_MAX_PAYLOAD_BYTES;

    mu_buf_init(base64, 2 * MU_QUARANTINE_MAX_PAYLOAD_BYTES);
    mu_base64_encode(payload ? payload : "", kept, base64);
    mu_sha256_text(payload ? payload : "", payload_len, ret_digest);
    record->payload_base64 = base64->data;
    record->payload_digest = ret_digest;
    record->payload_size_bytes = (int64_t)payload_len;
    record->payload_truncated = kept < payload_len;
}
