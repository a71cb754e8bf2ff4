/*
 * known_pods: the pods a cluster was seen to have, so that a listing that no longer has one can
 * tell that it is gone, also when it went while nobody watched or while this process was not there.
 *
 * A file holds one line per change: {"pod":{...}} or {"gone":uid}; it is written anew at each
 * listing. A line lost in a crash of the machine costs a removal that only the next change tells;
 * a killed process loses none.
 *
 * A pod that left is kept as "leaving" until its removal is durable: known_pods_leave, then
 * known_pods_settle(true) when everything sent is durable, or (false) when something was lost and a
 * listing must tell it again.
 *
 * The file is locked while it is open: who watches a cluster is known by it.
 *
 * Threads: one.
 */
#ifndef INGEST_KNOWN_PODS_H
#define INGEST_KNOWN_PODS_H

#include "base/error.h"
#include "base/scope.h"
#include "json/json_doc.h"

#include <stdbool.h>

struct known_pods;

/* Reads what an earlier process left at `path`, which is made when it is not there (`ret_found`
 * says); NULL: memory only. A line that is torn or no JSON is skipped. Errors: MU_E_UNAVAILABLE,
 * MU_E_LIMIT, MU_E_CONFLICT (somebody has it open). */
enum mu_status known_pods_open(const char *path, struct known_pods **ret_known, bool *ret_found,
                               struct mu_error *err) MU_MUST_CHECK;
void known_pods_close(struct known_pods *known); /* NULL is fine */

/* The file of a source in a state folder, the caller's; "*": a pattern of all sources' (glob(7)).
 * NULL: no folder. */
char *known_pods_path(const char *folder, const char *source);

/* Adds the uids in a file that may be open elsewhere to the members of `uids`; none when it is not
 * there. Errors: MU_E_UNAVAILABLE, MU_E_LIMIT. */
enum mu_status known_pods_read(const char *path, json_t *uids, struct mu_error *err) MU_MUST_CHECK;

/* The pod of a watch event is there. Errors: MU_E_UNAVAILABLE (the file). */
enum mu_status known_pods_see(struct known_pods *known, const json_t *pod,
                              struct mu_error *err) MU_MUST_CHECK;
/* The pod is gone, and its removal on the way. */
void known_pods_leave(struct known_pods *known, const char *uid);
size_t known_pods_leaving(const struct known_pods *known);
/* See above. Errors: MU_E_UNAVAILABLE (the file). */
enum mu_status known_pods_settle(struct known_pods *known, bool durable,
                                 struct mu_error *err) MU_MUST_CHECK;

/* Calls `each` for what is known and has no member in `listed` (by uid), with what a removal must
 * tell: an object with kind and metadata. Stops at the first failure and returns it. */
typedef enum mu_status known_pod_fn(void *opaque, const char *uid, json_t *pod,
                                    struct mu_error *err);
enum mu_status known_pods_each_missing(struct known_pods *known, const json_t *listed,
                                       known_pod_fn *each, void *opaque,
                                       struct mu_error *err) MU_MUST_CHECK;

/* What was written is on disk. Errors: MU_E_UNAVAILABLE. */
enum mu_status known_pods_sync(struct known_pods *known, struct mu_error *err) MU_MUST_CHECK;

/* Writes the file anew. Errors: MU_E_UNAVAILABLE. */
enum mu_status known_pods_compact(struct known_pods *known, struct mu_error *err) MU_MUST_CHECK;

MU_DEFINE_AUTO(known_pods, struct known_pods, known_pods_close)

#endif
