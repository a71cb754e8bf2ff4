#include "apply/payload_block.h"

#include <string.h>
#include <zstd.h>

static const char magic[] = "MUB1", packed_magic[] = "MUB2";
enum { PACKED_HEAD_BYTES = 8, PACK_LEVEL = 1 };

/* ---- writing ---- */

static void put_int(struct mu_buf *block, uint64_t value, int bytes)
{
    unsigned char text[8];

    for (int i = 0; i < bytes; i++)
        text[i] = (unsigned char)(value >> (8 * i));
    mu_buf_append(block, text, (size_t)bytes);
}

static void put_bytes(struct mu_buf *block, const void *bytes, size_t len)
{
    put_int(block, bytes ? len : UINT32_MAX, 4);
    if (!bytes)
        return;
    mu_buf_append(block, bytes, len);
    mu_buf_append(block, "", 1);
}

static void put_text(struct mu_buf *block, const char *text)
{
    put_bytes(block, text, text ? strlen(text) : 0);
}

void payload_block_begin(struct mu_buf *block, int64_t now_us, size_t count)
{
    mu_buf_append(block, magic, 4);
    put_int(block, (uint64_t)now_us, 8);
    put_int(block, count, 4);
}

void payload_block_add(struct mu_buf *block, const struct mu_incoming *incoming, unsigned flags)
{
    const struct mu_msg_envelope *envelope = &incoming->envelope;
    bool cut = incoming->value_len > MU_MSG_MAX_BYTES;

    put_int(block, (uint64_t)incoming->topic, 1);
    put_int(block, flags | (cut ? PAYLOAD_CUT : 0U), 1);
    put_int(block, (uint32_t)incoming->partition, 4);
    put_int(block, (uint64_t)incoming->offset, 8);
    put_int(block, (uint64_t)envelope->time_us, 8);
    put_text(block, envelope->id);
    put_text(block, envelope->source);
    put_text(block, incoming->ce_type);
    put_text(block, envelope->traceparent);
    put_bytes(block, cut ? NULL : incoming->value, incoming->value_len);
}

enum mu_status payload_block_pack(const struct mu_buf *plain, struct mu_buf *ret_block,
                                  struct mu_error *err)
{
    size_t room = ZSTD_compressBound(plain->len), len;
    char *at;

    if (mu_buf_status(plain, "payloads", err) != MU_OK)
        return err->status;
    mu_buf_append(ret_block, packed_magic, 4);
    put_int(ret_block, plain->len, 4);
    at = mu_buf_room(ret_block, room);
    if (!at)
        return mu_buf_status(ret_block, "payloads", err);
    len = ZSTD_compress(at, room, plain->data, plain->len, PACK_LEVEL);
    if (ZSTD_isError(len))
        return mu_fail(err, MU_E_NOMEM, "payloads: zstd: %s", ZSTD_getErrorName(len));
    mu_buf_took(ret_block, len);
    return MU_OK;
}

/* ---- reading ---- */

struct reader {
    const unsigned char *at, *end;
    bool broken;
};

static uint64_t take_int(struct reader *reader, int bytes)
{
    uint64_t value = 0;

    if (reader->end - reader->at < bytes) {
        reader->broken = true;
        return 0;
    }
    for (int i = 0; i < bytes; i++)
        value |= (uint64_t)reader->at[i] << (8 * i);
    reader->at += bytes;
    return value;
}

static const void *take_bytes(struct reader *reader, size_t *ret_len)
{
    uint64_t len = take_int(reader, 4);
    const unsigned char *bytes = reader->at;

    *ret_len = 0;
    if (reader->broken || len == UINT32_MAX)
        return NULL;
    if ((uint64_t)(reader->end - reader->at) <= len || bytes[len] != '\0') {
        reader->broken = true;
        return NULL;
    }
    reader->at += len + 1;
    *ret_len = (size_t)len;
    return bytes;
}

/* A text has no NUL of its own. */
static const char *take_text(struct reader *reader)
{
    size_t len;
    const char *text = take_bytes(reader, &len);

    if (text && strlen(text) != len)
        reader->broken = true;
    return text;
}

