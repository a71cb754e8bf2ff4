#include "spool/spool_record.h"

#include "spool/spool.h"

#include "base/sha256.h"

#include <endian.h>
#include <string.h>

const char spool_magic[8] = {'M', 'U', 'S', 'P', 'O', 'O', 'L', '1'};

enum { HEADER_BYTES = 16 };

static uint64_t checksum_of(const void *bytes, size_t len)
{
    MU_AUTO(sha256) struct mu_sha256 *hash = mu_sha256_new();
    uint8_t digest[MU_SHA256_BYTES];
    uint64_t checksum;

    mu_sha256_update(hash, bytes, len);
    mu_sha256_final(hash, digest);
    memcpy(&checksum, digest, sizeof(checksum));
    return checksum;
}

static void put_u32(struct mu_buf *out, uint32_t value)
{
    value = htole32(value);
    mu_buf_append(out, &value, sizeof(value));
}

static void put_bytes(struct mu_buf *out, const void *bytes, size_t len)
{
    put_u32(out, bytes ? (uint32_t)len : UINT32_MAX);
    if (bytes)
        mu_buf_append(out, bytes, len);
    mu_buf_append(out, "", 1);
}

static void put_text(struct mu_buf *out, const char *text)
{
    put_bytes(out, text, text ? strlen(text) : 0);
}

enum mu_status spool_record_write(const struct mu_outgoing *message, struct mu_buf *out,
                                  struct mu_error *err)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf payload;
    const uint8_t kinds[2] = {(uint8_t)message->topic, (uint8_t)message->envelope.type};
    int64_t time_us = (int64_t)htole64((uint64_t)message->envelope.time_us);
    uint64_t checksum;

    mu_buf_init(&payload, SPOOL_RECORD_MAX_BYTES);
    mu_buf_append(&payload, kinds, sizeof(kinds));
    mu_buf_append(&payload, &time_us, sizeof(time_us));
    put_text(&payload, message->key);
    put_text(&payload, message->envelope.id);
    put_text(&payload, message->envelope.source);
    put_text(&payload, message->envelope.traceparent);
    put_bytes(&payload, message->value, message->value_len);
    if (payload.failed)
        return mu_buf_status(&payload, "spool record", err);
    checksum = checksum_of(payload.data, payload.len);
    put_u32(out, (uint32_t)payload.len);
    put_u32(out, ~(uint32_t)payload.len);
    mu_buf_append(out, &checksum, sizeof(checksum));
    mu_buf_append(out, payload.data, payload.len);
    return mu_buf_status(out, "spool", err);
}

struct cursor {
    const char *at;
    size_t left;
};

static bool take(struct cursor *cursor, void *value, size_t len)
{
    if (cursor->left < len)
        return false;
    memcpy(value, cursor->at, len);
    cursor->at += len;
    cursor->left -= len;
    return true;
}

/* Bytes with a NUL behind them; NULL when absent. */
static bool take_bytes(struct cursor *cursor, const char **ret_bytes, size_t *ret_len)
{
    uint32_t len;

    if (!take(cursor, &len, sizeof(len)))
        return false;
    len = le32toh(len);
    *ret_bytes = len == UINT32_MAX ? NULL : cursor->at;
    *ret_len = len == UINT32_MAX ? 0 : len;
    if (cursor->left < *ret_len + 1 || cursor->at[*ret_len] != '\0')
        return false;
    cursor->at += *ret_len + 1;
    cursor->left -= *ret_len + 1;
    return true;
}

static bool parse_payload(struct cursor cursor, struct mu_outgoing *message)
{
    uint8_t kinds[2];
    uint64_t time_us;
    const char *value = NULL;
    size_t ignored;

    if (!take(&cursor, kinds, sizeof(kinds)) || !take(&cursor, &time_us, sizeof(time_us)) ||
        !take_bytes(&cursor, &message->key, &ignored) ||
        !take_bytes(&cursor, &message->envelope.id, &ignored) ||
        !take_bytes(&cursor, &message->envelope.source, &ignored) ||
        !take_bytes(&cursor, &message->envelope.traceparent, &ignored) ||
        !take_bytes(&cursor, &value, &message->value_len) || cursor.left != 0)
        return false;
    message->value = value;
    message->topic = (enum mu_topic)kinds[0];
    message->envelope.type = (enum mu_msg_type)kinds[1];
    message->envelope.time_us = (int64_t)le64toh(time_us);
    return kinds[0] < MU_TOPIC_COUNT && kinds[1] < MU_MSG_TYPE_COUNT && message->envelope.id &&
           message->envelope.source && message->value;
}

enum mu_status spool_record_measure(const char *bytes, size_t len, size_t *ret_record_len,
                                    struct mu_error *err)
{
    struct cursor cursor = {bytes, len};
    uint32_t payload_len, complement;

    if (len < HEADER_BYTES || !take(&cursor, &payload_len, sizeof(payload_len)) ||
        !take(&cursor, &complement, sizeof(complement)))
        return MU_END;
    payload_len = le32toh(payload_len);
    if (payload_len != ~le32toh(complement) || payload_len > SPOOL_RECORD_MAX_BYTES)
        return mu_fail(err, MU_E_INVALID, "spool record has a damaged length");
    if (len - HEADER_BYTES < payload_len)
        return MU_END;
    *ret_record_len = HEADER_BYTES + payload_len;
    return MU_OK;
}

enum mu_status spool_record_read(const char *bytes, size_t record_len,
                                 struct mu_outgoing *ret_message, struct mu_error *err)
{
    struct cursor cursor = {bytes + HEADER_BYTES, record_len - HEADER_BYTES};
    struct mu_outgoing message = {0};
    uint64_t checksum;

    memcpy(&checksum, bytes + HEADER_BYTES - sizeof(checksum), sizeof(checksum));
    if (checksum_of(cursor.at, cursor.left) != checksum || !parse_payload(cursor, &message))
        return mu_fail(err, MU_E_INVALID, "spool record does not match its checksum");
    *ret_message = message;
    return MU_OK;
}
