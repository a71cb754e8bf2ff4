/*
 * watches: the sources that ingest asks itself (clusters, engines, registries), each running on the
 * generation of the configuration in which it stands; a reload ends what was removed or changed and
 * starts what is new.
 *
 * Threads: one.
 */
#ifndef INGEST_WATCHES_H
#define INGEST_WATCHES_H

#include "config/generation.h"
#include "delivery/delivery.h"

struct watches;
struct listings;

/* What it is given outlives it. */
struct watches *watches_new(struct delivery *delivery, struct listings *listings,
                            const char *state_folder);
/* Ends all of them. NULL is fine. */
void watches_free(struct watches *watches);

/*
 * Makes what runs be what `generation` says. Goes on after a failure; the first is returned, and
 * what could not be started is tried again by the next call. Errors: as kube_watch_start,
 * stream_start, listings_add.
 */
enum mu_status watches_set(struct watches *watches, struct generation *generation,
                           struct mu_error *err) MU_MUST_CHECK;

#endif
