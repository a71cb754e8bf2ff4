/*
 * import_submit: an imported scan handed over: its files into the evidence store, then the message
 * that points at them into Kafka. What is done twice is one event.
 *
 * Threads: one at a time.
 */
#ifndef SCANNER_APP_IMPORT_SUBMIT_H
#define SCANNER_APP_IMPORT_SUBMIT_H

#include "app/commands.h"
#include "job/scan.h"

#include "json/json_doc.h"

struct import_submit;

/* Connects nothing yet. Errors: MU_E_INVALID naming the option. */
enum mu_status import_submit_new(const struct import_config *config,
                                 struct import_submit **ret_submit,
                                 struct mu_error *err) MU_MUST_CHECK;
void import_submit_free(struct import_submit *submit); /* NULL is fine */

/*
 * What inventory knows of a digest, as its API tells it (kind, children, parents, config_digest); a
 * new reference, NULL when it knows nothing. Errors: MU_E_UNAVAILABLE, MU_E_DENIED, MU_E_INVALID.
 */
enum mu_status import_submit_ask(struct import_submit *submit, const char *digest,
                                 json_t **ret_facts, struct mu_error *err) MU_MUST_CHECK;

/*
 * MU_OK: all of it is durable. `event_id` is the message's. Errors: MU_E_UNAVAILABLE (not within
 * the deadline), MU_E_LIMIT (more than inventory or Kafka takes), MU_E_INVALID.
 */
enum mu_status import_submit_send(struct import_submit *submit, const struct mu_scan_result *result,
                                  const struct scan_files *files, const char *event_id,
                                  struct mu_error *err) MU_MUST_CHECK;

#endif
