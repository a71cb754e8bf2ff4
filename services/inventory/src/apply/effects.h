/*
 * effects: what one event teaches, as rows of a write set.
 *
 * Every row is a fact that is true whatever else is known, so effects of any set of events
 * are the same in any order and any repetition.
 *
 * Threads: one at a time per struct.
 */
#ifndef INVENTORY_APPLY_EFFECTS_H
#define INVENTORY_APPLY_EFFECTS_H

#include "apply/event.h"
#include "apply/job_wishes.h"
#include "store/write_set.h"

/* A running container's wish that was written is not written again for so long. */
enum { WISH_REPEATS_MS = 10000 };

struct effects {
    struct write_set *set;
    struct mu_arena *arena;    /* of the batch */
    struct job_wishes *wishes; /* NULL: nobody asks */
    int64_t untagged_grace_ms;
    char moment[24];  /* the same for WISH_REPEATS_MS */
    int64_t findings; /* loaded so far */
    bool is_ahead;    /* a time of the event was not believed */
    bool is_replay;   /* what is applied was applied before */
};

void effects_registry(struct effects *effects, const struct event *event);
void effects_workload(struct effects *effects, const struct event *event);

/* `failure`: NULL, or why the result counts as failed although its scanner succeeded. */
void effects_scan_result(struct effects *effects, const struct event *event,
                         const struct mu_scan_failure *failure);

/* A silent source is a detection failure until it speaks again or is removed, and a notification.
 * Errors: MU_E_INVALID, MU_E_LIMIT, MU_E_NOMEM. */
enum mu_status effects_source_health(struct effects *effects, const struct event *event,
                                     struct mu_error *err) MU_MUST_CHECK;

/* The detection failure (`clock_skew`) of the day and source of an event that is_ahead, and its
 * notification: once, and over with the day. Errors: MU_E_INVALID, MU_E_LIMIT, MU_E_NOMEM. */
enum mu_status effects_clock_failure(struct effects *effects, const struct event *event,
                                     struct mu_error *err) MU_MUST_CHECK;

/* A quarantine record in the outbox. Errors: MU_E_NOMEM, MU_E_LIMIT. */
enum mu_status effects_quarantine(struct effects *effects, const struct event *event,
                                  struct mu_error *err) MU_MUST_CHECK;

/* ---- shared by the above ---- */

/* NULL for MU_TIME_NONE, for "" and for a negative count: absent. */
const char *effects_time(struct effects *effects, int64_t at_us);
const char *effects_int(struct effects *effects, int64_t value);
const char *effects_text(const char *text);

/* event_happened(), and whether it is_ahead. */
int64_t effects_happened(struct effects *effects, const struct event *event, int64_t told_us);

/* Repository, asset of (tag else digest); with a tag also that it has been this digest (may be
 * NULL). */
void effects_asset(struct effects *effects, const struct event *event, const char *repository,
                   const char *tag, const char *digest);

struct digest_fact {
    const char *digest, *kind, *media_type;
    int64_t size_bytes; /* -1: not known */
    const char *platform, *config_digest, *os_name;
    const char *image_title, *image_version, *image_vendor;
};
void effects_digest(struct effects *effects, const struct event *event,
                    const struct digest_fact *fact);

/* `wish` without traceparent. */
void effects_job(struct effects *effects, const struct event *event, const struct job_wish *wish);

#endif
