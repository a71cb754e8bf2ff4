/*
 * cms: checks of detached CMS signatures (RFC 5652) and of time-stamp tokens (RFC 3161) over files
 * of ours, offline, against certificates that the caller trusts.
 *
 * Trust: signature and token are hostile, the authorities are the caller's. Revocation is not asked
 * for: that would need a network.
 */
#ifndef MU_BASE_CMS_H
#define MU_BASE_CMS_H

#include "base/buf.h"
#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

enum { MU_CMS_NAME_SIZE = 256 };

/*
 * Whether every signer of `der` signed the bytes by SHA-2 and has a certificate that leads to one
 * of the PEM file `authorities` and was valid at `at_us`. `ret_signer`: subject of the first (RFC
 * 2253). Errors: MU_E_INVALID with the reason, MU_E_NOT_FOUND (no file of authorities).
 */
enum mu_status mu_cms_verify(const void *der, size_t der_len, const void *bytes, size_t len,
                             const char *authorities, int64_t at_us,
                             char ret_signer[MU_CMS_NAME_SIZE], struct mu_error *err) MU_MUST_CHECK;
/* What it says of itself, unchecked: subject of its first certificate; "" when there is none. */
void mu_cms_signer(const void *der, size_t der_len, char ret_signer[MU_CMS_NAME_SIZE]);

/* ---- time stamps ---- */

/* Appends a request for the bytes' SHA-256 in DER, with a nonce and the wish for certificates.
 * Errors: MU_E_INTERNAL. */
enum mu_status mu_timestamp_request(const void *bytes, size_t len, struct mu_buf *out,
                                    struct mu_error *err) MU_MUST_CHECK;
/* Whether the response grants the request, and is about the same bytes and nonce; who signed it is
 * mu_timestamp_verify's to say. Errors: MU_E_INVALID, MU_E_DENIED (not granted). */
enum mu_status mu_timestamp_accept(const void *request, size_t request_len, const void *response,
                                   size_t response_len, struct mu_error *err) MU_MUST_CHECK;
/* Whether the response is a token over the bytes, of an authority that was valid at the time it
 * tells. Errors: MU_E_INVALID, MU_E_NOT_FOUND. */
enum mu_status mu_timestamp_verify(const void *response, size_t response_len, const void *bytes,
                                   size_t len, const char *authorities, int64_t *ret_at_us,
                                   struct mu_error *err) MU_MUST_CHECK;

#endif
