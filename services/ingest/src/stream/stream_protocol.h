/*
 * stream_protocol: what a peer's protocol says to the generic stream client, and what that offers.
 *
 * A protocol turns what it hears and lists into documents of its kind of source and sends them:
 * source_decode makes messages of them, as of any body. Internal to stream/.
 */
#ifndef INGEST_STREAM_PROTOCOL_H
#define INGEST_STREAM_PROTOCOL_H

#include "source/source_config.h"
#include "stream/stream_state.h"

#include <stdbool.h>
#include <stdint.h>

struct stream;

enum {
    STREAM_PATH_SIZE = 2048,
    STREAM_ROUND_MS = 300 * 1000, /* then what is there is listed again */
    STREAM_LIST_MAX_BYTES = 256 * 1024 * 1024,
    STREAM_ANSWER_MAX_BYTES = 4 * 1024 * 1024
};

struct stream_protocol {
    const char *kind; /* of the source */
    int64_t stall_ms; /* silence that means a dead peer */
    /* Catches up and lists. Errors: as stream_get and stream_send. */
    enum mu_status (*sync)(struct stream *stream, struct mu_error *err);
    /* Path and query of the events from the position on. */
    enum mu_status (*follow)(struct stream *stream, char ret_path[STREAM_PATH_SIZE],
                             struct mu_error *err);
    /* One document that came. A failure ends the round. */
    enum mu_status (*take)(struct stream *stream, const json_t *document, struct mu_error *err);
};

extern const struct stream_protocol docker_protocol, swarm_protocol, nomad_protocol;

/* ---- offered by stream.c ---- */

const struct source_config *stream_source(const struct stream *stream);
struct stream_state *stream_state_of(struct stream *stream);
/* An object for what a round learns of its peer; empty when a round begins. */
json_t *stream_session(struct stream *stream);

/* GET; the answer as JSON. Errors: MU_E_NOT_FOUND and others of mu_http_status_error, MU_E_INVALID
 * (no JSON), MU_E_LIMIT. */
enum mu_status stream_get(struct stream *stream, const char *path, size_t max_bytes,
                          json_t **ret_answer, struct mu_error *err) MU_MUST_CHECK;
/* GET of a stream that ends by itself; every document goes to the protocol's `take`. */
enum mu_status stream_replay(struct stream *stream, const char *path,
                             struct mu_error *err) MU_MUST_CHECK;
/* Makes messages of a document and sends them; steals it. One that is too large is logged and left
 * out. Errors: MU_E_NOMEM. */
enum mu_status stream_send(struct stream *stream, json_t *document,
                           struct mu_error *err) MU_MUST_CHECK;
/* For what is worth a metric: a run that a listing found ended. */
void stream_count_vanished(void);

/* Appends `text` percent-encoded to `path`; false when it does not fit. */
bool stream_path_append(char path[STREAM_PATH_SIZE], const char *text);
/* Nanoseconds since 1970 of RFC 3339; 0 when it is no time or "never" (year 1). */
int64_t stream_time_ns(const char *text);

#endif
