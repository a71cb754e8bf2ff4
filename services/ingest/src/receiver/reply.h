/*
 * reply: what a sender wants to hear once its events are durable. Most want 202 and nothing else;
 * the others are rows of one table: Event Grid's validation, Firehose, AdmissionReview.
 *
 * Trust: bodies are hostile. What is said back is the sender's own id or code, as JSON text; no URL
 * of a body is looked at.
 */
#ifndef INGEST_REPLY_H
#define INGEST_REPLY_H

#include "source/source.h"

struct reply {
    int status;
    const char *body; /* in the input's arena; JSON, or "" */
    size_t len;
};

/* For a body whose events are `events`. Never fails: without memory the answer is a plain 202. */
struct reply reply_make(const struct source_input *input, const struct source_events *events);

#endif
