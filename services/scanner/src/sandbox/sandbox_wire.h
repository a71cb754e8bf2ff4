/*
 * sandbox_wire: what a worker and its sandbox say to each other over their socket. Internal to
 * sandbox/. Both are the same program, so structs go as they are.
 *
 *   worker:  request, its wants ("path" NUL "as" NUL each), then the layer's packed bytes as frames
 *            (length and bytes; a length of 0 ends them)
 *   sandbox: reply, any time; then, when it is MU_OK, the summary's bytes
 */
#ifndef SCANNER_SANDBOX_SANDBOX_WIRE_H
#define SCANNER_SANDBOX_SANDBOX_WIRE_H

#include "layer/layer_run.h"

enum {
    SANDBOX_SOCKET_FD = 3,
    SANDBOX_TEMP_FD = 4,
    SANDBOX_SCRATCH_FD = 5,
    SANDBOX_FRAME_MAX = 256 * 1024,
    SANDBOX_WANT_BYTES_MAX = 2 * LAYER_WANTS_MAX * (TAR_PATH_MAX_BYTES + 1)
};

struct sandbox_request {
    struct path_key key;
    uint8_t make_id[MU_SHA256_BYTES];
    struct layer_limits limits;
    uint64_t cpu_seconds;
    uint64_t want_count, want_bytes;
};

struct sandbox_reply {
    int32_t status; /* of enum mu_status */
    uint32_t unused;
    uint64_t summary_bytes;
    char message[MU_ERROR_MESSAGE_MAX]; /* ends with a NUL */
};

#endif
