/*
 * payload_block: what one transaction received, as one value of the table ledger_payloads.
 *
 * A block has the messages that made a row of the ledger, in the order in which they were applied,
 * with their envelopes and the clock they were decoded at: decoding them again gives the same
 * events. It is compressed as a whole, so what messages have in common costs once.
 *
 * Format (integers little-endian): "MUB2", u32 length of what follows when it is unpacked, one
 * frame of zstd (RFC 8878). Unpacked, and as it is in blocks of old: "MUB1", i64 now_us, u32 count;
 * for each message u8 topic, u8 flags, u32 partition, i64 offset, i64 time_us, then id, source,
 * ce_type, traceparent, value, each as u32 length (UINT32_MAX: absent), bytes, NUL.
 *
 * Trust: a block is read from a database that may have been tampered with; every length is checked.
 */
#ifndef INVENTORY_APPLY_PAYLOAD_BLOCK_H
#define INVENTORY_APPLY_PAYLOAD_BLOCK_H

#include "base/buf.h"
#include "base/memory.h"
#include "bus/bus.h"

#include <stddef.h>
#include <stdint.h>

enum {
    PAYLOAD_QUARANTINED = 1 << 0,      /* it was not applied */
    PAYLOAD_EVIDENCE_MISSING = 1 << 1, /* a complete scan that counts as failed for that */
    PAYLOAD_CUT = 1 << 2               /* longer than any message may be: the value is left out */
};
enum { PAYLOAD_BLOCK_MAX_BYTES = 40 * 1024 * 1024, PAYLOAD_BLOCK_MAX_MESSAGES = 100000 };

struct payload_entry {
    struct mu_incoming incoming;
    unsigned flags;
};

struct payload_block {
    int64_t now_us;
    struct payload_entry *entries;
    size_t count;
};

/* `count` is written in front: exactly so many must be added. Too much sticks in the buffer's
 * status. */
void payload_block_begin(struct mu_buf *block, int64_t now_us, size_t count);
void payload_block_add(struct mu_buf *block, const struct mu_incoming *incoming, unsigned flags);

/* The block of what was begun and added. Errors: MU_E_LIMIT, MU_E_NOMEM. */
enum mu_status payload_block_pack(const struct mu_buf *plain, struct mu_buf *ret_block,
                                  struct mu_error *err) MU_MUST_CHECK;

/* Texts and values are borrowed from `bytes` or live in the arena. Errors: MU_E_INVALID,
 * MU_E_LIMIT, MU_E_NOMEM. */
enum mu_status payload_block_read(const void *bytes, size_t len, struct mu_arena *arena,
                                  struct payload_block *ret_block,
                                  struct mu_error *err) MU_MUST_CHECK;

#endif
