/*
 * spool_record: one message as bytes, and back. Internal to src/spool.
 * Layout, little endian: u32 payload length, u64 checksum (first 8 bytes of SHA-256 of the
 * payload), payload: u8 topic, u8 type, i64 time, then key, id, source, traceparent and value, each
 * u32 length and bytes (length 0xffffffff: NULL), each followed by a NUL.
 */
#ifndef INGEST_SPOOL_RECORD_H
#define INGEST_SPOOL_RECORD_H

#include "base/buf.h"
#include "bus/bus.h"

extern const char spool_magic[8];

/* Errors: MU_E_LIMIT. */
enum mu_status spool_record_write(const struct mu_outgoing *message, struct mu_buf *out,
                                  struct mu_error *err) MU_MUST_CHECK;

/*
 * Record at `bytes`: MU_OK and its length; MU_END when it is torn (not all there); MU_E_INVALID
 * when it is damaged. Texts of the message point into `bytes`.
 */
enum mu_status spool_record_read(const char *bytes, size_t len, struct mu_outgoing *ret_message,
                                 size_t *ret_record_len, struct mu_error *err) MU_MUST_CHECK;

#endif
