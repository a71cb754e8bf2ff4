/* Sources whose clocks are ahead: when what they tell of was, and a failure of detection a day. */
#include "apply/effects.h"

#include "store/outbox_row.h"

#define DAY_US (INT64_C(24) * 3600 * 1000000)

int64_t effects_happened(struct effects *effects, const struct event *event, int64_t told_us)
{
    int64_t at_us = event_happened(event, told_us);

    effects->is_ahead |= at_us != told_us;
    return at_us;
}

enum mu_status effects_clock_failure(struct effects *effects, const struct event *event,
                                     struct mu_error *err)
{
    static const char sentence[] =
            "the source tells of times that had not come when it was received: set the clocks of "
            "its registry or nodes; what it dates ahead counts from when it was received";
    int64_t day_us = event->received_at_us - event->received_at_us % DAY_US;
    const char *parts[] = {event->source, effects_time(effects, day_us)};
    char failure_id[MU_UUID_TEXT_SIZE];
    const struct failure_notice notice = {failure_id, event->source,         "clock_skew",
                                          sentence,   event->received_at_us, event->traceparent};

    effects->is_ahead = false;
    mu_stable_id("muster.clock-skew", parts, 2, failure_id);
    if (write_set_said(effects->set, WRITE_SOURCE_FAILURES, failure_id, "told"))
        return MU_OK;
    WRITE_SET_ADD(effects->set, WRITE_SOURCE_FAILURES, failure_id, event->source, notice.code,
                  sentence, parts[1], effects_time(effects, day_us + DAY_US));
    return outbox_notify_failure(effects->set, &notice, err);
}
