/*
 * media_type: what a media type string says of the thing behind it.
 * Sources: OCI image-spec 1.1 media-types.md; Docker image manifest v2 schema 2.
 */
#ifndef MU_OCI_MEDIA_TYPE_H
#define MU_OCI_MEDIA_TYPE_H

enum mu_digest_kind {
    MU_DIGEST_KIND_NONE = 0, /* not said */
    MU_DIGEST_KIND_UNKNOWN,
    MU_DIGEST_KIND_INDEX,
    MU_DIGEST_KIND_MANIFEST,
    MU_DIGEST_KIND_CONFIG,
    MU_DIGEST_KIND_ATTESTATION, /* signature, SBOM, provenance: recorded, never scanned */
    MU_DIGEST_KIND_BLOB         /* a layer or other blob */
};

/* "" "unknown" "index" "manifest" "config" "attestation" "blob", NULL at the end. */
extern const char *const mu_digest_kind_words[];

/* Parameters after ';' are ignored; NULL or unknown gives MU_DIGEST_KIND_UNKNOWN. */
enum mu_digest_kind mu_media_type_kind(const char *media_type);

/* The Accept header value for a manifest request, all types we read. */
extern const char *const mu_media_type_accept_manifests;

#endif
