/* First byte: which message it says it is; the rest: its value. What is understood is also applied.
 */
#include "apply/effects.h"
#include "apply/event.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void apply(struct effects *effects, struct event *event)
{
    struct mu_error err;

    if (!event->message)
        (void)!effects_quarantine(effects, event, &err);
    else if (event->type == MU_MSG_REGISTRY_EVENT)
        effects_registry(effects, event);
    else if (event->type == MU_MSG_WORKLOAD_EVENT)
        effects_workload(effects, event);
    else
        effects_scan_result(effects, event, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    MU_AUTO(arena) struct mu_arena *arena = mu_arena_new(16 << 20);
    MU_AUTO(write_set) struct write_set *set = write_set_new();
    struct effects effects = {.set = set, .arena = arena};
    enum mu_msg_type type;
    struct event event;

    if (size == 0)
        return 0;
    type = (enum mu_msg_type)(data[0] % MU_MSG_TYPE_COUNT);
    struct mu_incoming incoming = {.topic = MU_TOPIC_SCAN_RESULTS,
                                   .value = data + 1,
                                   .value_len = size - 1,
                                   .envelope = {.type = type, .id = "e", .source = "/s"},
                                   .ce_type = mu_msg_descriptor(type)->ce_type};

    event_decode(&incoming, 0, arena, &event);
    apply(&effects, &event);
    return 0;
}
