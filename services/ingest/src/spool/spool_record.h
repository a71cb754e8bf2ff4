/*
 * spool_record: one message as bytes, and back. Internal to src/spool.
 * Layout, little endian: u32 payload length, u32 its complement, u64 checksum (first 8 bytes of
 * SHA-256 of the payload), payload: u8 topic, u8 type, i64 time, then key, id, source, traceparent
 * and value, each u32 length and bytes (length 0xffffffff: NULL), each followed by a NUL.
 *
 * The complement tells a record cut short by a crash, which was never acknowledged, from a length
 * that rotted, behind which acknowledged records stand.
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
 * Length of the record at `bytes`: MU_END when it is torn (not all there); MU_E_INVALID when its
 * length is damaged, so that nobody knows where the next begins.
 */
enum mu_status spool_record_measure(const char *bytes, size_t len, size_t *ret_record_len,
                                    struct mu_error *err) MU_MUST_CHECK;

/* A measured record; MU_E_INVALID when it is damaged. Texts of the message point into `bytes`. */
enum mu_status spool_record_read(const char *bytes, size_t record_len,
                                 struct mu_outgoing *ret_message,
                                 struct mu_error *err) MU_MUST_CHECK;

#endif
