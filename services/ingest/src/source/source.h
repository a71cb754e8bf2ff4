/*
 * source: what an event source of a kind says, turned into Muster's messages.
 *
 * A kind is one table (kind.h), one file of this folder, and one row in kinds.c.
 *
 * Reading never talks to anybody and never blocks: body in, messages out. What a sender says and
 * we do not want (pulls, blobs, bookmarks) gives a fact and no message; what cannot be understood
 * gives an error, or, for one event among many, a rejected part: both become quarantine records.
 *
 * Trust: bodies are hostile. Limits: json_doc.h; one request gives at most SOURCE_MAX_EVENTS
 * messages. Ownership: everything lives in the arena of the input.
 */
#ifndef INGEST_SOURCE_H
#define INGEST_SOURCE_H

#include "source/source_config.h"

#include "base/memory.h"
#include "msg/msg.h"

#include <stdbool.h>

enum { SOURCE_MAX_EVENTS = 10000, SOURCE_MAX_BODY_BYTES = 4 * 1024 * 1024, SOURCE_MAX_DEPTH = 64 };

struct fact;

struct source_input {
    const struct source_config *source;
    const char *content_type; /* NULL when absent */
    /* Value of a request header or NULL, until the next call; may itself be NULL when there are
     * none. */
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
    struct fact **facts; /* everything that was understood, in the order of the body */
    size_t fact_count, fact_capacity;
    size_t ignored; /* facts without a message */
};

typedef enum mu_status source_decode_fn(const struct source_input *input,
                                        struct source_events *ret_events, struct mu_error *err);

/* What makes a repeated delivery the same event. */
enum source_id_rule {
    SOURCE_ID_TOLD,            /* the sender's id; a hash of the content when it gives none */
    SOURCE_ID_CONTENT,         /* a hash of the content, which holds a time */
    SOURCE_ID_CONTENT_AND_TIME /* the content holds no time: the same again after ten minutes is new
                                */
};

/* What a source may ask of its senders (auth/auth.h). */
enum source_auth {
    SOURCE_AUTH_BEARER = 1 << 0,
    SOURCE_AUTH_BASIC = 1 << 1,
    SOURCE_AUTH_HEADER = 1 << 2,      /* a secret as it stands in a header */
    SOURCE_AUTH_HMAC_SHA256 = 1 << 3, /* hex, over the body */
    SOURCE_AUTH_HMAC_SHA1 = 1 << 4,
    SOURCE_AUTH_JWT = 1 << 5,
    SOURCE_AUTH_SNS = 1 << 6,
    SOURCE_AUTH_URL = 1 << 7, /* a secret in the query */
    SOURCE_AUTH_MTLS = 1 << 8
};

struct source_shape;

struct source_kind {
    const char *name;
    const char *transport;        /* "webhook", "watch", "stream" or "listing" */
    const char *sender;           /* for people: "CNCF Distribution 2.x, 3.x" */
    const char *events;           /* for people: what becomes a message */
    unsigned auth;                /* enum source_auth, what senders can do */
    const char *auth_header;      /* of SOURCE_AUTH_HEADER and of the HMACs; NULL: Authorization */
    const char *auth_prefix;      /* before the hex of an HMAC: "sha256="; NULL: none */
    const char *handshake_origin; /* whose OPTIONS is answered unless the file says otherwise */
    enum source_id_rule id;
    unsigned envelopes; /* enum source_envelope */
    const struct source_shape *shapes;
    size_t shape_count;
    source_decode_fn *decode; /* instead of envelopes and shapes */
};

extern const struct source_kind *const source_kinds[];
extern const size_t source_kind_count;
const struct source_kind *source_kind_find(const char *name); /* NULL when there is none */

/*
 * What a body means, by its source's kind; one that is not understood as a whole becomes one
 * quarantine record. Errors: MU_E_NOMEM.
 */
enum mu_status source_decode(const struct source_input *input, struct source_events *ret_events,
                             struct mu_error *err) MU_MUST_CHECK;

/* ---- for the kinds ---- */

/* Errors: MU_E_LIMIT, MU_E_NOMEM. */
enum mu_status source_events_add(struct source_events *events, enum mu_msg_type type,
                                 const void *message, const char *key,
                                 struct mu_error *err) MU_MUST_CHECK;
/* Keeps a fact that has its messages already. Errors: MU_E_LIMIT, MU_E_NOMEM. */
enum mu_status source_events_keep(struct source_events *events, const struct fact *fact,
                                  struct mu_error *err) MU_MUST_CHECK;
/* A quarantine record of a part, with the reason in `why`; tokens in its text are blanked. */
enum mu_status source_quarantine(const struct source_input *input, struct source_events *events,
                                 const char *part, size_t part_len, const struct mu_error *why,
                                 struct mu_error *err) MU_MUST_CHECK;
/* The same of a part that is not understood at all, kept as a fact of class "reject". */
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

/* Blanks every JSON Web Token: some senders put live credentials into events. */
void source_redact(char *text, size_t len);

#endif
