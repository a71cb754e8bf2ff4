/*
 * signer: the signatures over a package's manifest.json, each in a file beside it, which no
 * manifest lists: Ed25519 (manifest.json.sig, 64 bytes), CMS (manifest.json.p7s, DER, detached) and
 * a time stamp of an authority (manifest.json.tsr, DER). What the manifest lists is signed with it.
 *
 * Any of them may be left out. Keys are opened, and tried, when the signer is: who cannot sign
 * learns it before the work.
 *
 * Sources: RFC 8032, RFC 5652, RFC 3161. Threads: one at a time.
 */
#ifndef REPORT_BUNDLE_SIGNER_H
#define REPORT_BUNDLE_SIGNER_H

#include "base/config.h"
#include "base/error.h"
#include "base/scope.h"

struct signer_config {
    const char *key;             /* Ed25519: file or pkcs11: URI; NULL: none */
    const char *cms_key;         /* the same for CMS */
    const char *cms_certificate; /* PEM file: the key's own, then those up to the authority */
    const char *secret;          /* passphrase of the files, PIN of the token */
    const char *timestamp_url;
};

enum { SIGNER_OPTION_COUNT = 5 }; /* of a command that signs */

struct signer;

/* Errors: MU_E_INVALID, MU_E_NOT_FOUND, MU_E_DENIED, MU_E_UNAVAILABLE, each naming the option. */
enum mu_status signer_open(const struct signer_config *config, struct signer **ret_signer,
                           struct mu_error *err) MU_MUST_CHECK;
void signer_free(struct signer *signer); /* NULL is fine */
MU_DEFINE_AUTO(signer, struct signer, signer_free)

/* Writes the files beside `folder`/manifest.json. NULL signs nothing. Errors: MU_E_UNAVAILABLE,
 * MU_E_INVALID (what the authority answers), MU_E_DENIED. */
enum mu_status signer_sign(const struct signer *signer, const char *folder,
                           struct mu_error *err) MU_MUST_CHECK;

#endif
