/*
 * kube_reflect: one resource of one cluster by list and watch (Kubernetes API concepts, "Efficient
 * detection of changes", "Retrieving large results sets in chunks"), told to a handler.
 *
 * - List: in pages, each page asked for with the token of the one before. Neither the first page
 *   nor the others name a resourceVersion: that is the consistent read; an older answer out of the
 *   server's cache could bring back what is known to be gone. A token that has expired begins the
 *   list again, since what would follow is no longer of one moment; with larger pages, so that a
 *   slow one comes to its end.
 * - Watch: from the list's version with bookmarks, or without when the server refused them; a watch
 *   that ends goes on at the last version. 410 lists again; so does a third refusal in a row,
 *   whatever its words (a version from another etcd is "too large" for ever).
 * - A list is made again after `relist_ms`, however well the watch goes.
 * - Failures are retried for ever with backoff and jitter, or when the server says; a server that
 *   ends every watch at once is not asked in a tight loop.
 *
 * Threads: one of its own, which runs every call of the handler.
 */
#ifndef INGEST_KUBE_REFLECT_H
#define INGEST_KUBE_REFLECT_H

#include "watch/kube_position.h"

#include "source/source_config.h"
#include "json/json_doc.h"

#include <stdbool.h>
#include <stddef.h>

struct kube_reflect;

struct kube_resource {
    const char *name;   /* "pods" */
    const char *path;   /* "/api/v1/pods" */
    bool metadata_only; /* Accept: PartialObjectMetadata */
    bool optional;      /* a refusal for lack of rights is looked at again in minutes only */
};

extern const char kube_accept_metadata[]; /* of one object */

/* Any failure of `item`, `listed` and `event` ends the list or watch; what happens then goes by its
 * status as if the server had failed. Members may be NULL, but for `item` and `event`. */
struct kube_handler {
    void (*began)(void *opaque);   /* in the thread, before anything else */
    void (*listing)(void *opaque); /* a list begins, or begins again */
    enum mu_status (*item)(void *opaque, json_t *item, struct mu_error *err);
    enum mu_status (*listed)(void *opaque, const char *version, struct mu_error *err);
    /* Any line but bookmarks and errors. `event` NULL: it is no JSON. */
    enum mu_status (*event)(void *opaque, json_t *event, const char *line, size_t len,
                            struct mu_error *err);
    /* The position moved, by a list, an event or a bookmark. A failure forgets it. */
    enum mu_status (*moved)(void *opaque, const struct kube_position *position,
                            struct mu_error *err);
    /* A list or watch ended, however. `failure` NULL: well. Same rule. */
    enum mu_status (*ended)(void *opaque, const struct kube_position *position,
                            const struct mu_error *failure, struct mu_error *err);
};

struct kube_reflect_config {
    const struct source_config *source;
    const struct kube_resource *resource;
    const struct kube_handler *handler;
    void *opaque;
    struct kube_position position; /* where to go on */
    int64_t retry_min_ms;          /* 0: 500; doubles up to 20 times that */
    int64_t stall_ms;  /* a server silent for so long has gone; 0: its timeout and more */
    int64_t relist_ms; /* 0: an hour */
};

/* What `config` points at outlives the reflector. Errors: MU_E_UNAVAILABLE (no thread). */
enum mu_status kube_reflect_start(const struct kube_reflect_config *config,
                                  struct kube_reflect **ret_reflect,
                                  struct mu_error *err) MU_MUST_CHECK;
/* Lets the thread end, within about a second. NULL is fine. */
void kube_reflect_cancel(struct kube_reflect *reflect);
/* The same, and waits for it. NULL is fine. */
void kube_reflect_stop(struct kube_reflect *reflect);

#endif
