#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/signature.h"
#include "base/signing.h"
#include "test_keys.h"

#define MESSAGE "header.claims"

static void a_signature_verifies_with_the_public_key(void **state)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf pem, signature, raw, n, e;
    MU_AUTO(public_key) struct mu_public_key *public_key = NULL;
    EVP_PKEY *key = test_rsa_key(2048);
    struct mu_error err;

    (void)state;
    mu_buf_init(&pem, TEST_TEXT_MAX);
    mu_buf_init(&signature, TEST_TEXT_MAX);
    mu_buf_init(&raw, TEST_TEXT_MAX);
    mu_buf_init(&n, TEST_TEXT_MAX);
    mu_buf_init(&e, TEST_TEXT_MAX);
    test_key_pem(key, &pem);
    test_key_number(key, OSSL_PKEY_PARAM_RSA_N, 0, &n);
    test_key_number(key, OSSL_PKEY_PARAM_RSA_E, 0, &e);
    assert_int_equal(mu_public_key_rsa(n.data, n.len, e.data, e.len, &public_key, &err), MU_OK);
    assert_int_equal(mu_sign_rs256(pem.data, pem.len, MESSAGE, strlen(MESSAGE), &signature, &err),
                     MU_OK);
    assert_int_equal(mu_base64url_decode(signature.data, signature.len, &raw, &err), MU_OK);
    assert_true(mu_public_key_verifies(public_key, MU_HASH_SHA256, MESSAGE, strlen(MESSAGE),
                                       raw.data, raw.len));
    assert_false(mu_public_key_verifies(public_key, MU_HASH_SHA256, "other", 5, raw.data, raw.len));
    EVP_PKEY_free(key);
}

static void keys_of_another_kind_or_too_small_are_refused(void **state)
{
    EVP_PKEY *const keys[] = {test_rsa_key(1024), test_p256_key()};
    struct mu_error err;

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        MU_AUTO_DONE(mu_buf_done) struct mu_buf pem, signature;

        mu_buf_init(&pem, TEST_TEXT_MAX);
        mu_buf_init(&signature, TEST_TEXT_MAX);
        test_key_pem(keys[i], &pem);
        assert_int_equal(mu_sign_rs256(pem.data, pem.len, "x", 1, &signature, &err), MU_E_INVALID);
        assert_int_equal(mu_sign_rs256("no key", 6, "x", 1, &signature, &err), MU_E_INVALID);
        assert_int_equal(signature.len, 0);
        EVP_PKEY_free(keys[i]);
    }
}

static void base64url_is_written_without_padding(void **state)
{
    static const struct {
        const char *plain, *text;
    } cases[] = {{"", ""}, {"f", "Zg"}, {"fo", "Zm8"}, {"foo", "Zm9v"}, {"\xff\xef", "_-8"}};

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        MU_AUTO_DONE(mu_buf_done) struct mu_buf out;

        mu_buf_init(&out, 64);
        mu_base64url_encode(cases[i].plain, strlen(cases[i].plain), &out);
        assert_string_equal(out.data, cases[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(a_signature_verifies_with_the_public_key),
            cmocka_unit_test(keys_of_another_kind_or_too_small_are_refused),
            cmocka_unit_test(base64url_is_written_without_padding),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
