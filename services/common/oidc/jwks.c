/* JSON Web Key Sets (RFC 7517, RFC 7518 section 6). */
#include "oidc/key_store.h"

#include "base/buf.h"
#include "base/text.h"
#include "json/json_doc.h"

#include <string.h>

enum { JWKS_MAX_BYTES = 256 * 1024, JWK_PART_MAX_BYTES = 1024 };

static enum mu_status part(const json_t *jwk, const char *name, struct mu_buf *out,
                           struct mu_error *err)
{
    const char *text = mu_json_text_at(jwk, name);

    if (!text)
        return mu_fail(err, MU_E_INVALID, "'%s' is missing", name);
    return mu_base64url_decode(text, strlen(text), out, err);
}

static enum mu_status rsa_key(const json_t *jwk, struct mu_public_key **ret_key,
                              struct mu_error *err)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf modulus;
    MU_AUTO_DONE(mu_buf_done) struct mu_buf exponent;
    enum mu_status st;

    mu_buf_init(&modulus, JWK_PART_MAX_BYTES);
    mu_buf_init(&exponent, JWK_PART_MAX_BYTES);
    st = part(jwk, "n", &modulus, err);
    if (st == MU_OK)
        st = part(jwk, "e", &exponent, err);
    return st == MU_OK ? mu_public_key_rsa(modulus.data, modulus.len, exponent.data, exponent.len,
                                           ret_key, err)
                       : st;
}

static enum mu_status p256_key(const json_t *jwk, struct mu_public_key **ret_key,
                               struct mu_error *err)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf x;
    MU_AUTO_DONE(mu_buf_done) struct mu_buf y;
    enum mu_status st;

    mu_buf_init(&x, JWK_PART_MAX_BYTES);
    mu_buf_init(&y, JWK_PART_MAX_BYTES);
    st = part(jwk, "x", &x, err);
    if (st == MU_OK)
        st = part(jwk, "y", &y, err);
    if (st != MU_OK)
        return st;
    if (x.len != 32 || y.len != 32)
        return mu_fail(err, MU_E_INVALID, "'x' or 'y' has not 32 bytes");
    return mu_public_key_p256((const uint8_t *)x.data, (const uint8_t *)y.data, ret_key, err);
}

/* A key of another type, or for encryption, is none of ours. */
static enum mu_status read_key(const json_t *jwk, struct mu_public_key **ret_key,
                               struct mu_error *err)
{
    const char *type = mu_json_text_at(jwk, "kty"), *use = mu_json_text_at(jwk, "use");

    if (use && !mu_text_equal(use, "sig"))
        return MU_END;
    if (mu_text_equal(type, "RSA"))
        return rsa_key(jwk, ret_key, err);
    if (mu_text_equal(type, "EC") && mu_text_equal(mu_json_text_at(jwk, "crv"), "P-256"))
        return p256_key(jwk, ret_key, err);
    return MU_END;
}

enum mu_status mu_jwks_read(const char *bytes, size_t len, mu_jwks_key_fn *each, void *opaque,
                            struct mu_error *err)
{
    static const struct mu_json_limits limits = {JWKS_MAX_BYTES, 8};
    json_auto_t *root = NULL;
    const json_t *keys, *jwk;
    size_t index;
    enum mu_status st = mu_json_parse(bytes, len, &limits, &root, err);

    if (st != MU_OK)
        return st;
    keys = json_object_get(root, "keys");
    if (!json_is_array(keys))
        return mu_fail(err, MU_E_INVALID, "no member 'keys': not a JWK Set");
    json_array_foreach (keys, index, jwk) {
        const char *kid = mu_json_text_at(jwk, "kid");
        struct mu_public_key *key = NULL;

        if (!kid)
            continue;
        st = read_key(jwk, &key, err);
        if (st == MU_END)
            continue;
        if (st != MU_OK)
            return mu_wrap(err, "key '%.100s'", kid);
        st = each(opaque, kid, key, err);
        if (st != MU_OK) {
            mu_public_key_free(key);
            return st;
        }
    }
    return MU_OK;
}
