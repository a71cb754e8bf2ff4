/*
 * docker_runs: the runs of an engine's containers, told once each.
 *
 * A container keeps its id when it starts again, and its events do not say which start they belong
 * to. So the last run told of each container is kept in the stream's state, and every run is named
 * "<container id>@<start in ns>": the time of its `start` event, or State.StartedAt when only a
 * listing saw it. StartedAt is a little before the event of the same start and behind the event of
 * every earlier one, which is how the two are matched.
 *
 * Internal to stream/.
 */
#ifndef INGEST_DOCKER_RUNS_H
#define INGEST_DOCKER_RUNS_H

#include "stream/stream_protocol.h"

/* Prefix of API paths, "/v1.41", and the node's name, as the protocol put them into the session. */
#define DOCKER_SESSION_PREFIX "prefix"
#define DOCKER_SESSION_NODE   "node"

/* start, die or destroy of a container; others are left alone. Errors: as stream_get and
 * stream_send. */
enum mu_status docker_runs_event(struct stream *stream, const json_t *event,
                                 struct mu_error *err) MU_MUST_CHECK;

/* All containers, the running and the ended: what differs from what was told. `at_ns` is the
 * engine's clock before the list. Errors: as above. */
enum mu_status docker_runs_list(struct stream *stream, int64_t at_ns,
                                struct mu_error *err) MU_MUST_CHECK;

#endif
