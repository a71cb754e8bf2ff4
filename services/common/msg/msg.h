/*
 * msg: the messages of Muster, one C struct per schema in schemas/.
 *
 * The schema changes first, with its examples; then the field table in the .c of
 * the message. Structs are filled by decoding into an arena, or by the sender with
 * borrowed pointers. Optional text is NULL when absent, optional times MU_TIME_NONE.
 *
 * Wire form: CloudEvents 1.0, Kafka binary mode: headers ce_specversion, ce_id,
 * ce_type, ce_source, ce_time, content-type, traceparent; the value is the JSON data.
 * ce_id is deterministic (design.md section 3): the same source event gives the same id.
 */
#ifndef MU_MSG_H
#define MU_MSG_H

#include "base/buf.h"
#include "base/clock.h"
#include "base/sha256.h"
#include "oci/media_type.h"
#include "json/json_table.h"

#include <stdbool.h>
#include <stdint.h>

enum { MU_MSG_MAX_BYTES = 64 * 1024 };

enum mu_msg_type {
    MU_MSG_REGISTRY_EVENT = 0,
    MU_MSG_WORKLOAD_EVENT,
    MU_MSG_SCAN_REQUEST,
    MU_MSG_SCAN_RESULT,
    MU_MSG_QUARANTINE_RECORD,
    MU_MSG_NOTIFICATION,
    MU_MSG_SOURCE_HEALTH,
    MU_MSG_TYPE_COUNT
};

struct mu_msg_descriptor {
    const char *ce_type;     /* "muster.registry-event.v1" */
    const char *schema_file; /* "registry-event.v1.schema.json" */
    const struct mu_json_object *object;
};

/* Row of a type (NULL when there is no such type); and the type of a ce_type (MU_MSG_TYPE_COUNT
 * when unknown). */
const struct mu_msg_descriptor *mu_msg_descriptor(enum mu_msg_type type);
enum mu_msg_type mu_msg_type_of(const char *ce_type);

/* ---- envelope ---- */

enum { MU_TRACEPARENT_SIZE = 56 };

struct mu_msg_envelope {
    enum mu_msg_type type;
    const char *id;          /* ce_id */
    const char *source;      /* ce_source: "/muster/ingest/<source name>" and the like */
    int64_t time_us;         /* ce_time: when it was true */
    const char *traceparent; /* W3C trace context level 1; NULL: none */
};

/* A new trace ("00-<random>-<random>-01"); or the child of `parent` (same trace id, new span id).
 * NULL or broken parent: new. */
void mu_traceparent_new(const char *parent, char ret_traceparent[MU_TRACEPARENT_SIZE]);
bool mu_traceparent_valid(const char *text);

/* Appends the JSON bytes of a message struct to `out`; nothing on failure. Errors: MU_E_INVALID,
 * MU_E_LIMIT (over 64 KiB, or a member over its own). */
enum mu_status mu_msg_encode(enum mu_msg_type type, const void *message, struct mu_buf *out,
                             struct mu_error *err) MU_MUST_CHECK;
/* `ret_message` is the struct of the type; text lives in the arena. Errors: MU_E_INVALID,
 * MU_E_LIMIT. */
enum mu_status mu_msg_decode(enum mu_msg_type type, const void *bytes, size_t len,
                             struct mu_arena *arena, void *ret_message,
                             struct mu_error *err) MU_MUST_CHECK;

/* ---- registry event: something changed in a registry ---- */

enum mu_registry_action { MU_REGISTRY_NONE, MU_REGISTRY_PUSH, MU_REGISTRY_DELETE };

struct mu_registry_event {
    const char *source;          /* configured name of the event source */
    const char *source_kind;     /* "distribution", "cloudevents", ... */
    const char *source_event_id; /* the sender's own id, or the content hash where it has none */
    int action;                  /* enum mu_registry_action */
    int64_t occurred_at_us;      /* valid time: the sender's clock, else received_at */
    int64_t received_at_us;      /* known time */
    const char *repository;      /* canonical host/path */
    const char *tag;             /* optional */
    const char *digest;          /* optional (tag-only delete) */
    int digest_kind;             /* enum mu_digest_kind */
    const char *media_type;      /* optional */
    int64_t size_bytes;          /* optional: -1 unknown */
    const char *actor;           /* optional */
    bool reconcile;              /* found by listing, not sent by the registry */
};

