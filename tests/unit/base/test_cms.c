#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/cms.h"
#include "base/ed25519.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/signing_key.h"

#include <ftw.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* An authority, a signer below it, and another authority; each key in a file of mode 600. */
struct keys {
    char root[64];
    char path[256];
};

static const char bytes[] = "{\"schema\":\"muster.bundle-manifest.v1\"}";
enum { LEN = sizeof(bytes) - 1 };
static const int64_t now_us = INT64_C(1796083199000000); /* 2026-11-30 */

static const char *at(struct keys *keys, const char *name)
{
    (void)snprintf(keys->path, sizeof(keys->path), "%s/%s", keys->root, name);
    return keys->path;
}

static void put_key(struct keys *keys, const char *name, EVP_PKEY *key, const char *passphrase)
{
    FILE *out = fopen(at(keys, name), "we");

    assert_int_equal(PEM_write_PKCS8PrivateKey(out, key, passphrase ? EVP_aes_256_cbc() : NULL,
                                               NULL, 0, NULL, (void *)(uintptr_t)passphrase),
                     1);
    (void)fclose(out);
    assert_int_equal(chmod(keys->path, 0600), 0);
}

static X509 *certify(EVP_PKEY *key, const char *name, X509 *issuer, EVP_PKEY *issuer_key)
{
    X509 *made = X509_new();
    X509_NAME *subject = X509_get_subject_name(made);
    ASN1_TIME *begin = ASN1_TIME_set(NULL, (time_t)(now_us / 1000000 - 86400));
    ASN1_TIME *end = ASN1_TIME_set(NULL, (time_t)(now_us / 1000000 + 86400));
    X509_EXTENSION *basic = X509V3_EXT_conf_nid(NULL, NULL, NID_basic_constraints,
                                                issuer ? "CA:FALSE" : "critical,CA:TRUE");

    (void)X509_set_version(made, 2);
    (void)ASN1_INTEGER_set(X509_get_serialNumber(made), issuer ? 2 : 1);
    (void)X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, (const unsigned char *)name, -1,
                                     -1, 0);
    (void)X509_set_issuer_name(made, issuer ? X509_get_subject_name(issuer) : subject);
    (void)X509_set1_notBefore(made, begin);
    (void)X509_set1_notAfter(made, end);
    (void)X509_set_pubkey(made, key);
    (void)X509_add_ext(made, basic, -1);
    assert_true(X509_sign(made, issuer_key, EVP_sha256()) > 0);
    X509_EXTENSION_free(basic);
    ASN1_TIME_free(begin);
    ASN1_TIME_free(end);
    return made;
}

static void put_certificate(struct keys *keys, const char *name, X509 *certificate)
{
    FILE *out = fopen(at(keys, name), "we");

    assert_int_equal(PEM_write_X509(out, certificate), 1);
    (void)fclose(out);
}

static int set_up(void **state)
{
    static struct keys keys;
    EVP_PKEY *ca = EVP_EC_gen("P-256"), *signer = EVP_RSA_gen(2048),
             *own = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    X509 *ca_certificate = certify(ca, "Example CA", NULL, ca);
    X509 *certificate = certify(signer, "Example Signer", ca_certificate, ca);
    X509 *other = certify(own, "Other CA", NULL, ca);
    FILE *out;

    (void)snprintf(keys.root, sizeof(keys.root), "/tmp/muster-cms-XXXXXX");
    if (!mkdtemp(keys.root))
        return -1;
    put_key(&keys, "signer.key", signer, NULL);
    put_key(&keys, "locked.key", signer, "open sesame");
    put_key(&keys, "ed25519.key", own, NULL);
    put_certificate(&keys, "ca.pem", ca_certificate);
    put_certificate(&keys, "signer.pem", certificate);
    put_certificate(&keys, "other.pem", other);
    out = fopen(at(&keys, "ed25519.pub"), "we");
    (void)PEM_write_PUBKEY(out, own);
    (void)fclose(out);
    X509_free(ca_certificate);
    X509_free(certificate);
    X509_free(other);
    EVP_PKEY_free(ca);
    EVP_PKEY_free(signer);
    EVP_PKEY_free(own);
    *state = &keys;
    return 0;
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *ftw)
{
    (void)status, (void)kind, (void)ftw;
    return remove(path);
}

