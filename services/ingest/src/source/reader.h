/*
 * reader: looks things up in one event of a request by short paths, so that a kind of source is
 * mostly a table.
 *
 *   "a.b.0.c"   member of the event
 *   "/a.b"      member of the document the event is part of
 *   "%name"     attribute of the envelope (CloudEvents: id, type, source, time, subject,
 * extensions; Pub/Sub and SNS: id, time, source)
 *   "@Name"     header of the request
 *   "=text"     the text itself
 *
 * Ownership: text is copied into the request's arena; JSON is borrowed and lives until the document
 * has been read.
 */
#ifndef INGEST_READER_H
#define INGEST_READER_H

#include "source/fact.h"
#include "source/source.h"

#include "json/json_doc.h"

/* What the envelope says of a document. All may be NULL. */
struct source_attributes {
    const json_t *outer; /* of a structured CloudEvent: where its attributes are */
    bool in_headers;     /* of a binary CloudEvent: ce-NAME */
    bool is_body;        /* the document is the request's body, nothing around it */
    const char *id, *time, *source, *cluster;
    bool handshake; /* the document asks for a proof that we want its events */
};

struct source_reader {
    const struct source_input *input;
    const struct source_attributes *attributes;
    const json_t *root;  /* the document */
    const json_t *event; /* the part of it that is one event; may be the document */
    struct source_events *events;
    const char *place; /* path of the array the event stands in; NULL: none */
    size_t index;      /* of the event in it */
    size_t fanned;     /* facts added for this event so far */
    json_t *scratch;   /* a document that a finish function parsed; freed with the reader */
};

/* NULL when it is absent, null, "" or neither text nor number; numbers become decimal text. */
const char *source_read_text(const struct source_reader *reader, const char *path);
/* NULL when it is absent; not for "@" and "=". */
const json_t *source_read_json(const struct source_reader *reader, const char *path);
/* Whether it is there and not null. */
bool source_read_is(const struct source_reader *reader, const char *path);

/* How the text at a path becomes a member of a fact. */
enum source_form {
    FORM_TEXT,
    FORM_LOWER,
    FORM_DIGEST,   /* only when it is well-formed */
    FORM_HEX,      /* SHA-256 without its "sha256:" */
    FORM_HOST,     /* host[:port] of "https://host/..." or "host/path" */
    FORM_BASENAME, /* what follows the last slash: an ARN's or a URL's name */
    FORM_TIME,     /* RFC 3339, also "+0000", or seconds, milliseconds, microseconds or nanoseconds
                      since 1970 */
    FORM_SIZE,
    FORM_SEQUENCE,
    FORM_REFERENCE /* "host/path:tag@digest": registry, repository, tag and digest at once */
};

struct source_field {
    enum fact_slot slot; /* not for FORM_TIME, FORM_SIZE, FORM_SEQUENCE, FORM_REFERENCE */
    enum source_form form;
    const char *path;
};

/* Fills what is not yet said: of several fields for one member the first that is there wins. A text
 * that has not the form leaves the member unsaid. Errors: MU_E_NOMEM. */
enum mu_status source_read_fields(const struct source_reader *reader,
                                  const struct source_field *fields, size_t count,
                                  struct fact *fact, struct mu_error *err) MU_MUST_CHECK;

/* The text at a path of any JSON (mu_json_at), copied; NULL when it is absent or "". */
const char *source_text_at(const struct source_input *input, const json_t *root, const char *path);
/* The time at a path; MU_TIME_NONE when it is absent or "never": 1970-01-01T00:00:00Z. */
int64_t source_time_at(const json_t *root, const char *path);

/* "%XX" of a CloudEvents header (HTTP protocol binding 1.0, section 3.1.3.2) or a package URL; what
 * is none, and "%00", stays as it is. NULL when memory is exhausted. */
const char *source_without_percent(const struct source_reader *reader, const char *text,
                                   size_t len);

/* One form by itself; for finish functions. */
void source_fill_reference(const struct source_reader *reader, const char *reference,
                           struct fact *fact);
int64_t source_form_time(const char *text); /* MU_TIME_NONE when it is no time */

/* Image, image id and what they name, of a container. `image` is kept as written; what the runtime
 * reports
 * (`image_id`, may be NULL) wins over what was asked for. */
void source_fill_image(const struct source_input *input, const char *image, const char *image_id,
                       struct mu_workload_container *container);

#endif