/* ---- workload event: the containers of one pod or task, as last seen ---- */

enum mu_workload_action {
    MU_WORKLOAD_NONE,
    MU_WORKLOAD_OBSERVED,
    MU_WORKLOAD_REMOVED,
    MU_WORKLOAD_DECLARED /* its images are wanted; nothing is said to run */
};
enum mu_container_kind {
    MU_CONTAINER_NONE,
    MU_CONTAINER_REGULAR,
    MU_CONTAINER_INIT,
    MU_CONTAINER_SIDECAR,
    MU_CONTAINER_EPHEMERAL
};
enum mu_container_state {
    MU_CONTAINER_STATE_NONE,
    MU_CONTAINER_WAITING,
    MU_CONTAINER_RUNNING,
    MU_CONTAINER_TERMINATED
};

struct mu_workload_container {
    const char *name;
    int kind;                 /* enum mu_container_kind */
    int state;                /* enum mu_container_state */
    const char *image;        /* as written in the spec */
    const char *image_id;     /* as the runtime reports it; optional */
    const char *repository;   /* canonical, from image_id else image; optional */
    const char *tag;          /* from image; optional */
    const char *digest;       /* from image_id, else from image; optional */
    const char *container_id; /* runtime's id of this run; optional */
    int64_t started_at_us;    /* MU_TIME_NONE while waiting */
    int64_t finished_at_us;   /* MU_TIME_NONE while running */
};

enum { MU_WORKLOAD_MAX_CONTAINERS = 32 }; /* per message; a larger pod is several messages */

struct mu_workload_event {
    const char *source;
    const char *source_kind; /* "kubernetes", "cloudevents" */
    const char *source_event_id;
    int action;
    int64_t occurred_at_us;
    int64_t received_at_us;
    const char *cluster;
    const char *namespace_name; /* JSON "namespace" */
    const char *pod;
    const char *pod_uid;
    const char *owner_kind; /* top controller as known: "ReplicaSet"; optional */
    const char *owner_name; /* optional */
    const char *node;       /* optional */
    const char *platform;   /* "linux/amd64" of the node; optional */
    int64_t sequence; /* resourceVersion or the like: higher is later, within pod_uid; 0 unknown */
    bool reconcile;   /* found by listing, not told by the cluster */
    struct mu_json_array containers; /* of struct mu_workload_container */
};

/* ---- scan request: one digest to resolve or scan ---- */

enum mu_scan_priority { MU_SCAN_PRIORITY_NONE, MU_SCAN_URGENT, MU_SCAN_NORMAL, MU_SCAN_BULK };

struct mu_scan_request {
    const char *request_id; /* deterministic: job and attempt */
    const char *job_id;
    int64_t attempt; /* 1.. */
    int priority;
    const char *reason; /* "new_digest" "new_asset" "running_unscanned" "retry" "rescan" "manual" */
    const char *repository;
    const char *digest;
    struct mu_json_texts uais; /* every UAI the raw result must carry; at most 64 */
    int64_t requested_at_us;
};

/* ---- scan result: pointer and summary; the raw result is evidence ---- */

enum mu_scan_outcome {
    MU_SCAN_OUTCOME_NONE,
    MU_SCAN_COMPLETE,      /* a platform manifest, scanned whole */
    MU_SCAN_RESOLVED,      /* an index: `children` says what it holds; nothing to scan */
    MU_SCAN_NOT_SCANNABLE, /* attestation, signature, chart, other artifact: recorded, never scanned
                            */
    MU_SCAN_FAILED         /* `failure` says what and why */
};

struct mu_scan_failure {
    const char *code; /* "registry_unavailable" "manifest_missing" "digest_mismatch" "layer_missing"
                         "limit" "unsupported" "internal" */
    const char *message; /* the error chain */
    bool retryable;
};

struct mu_scan_child {
    const char *digest;
    int kind; /* enum mu_digest_kind */
    const char *media_type;
    int64_t size_bytes;
    const char *platform; /* "linux/arm64/v8"; optional */
};

struct mu_scan_counts {
    int64_t packages, findings;
    int64_t critical, high, moderate, low, unknown; /* of findings, by shown severity */
};

