/* A silent source is a failure of detection (FedRAMP VDR-CSO-FAV): dated, open until it speaks
 * again. */
#include "apply/effects.h"

#include "store/outbox_row.h"

#include "base/text.h"

#include <stdio.h>

enum { SENTENCE_SIZE = 512 };

static const char *state_word(int state)
{
    static const char *const words[] = {"", "silent", "speaking", "removed"};

    return words[state];
}

/* "source 'main' (distribution) has sent nothing since ..." in characters that every limit takes.
 */
static void describe(const struct mu_source_health *health, char ret_text[SENTENCE_SIZE])
{
    char since[MU_TIME_TEXT_SIZE] = "";

    if (mu_text_equal(health->source_kind, "removed")) {
        (void)snprintf(ret_text, SENTENCE_SIZE,
                       "the source is no longer configured, but what it told to run was not told "
                       "as removed and counts as running: retire it in ingest, or configure it "
                       "again");
        return;
    }
    if (health->last_event_at_us != MU_TIME_NONE)
        mu_time_format(health->last_event_at_us, since);
    (void)snprintf(
            ret_text, SENTENCE_SIZE,
            "the source (%.64s) has sent nothing%s%s, and may be silent for %lld s: images may "
            "be pushed or run unseen; check its sender",
            health->source_kind, since[0] ? " since " : ", ever", since,
            (long long)health->silent_after_seconds);
}

static enum mu_status notify(struct effects *effects, const struct event *event,
                             const char *sentence, struct mu_error *err)
{
    const struct mu_source_health *health = event->message;
    struct mu_json_pair details[] = {{"code", "source_silent"},
                                     {"source_kind", health->source_kind},
                                     {"last_error", effects_text(health->last_error)}};
    struct mu_notification notification = {.kind = "detection_failure",
                                           .severity = MU_NOTIFICATION_CRITICAL,
                                           .subject = health->source,
                                           .message = sentence,
                                           .occurred_at_us = health->observed_at_us,
                                           .details = {details, details[2].value ? 3 : 2}};

    return outbox_notify(effects->set, &notification, event->event_id, event->traceparent, err);
}

enum mu_status effects_source_health(struct effects *effects, const struct event *event,
                                     struct mu_error *err)
{
    const struct mu_source_health *health = event->message;
    const char *observed_at = effects_time(effects, health->observed_at_us);
    char sentence[SENTENCE_SIZE];

    WRITE_SET_ADD(effects->set, WRITE_SOURCE_REPORTS, event->event_id, health->source,
                  health->source_kind, state_word(health->state), observed_at,
                  effects_time(effects, health->last_event_at_us),
                  effects_int(effects, health->silent_after_seconds),
                  effects_int(effects, health->usual_interval_seconds),
                  effects_text(health->last_error));
    if (health->state != MU_SOURCE_SILENT) {
        WRITE_SET_ADD(effects->set, WRITE_SOURCE_FAILURES_CLOSED, health->source);
        return MU_OK;
    }
    describe(health, sentence);
    WRITE_SET_ADD(effects->set, WRITE_SOURCE_FAILURES, event->event_id, health->source,
                  "source_silent", sentence, observed_at, NULL);
    WRITE_SET_ADD(effects->set, WRITE_SOURCE_FAILURES_CLOSED,
                  health->source); /* told out of order */
    return notify(effects, event, sentence, err);
}
