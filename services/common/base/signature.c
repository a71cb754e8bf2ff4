#include "base/signature.h"

#include "base/memory.h"
#include "base/text.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum {
    RSA_MIN_BITS = 2048,
    RSA_MAX_BITS = 8192,
    RSA_MAX_BYTES = RSA_MAX_BITS / 8,
    P256_BYTES = 32,
    P256_DER_MAX = 80
};

struct mu_public_key {
    EVP_PKEY *key;
};

static const EVP_MD *digest_of(enum mu_hash hash)
{
    return hash == MU_HASH_SHA1 ? EVP_sha1() : EVP_sha256();
}

static pthread_once_t macs_once = PTHREAD_ONCE_INIT;
static pthread_key_t macs_key;
static EVP_MAC_CTX *macs[MU_HASH_SHA256 + 1]; /* without a key, to be copied */

static EVP_MAC_CTX *make_mac(EVP_MAC *algorithm, const char *digest)
{
    const OSSL_PARAM parameters[] = {
            OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char *)(uintptr_t)digest, 0),
            OSSL_PARAM_construct_end()};
    EVP_MAC_CTX *mac = EVP_MAC_CTX_new(algorithm);

    if (!mac || EVP_MAC_CTX_set_params(mac, parameters) != 1)
        abort();
    return mac;
}

enum { KEPT_SECRET_MAX_BYTES = 64 };

/* A thread's own, each made when it is first needed. The secret it was keyed with last is kept:
 * keying it anew takes a fifth of the time of a webhook's signature. */
struct own_macs {
    struct own_mac {
        EVP_MAC_CTX *mac;
        bool keyed;
        size_t secret_len;
        char secret[KEPT_SECRET_MAX_BYTES];
    } of[MU_HASH_SHA256 + 1];
};

static void free_macs(void *opaque)
{
    struct own_macs *own = opaque;

    for (size_t i = 0; i <= MU_HASH_SHA256; i++)
        EVP_MAC_CTX_free(own->of[i].mac);
    OPENSSL_cleanse(own, sizeof(*own));
    free(own);
}

/* Once, and for good: looking the algorithms up takes longer than signing a webhook. */
static void make_macs(void)
{
    EVP_MAC *algorithm = EVP_MAC_fetch(NULL, "HMAC", NULL);

    if (!algorithm)
        abort();
    macs[MU_HASH_SHA256] = make_mac(algorithm, "SHA256");
    macs[MU_HASH_SHA1] = make_mac(algorithm, "SHA1");
    EVP_MAC_free(algorithm);
    if (pthread_key_create(&macs_key, free_macs) != 0)
        abort();
}

/* The thread's own, kept for its next webhook: copying one takes as long as signing with it. */
static struct own_mac *own_mac(enum mu_hash hash)
{
    struct own_macs *own;

    (void)pthread_once(&macs_once, make_macs);
    own = pthread_getspecific(macs_key);
    if (!own) {
        own = mu_xcalloc(1, sizeof(*own));
        if (pthread_setspecific(macs_key, own) != 0)
            abort();
    }
    if (!own->of[hash].mac)
        own->of[hash].mac = EVP_MAC_CTX_dup(macs[hash]);
    if (!own->of[hash].mac)
        abort();
    return &own->of[hash];
}

static bool begin_mac(struct own_mac *own, const void *secret, size_t len)
{
    if (own->keyed && mu_secret_equal(own->secret, own->secret_len, secret, len))
        return EVP_MAC_init(own->mac, NULL, 0, NULL) == 1; /* the key before */
    own->keyed = len > 0 && len <= sizeof(own->secret);
    own->secret_len = len;
    if (own->keyed)
        memcpy(own->secret, secret, len);
    return EVP_MAC_init(own->mac, len > 0 ? secret : (const void *)"", len, NULL) == 1;
}

void mu_hmac_hex(enum mu_hash hash, const void *secret, size_t secret_len, const void *bytes,
                 size_t len, char ret_hex[MU_HMAC_HEX_SIZE])
{
    uint8_t code[MU_HMAC_MAX_BYTES];
    size_t size = 0;
    struct own_mac *own = own_mac(hash);

    if (!begin_mac(own, secret, secret_len) || EVP_MAC_update(own->mac, bytes, len) != 1 ||
        EVP_MAC_final(own->mac, code, &size, sizeof(code)) != 1)
        abort();
    mu_hex_encode(code, size, ret_hex);
}

enum mu_status mu_base64url_decode(const char *text, size_t len, struct mu_buf *out,
                                   struct mu_error *err)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf plain;

    mu_buf_init(&plain, len + 4);
    while (len > 0 && text[len - 1] == '=')
        len--;
    for (size_t i = 0; i < len; i++) {
        char c = text[i] == '-' ? '+' : text[i] == '_' ? '/' : text[i];

        if (text[i] == '+' || text[i] == '/')
            return mu_fail(err, MU_E_INVALID, "not base64url");
        mu_buf_append(&plain, &c, 1);
    }
    while (plain.len % 4 != 0)
        mu_buf_append(&plain, "=", 1);
    return mu_base64_decode(plain.data, plain.len, out, err);
}

/* ---- keys ---- */

static struct mu_public_key *hold(EVP_PKEY *key)
{
    struct mu_public_key *held = mu_xcalloc(1, sizeof(*held));

    held->key = key;
    return held;
}

/* A key of an OpenSSL type from parameters; NULL when they make none. */
static EVP_PKEY *key_from(const char *type, OSSL_PARAM_BLD *build)
{
    OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(build);
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
    EVP_PKEY *key = NULL;

    if (!params || !context || EVP_PKEY_fromdata_init(context) != 1 ||
        EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, params) != 1)
        key = NULL;
    OSSL_PARAM_free(params);
    EVP_PKEY_CTX_free(context);
    return key;
}

