#include "oci/media_type.h"

#include <stddef.h>
#include <string.h>

const char *const mu_digest_kind_words[] = {"",       "unknown",     "index", "manifest",
                                            "config", "attestation", "blob",  NULL};

#define OCI    "application/vnd.oci.image."
#define DOCKER "application/vnd.docker."

struct row {
    const char *media_type;
    enum mu_digest_kind kind;
};

static const struct row rows[] = {
        {OCI "index.v1+json", MU_DIGEST_KIND_INDEX},
        {DOCKER "distribution.manifest.list.v2+json", MU_DIGEST_KIND_INDEX},
        {OCI "manifest.v1+json", MU_DIGEST_KIND_MANIFEST},
        {DOCKER "distribution.manifest.v2+json", MU_DIGEST_KIND_MANIFEST},
        {DOCKER "distribution.manifest.v1+prettyjws", MU_DIGEST_KIND_MANIFEST},
        {DOCKER "distribution.manifest.v1+json", MU_DIGEST_KIND_MANIFEST},
        {OCI "config.v1+json", MU_DIGEST_KIND_CONFIG},
        {DOCKER "container.image.v1+json", MU_DIGEST_KIND_CONFIG},
        {"application/octet-stream", MU_DIGEST_KIND_BLOB},
};

/* Families of which any member is a blob. */
static const char *const blob_prefixes[] = {OCI "layer.", DOCKER "image.rootfs."};

const char *const mu_media_type_accept_manifests =
        OCI "index.v1+json, " OCI "manifest.v1+json, " DOCKER
            "distribution.manifest.list.v2+json, " DOCKER "distribution.manifest.v2+json";

enum mu_digest_kind mu_media_type_kind(const char *media_type)
{
    size_t len;

    if (!media_type)
        return MU_DIGEST_KIND_UNKNOWN;
    len = strcspn(media_type, "; ");
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (strlen(rows[i].media_type) == len && strncmp(rows[i].media_type, media_type, len) == 0)
            return rows[i].kind;
    for (size_t i = 0; i < sizeof(blob_prefixes) / sizeof(blob_prefixes[0]); i++)
        if (strncmp(media_type, blob_prefixes[i], strlen(blob_prefixes[i])) == 0)
            return MU_DIGEST_KIND_BLOB;
    return MU_DIGEST_KIND_UNKNOWN;
}
