#include "base/ed25519.h"

#include "base/memory.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdlib.h>
#include <string.h>

enum { PEM_MAX_BYTES = 16 * 1024 };

struct mu_ed25519 {
    EVP_PKEY *key;
    bool is_private;
    uint8_t public_bytes[MU_ED25519_PUBLIC_BYTES];
};

static EVP_PKEY *read_key(const char *pem, size_t len, bool is_private)
{
    char no_passphrase[] = "";
    BIO *bio = len > 0 && len <= PEM_MAX_BYTES ? BIO_new_mem_buf(pem, (int)len) : NULL;
    EVP_PKEY *key = NULL;

    if (bio)
        key = is_private ? PEM_read_bio_PrivateKey(bio, NULL, NULL, no_passphrase)
                         : PEM_read_bio_PUBKEY(bio, NULL, NULL, no_passphrase);
    BIO_free(bio);
    if (key && !EVP_PKEY_is_a(key, "ED25519")) {
        EVP_PKEY_free(key);
        key = NULL;
    }
    return key;
}

enum mu_status mu_ed25519_from_pem(const char *pem, size_t len, struct mu_ed25519 **ret_key,
                                   struct mu_error *err)
{
    MU_AUTO(ed25519) struct mu_ed25519 *made = mu_xcalloc(1, sizeof(*made));
    size_t public_len = sizeof(made->public_bytes);

    made->key = read_key(pem, len, true);
    made->is_private = made->key != NULL;
    if (!made->key)
        made->key = read_key(pem, len, false);
    if (!made->key ||
        EVP_PKEY_get_raw_public_key(made->key, made->public_bytes, &public_len) != 1 ||
        public_len != sizeof(made->public_bytes))
        return mu_fail(err, MU_E_INVALID,
                       "no Ed25519 key in PEM form: make one with 'openssl genpkey -algorithm "
                       "ed25519'");
    *ret_key = made;
    made = NULL;
    return MU_OK;
}

void mu_ed25519_free(struct mu_ed25519 *key)
{
    if (!key)
        return;
    EVP_PKEY_free(key->key);
    free(key);
}

bool mu_ed25519_can_sign(const struct mu_ed25519 *key)
{
    return key->is_private;
}

void mu_ed25519_public(const struct mu_ed25519 *key, uint8_t ret_public[MU_ED25519_PUBLIC_BYTES])
{
    memcpy(ret_public, key->public_bytes, sizeof(key->public_bytes));
}

enum mu_status mu_ed25519_sign(const struct mu_ed25519 *key, const void *bytes, size_t len,
                               uint8_t ret_signature[MU_ED25519_SIGNATURE_BYTES],
                               struct mu_error *err)
{
    EVP_MD_CTX *context;
    uint8_t signature[MU_ED25519_SIGNATURE_BYTES];
    size_t signature_len = sizeof(signature);
    bool is_signed;

    if (!key->is_private)
        return mu_fail(err, MU_E_DENIED, "a public key cannot sign");
    context = EVP_MD_CTX_new();
    is_signed = context && EVP_DigestSignInit(context, NULL, NULL, NULL, key->key) == 1 &&
                EVP_DigestSign(context, signature, &signature_len, bytes, len) == 1 &&
                signature_len == sizeof(signature);
    EVP_MD_CTX_free(context);
    if (!is_signed)
        return mu_fail(err, MU_E_INTERNAL, "signing failed");
    memcpy(ret_signature, signature, sizeof(signature));
    return MU_OK;
}

bool mu_ed25519_verifies(const struct mu_ed25519 *key, const void *bytes, size_t len,
                         const uint8_t signature[MU_ED25519_SIGNATURE_BYTES])
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool verified =
            context && EVP_DigestVerifyInit(context, NULL, NULL, NULL, key->key) == 1 &&
            EVP_DigestVerify(context, signature, MU_ED25519_SIGNATURE_BYTES, bytes, len) == 1;

    EVP_MD_CTX_free(context);
    return verified;
}
