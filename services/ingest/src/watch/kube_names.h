/*
 * kube_names: what a pod does not say about itself: the platform of its node, and the controller
 * behind its controller (Deployment behind ReplicaSet, CronJob behind Job).
 *
 * Nodes, ReplicaSets and Jobs are listed and watched, the latter two as metadata only; what is not
 * there yet when a pod names it is asked for by name, once. Deployments, StatefulSets, DaemonSets
 * and CronJobs need no watch: they are named by what they own.
 *
 * All of it is a help: without the right to list one of them (get, list, watch), pods are told
 * without it, and a log line says so.
 *
 * Threads: one per resource; the calls below from any thread.
 */
#ifndef INGEST_KUBE_NAMES_H
#define INGEST_KUBE_NAMES_H

#include "source/source_config.h"

#include "base/error.h"
#include "json/json_doc.h"

#include <stdatomic.h>
#include <stdint.h>

struct kube_names;

struct kube_names_config {
    const struct source_config *source; /* outlives it */
    int64_t retry_min_ms, stall_ms;     /* as kube_reflect */
};

/* Errors: MU_E_UNAVAILABLE (no thread). */
enum mu_status kube_names_start(const struct kube_names_config *config,
                                struct kube_names **ret_names, struct mu_error *err) MU_MUST_CHECK;
void kube_names_stop(struct kube_names *names); /* NULL is fine */

/* Waits until each resource was listed, or could not be; at most `timeout_ms`; ends early when
 * kube_names_cancel was called. */
void kube_names_wait(struct kube_names *names, int64_t timeout_ms);
/* Ends waiting, asking and watching, for good: what the watches have not told yet is not told. */
void kube_names_cancel(struct kube_names *names);

/* Adds to a watch event of a Pod what is known: "context": {"platform": "linux/amd64", "owner":
 * {"kind": "Deployment", "name": "web"}}. Whatever the event had there is replaced. */
void kube_names_add(struct kube_names *names, json_t *event);

#endif
