/*
 * source: what an event source of a kind says, turned into Muster's messages.
 *
 * A kind is one row of `source_kinds`: its name, what its senders put into Content-Type, and one
 * function that reads a body. Adding a kind is one file and one row.
 *
 * Decoding never talks to anybody and never blocks: body in, messages out. What a sender says and
 * we do not want (pulls, blobs, bookmarks) gives no message; what cannot be understood gives an
 * error, or, for one event among many, a rejected part: both become quarantine records.
 *
 * Trust: bodies are hostile. Limits: json_doc.h; one request gives at most SOURCE_MAX_EVENTS
 * messages. Ownership: everything lives in the arena of the input.
 */
#ifndef INGEST_SOURCE_H
#define INGEST_SOURCE_H

#include "source/source_config.h"

#include "base/memory.h"
#include "msg/msg.h"

enum { SOURCE_MAX_EVENTS = 10000, SOURCE_MAX_BODY_BYTES = 4 * 1024 * 1024 };

struct source_input {
    const struct source_config *source;
    const char *content_type; /* NULL when absent */
    /* Value of a request header or NULL; may itself be NULL when there are none. */
    const char *(*header)(void *opaque, const char *name);
    void *opaque;
    const char *body; /* NUL-terminated behind `len` */
    size_t len;
    int64_t received_at_us;
    struct mu_arena *arena;
};

struct source_event {
    enum mu_msg_type type;
    const void *message; /* struct of the type, complete */
    const char *key;     /* partition key */
};

struct source_events {
    struct mu_arena *arena;
    struct source_event *items;
    size_t count, capacity;
    size_t ignored; /* understood, and of no interest */
};

typedef enum mu_status source_decode_fn(const struct source_input *input,
                                        struct source_events *ret_events, struct mu_error *err);

struct source_kind {
    const char *name;
    const char *transport; /* "webhook" or "watch" */
    const char *content_types;
    const char *events; /* what becomes a message */
    source_decode_fn *decode;
};

extern const struct source_kind source_kinds[];
extern const size_t source_kind_count;
const struct source_kind *source_kind_find(const char *name); /* NULL when there is none */

/*
 * What a body means, by its source's kind; one that is not understood as a whole becomes one
 * quarantine record. Errors: MU_E_NOMEM.
 */
enum mu_status source_decode(const struct source_input *input, struct source_events *events,
                             struct mu_error *err) MU_MUST_CHECK;

/* ---- for the kinds ---- */

/* Errors: MU_E_LIMIT, MU_E_NOMEM. */
enum mu_status source_events_add(struct source_events *events, enum mu_msg_type type,
                                 const void *message, const char *key,
                                 struct mu_error *err) MU_MUST_CHECK;
/* A part that is not understood, with the reason in `why`; `part` is its text. */
enum mu_status source_events_reject(const struct source_input *input, struct source_events *events,
                                    const char *part, size_t part_len, const struct mu_error *why,
                                    struct mu_error *err) MU_MUST_CHECK;

/* Canonical host/path after the source's aliases. NULL in `ret_repository` never. Errors:
 * MU_E_INVALID, MU_E_LIMIT. */
enum mu_status source_repository(const struct source_input *input, const char *host,
                                 const char *path, const char **ret_repository,
                                 struct mu_error *err) MU_MUST_CHECK;
/* The same for a name that is canonical but for the aliases. */
const char *source_alias(const struct source_input *input, const char *repository);

/* Time of a JSON text, or `otherwise` when it is absent or no time. */
int64_t source_time(const char *text, int64_t otherwise);

source_decode_fn distribution_decode;
source_decode_fn cloudevents_decode;
source_decode_fn kubernetes_decode;

#endif
