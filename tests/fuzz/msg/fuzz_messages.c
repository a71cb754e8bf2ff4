/* First byte: the type of a message; the rest: its bytes. Whatever a decoder takes must be encoded,
 * and decoded again, to the same bytes. */
#include "msg/msg.h"

#include <stdlib.h>
#include <string.h>

union message {
    struct mu_registry_event registry_event;
    struct mu_workload_event workload_event;
    struct mu_scan_request scan_request;
    struct mu_scan_result scan_result;
    struct mu_quarantine_record quarantine_record;
    struct mu_notification notification;
};

/* Encoding may only find that the message became too long: it writes what was left out, and times
 * in full. */
static void round_trip(enum mu_msg_type type, const union message *message, struct mu_arena *arena)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf once;
    MU_AUTO_DONE(mu_buf_done) struct mu_buf twice;
    union message again;
    struct mu_error err;

    mu_buf_init(&once, MU_MSG_MAX_BYTES);
    mu_buf_init(&twice, MU_MSG_MAX_BYTES);
    if (mu_msg_encode(type, message, &once, &err) != MU_OK) {
        if (err.status != MU_E_LIMIT || once.len != 0)
            abort();
        return;
    }
    if (mu_msg_decode(type, once.data, once.len, arena, &again, &err) != MU_OK ||
        mu_msg_encode(type, &again, &twice, &err) != MU_OK || strcmp(once.data, twice.data) != 0)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    MU_AUTO(arena) struct mu_arena *arena = mu_arena_new(4 << 20);
    enum mu_msg_type type;
    union message message;
    struct mu_error err;

    if (len == 0)
        return 0;
    type = (enum mu_msg_type)(bytes[0] % MU_MSG_TYPE_COUNT);
    if (mu_msg_decode(type, bytes + 1, len - 1, arena, &message, &err) == MU_OK)
        round_trip(type, &message, arena);
    else if (err.status != MU_E_INVALID && err.status != MU_E_LIMIT)
        abort();
    return 0;
}
