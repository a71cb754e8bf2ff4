#include "store/outbox_row.h"

static const char source[] = "/muster/inventory";

enum mu_status outbox_row_add(struct write_set *set, const struct outbox_row *row,
                              const void *message, struct mu_error *err)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf payload;
    char traceparent[MU_TRACEPARENT_SIZE], time[MU_TIME_TEXT_SIZE];
    enum mu_status st;

    mu_buf_init(&payload, 4 * MU_MSG_MAX_BYTES);
    st = mu_msg_encode(row->type, message, &payload, err);
    if (st != MU_OK)
        return st;
    mu_traceparent_new(row->parent, traceparent);
    mu_time_format(row->time_us, time);
    WRITE_SET_ADD(set, WRITE_OUTBOX, mu_topic_name(row->topic), row->key, row->id,
                  mu_msg_descriptor(row->type)->ce_type, source, time, traceparent, payload.data);
    return MU_OK;
}

static const char *severity_word(int severity)
{
    static const char *const words[] = {"", "info", "warning", "critical"};

    return words[severity];
}

enum mu_status outbox_notify(struct write_set *set, const struct mu_notification *notification,
                             const char *cause, const char *parent, struct mu_error *err)
{
    const char *parts[] = {notification->kind, notification->subject, cause};
    char id[MU_UUID_TEXT_SIZE], time[MU_TIME_TEXT_SIZE];
    struct outbox_row row = {.topic = MU_TOPIC_NOTIFICATIONS,
                             .type = MU_MSG_NOTIFICATION,
                             .key = notification->subject,
                             .id = id,
                             .time_us = notification->occurred_at_us,
                             .parent = parent};

    mu_stable_id("muster.notification.v1", parts, 3, id);
    mu_time_format(notification->occurred_at_us, time);
    WRITE_SET_ADD(set, WRITE_NOTIFICATIONS, id, notification->kind,
                  severity_word(notification->severity), notification->subject,
                  notification->message, time);
    return outbox_row_add(set, &row, notification, err);
}

enum mu_status outbox_notify_failure(struct write_set *set, const struct failure_notice *notice,
                                     struct mu_error *err)
{
    struct mu_json_pair details[] = {{"code", notice->code}};
    const struct mu_notification notification = {.kind = "detection_failure",
                                                 .severity = MU_NOTIFICATION_CRITICAL,
                                                 .subject = notice->source,
                                                 .message = notice->sentence,
                                                 .occurred_at_us = notice->at_us,
                                                 .details = {details, 1}};

    return outbox_notify(set, &notification, notice->failure_id, notice->parent, err);
}
