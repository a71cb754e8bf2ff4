/*
 * referrer_kind: what an artifact about an image is, by its type.
 * Sources: the media types that cosign, Notary, in-toto, SPDX, CycloneDX, Syft and ORAS register or
 * write; buildkit's attestation manifests.
 */
#ifndef SCANNER_SOURCE_REFERRER_KIND_H
#define SCANNER_SOURCE_REFERRER_KIND_H

/* "sbom", "signature", "attestation", "other". */
const char *referrer_kind(const char *artifact_type);

#endif
