#include "gate/decision_frame.h"

#include "gate/decision_log.h"

#include "base/sha256.h"
#include "base/text.h"

#include <string.h>

static const char frame_magic[4] = {'M', 'U', 'G', 'D'};

static void put_le(uint8_t *at, uint64_t value, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        at[i] = (uint8_t)(value >> (8 * i));
}

static uint64_t get_le(const uint8_t *at, size_t bytes)
{
    uint64_t value = 0;

    for (size_t i = 0; i < bytes; i++)
        value |= (uint64_t)at[i] << (8 * i);
    return value;
}

/* What is hashed is short: chain and sequence, then the hash of the payload. */
static void next_chain(uint8_t chain[DECISION_CHAIN_BYTES], uint64_t sequence, const char *payload,
                       size_t len)
{
    char payload_digest[MU_DIGEST_TEXT_SIZE], digest[MU_DIGEST_TEXT_SIZE];
    uint8_t bytes[DECISION_CHAIN_BYTES + 8 + MU_DIGEST_TEXT_SIZE];

    mu_sha256_text(payload, len, payload_digest);
    memcpy(bytes, chain, DECISION_CHAIN_BYTES);
    put_le(bytes + DECISION_CHAIN_BYTES, sequence, 8);
    memcpy(bytes + DECISION_CHAIN_BYTES + 8, payload_digest, sizeof(payload_digest));
    mu_sha256_text(bytes, sizeof(bytes), digest);
    (void)mu_hex_decode(digest + strlen("sha256:"), 2 * DECISION_CHAIN_BYTES, chain,
                        DECISION_CHAIN_BYTES);
}

void decision_frame_write(uint64_t sequence, const char *payload, size_t len,
                          uint8_t chain[DECISION_CHAIN_BYTES], struct mu_buf *out)
{
    uint8_t head[DECISION_FRAME_BYTES];

    next_chain(chain, sequence, payload, len);
    memcpy(head, frame_magic, 4);
    put_le(head + 4, len, 4);
    put_le(head + 8, sequence, 8);
    memcpy(head + 16, chain, DECISION_CHAIN_BYTES);
    mu_buf_append(out, head, sizeof(head));
    mu_buf_append(out, payload, len);
}

enum mu_status decision_frame_parse(const uint8_t *bytes, size_t len,
                                    struct decision_frame *ret_frame, struct mu_error *err)
{
    uint64_t payload_len;

    if (memcmp(bytes, frame_magic, len < 4 ? len : 4) != 0)
        return mu_fail(err, MU_E_INVALID, "no frame of a decision");
    if (len < DECISION_FRAME_BYTES)
        return MU_END;
    payload_len = get_le(bytes + 4, 4);
    if (payload_len == 0 || payload_len > DECISION_MAX_BYTES)
        return mu_fail(err, MU_E_INVALID, "a decision of %llu bytes",
                       (unsigned long long)payload_len);
    if (len < DECISION_FRAME_BYTES + payload_len)
        return MU_END;
    *ret_frame = (struct decision_frame){.sequence = get_le(bytes + 8, 8),
                                         .chain = bytes + 16,
                                         .payload = (const char *)bytes + DECISION_FRAME_BYTES,
                                         .payload_len = (size_t)payload_len,
                                         .frame_len = DECISION_FRAME_BYTES + (size_t)payload_len};
    return MU_OK;
}

bool decision_frame_follows(const struct decision_frame *frame, uint8_t chain[DECISION_CHAIN_BYTES])
{
    uint8_t next[DECISION_CHAIN_BYTES];

    memcpy(next, chain, sizeof(next));
    next_chain(next, frame->sequence, frame->payload, frame->payload_len);
    if (memcmp(next, frame->chain, sizeof(next)) != 0)
        return false;
    memcpy(chain, next, sizeof(next));
    return true;
}

/* ---- the header of a segment: "MUGS", version, first sequence, chain before it ---- */

static const char segment_magic[4] = {'M', 'U', 'G', 'S'};
enum { SEGMENT_VERSION = 1 };

void segment_header_write(const struct segment_header *header,
                          uint8_t ret_bytes[SEGMENT_HEADER_BYTES])
{
    memcpy(ret_bytes, segment_magic, 4);
    put_le(ret_bytes + 4, SEGMENT_VERSION, 4);
    put_le(ret_bytes + 8, header->first, 8);
    memcpy(ret_bytes + 16, header->chain, DECISION_CHAIN_BYTES);
}

bool segment_header_parse(const uint8_t *bytes, size_t len, struct segment_header *ret_header)
{
    if (len < SEGMENT_HEADER_BYTES || memcmp(bytes, segment_magic, 4) != 0 ||
        get_le(bytes + 4, 4) != SEGMENT_VERSION)
        return false;
    ret_header->first = get_le(bytes + 8, 8);
    memcpy(ret_header->chain, bytes + 16, DECISION_CHAIN_BYTES);
    return true;
}