struct mu_scan_result {
    const char *request_id;
    const char *job_id;
    int64_t attempt;
    const char *repository;
    const char *digest;
    int digest_kind; /* what the manifest turned out to be */
    int outcome;
    bool has_failure;
    struct mu_scan_failure failure;
    struct mu_json_texts uais;
    const char *scanner_name, *scanner_version;
    const char *database_version;       /* optional: sha256 of the database; absent when nothing was
                                           matched */
    int64_t database_built_at_us;       /* optional */
    const char *configuration_checksum; /* sha256 over the effective scanner configuration */
    int64_t started_at_us, finished_at_us;
    const char *evidence_digest; /* sha256 of the raw result; optional on failure */
    int64_t evidence_size_bytes;
    const char *config_digest; /* of the image; optional */
    const char *platform;      /* "linux/amd64"; optional */
    const char *os_name;       /* os-release PRETTY_NAME; optional */
    const char *image_title, *image_version,
            *image_vendor; /* org.opencontainers.image.* labels; optional */
    bool has_counts;
    struct mu_scan_counts counts;
    struct mu_json_array children; /* of struct mu_scan_child; at most 256 */
};

/* ---- quarantine record: what could not be understood, with the reason, replayable ---- */

struct mu_quarantine_record {
    const char *stage;       /* "ingest" "inventory" "scanner" */
    const char *source;      /* event source or topic */
    const char *source_kind; /* optional */
    const char *reason_code; /* status word: "invalid" "limit" ... */
    const char *reason;      /* the error chain */
    int64_t received_at_us;
    const char *content_type; /* optional */
    bool has_headers;
    struct mu_json_map headers; /* of the request: those that say what the body is; no secrets */
    const char *payload_base64; /* at most 40 KiB before encoding; the head of it when truncated */
    const char *payload_digest; /* sha256 of the whole payload */
    int64_t payload_size_bytes;
    bool payload_truncated;
};

enum { MU_QUARANTINE_MAX_PAYLOAD_BYTES = 40 * 1024, MU_QUARANTINE_MAX_HEADERS = 16 };

/*
 * Fills the record's payload members for `payload` (NULL: none): the head of it in base64, size and
 * digest of the whole. `base64` is initialised here and holds the text: mu_buf_done it after the
 * record is encoded; `ret_digest` likewise outlives the record.
 */
void mu_quarantine_payload(struct mu_quarantine_record *record, const void *payload,
                           size_t payload_len, struct mu_buf *base64,
                           char ret_digest[MU_DIGEST_TEXT_SIZE]);

/* ---- notification: something a person should know ---- */

enum mu_notification_severity {
    MU_NOTIFICATION_NONE,
    MU_NOTIFICATION_INFO,
    MU_NOTIFICATION_WARNING,
    MU_NOTIFICATION_CRITICAL
};

struct mu_notification {
    const char *kind; /* "coverage_gap" "detection_failure" "tag_moved" "floating_tag"
                         "evidence_missing" */
    int severity;
    const char *subject; /* UAI, digest or pod */
    const char *message; /* one sentence with the fix */
    int64_t occurred_at_us;
    struct mu_json_map details;
};

/* ---- source health: an event source went silent, speaks again, or is no longer configured ---- */

enum mu_source_state {
    MU_SOURCE_STATE_NONE,
    MU_SOURCE_SILENT,
    MU_SOURCE_SPEAKING,
    MU_SOURCE_REMOVED
};

struct mu_source_health {
    const char *source;
    const char *source_kind;
    int state;                      /* enum mu_source_state */
    int64_t observed_at_us;         /* when ingest saw it */
    int64_t last_event_at_us;       /* optional: it never sent one */
    int64_t silent_after_seconds;   /* optional: 0 not known */
    int64_t usual_interval_seconds; /* optional: 0 not known */
    const char *last_error;         /* optional */
};

extern const struct mu_json_object mu_registry_event_object;
extern const struct mu_json_object mu_workload_event_object;
extern const struct mu_json_object mu_scan_request_object;
extern const struct mu_json_object mu_scan_result_object;
extern const struct mu_json_object mu_quarantine_record_object;
extern const struct mu_json_object mu_notification_object;
extern const struct mu_json_object mu_source_health_object;

#endif
