#include "source/referrer_kind.h"

#include <stddef.h>
#include <string.h>

/* The first word that is in the type decides. */
static const struct {
    const char *word, *kind;
} words[] = {
        {"spdx", "sbom"},
        {"cyclonedx", "sbom"},
        {"vnd.syft", "sbom"},
        {"sbom", "sbom"},
        {"vnd.cncf.notary.signature", "signature"},
        {"cosign.artifact.sig", "signature"},
        {"cosign.simplesigning", "signature"},
        {"signature", "signature"},
        {"in-toto", "attestation"},
        {"dsse", "attestation"},
        {"slsa", "attestation"},
        {"attestation", "attestation"},
        {"cosign.artifact.att", "attestation"},
        {"sigstore.bundle", "signature"},
};

const char *referrer_kind(const char *artifact_type)
{
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strcasestr(artifact_type, words[i].word))
            return words[i].kind;
    }
    return "other";
}
