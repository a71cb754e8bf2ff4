/* Frames, one after the other, as the log is walked after a crash. */
#include "gate/decision_frame.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t chain[DECISION_CHAIN_BYTES] = {0};
    struct segment_header header;
    struct decision_frame frame;
    struct mu_error err;
    size_t at = 0;

    if (segment_header_parse(data, size, &header))
        at = SEGMENT_HEADER_BYTES;
    while (at < size) {
        if (decision_frame_parse(data + at, size - at, &frame, &err) != MU_OK) {
            at++;
            continue;
        }
        if (frame.frame_len > size - at)
            abort();
        (void)decision_frame_follows(&frame, chain);
        at += frame.frame_len;
    }
    return 0;
}
