/*
 * fact: one thing that one event says, normalised, whatever its sender.
 *
 * A kind of source fills facts; emit.h turns them into Muster's messages; `muster-ingest explain`
 * prints them. Facts of no interest are kept too, so that a person sees that they were understood.
 *
 * Ownership: text is NUL-terminated and lives in the arena of the request.
 */
#ifndef INGEST_FACT_H
#define INGEST_FACT_H

#include "base/clock.h"
#include "base/memory.h"
#include "msg/msg.h"
#include "oci/media_type.h"

#include "json/json_doc.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What happened. The words are in fact.c; what becomes of each in `fact_effect`. */
enum fact_class {
    FACT_IGNORE, /* understood, of no interest */
    FACT_REJECT, /* not understood: quarantined with the reason */
    FACT_NOOP,   /* says nothing: ping, heartbeat, empty list */
    FACT_HANDSHAKE,
    FACT_RESYNC, /* the stream lost its place: list again */
    FACT_ENRICHMENT,
    FACT_IMAGE_PUSH,
    FACT_IMAGE_UPDATE,
    FACT_IMAGE_DELETE,
    FACT_AMBIGUOUS_DELETE, /* a manifest or a blob: the sender does not say */
    FACT_TAG_PUSH,
    FACT_TAG_DELETE,
    FACT_ARTIFACT_PUBLISHED,
    FACT_ARTIFACT_DELETED,
    FACT_SCAN_COMPLETED,
    FACT_SCAN_FAILED,
    FACT_SCAN_STOPPED,
    FACT_FINDING,
    FACT_REPLICATION,
    FACT_TAG_RETENTION,
    FACT_WORKLOAD_DEPLOY,   /* an object that wants these images */
    FACT_WORKLOAD_DEPLOYED, /* the same, said when it is done */
    FACT_WORKLOAD_DEPLOY_NO_IMAGE,
    FACT_WORKLOAD_DELETE,
    FACT_SERVICE_DEPLOYED,
    FACT_SERVICE_UPGRADED,
    FACT_SERVICE_ROLLEDBACK,
    FACT_SERVICE_REMOVED,
    FACT_POD_CREATE,
    FACT_POD_DELETE,
    FACT_CONTAINER_START,
    FACT_CONTAINER_STOP,
    FACT_CLASS_COUNT
};

enum fact_effect {
    FACT_EFFECT_NONE,
    FACT_EFFECT_PUSH,
    FACT_EFFECT_DELETE,
    FACT_EFFECT_DECLARE, /* images are wanted; nothing is said to run */
    FACT_EFFECT_OBSERVE, /* containers as they are; without a uid only declared */
    FACT_EFFECT_REMOVE   /* the pod or task is gone; without a uid nothing */
};

struct fact_class_row {
    const char *word; /* "image.push" */
    enum fact_effect effect;
    const char *quiet; /* why no message comes of it, unless the fact itself says */
};
extern const struct fact_class_row fact_classes[FACT_CLASS_COUNT];

/* Text members, by the names that `explain` prints. */
enum fact_slot {
    FACT_EVENT_ID, /* as the sender calls it */
    FACT_ACTION,   /* the sender's word for what happened */
    FACT_KEY, /* what makes a repeated delivery the same event; absent: event_id, or a hash of the
                 content */
    FACT_ACTOR,
    FACT_REGISTRY, /* host[:port]; absent: the source's configured one */
    FACT_REPOSITORY,
    FACT_TAG,
    FACT_DIGEST,
    FACT_MEDIA_TYPE,
    FACT_PLATFORM,
    FACT_CLUSTER,
    FACT_NAMESPACE,
    FACT_KIND, /* "Pod", "Deployment", "Task" */
    FACT_NAME,
    FACT_UID,
    FACT_OWNER_KIND,
    FACT_OWNER_NAME,
    FACT_NODE,
    FACT_EXIT_CODE,
    FACT_SLOT_COUNT
};

struct fact {
    enum fact_class class_;
    const char *text[FACT_SLOT_COUNT]; /* NULL: not said */
    bool quarantined; /* understood, but no message can be made of it: its message is a quarantine
                         record */
    bool reconcile;   /* found by listing, not sent */
    bool told_only;   /* no message comes of it; `why` says so */
    bool tag_only;    /* of a delete: the tag is gone, the digest that is named stays */
    const char *why;  /* of FACT_REJECT, and of what is ignored although it could matter */
    int64_t occurred_at_us;          /* MU_TIME_NONE: not said */
    int64_t size_bytes;              /* -1: not said */
    int64_t sequence;                /* order within a uid; 0: not said */
    enum mu_digest_kind digest_kind; /* NONE: as the media type says */
    struct mu_workload_container *containers;
    size_t container_count, container_capacity;
    size_t first_event, event_count; /* its messages among the source's events */
};

void fact_init(struct fact *fact);

/* A zeroed container at the end; NULL when memory or MU_WORKLOAD_MAX_CONTAINERS * 32 is exhausted.
 * Earlier pointers into `containers` are then void. */
struct mu_workload_container *fact_container_add(struct fact *fact, struct mu_arena *arena);

/* "event", "ignored", "quarantined" or "denied": what became of it. */
const char *fact_outcome(const struct fact *fact);

/* The fact as a JSON object: "class", then what was said. New reference; aborts when memory is
 * exhausted. */
json_t *fact_json(const struct fact *fact);

#endif
