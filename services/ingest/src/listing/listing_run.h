/*
 * listing_run: one listing from the walk to the file of what is known: what differs is told, and
 * only when that is durable the new state is written. A listing that fails half-way tells what it
 * found, and deletes nothing.
 */
#ifndef INGEST_LISTING_RUN_H
#define INGEST_LISTING_RUN_H

#include "listing/registry_walk.h"
#include "listing/tag_diff.h"

struct tag_events;

struct listing_run {
    const struct source_config *source;
    const char *folder; /* of the files listed-SOURCE.* */
    const char *spill;  /* file to sort in; NULL: in `folder` */
    const atomic_bool *stopping;
    int64_t retry_min_ms;
    struct tag_events *events; /* NULL: nothing is sent, nothing written */
    /* Sees every change before it is sent; may be NULL. */
    enum mu_status (*on_change)(void *opaque, const struct tag_change *change,
                                struct mu_error *err);
    void *opaque;
};

struct listing_result {
    struct registry_walk_result walk;
    size_t new_tags, moved, gone;
};

/*
 * MU_OK: complete, though single repositories may have failed. `ret_result` is filled on failure
 * too. Errors: as registry_walk_run, known_tags_open and tag_events_settle. A file of known tags
 * that is damaged is put aside, and the registry is told as if it was new.
 */
enum mu_status listing_run(const struct listing_run *run, struct listing_result *ret_result,
                           struct mu_error *err) MU_MUST_CHECK;

/* When the last complete listing ended; MU_TIME_NONE: never, or the file cannot be read. */
int64_t listing_last_at_us(const char *folder, const struct source_config *source);

#endif
