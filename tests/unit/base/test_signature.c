#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/signature.h"
#include "test_keys.h"

#include <stdio.h>

#define MESSAGE "what somebody says"

/* ---- HMAC ---- */

/* RFC 4231 section 4 and RFC 2202 section 3: hash, key, data and code in hex. */
static void the_codes_are_those_of_the_rfcs(void **state)
{
    FILE *file = fopen(MU_TEST_DATA "/base/hmac.txt", "r");
    char hash[16], key[512], data[512], code[128], line[2048];
    size_t rows = 0;

    (void)state;
    assert_non_null(file);
    while (fgets(line, sizeof(line), file)) {
        uint8_t secret[256], bytes[256];
        char right[MU_HMAC_HEX_SIZE];

        if (line[0] == '#')
            continue;
        assert_int_equal(sscanf(line, "%15s %511s %511s %127s", hash, key, data, code), 4);
        assert_true(mu_hex_decode(key, strlen(key), secret, strlen(key) / 2));
        assert_true(mu_hex_decode(data, strlen(data), bytes, strlen(data) / 2));
        mu_hmac_hex(strcmp(hash, "sha1") == 0 ? MU_HASH_SHA1 : MU_HASH_SHA256, secret,
                    strlen(key) / 2, bytes, strlen(data) / 2, right);
        assert_string_equal(right, code);
        rows++;
    }
    (void)fclose(file);
    assert_true(rows >= 10);
}

/* ---- base64url ---- */

static void base64url_is_read_with_and_without_padding(void **state)
{
    static const struct {
        const char *text, *plain; /* NULL: refused */
    } cases[] = {
            {"", ""},        {"Zg", "f"},         {"Zg==", "f"},    {"Zm8", "fo"},
            {"Zm9v", "foo"}, {"_-8", "\xff\xef"}, {"/+8", NULL},    {"Z", NULL},
            {"Zm9v!", NULL}, {"Zm 9v", NULL},     {"Zm9v\n", NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        MU_AUTO_DONE(mu_buf_done) struct mu_buf out;
        struct mu_error err;
        enum mu_status st;

        mu_buf_init(&out, 16);
        st = mu_base64url_decode(cases[i].text, strlen(cases[i].text), &out, &err);
        if (st != (cases[i].plain ? MU_OK : MU_E_INVALID))
            fail_msg("'%s' gave %d", cases[i].text, st);
        if (cases[i].plain)
            assert_string_equal(out.data, cases[i].plain);
    }
}

static void base64url_over_the_limit_of_its_buffer_is_refused(void **state)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf out;
    struct mu_error err;

    (void)state;
    mu_buf_init(&out, 2);
    assert_int_equal(mu_base64url_decode("Zm9v", 4, &out, &err), MU_E_LIMIT);
}

/* ---- public keys ---- */

static enum mu_status rsa_of(EVP_PKEY *key, struct mu_public_key **ret_key, struct mu_error *err)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf n;
    MU_AUTO_DONE(mu_buf_done) struct mu_buf e;

    mu_buf_init(&n, 4096);
    mu_buf_init(&e, 64);
    test_key_number(key, OSSL_PKEY_PARAM_RSA_N, 0, &n);
    test_key_number(key, OSSL_PKEY_PARAM_RSA_E, 0, &e);
    return mu_public_key_rsa(n.data, n.len, e.data, e.len, ret_key, err);
}

static enum mu_status p256_of(EVP_PKEY *key, struct mu_public_key **ret_key, struct mu_error *err)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf point;

    mu_buf_init(&point, 64);
    test_key_number(key, OSSL_PKEY_PARAM_EC_PUB_X, 32, &point);
    test_key_number(key, OSSL_PKEY_PARAM_EC_PUB_Y, 32, &point);
    return mu_public_key_p256((const uint8_t *)point.data, (const uint8_t *)point.data + 32,
                              ret_key, err);
}

/* A signature is right for its bytes, its hash and its key alone. */
static void check_key(EVP_PKEY *secret, const struct mu_public_key *key,
                      const struct mu_public_key *other)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf signature;

    mu_buf_init(&signature, 1024);
    test_sign(secret, EVP_sha256(), MESSAGE, strlen(MESSAGE), &signature);
    assert_true(mu_public_key_verifies(key, MU_HASH_SHA256, MESSAGE, strlen(MESSAGE),
                                       signature.data, signature.len));
    assert_false(mu_public_key_verifies(other, MU_HASH_SHA256, MESSAGE, strlen(MESSAGE),
                                        signature.data, signature.len));
    assert_false(mu_public_key_verifies(key, MU_HASH_SHA1, MESSAGE, strlen(MESSAGE), signature.data,
                                        signature.len));
    assert_false(mu_public_key_verifies(key, MU_HASH_SHA256, MESSAGE, strlen(MESSAGE) - 1,
                                        signature.data, signature.len));
    assert_false(mu_public_key_verifies(key, MU_HASH_SHA256, MESSAGE, strlen(MESSAGE),
                                        signature.data, signature.len - 1));
    assert_false(mu_public_key_verifies(key, MU_HASH_SHA256, MESSAGE, strlen(MESSAGE), "", 0));
    signature.data[10] ^= 1;
    assert_false(mu_public_key_verifies(key, MU_HASH_SHA256, MESSAGE, strlen(MESSAGE),
                                        signature.data, signature.len));
}

