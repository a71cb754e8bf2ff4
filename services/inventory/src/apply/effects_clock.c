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

static enum mu_status notify(struct effects *effects, const struct event *event,
                             const char *sentence, const char *failure_id, struct mu_error *err)
{
    struct mu_json_pair details[] = {{"code", "clock_skew"}};
    const struct mu_notification notification = {.kind = "detection_failure",
                                                 .severity = MU_NOTIFICATION_CRITICAL,
                                                 .subject = event->source,
                                                 .message = sentence,
                                                 .occurred_at_us = event->received_at_us,
                                                 .details = {details, 1}};

    return outbox_notify(effects->set, &notification, failure_id, event->traceparent, err);
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

    effects->is_ahead = false;
    mu_stable_id("muster.clock-skew", parts, 2, failure_id);
    if (write_set_said(effects->set, WRITE_CLOCK_FAILURES, failure_id, "told"))
        return MU_OK;
    WRITE_SET_ADD(effects->set, WRITE_CLOCK_FAILURES, failure_id, event->source, sentence, parts[1],
                  effects_time(effects, day_us + DAY_US));
    return notify(effects, event, sentence, failure_id, err);
}
