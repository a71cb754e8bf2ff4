#include "msg/field.h"

static const char *const actions[] = {"", "observed", "removed", "declared", NULL};
static const char *const kinds[] = {"", "container", "init", "sidecar", "ephemeral", NULL};
static const char *const states[] = {"", "waiting", "running", "terminated", NULL};

#define C mu_workload_container
static const struct mu_json_field container_fields[] = {
        TEXT(C, container_id, "container_id", MAY, FIELD_ID_MAX),
        DIGEST(C, digest, "digest", MAY),
        TIME(C, finished_at_us, "finished_at", MAY),
        TEXT(C, image, "image", MUST, FIELD_IMAGE_MAX),
        TEXT(C, image_id, "image_id", MAY, FIELD_IMAGE_MAX),
        ENUM(C, kind, "kind", MUST, kinds),
        TEXT(C, name, "name", MUST, FIELD_NAME_MAX),
        NAME(C, repository, "repository", MAY, FIELD_REPOSITORY_MAX),
        TIME(C, started_at_us, "started_at", MAY),
        ENUM(C, state, "state", MUST, states),
        NAME(C, tag, "tag", MAY, FIELD_TAG_MAX),
};

static const struct mu_json_object container_object =
        MESSAGE_OBJECT(container_fields, "container", mu_workload_container);

#define M mu_workload_event
static const struct mu_json_field fields[] = {
        ENUM(M, action, "action", MUST, actions),
        TEXT(M, cluster, "cluster", MUST, FIELD_NAME_MAX),
        ARRAY(M, containers, "containers", MUST, MU_WORKLOAD_MAX_CONTAINERS, &container_object),
        TEXT(M, namespace_name, "namespace", MUST, FIELD_NAME_MAX),
        TEXT(M, node, "node", MAY, FIELD_NAME_MAX),
        TIME(M, occurred_at_us, "occurred_at", MUST),
        TEXT(M, owner_kind, "owner_kind", MAY, FIELD_NAME_MAX),
        TEXT(M, owner_name, "owner_name", MAY, FIELD_NAME_MAX),
        TEXT(M, platform, "platform", MAY, FIELD_NAME_MAX),
        TEXT(M, pod, "pod", MUST, FIELD_NAME_MAX),
        TEXT(M, pod_uid, "pod_uid", MUST, FIELD_NAME_MAX),
        TIME(M, received_at_us, "received_at", MUST),
        BOOL(M, reconcile, "reconcile", MAY),
        COUNT(M, sequence, "sequence", MAY),
        TEXT(M, source, "source", MUST, FIELD_NAME_MAX),
        TEXT(M, source_event_id, "source_event_id", MUST, FIELD_ID_MAX),
        TEXT(M, source_kind, "source_kind", MUST, FIELD_NAME_MAX),
};

const struct mu_json_object mu_workload_event_object =
        MESSAGE_OBJECT(fields, "workload event", mu_workload_event);
