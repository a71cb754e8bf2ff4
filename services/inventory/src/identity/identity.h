/*
 * identity: the deterministic names of everything inventory stores (design.md section 5).
 *
 * Same input, same id, on any rebuild; so an id never depends on what arrived first. Rules
 * that need the stored graph (which tag pointed at a digest when) are SQL: asset_reaches,
 * pinned_uai and digest_manifests in sql/migrations.
 */
#ifndef INVENTORY_IDENTITY_H
#define INVENTORY_IDENTITY_H

#include "base/sha256.h"
#include "oci/reference.h"

#include <stdbool.h>
#include <stdint.h>

struct asset_name {
    char asset_id[MU_UUID_TEXT_SIZE];
    char uai[MU_OCI_UAI_SIZE];
    bool floating; /* the tag is meant to move */
};

/* With a tag the class of image "repository:tag", whatever the digest; else "repository@digest". */
void identity_asset(const char *repository, const char *tag, const char *digest,
                    struct asset_name *ret_name);

/* CloudEvents says that source and id together name an event. */
void identity_event(const char *ce_source, const char *ce_id, char ret_id[MU_UUID_TEXT_SIZE]);

/* One container of one pod on one cluster. */
void identity_instance(const char *cluster, const char *pod_uid, const char *container,
                       char ret_id[MU_UUID_TEXT_SIZE]);

/* One job per digest of a repository; one request per time the job was issued, counted from 1. */
void identity_job(const char *repository, const char *digest, char ret_id[MU_UUID_TEXT_SIZE]);
void identity_request(const char *job_id, int64_t issue, char ret_id[MU_UUID_TEXT_SIZE]);

#endif
