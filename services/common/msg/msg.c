#include "msg/msg.h"

#include "json/json_doc.h"

#include "base/text.h"

static const struct mu_msg_descriptor descriptors[MU_MSG_TYPE_COUNT] = {
        [MU_MSG_REGISTRY_EVENT] = {"muster.registry-event.v1", "registry-event.v1.schema.json",
                                   &mu_registry_event_object},
        [MU_MSG_WORKLOAD_EVENT] = {"muster.workload-event.v1", "workload-event.v1.schema.json",
                                   &mu_workload_event_object},
        [MU_MSG_SCAN_REQUEST] = {"muster.scan-request.v1", "scan-request.v1.schema.json",
                                 &mu_scan_request_object},
        [MU_MSG_SCAN_RESULT] = {"muster.scan-result.v1", "scan-result.v1.schema.json",
                                &mu_scan_result_object},
        [MU_MSG_QUARANTINE_RECORD] = {"muster.quarantine-record.v1",
                                      "quarantine-record.v1.schema.json",
                                      &mu_quarantine_record_object},
        [MU_MSG_NOTIFICATION] = {"muster.notification.v1", "notification.v1.schema.json",
                                 &mu_notification_object},
        [MU_MSG_SOURCE_HEALTH] = {"muster.source-health.v1", "source-health.v1.schema.json",
                                  &mu_source_health_object},
};

static const struct mu_json_limits message_limits = {MU_MSG_MAX_BYTES, 16};

const struct mu_msg_descriptor *mu_msg_descriptor(enum mu_msg_type type)
{
    return (unsigned)type < MU_MSG_TYPE_COUNT ? &descriptors[type] : NULL;
}

enum mu_msg_type mu_msg_type_of(const char *ce_type)
{
    int type = 0;

    while (type < MU_MSG_TYPE_COUNT && !mu_text_equal(descriptors[type].ce_type, ce_type))
        type++;
    return (enum mu_msg_type)type;
}

enum mu_status mu_msg_encode(enum mu_msg_type type, const void *message, struct mu_buf *out,
                             struct mu_error *err)
{
    const struct mu_json_object *object = descriptors[type].object;
    size_t before = out->len;
    enum mu_status st = mu_json_encode(object, message, out, err);

    if (st == MU_OK && out->len - before > MU_MSG_MAX_BYTES) {
        mu_buf_cut(out, before);
        return mu_fail(err, MU_E_LIMIT, "%s: more than %d bytes", object->name, MU_MSG_MAX_BYTES);
    }
    return st;
}

enum mu_status mu_msg_decode(enum mu_msg_type type, const void *bytes, size_t len,
                             struct mu_arena *arena, void *ret_message, struct mu_error *err)
{
    json_auto_t *root = NULL;
    enum mu_status st = mu_json_parse(bytes, len, &message_limits, &root, err);

    if (st != MU_OK)
        return mu_wrap(err, "%s", descriptors[type].object->name);
    return mu_json_decode(descriptors[type].object, root, arena, ret_message, err);
}