static bool rsa_size_is_fine(EVP_PKEY *key)
{
    int bits = EVP_PKEY_get_bits(key);

    return bits >= RSA_MIN_BITS && bits <= RSA_MAX_BITS;
}

static EVP_PKEY *rsa_key(BIGNUM *n, BIGNUM *e)
{
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    EVP_PKEY *key = NULL;

    if (build && n && e && OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, n) &&
        OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, e))
        key = key_from("RSA", build);
    OSSL_PARAM_BLD_free(build);
    return key;
}

enum mu_status mu_public_key_rsa(const void *modulus, size_t modulus_len, const void *exponent,
                                 size_t exponent_len, struct mu_public_key **ret_key,
                                 struct mu_error *err)
{
    BIGNUM *n, *e;
    EVP_PKEY *key;

    if (modulus_len > RSA_MAX_BYTES || exponent_len > 8)
        return mu_fail(err, MU_E_INVALID, "RSA key: too large");
    n = BN_bin2bn(modulus, (int)modulus_len, NULL);
    e = BN_bin2bn(exponent, (int)exponent_len, NULL);
    key = rsa_key(n, e);
    BN_free(n);
    BN_free(e);
    if (!key || !rsa_size_is_fine(key)) {
        EVP_PKEY_free(key);
        return mu_fail(err, MU_E_INVALID, "RSA key: not one of 2048 to 8192 bits");
    }
    *ret_key = hold(key);
    return MU_OK;
}

enum mu_status mu_public_key_p256(const uint8_t x[32], const uint8_t y[32],
                                  struct mu_public_key **ret_key, struct mu_error *err)
{
    uint8_t point[1 + 2 * P256_BYTES] = {4}; /* uncompressed: SEC 1 section 2.3.3 */
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    EVP_PKEY *key = NULL;

    memcpy(point + 1, x, P256_BYTES);
    memcpy(point + 1 + P256_BYTES, y, P256_BYTES);
    if (build && OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME, "P-256", 0) &&
        OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point)))
        key = key_from("EC", build);
    OSSL_PARAM_BLD_free(build);
    if (!key)
        return mu_fail(err, MU_E_INVALID, "EC key: not a point of P-256");
    *ret_key = hold(key);
    return MU_OK;
}

static bool is_valid_at(const X509 *certificate, int64_t now_us)
{
    time_t now = (time_t)(now_us / 1000000);

    return X509_cmp_time(X509_get0_notBefore(certificate), &now) < 0 &&
           X509_cmp_time(X509_get0_notAfter(certificate), &now) > 0;
}

enum mu_status mu_public_key_certificate(const char *pem, size_t len, int64_t now_us,
                                         struct mu_public_key **ret_key, struct mu_error *err)
{
    BIO *bio = BIO_new_mem_buf(pem, (int)len);
    X509 *certificate = bio ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
    EVP_PKEY *key = certificate ? X509_get_pubkey(certificate) : NULL;
    bool valid = certificate && is_valid_at(certificate, now_us);

    X509_free(certificate);
    BIO_free(bio);
    if (!key)
        return mu_fail(err, MU_E_INVALID, "not a certificate in PEM form");
    if (!valid || (EVP_PKEY_is_a(key, "RSA") && !rsa_size_is_fine(key))) {
        EVP_PKEY_free(key);
        return mu_fail(err, MU_E_INVALID, "the certificate is not valid now, or its key too small");
    }
    *ret_key = hold(key);
    return MU_OK;
}

void mu_public_key_free(struct mu_public_key *key)
{
    if (!key)
        return;
    EVP_PKEY_free(key->key);
    free(key);
}

/* ---- verifying ---- */

/* R and S as the DER that OpenSSL wants; its length, or 0. */
static size_t ecdsa_der(const uint8_t *signature, uint8_t ret_der[P256_DER_MAX])
{
    ECDSA_SIG *pair = ECDSA_SIG_new();
    BIGNUM *r = BN_bin2bn(signature, P256_BYTES, NULL);
    BIGNUM *s = BN_bin2bn(signature + P256_BYTES, P256_BYTES, NULL);
    uint8_t *at = ret_der;
    int len = 0;

    if (pair && r && s && ECDSA_SIG_set0(pair, r, s) == 1) {
        if (i2d_ECDSA_SIG(pair, NULL) <= P256_DER_MAX)
            len = i2d_ECDSA_SIG(pair, &at);
    } else {
        BN_free(r);
        BN_free(s);
    }
    ECDSA_SIG_free(pair);
    return len > 0 ? (size_t)len : 0;
}

static bool verifies(EVP_PKEY *key, enum mu_hash hash, const void *bytes, size_t len,
                     const uint8_t *signature, size_t signature_len)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool right = context && EVP_DigestVerifyInit(context, NULL, digest_of(hash), NULL, key) == 1 &&
                 EVP_DigestVerify(context, signature, signature_len, bytes, len) == 1;

    EVP_MD_CTX_free(context);
    return right;
}

bool mu_public_key_verifies(const struct mu_public_key *key, enum mu_hash hash, const void *bytes,
                            size_t len, const void *signature, size_t signature_len)
{
    uint8_t der[P256_DER_MAX];
    size_t der_len;

    if (EVP_PKEY_is_a(key->key, "RSA"))
        return verifies(key->key, hash, bytes, len, signature, signature_len);
    if (!EVP_PKEY_is_a(key->key, "EC") || signature_len != 2 * P256_BYTES)
        return false;
    der_len = ecdsa_der(signature, der);
    return der_len > 0 && verifies(key->key, hash, bytes, len, der, der_len);
}
