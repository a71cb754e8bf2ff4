/*
 * kube_watch: one cluster's Pods by list and watch (Kubernetes API concepts, "Efficient detection
 * of changes"): a paged list, then a watch from its resourceVersion with bookmarks; a watch that
 * ends goes on where it was; 410 Gone lists again. Failures are retried with backoff for ever.
 *
 * When an event could not be made durable, the cluster is listed again. A process starts with a
 * list, since only that can tell what is there now; ids are made of uid and resourceVersion, so
 * what was told before is told again as the same event. A pod that went while nobody watched is
 * told as removed, marked `reconcile`, when a list no longer has it: what was there is remembered
 * in a file of `state_folder` (known_pods.h).
 *
 * Threads: one of its own per source.
 */
#ifndef INGEST_KUBE_WATCH_H
#define INGEST_KUBE_WATCH_H

#include "delivery/delivery.h"
#include "source/source_config.h"

struct kube_watch;

struct kube_watch_config {
    const struct source_config *source;
    struct delivery *delivery;
    const char *state_folder; /* NULL: what was there is forgotten with the process */
    int64_t retry_min_ms;     /* 0: 500; doubles up to 60 times that */
};

/* What `config` points at outlives the watch. Errors: MU_E_UNAVAILABLE (no thread, no file),
 * MU_E_LIMIT (file). */
enum mu_status kube_watch_start(const struct kube_watch_config *config,
                                struct kube_watch **ret_watch, struct mu_error *err) MU_MUST_CHECK;
/* Waits for the thread, which leaves a stream at once when the process's stop flag is set, else at
 * its end. NULL is fine. */
void kube_watch_stop(struct kube_watch *watch);

#endif
