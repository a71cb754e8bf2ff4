#include "base/signing.h"

#include "base/scope.h"
#include "base/text.h"

#include <openssl/evp.h>
#include <openssl/pem.h>

enum { KEY_MIN_BITS = 2048, KEY_MAX_BYTES = 64 * 1024, SIGNATURE_MAX_BYTES = 2048 };

void mu_base64url_encode(const void *bytes, size_t len, struct mu_buf *out)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf plain;

    mu_buf_init(&plain, len / 3 * 4 + 8);
    mu_base64_encode(bytes, len, &plain);
    for (size_t i = 0; i < plain.len && plain.data[i] != '='; i++) {
        char c = plain.data[i] == '+' ? '-' : plain.data[i] == '/' ? '_' : plain.data[i];

        mu_buf_append(out, &c, 1);
    }
}

static EVP_PKEY *key_read(const char *pem, size_t len)
{
    char no_passphrase[] = "";
    BIO *bio = len <= KEY_MAX_BYTES ? BIO_new_mem_buf(pem, (int)len) : NULL;
    EVP_PKEY *key = bio ? PEM_read_bio_PrivateKey(bio, NULL, NULL, no_passphrase) : NULL;

    BIO_free(bio);
    if (key && (!EVP_PKEY_is_a(key, "RSA") || EVP_PKEY_get_bits(key) < KEY_MIN_BITS)) {
        EVP_PKEY_free(key);
        key = NULL;
    }
    return key;
}

enum mu_status mu_sign_rs256(const char *key_pem, size_t key_len, const void *bytes, size_t len,
                             struct mu_buf *out, struct mu_error *err)
{
    EVP_PKEY *key = key_read(key_pem, key_len);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    unsigned char signature[SIGNATURE_MAX_BYTES];
    size_t signature_len = sizeof(signature);
    bool is_signed = key && context &&
                     EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, key) == 1 &&
                     EVP_DigestSign(context, signature, &signature_len, bytes, len) == 1;
    bool has_key = key != NULL;

    EVP_MD_CTX_free(context);
    EVP_PKEY_free(key);
    if (!has_key)
        return mu_fail(err, MU_E_INVALID, "no RSA private key of at least 2048 bits in PEM form");
    if (!is_signed)
        return mu_fail(err, MU_E_INTERNAL, "signing failed");
    mu_base64url_encode(signature, signature_len, out);
    return mu_buf_status(out, "signature", err);
}
