/*
 * outbound: a source's events as encoded messages with envelope: deterministic ids, traces, keys.
 */
#ifndef INGEST_OUTBOUND_H
#define INGEST_OUTBOUND_H

#include "bus/bus.h"
#include "source/source.h"

/*
 * One message per event, in the arena of the events. Events that break their own schema (a name too
 * long, too large for a message) are taken out, and the body they came in becomes one quarantine
 * record with the first reason. `parent` is the sender's traceparent or NULL. Errors: MU_E_NOMEM.
 */
enum mu_status outbound_make(const struct source_input *input, struct source_events *events,
                             const char *parent, struct mu_outgoing **ret_messages,
                             struct mu_error *err) MU_MUST_CHECK;

#endif
