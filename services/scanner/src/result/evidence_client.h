/*
 * evidence_client: raw results into inventory's evidence API (services/README.md, "Evidence API").
 * Threads: one client per thread.
 */
#ifndef SCANNER_EVIDENCE_CLIENT_H
#define SCANNER_EVIDENCE_CLIENT_H

#include "result/raw_scan.h"

struct mu_http_client;

struct evidence_target {
    const char *inventory_url;
    const char *token; /* NULL or "": none */
};

/* Errors: MU_E_INVALID naming the option. */
enum mu_status evidence_target_check(const struct evidence_target *target,
                                     struct mu_error *err) MU_MUST_CHECK;

/* Errors: MU_E_UNAVAILABLE (again later), MU_E_DENIED (the token), MU_E_NOT_FOUND (another server),
 * MU_E_INVALID, MU_E_LIMIT (larger than inventory stores). */
enum mu_status evidence_put(struct mu_http_client *client, const struct evidence_target *target,
                            const struct raw_file *file, struct mu_error *err) MU_MUST_CHECK;

#endif
