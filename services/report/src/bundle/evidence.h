/*
 * evidence: raw scan results, fetched by content from inventory's evidence API
 * (services/README.md, "Evidence API") into files; the digest is checked while streaming.
 */
#ifndef REPORT_BUNDLE_EVIDENCE_H
#define REPORT_BUNDLE_EVIDENCE_H

#include "base/error.h"

/*
 * Writes the evidence to `path`. Errors: MU_E_UNAVAILABLE, MU_E_NOT_FOUND, MU_E_INVALID (the bytes
 * do not hash to the digest), MU_E_LIMIT. No file is left on failure.
 */
struct mu_http_client;
enum mu_status evidence_fetch(struct mu_http_client *client, const char *inventory_url,
                              const char *digest, const char *path,
                              struct mu_error *err) MU_MUST_CHECK;

#endif