static void take_entry(struct reader *reader, struct payload_entry *entry)
{
    struct mu_incoming *incoming = &entry->incoming;
    uint64_t topic = take_int(reader, 1);

    if (topic >= MU_TOPIC_COUNT)
        reader->broken = true;
    incoming->topic = (enum mu_topic)topic;
    entry->flags = (unsigned)take_int(reader, 1);
    incoming->partition = (int32_t)take_int(reader, 4);
    incoming->offset = (int64_t)take_int(reader, 8);
    incoming->envelope.time_us = (int64_t)take_int(reader, 8);
    incoming->envelope.id = take_text(reader);
    incoming->envelope.source = take_text(reader);
    incoming->ce_type = take_text(reader);
    incoming->envelope.traceparent = take_text(reader);
    incoming->value = take_bytes(reader, &incoming->value_len);
    incoming->envelope.type =
            incoming->ce_type ? mu_msg_type_of(incoming->ce_type) : MU_MSG_TYPE_COUNT;
}

static enum mu_status unpack(const void *bytes, size_t len, struct mu_arena *arena,
                             struct mu_buf *ret_plain, struct mu_error *err)
{
    struct reader reader = {(const unsigned char *)bytes + 4, (const unsigned char *)bytes + len,
                            false};
    size_t plain_len = (size_t)take_int(&reader, 4), unpacked;

    if (reader.broken || plain_len > PAYLOAD_BLOCK_MAX_BYTES)
        return mu_fail(err, MU_E_LIMIT, "payload block: %zu bytes unpacked, at most %d", plain_len,
                       PAYLOAD_BLOCK_MAX_BYTES);
    ret_plain->data = mu_arena_alloc(arena, plain_len + 1);
    if (!ret_plain->data)
        return mu_fail(err, MU_E_NOMEM, "payload block: %zu bytes", plain_len);
    unpacked = ZSTD_decompress(ret_plain->data, plain_len, reader.at,
                               (size_t)(reader.end - reader.at));
    if (ZSTD_isError(unpacked) || unpacked != plain_len)
        return mu_fail(err, MU_E_INVALID, "payload block: damaged: %s",
                       ZSTD_isError(unpacked) ? ZSTD_getErrorName(unpacked) : "too short");
    ret_plain->len = plain_len;
    return MU_OK;
}

static enum mu_status read_plain(const void *bytes, size_t len, struct mu_arena *arena,
                                 struct payload_block *ret_block, struct mu_error *err)
{
    struct reader reader = {bytes, (const unsigned char *)bytes + len, false};
    struct payload_block block = {.entries = NULL};

    if (len < 16 || memcmp(bytes, magic, 4) != 0)
        return mu_fail(err, MU_E_INVALID, "payload block: unknown format");
    reader.at += 4;
    block.now_us = (int64_t)take_int(&reader, 8);
    block.count = (size_t)take_int(&reader, 4);
    if (block.count > PAYLOAD_BLOCK_MAX_MESSAGES)
        return mu_fail(err, MU_E_LIMIT, "payload block: %zu messages, at most %d", block.count,
                       PAYLOAD_BLOCK_MAX_MESSAGES);
    block.entries = mu_arena_alloc(arena, block.count * sizeof(*block.entries) + 1);
    if (!block.entries)
        return mu_fail(err, MU_E_NOMEM, "payload block: %zu messages", block.count);
    for (size_t i = 0; i < block.count && !reader.broken; i++)
        take_entry(&reader, &block.entries[i]);
    if (reader.broken || reader.at != reader.end)
        return mu_fail(err, MU_E_INVALID, "payload block: damaged");
    *ret_block = block;
    return MU_OK;
}

enum mu_status payload_block_read(const void *bytes, size_t len, struct mu_arena *arena,
                                  struct payload_block *ret_block, struct mu_error *err)
{
    struct mu_buf plain = {.len = 0};

    if (len < PACKED_HEAD_BYTES || memcmp(bytes, packed_magic, 4) != 0)
        return read_plain(bytes, len, arena, ret_block, err);
    if (unpack(bytes, len, arena, &plain, err) != MU_OK)
        return err->status;
    return read_plain(plain.data, plain.len, arena, ret_block, err);
}
