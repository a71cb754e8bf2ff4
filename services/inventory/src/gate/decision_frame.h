/*
 * decision_frame: the bytes of the decision log (decision_log.h). Internal to the log.
 */
#ifndef INVENTORY_GATE_DECISION_FRAME_H
#define INVENTORY_GATE_DECISION_FRAME_H

#include "gate/decision_log.h"

#include "base/buf.h"

enum { SEGMENT_HEADER_BYTES = 32 };

struct segment_header {
    uint64_t first;                      /* sequence */
    uint8_t chain[DECISION_CHAIN_BYTES]; /* before it */
};

void segment_header_write(const struct segment_header *header,
                          uint8_t ret_bytes[SEGMENT_HEADER_BYTES]);
bool segment_header_parse(const uint8_t *bytes, size_t len, struct segment_header *ret_header);

/* Appends the frame; the chain goes on with it. */
void decision_frame_write(uint64_t sequence, const char *payload, size_t len,
                          uint8_t chain[DECISION_CHAIN_BYTES], struct mu_buf *out);

#endif
