/*
 * stream: the events of an engine or orchestrator that ingest asks for itself, where there is
 * something to list and something to follow: Docker Engine, Swarm, Nomad.
 *
 * A round catches up, lists what is there, tells the difference from what was told (marked
 * `reconcile`), then follows events until the peer or the round's time ends it. Failures are
 * retried with backoff for ever. What was told and the position are kept in a file of
 * `state_folder` (stream_state.h) once the messages are durable; when one was lost, both are taken
 * back and it is told again, with the same ids.
 *
 * Threads: one of its own per source.
 */
#ifndef INGEST_STREAM_H
#define INGEST_STREAM_H

#include "delivery/delivery.h"
#include "source/source_config.h"

struct stream;

struct stream_config {
    const struct source_config *source; /* its kind's transport is "stream" */
    struct delivery *delivery;
    const char *state_folder; /* NULL: what was told is forgotten with the process */
    int64_t retry_min_ms;     /* 0: 500; doubles up to 60 times that */
};

/* What `config` points at outlives the stream. Errors: MU_E_INVALID (no protocol for the kind),
 * MU_E_UNAVAILABLE (no thread, no file), MU_E_LIMIT (file). */
enum mu_status stream_start(const struct stream_config *config, struct stream **ret_stream,
                            struct mu_error *err) MU_MUST_CHECK;
/* Waits for the thread, which leaves its peer within a second. NULL is fine. */
void stream_stop(struct stream *stream);

#endif
