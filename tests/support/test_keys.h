/*
 * test_keys: keys, certificates, JSON Web Keys and tokens made on the spot. Header-only; for tests.
 * Include after cmocka.h. Keys are freed with EVP_PKEY_free.
 */
#ifndef MU_TEST_KEYS_H
#define MU_TEST_KEYS_H

#include "base/buf.h"
#include "base/text.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { TEST_TEXT_MAX = 64 * 1024 };

static inline EVP_PKEY *test_rsa_key(unsigned bits)
{
    EVP_PKEY *key = EVP_RSA_gen(bits);

    assert_non_null(key);
    return key;
}

static inline EVP_PKEY *test_p256_key(void)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");

    assert_non_null(key);
    return key;
}

static inline void test_key_number(EVP_PKEY *key, const char *name, int len, struct mu_buf *out)
{
    BIGNUM *number = NULL;
    unsigned char bytes[1024];

    assert_int_equal(EVP_PKEY_get_bn_param(key, name, &number), 1);
    if (len == 0)
        len = BN_num_bytes(number);
    assert_int_equal(BN_bn2binpad(number, bytes, len), len);
    mu_buf_append(out, bytes, (size_t)len);
    BN_free(number);
}

static inline void test_base64url(const void *bytes, size_t len, struct mu_buf *out)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf plain;

    mu_buf_init(&plain, TEST_TEXT_MAX);
    mu_base64_encode(bytes, len, &plain);
    for (size_t i = 0; i < plain.len && plain.data[i] != '='; i++) {
        char c = plain.data[i] == '+' ? '-' : plain.data[i] == '/' ? '_' : plain.data[i];

        mu_buf_append(out, &c, 1);
    }
}

/* As the senders do it: PKCS#1 v1.5, or R and S of 32 bytes each. */
static inline void test_sign(EVP_PKEY *key, const EVP_MD *hash, const void *bytes, size_t len,
                             struct mu_buf *out)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    unsigned char signature[1024];
    size_t size = sizeof(signature);

    assert_int_equal(EVP_DigestSignInit(context, NULL, hash, NULL, key), 1);
    assert_int_equal(EVP_DigestSign(context, signature, &size, bytes, len), 1);
    EVP_MD_CTX_free(context);
    if (EVP_PKEY_is_a(key, "EC")) {
        const unsigned char *at = signature;
        ECDSA_SIG *pair = d2i_ECDSA_SIG(NULL, &at, (long)size);

        assert_int_equal(BN_bn2binpad(ECDSA_SIG_get0_r(pair), signature, 32), 32);
        assert_int_equal(BN_bn2binpad(ECDSA_SIG_get0_s(pair), signature + 32, 32), 32);
        ECDSA_SIG_free(pair);
        size = 64;
    }
    mu_buf_append(out, signature, size);
}

/* ,"name":"base64url of a number" */
static inline void test_jwk_number(EVP_PKEY *key, const char *name, const char *parameter, int len,
                                   struct mu_buf *out)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf bytes;

    mu_buf_init(&bytes, 1024);
    test_key_number(key, parameter, len, &bytes);
    mu_buf_printf(out, ",\"%s\":\"", name);
    test_base64url(bytes.data, bytes.len, out);
    mu_buf_puts(out, "\"");
}

static inline void test_jwk(EVP_PKEY *key, const char *kid, struct mu_buf *out)
{
    bool rsa = EVP_PKEY_is_a(key, "RSA");

    mu_buf_printf(out, "{\"kid\":\"%s\",\"use\":\"sig\",\"kty\":\"%s\"", kid, rsa ? "RSA" : "EC");
    if (rsa) {
        test_jwk_number(key, "n", OSSL_PKEY_PARAM_RSA_N, 0, out);
        test_jwk_number(key, "e", OSSL_PKEY_PARAM_RSA_E, 0, out);
    } else {
        mu_buf_puts(out, ",\"crv\":\"P-256\"");
        test_jwk_number(key, "x", OSSL_PKEY_PARAM_EC_PUB_X, 32, out);
        test_jwk_number(key, "y", OSSL_PKEY_PARAM_EC_PUB_Y, 32, out);
    }
    mu_buf_puts(out, "}");
}

/* header.claims.signature */
static inline void test_token(EVP_PKEY *key, const char *header, const char *claims,
                              struct mu_buf *out)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf signature;

    mu_buf_init(&signature, 1024);
    test_base64url(header, strlen(header), out);
    mu_buf_puts(out, ".");
    test_base64url(claims, strlen(claims), out);
    test_sign(key, EVP_sha256(), out->data, out->len, &signature);
    mu_buf_puts(out, ".");
    test_base64url(signature.data, signature.len, out);
}

/* ---- certificates ---- */

struct test_certificate {
    EVP_PKEY *key;        /* whose */
    EVP_PKEY *issuer_key; /* by whom; NULL: by itself */
    const char *issuer;   /* its common name */
    const char *organisation, *name;
    const char *alternative; /* "DNS:h,IP:1.2.3.4"; NULL: none */
    bool ca;
    long from_s, until_s; /* from now; both 0: valid for a day */
};

static inline void test_extension(X509 *certificate, int nid, const char *value)
{
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, nid, value);

    assert_non_null(extension);
    assert_int_equal(X509_add_ext(certificate, extension, -1), 1);
    X509_EXTENSION_free(extension);
}

static inline void test_name(X509_NAME *name, const char *field, const char *value)
{
    if (value)
        assert_int_equal(X509_NAME_add_entry_by_txt(name, field, MBSTRING_ASC,
                                                    (const unsigned char *)value, -1, -1, 0),
                         1);
}

static inline void test_certificate_pem(const struct test_certificate *wanted, struct mu_buf *out)
{
    X509 *certificate = X509_new();
    BIO *bio = BIO_new(BIO_s_mem());
    bool day = wanted->from_s == 0 && wanted->until_s == 0;
    char *text = NULL;
    long len;

    assert_int_equal(X509_set_version(certificate, 2), 1);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), rand());
    X509_gmtime_adj(X509_getm_notBefore(certificate), day ? -3600 : wanted->from_s);
    X509_gmtime_adj(X509_getm_notAfter(certificate), day ? 86400 : wanted->until_s);
    test_name(X509_get_subject_name(certificate), "O", wanted->organisation);
    test_name(X509_get_subject_name(certificate), "CN", wanted->name);
    test_name(X509_get_issuer_name(certificate), "CN",
              wanted->issuer ? wanted->issuer : wanted->name);
    assert_int_equal(X509_set_pubkey(certificate, wanted->key), 1);
    if (wanted->ca)
        test_extension(certificate, NID_basic_constraints, "critical,CA:TRUE");
    if (wanted->alternative)
        test_extension(certificate, NID_subject_alt_name, wanted->alternative);
    assert_true(X509_sign(certificate, wanted->issuer_key ? wanted->issuer_key : wanted->key,
                          EVP_sha256()) > 0);
    assert_int_equal(PEM_write_bio_X509(bio, certificate), 1);
    len = BIO_get_mem_data(bio, &text);
    mu_buf_append(out, text, (size_t)len);
    BIO_free(bio);
    X509_free(certificate);
}

static inline void test_key_pem(EVP_PKEY *key, struct mu_buf *out)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *text = NULL;
    long len;

    assert_int_equal(PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL), 1);
    len = BIO_get_mem_data(bio, &text);
    mu_buf_append(out, text, (size_t)len);
    BIO_free(bio);
}

#endif
