/*
 * kube_watch: the Pods of one cluster as messages: a list, then a watch from it (kube_reflect.h),
 * each event with the platform and the owner that the pod does not name itself (kube_names.h).
 *
 * Position: a file of `state_folder` holds the resourceVersion up to which everything is durable in
 * Kafka or the spool. A process that starts goes on there, and what happened while it was not there
 * comes through the watch; without the file, or when the cluster has forgotten that version, it
 * lists. Ids are made of uid and resourceVersion, so what was told before is told again as the same
 * event. When an event could not be made durable, the cluster is listed again.
 *
 * A pod that a list no longer has, since it went while nobody watched, is told as removed, marked
 * `reconcile`: what was there is remembered in another file (known_pods.h).
 *
 * Threads: four of its own per source.
 */
#ifndef INGEST_KUBE_WATCH_H
#define INGEST_KUBE_WATCH_H

#include "delivery/delivery.h"
#include "source/source_config.h"

struct kube_watch;

struct kube_watch_config {
    const struct source_config *source;
    struct delivery *delivery;
    const char *state_folder; /* NULL: position and pods are forgotten with the process */
    /* 0: as kube_reflect.h */
    int64_t retry_min_ms, stall_ms, relist_ms;
    int64_t save_ms; /* how long a position that moved may stay unsaved while events come; 0: 5 s;
                        -1: not */
};

/* What `config` points at outlives the watch. Errors: MU_E_UNAVAILABLE (no thread, no file),
 * MU_E_LIMIT (file); of the access: MU_E_INVALID, MU_E_NOT_FOUND, MU_E_LIMIT. */
enum mu_status kube_watch_start(const struct kube_watch_config *config,
                                struct kube_watch **ret_watch, struct mu_error *err) MU_MUST_CHECK;
/* Waits for the threads, which end within about a second. NULL is fine. */
void kube_watch_stop(struct kube_watch *watch);

#endif
