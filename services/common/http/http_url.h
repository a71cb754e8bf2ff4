/*
 * http_url: the few things Muster does with URLs. Internal to http_client.
 * Trust: `reference` comes from a hostile peer (Location, Link).
 */
#ifndef MU_HTTP_URL_H
#define MU_HTTP_URL_H

#include "base/error.h"

#include <stdbool.h>

/*
 * `reference` as seen from `base`; an absolute one stays. The caller frees with free().
 * Errors: MU_E_INVALID (no http or https URL, or one with a user name), MU_E_NOMEM.
 */
enum mu_status http_url_resolve(const char *base, const char *reference, char **ret_url,
                                struct mu_error *err) MU_MUST_CHECK;

/* Same scheme, host and port; a URL that cannot be parsed has the origin of none. */
bool http_url_same_origin(const char *a, const char *b);

/* The same host, whatever scheme and port; false when one has none. */
bool http_url_same_host(const char *a, const char *b);

/* False from https to http: what was asked for in private is not to be had in public. */
bool http_url_may_lead_to(const char *from, const char *to);

#endif
