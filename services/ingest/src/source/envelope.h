/*
 * envelope: how a body travels: plain JSON, a CloudEvent, an SNS or Pub/Sub message, an Event Grid
 * batch, Firehose records. Opens it and hands over each document inside with what the envelope
 * says of it.
 *
 * Sources: CloudEvents HTTP protocol binding 1.0 section 3; Amazon SNS "Parsing message formats";
 * Pub/Sub "Push subscriptions"; Event Grid event schema; Firehose "HTTP endpoint delivery".
 *
 * Trust: hostile. Every layer has the limits of SOURCE_MAX_BODY_BYTES, also after decompression.
 */
#ifndef INGEST_ENVELOPE_H
#define INGEST_ENVELOPE_H

#include "source/reader.h"

/* Those a kind of source comes in; tried in this order, told by content type and members. */
enum source_envelope {
    ENVELOPE_CLOUDEVENTS = 1 << 0,
    ENVELOPE_SNS = 1 << 1,
    ENVELOPE_PUBSUB = 1 << 2,
    ENVELOPE_EVENTGRID = 1 << 3,
    ENVELOPE_FIREHOSE = 1 << 4,
    ENVELOPE_LINES = 1 << 5, /* a stream: one document a line, or a single one over several lines */
    ENVELOPE_PLAIN = 1 << 6  /* what is none of the allowed others */
};

/* `root` is borrowed for the call. Of a failure MU_E_INVALID and MU_E_LIMIT reject this document
 * only. */
typedef enum mu_status envelope_document_fn(void *opaque, const json_t *root,
                                            const struct source_attributes *attributes,
                                            struct mu_error *err);

/*
 * Calls `each` for every document of the body; a form's is its "payload", a byte order mark is
 * passed over. `events` gets a quarantine record for a document that is not understood, and a
 * FACT_NOOP when there is none. Errors: MU_E_INVALID (the body as a whole), MU_E_LIMIT, MU_E_NOMEM,
 * or what `each` gave beyond rejecting.
 */
enum mu_status envelope_open(const struct source_input *whole, unsigned allowed,
                             struct source_events *events, envelope_document_fn *each, void *opaque,
                             struct mu_error *err) MU_MUST_CHECK;

#endif
