/*
 * registry_transfer: one blob on its way, which goes on where it was cut off.
 *
 * A transfer that breaks is continued with a Range request, the running hash kept, at the same
 * registry or at another that has the blob: at most ten times, and only as long as it gets on
 * (64 KiB, or the rest) in one of three attempts. A registry that ignores Range sends the blob
 * from its beginning, and what was had is passed over.
 *
 * Threads: one at a time per transfer. Trust: as registry_client.h.
 * Sources: RFC 9110 section 14 (Range); OCI distribution-spec 1.1 "Pulling blobs".
 */
#ifndef MU_REGISTRY_TRANSFER_H
#define MU_REGISTRY_TRANSFER_H

#include "registry/registry_client.h"

struct mu_registry_transfer {
    const struct mu_registry_blob *blob;
    mu_registry_blob_fn *on_bytes;
    void *opaque;
    /* own */
    struct mu_sha256 *hash;
    uint64_t received_bytes, skip_bytes;
    unsigned resumes;
    bool taker_failed; /* on_bytes did: nobody wants the rest */
};

void mu_registry_transfer_init(struct mu_registry_transfer *transfer,
                               const struct mu_registry_blob *blob, mu_registry_blob_fn *on_bytes,
                               void *opaque);
void mu_registry_transfer_done(struct mu_registry_transfer *transfer);

/* Reads what is missing; what `on_bytes` got counts only when MU_OK is returned: all of it came,
 * and it is what the digest says. After MU_E_NOT_FOUND, MU_E_DENIED and MU_E_UNAVAILABLE, when
 * on_bytes did not fail, another client may go on. Errors: as registry_client.h. */
enum mu_status mu_registry_transfer_run(struct mu_registry_transfer *transfer,
                                        struct mu_registry_client *client,
                                        struct mu_error *err) MU_MUST_CHECK;

#endif
