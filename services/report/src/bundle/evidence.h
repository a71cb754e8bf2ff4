/*
 * evidence: raw scan results, fetched by content from inventory's evidence API
 * (services/README.md, "Evidence API"), or from the shelf of a store of closed months, into files;
 * the digest is checked while streaming.
 */
#ifndef REPORT_BUNDLE_EVIDENCE_H
#define REPORT_BUNDLE_EVIDENCE_H

#include "base/error.h"

#include <stdint.h>

struct evidence_source {
    const char *shelf; /* folder with <two hex digits>/<sha256>; NULL: the API */
    const char *inventory_url;
    const char *token; /* bearer token of an assessor; NULL or "": none */
    uint32_t retry_ms; /* how long to go on asking when it does not answer; 0: one try */
};

/*
 * Writes the evidence to `path`, a new file that is not yet durable. Errors: MU_E_UNAVAILABLE,
 * MU_E_NOT_FOUND, MU_E_DENIED, MU_E_INVALID (no SHA-256 name, the bytes do not hash to it),
 * MU_E_LIMIT. No file is left on failure.
 */
struct mu_http_client;
enum mu_status evidence_fetch(struct mu_http_client *client, const struct evidence_source *source,
                              const char *digest, const char *path,
                              struct mu_error *err) MU_MUST_CHECK;

/* "<shelf>/ab/<hex>". Errors: MU_E_INVALID (no SHA-256), MU_E_LIMIT. */
enum { EVIDENCE_PATH_SIZE = 4096 };
enum mu_status evidence_shelf_path(const char *shelf, const char *digest,
                                   char ret_path[EVIDENCE_PATH_SIZE],
                                   struct mu_error *err) MU_MUST_CHECK;

#endif