static void rsa_and_p256_signatures_are_told_right_from_wrong(void **state)
{
    EVP_PKEY *rsa = test_rsa_key(2048), *p256 = test_p256_key();
    MU_AUTO(public_key) struct mu_public_key *rsa_key = NULL;
    MU_AUTO(public_key) struct mu_public_key *p256_key = NULL;
    struct mu_error err;

    (void)state;
    assert_int_equal(rsa_of(rsa, &rsa_key, &err), MU_OK);
    assert_int_equal(p256_of(p256, &p256_key, &err), MU_OK);
    check_key(rsa, rsa_key, p256_key);
    check_key(p256, p256_key, rsa_key);
    EVP_PKEY_free(rsa);
    EVP_PKEY_free(p256);
}

static void sha1_is_for_those_who_ask_for_it(void **state)
{
    EVP_PKEY *rsa = test_rsa_key(2048);
    MU_AUTO(public_key) struct mu_public_key *key = NULL;
    MU_AUTO_DONE(mu_buf_done) struct mu_buf signature;
    struct mu_error err;

    (void)state;
    mu_buf_init(&signature, 1024);
    test_sign(rsa, EVP_sha1(), MESSAGE, strlen(MESSAGE), &signature);
    assert_int_equal(rsa_of(rsa, &key, &err), MU_OK);
    assert_true(mu_public_key_verifies(key, MU_HASH_SHA1, MESSAGE, strlen(MESSAGE), signature.data,
                                       signature.len));
    EVP_PKEY_free(rsa);
}

static void keys_that_are_weak_or_none_are_refused(void **state)
{
    struct mu_public_key *key = NULL;
    static const uint8_t zero[1025];
    EVP_PKEY *weak = test_rsa_key(1024);
    struct mu_error err;

    (void)state;
    assert_int_equal(rsa_of(weak, &key, &err), MU_E_INVALID);
    assert_int_equal(mu_public_key_rsa(zero, sizeof(zero), "\3", 1, &key, &err), MU_E_INVALID);
    assert_int_equal(mu_public_key_rsa(zero, 256, "123456789", 9, &key, &err), MU_E_INVALID);
    assert_int_equal(mu_public_key_rsa("", 0, "", 0, &key, &err), MU_E_INVALID);
    assert_int_equal(mu_public_key_p256(zero, zero, &key, &err), MU_E_INVALID);
    assert_null(key);
    EVP_PKEY_free(weak);
}

/* ---- certificates ---- */

static enum mu_status key_of(const struct test_certificate *certificate,
                             struct mu_public_key **ret_key, struct mu_error *err)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf pem;

    mu_buf_init(&pem, TEST_TEXT_MAX);
    test_certificate_pem(certificate, &pem);
    return mu_public_key_certificate(pem.data, pem.len, mu_now_us(), ret_key, err);
}

static void the_key_of_a_certificate_is_taken_while_it_is_valid(void **state)
{
    EVP_PKEY *rsa = test_rsa_key(2048), *other = test_rsa_key(2048), *weak = test_rsa_key(1024);
    MU_AUTO(public_key) struct mu_public_key *key = NULL;
    MU_AUTO(public_key) struct mu_public_key *other_key = NULL;
    struct test_certificate certificate = {.key = rsa, .name = "sns"};
    struct mu_public_key *none = NULL;
    struct mu_error err;

    (void)state;
    assert_int_equal(key_of(&certificate, &key, &err), MU_OK);
    assert_int_equal(rsa_of(other, &other_key, &err), MU_OK);
    check_key(rsa, key, other_key);
    certificate.from_s = -7200, certificate.until_s = -3600;
    assert_int_equal(key_of(&certificate, &none, &err), MU_E_INVALID);
    certificate.from_s = 3600, certificate.until_s = 7200;
    assert_int_equal(key_of(&certificate, &none, &err), MU_E_INVALID);
    certificate = (struct test_certificate){.key = weak, .name = "sns"};
    assert_int_equal(key_of(&certificate, &none, &err), MU_E_INVALID);
    assert_int_equal(mu_public_key_certificate("no PEM", 6, mu_now_us(), &none, &err),
                     MU_E_INVALID);
    assert_null(none);
    EVP_PKEY_free(rsa);
    EVP_PKEY_free(other);
    EVP_PKEY_free(weak);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(the_codes_are_those_of_the_rfcs),
            cmocka_unit_test(base64url_is_read_with_and_without_padding),
            cmocka_unit_test(base64url_over_the_limit_of_its_buffer_is_refused),
            cmocka_unit_test(rsa_and_p256_signatures_are_told_right_from_wrong),
            cmocka_unit_test(sha1_is_for_those_who_ask_for_it),
            cmocka_unit_test(keys_that_are_weak_or_none_are_refused),
            cmocka_unit_test(the_key_of_a_certificate_is_taken_while_it_is_valid),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
