/*
 * emit: facts as Muster's messages. The one place where a class of event becomes a registry or a
 * workload event.
 */
#ifndef INGEST_EMIT_H
#define INGEST_EMIT_H

#include "source/fact.h"
#include "source/source.h"

/*
 * Adds the messages of `fact` to `events` and notes them in it. `content_id` identifies the event
 * when its sender does not; `fanned` counts the facts already made of the same event. A push or
 * delete that names nothing that can be looked up is MU_E_INVALID. Errors: MU_E_INVALID,
 * MU_E_LIMIT, MU_E_NOMEM.
 */
enum mu_status emit_fact(const struct source_input *input, const char *content_id, size_t fanned,
                         struct source_events *events, struct fact *fact,
                         struct mu_error *err) MU_MUST_CHECK;

#endif
