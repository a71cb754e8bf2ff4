/* One blob in one go: a transfer from its beginning to its end. */
#ifndef TEST_BLOB_IN_ONE_GO_H
#define TEST_BLOB_IN_ONE_GO_H

#include "registry/registry_transfer.h"

static inline enum mu_status blob_in_one_go(struct mu_registry_client *client,
                                            const struct mu_registry_blob *blob,
                                            mu_registry_blob_fn *on_bytes, void *opaque,
                                            struct mu_error *err)
{
    struct mu_registry_transfer transfer;
    enum mu_status st;

    mu_registry_transfer_init(&transfer, blob, on_bytes, opaque);
    st = mu_registry_transfer_run(&transfer, client, err);
    mu_registry_transfer_done(&transfer);
    return st;
}

#endif
