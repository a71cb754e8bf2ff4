/*
 * stream_state: what a stream must remember between processes: its position and what it has told,
 * as small JSON values under names.
 *
 * Changes are pending until stream_state_commit, which is called when everything sent for them is
 * durable; stream_state_rollback takes them back when something was lost, and the stream tells it
 * again. The file holds a line per change; the line of a commit ends a group, and a group without
 * its end (a killed process) is not read. It is written anew at open and when it is mostly old.
 *
 * Threads: one.
 */
#ifndef INGEST_STREAM_STATE_H
#define INGEST_STREAM_STATE_H

#include "base/error.h"
#include "base/scope.h"
#include "json/json_doc.h"

struct stream_state;

/* Reads what an earlier process left at `path`; NULL: memory only. A line that is torn or no JSON
 * is skipped with its group. Errors: MU_E_UNAVAILABLE, MU_E_LIMIT. */
enum mu_status stream_state_open(const char *path, struct stream_state **ret_state,
                                 struct mu_error *err) MU_MUST_CHECK;
void stream_state_close(struct stream_state *state); /* NULL is fine; pending changes are dropped */

/* Borrowed until the next change of that name; NULL when it is not there. Not to be changed. */
const json_t *stream_state_get(const struct stream_state *state, const char *name);
int64_t stream_state_number(const struct stream_state *state, const char *name); /* 0: not there */
/* Steals `value`; NULL removes the name. */
void stream_state_set(struct stream_state *state, const char *name, json_t *value);

/* All values by name, borrowed; not to be changed, nor the state while walking over it. */
const json_t *stream_state_all(const struct stream_state *state);

/* Errors: MU_E_UNAVAILABLE (the file; the changes hold in memory). */
enum mu_status stream_state_commit(struct stream_state *state, struct mu_error *err) MU_MUST_CHECK;
void stream_state_rollback(struct stream_state *state);

MU_DEFINE_AUTO(stream_state, struct stream_state, stream_state_close)

#endif