static int tear_down(void **state)
{
    (void)nftw(((struct keys *)*state)->root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    return 0;
}

static struct mu_signing_key *opened(struct keys *keys, const char *name, const char *secret)
{
    struct mu_signing_key *key = NULL;
    struct mu_error err = {.message = ""};

    if (mu_signing_key_open(at(keys, name), secret, &key, &err) != MU_OK)
        fail_msg("%s", err.message);
    return key;
}

static void sign(struct keys *keys, const char *name, const char *secret, struct mu_buf *out)
{
    MU_AUTO(signing_key) struct mu_signing_key *key = opened(keys, name, secret);
    struct mu_error err = {.message = ""};

    mu_buf_init(out, 1 << 20);
    if (mu_signing_key_sign_cms(key, at(keys, "signer.pem"), bytes, LEN, out, &err) != MU_OK)
        fail_msg("%s", err.message);
}

static void a_signature_verifies_and_names_its_signer(void **state)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf der;
    char signer[MU_CMS_NAME_SIZE];
    struct mu_error err = {.message = ""};

    sign(*state, "signer.key", NULL, &der);
    if (mu_cms_verify(der.data, der.len, bytes, LEN, at(*state, "ca.pem"), now_us, signer, &err) !=
        MU_OK)
        fail_msg("%s", err.message);
    assert_string_equal(signer, "CN=Example Signer");
    mu_cms_signer(der.data, der.len, signer);
    assert_string_equal(signer, "CN=Example Signer");
}

static void the_same_key_gives_the_same_bytes(void **state)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf first;
    MU_AUTO_DONE(mu_buf_done) struct mu_buf second;

    sign(*state, "signer.key", NULL, &first);
    sign(*state, "locked.key", "open sesame", &second);
    assert_int_equal(first.len, second.len);
    assert_memory_equal(first.data, second.data, first.len);
}

static void what_is_not_right_is_refused(void **state)
{
    static const struct {
        const char *authorities;
        int64_t after_us;
        size_t cut, flip; /* bytes off the signature; of it or of the content */
        bool other_content;
        const char *says;
    } cases[] = {
            {"ca.pem", 0, 0, 0, true, "verif"},
            {"other.pem", 0, 0, 0, false, "certificate"},
            {"ca.pem", INT64_C(172800) * 1000000, 0, 0, false, "expired"},
            {"ca.pem", INT64_C(-172800) * 1000000, 0, 0, false, "not yet valid"},
            {"ca.pem", 0, 1, 0, false, "is no CMS signature"},
            {"ca.pem", 0, 0, 20, false, ""},
            {"none.pem", 0, 0, 0, false, "holds no certificates"},
    };
    MU_AUTO_DONE(mu_buf_done) struct mu_buf der;

    sign(*state, "signer.key", NULL, &der);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char signer[MU_CMS_NAME_SIZE], content[sizeof(bytes)];
        struct mu_error err = {.message = ""};

        memcpy(content, bytes, sizeof(bytes));
        content[3] = (char)(cases[i].other_content ? 'X' : content[3]);
        if (cases[i].flip)
            der.data[der.len - cases[i].flip] ^= 1;
        assert_int_not_equal(mu_cms_verify(der.data, der.len - cases[i].cut, content, LEN,
                                           at(*state, cases[i].authorities),
                                           now_us + cases[i].after_us, signer, &err),
                             MU_OK);
        if (!strstr(err.message, cases[i].says))
            fail_msg("case %zu: '%s'", i, err.message);
        if (cases[i].flip)
            der.data[der.len - cases[i].flip] ^= 1;
    }
}

static void every_truncation_of_a_signature_is_refused(void **state)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf der;
    char signer[MU_CMS_NAME_SIZE];
    struct mu_error err;

    sign(*state, "signer.key", NULL, &der);
    for (size_t len = 0; len < der.len; len += 7)
        assert_int_equal(mu_cms_verify(der.data, len, bytes, LEN, at(*state, "ca.pem"), now_us,
                                       signer, &err),
                         MU_E_INVALID);
}

