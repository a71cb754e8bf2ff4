/*
 * registry_patience: one request, again as often as a busy registry or token service asks for it.
 * Internal to registry_client.
 *
 * A 429 or 503 with Retry-After is asked again after that time: at most three times, and after not
 * more than a minute each; without it the caller's own retry must do.
 *
 * Threads: one at a time per client. Trust: as registry_client.h. Source: RFC 9110 section 10.2.3.
 */
#ifndef MU_REGISTRY_PATIENCE_H
#define MU_REGISTRY_PATIENCE_H

#include "http/http_client.h"

/* As mu_http_request; MU_E_UNAVAILABLE also when it asks for too long, or we are stopping. Bodies
 * of answers that ask for patience never reach on_body. */
enum mu_status registry_patient_request(struct mu_http_client *http,
                                        const struct mu_http_request *request,
                                        struct mu_http_response *ret_response,
                                        struct mu_error *err) MU_MUST_CHECK;

/* The same with the whole body in `out`. */
enum mu_status registry_patient_fetch(struct mu_http_client *http,
                                      const struct mu_http_request *request, struct mu_buf *out,
                                      struct mu_http_response *ret_response,
                                      struct mu_error *err) MU_MUST_CHECK;

#endif
