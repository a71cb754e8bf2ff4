/*
 * listing: the registries that are listed, on a schedule and on demand.
 *
 * Each source of kind "registry" has a thread that lists (listing_run.h) when its interval is over
 * since the last complete listing, also over restarts, or when asked to; and one that looks up
 * single tags, for pushes that were told without digest. A failed listing is repeated after a
 * while, earlier than the interval.
 *
 * Wishes are kept in memory: what is lost with the process is found by the next listing.
 *
 * Threads: two of its own per source; listings_add and listings_remove from one thread, the other
 * functions from any.
 */
#ifndef INGEST_LISTING_H
#define INGEST_LISTING_H

#include "config/ingest_config.h"
#include "delivery/delivery.h"
#include "msg/msg.h"

#include <stdbool.h>

struct listings;

struct listings_config {
    const struct ingest_config *sources; /* NULL: none yet */
    struct delivery *delivery;
    const char *state_folder; /* of the files listed-SOURCE.* */
    int64_t retry_min_ms;     /* 0: 500 for a request, 30000 for a listing */
};

/* What `config` points at outlives it. Errors: MU_E_UNAVAILABLE (no thread). */
enum mu_status listings_start(const struct listings_config *config, struct listings **ret_listings,
                              struct mu_error *err) MU_MUST_CHECK;
/* Waits for the threads, which end within a second. NULL is fine. */
void listings_stop(struct listings *listings);

/* Lists one more source, which outlives its removal. Errors: MU_E_UNAVAILABLE (no thread),
 * MU_E_LIMIT (too many). */
enum mu_status listings_add(struct listings *listings, const struct source_config *source,
                            struct mu_error *err) MU_MUST_CHECK;
/* Waits for its threads, which end within a second. */
void listings_remove(struct listings *listings, const struct source_config *source);

/* Lists soon; wishes that come before it begins are one. False: there is no such source. */
bool listings_request(struct listings *listings, const char *source_name);

/* A push that does not say its digest: it is looked up where a source lists that registry. Others
 * are passed over. `listings` NULL is fine. */
void listings_look_up(struct listings *listings, const struct mu_registry_event *event);

#endif