static void an_ed25519_key_signs_what_its_public_key_verifies(void **state)
{
    MU_AUTO(signing_key) struct mu_signing_key *key = opened(*state, "ed25519.key", NULL);
    MU_AUTO_DONE(mu_buf_done) struct mu_buf signature;
    MU_AUTO_DONE(mu_buf_done) struct mu_buf pem;
    MU_AUTO(ed25519) struct mu_ed25519 *public_key = NULL;
    struct mu_error err;

    mu_buf_init(&signature, 1024);
    mu_buf_init(&pem, 4096);
    assert_int_equal(mu_signing_key_sign_ed25519(key, bytes, LEN, &signature, &err), MU_OK);
    assert_int_equal(mu_file_read(at(*state, "ed25519.pub"), &pem, &err), MU_OK);
    assert_int_equal(mu_ed25519_from_pem(pem.data, pem.len, &public_key, &err), MU_OK);
    assert_int_equal(signature.len, MU_ED25519_SIGNATURE_BYTES);
    assert_true(mu_ed25519_verifies(public_key, bytes, LEN, (const uint8_t *)signature.data));
}

static void a_key_of_another_kind_is_refused(void **state)
{
    MU_AUTO(signing_key) struct mu_signing_key *rsa = opened(*state, "signer.key", NULL);
    MU_AUTO(signing_key) struct mu_signing_key *own = opened(*state, "ed25519.key", NULL);
    MU_AUTO_DONE(mu_buf_done) struct mu_buf out;
    struct mu_error err;

    mu_buf_init(&out, 1 << 20);
    assert_int_equal(mu_signing_key_sign_ed25519(rsa, bytes, LEN, &out, &err), MU_E_INVALID);
    assert_int_equal(mu_signing_key_sign_cms(own, at(*state, "signer.pem"), bytes, LEN, &out, &err),
                     MU_E_INVALID);
    assert_non_null(strstr(err.message, "is not the key's"));
}

static void a_key_file_that_others_may_read_is_refused(void **state)
{
    struct mu_signing_key *key = NULL;
    struct mu_error err;

    assert_int_equal(chmod(at(*state, "signer.key"), 0640), 0);
    assert_int_equal(mu_signing_key_open(at(*state, "signer.key"), NULL, &key, &err), MU_E_DENIED);
    assert_non_null(strstr(err.message, "chmod 600"));
    assert_int_equal(chmod(at(*state, "signer.key"), 0600), 0);
}

static void keys_that_do_not_open_are_named(void **state)
{
    struct mu_signing_key *key = NULL;
    struct mu_error err;

    assert_int_equal(mu_signing_key_open(at(*state, "none"), NULL, &key, &err), MU_E_NOT_FOUND);
    assert_int_equal(mu_signing_key_open(at(*state, "locked.key"), "wrong", &key, &err),
                     MU_E_INVALID);
    assert_int_equal(mu_signing_key_open(at(*state, "locked.key"), NULL, &key, &err), MU_E_INVALID);
    assert_int_equal(chmod(at(*state, "signer.pem"), 0600), 0);
    assert_int_equal(mu_signing_key_open(at(*state, "signer.pem"), NULL, &key, &err), MU_E_INVALID);
    assert_non_null(strstr(err.message, "no private key"));
}

static void a_response_that_is_none_is_refused(void **state)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf request;
    struct mu_error err;
    int64_t at_us = 0;

    mu_buf_init(&request, 4096);
    assert_int_equal(mu_timestamp_request(bytes, LEN, &request, &err), MU_OK);
    assert_int_equal(mu_timestamp_accept(request.data, request.len, "0\x03\x02\x01\x02", 5, &err),
                     MU_E_DENIED);
    assert_int_equal(mu_timestamp_verify(request.data, request.len, bytes, LEN,
                                         at(*state, "ca.pem"), &at_us, &err),
                     MU_E_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(a_signature_verifies_and_names_its_signer),
            cmocka_unit_test(the_same_key_gives_the_same_bytes),
            cmocka_unit_test(what_is_not_right_is_refused),
            cmocka_unit_test(every_truncation_of_a_signature_is_refused),
            cmocka_unit_test(an_ed25519_key_signs_what_its_public_key_verifies),
            cmocka_unit_test(a_key_of_another_kind_is_refused),
            cmocka_unit_test(a_key_file_that_others_may_read_is_refused),
            cmocka_unit_test(keys_that_do_not_open_are_named),
            cmocka_unit_test(a_response_that_is_none_is_refused),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
