#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "oidc/key_store.h"
#include "test_keys.h"

struct seen {
    char kids[8][32];
    size_t count;
    size_t refuse_at; /* 1: the first; 0: none */
};

static enum mu_status see(void *opaque, const char *kid, struct mu_public_key *key,
                          struct mu_error *err)
{
    struct seen *seen = opaque;

    if (seen->count + 1 == seen->refuse_at)
        return mu_fail(err, MU_E_LIMIT, "enough");
    (void)snprintf(seen->kids[seen->count++], sizeof(seen->kids[0]), "%s", kid);
    mu_public_key_free(key);
    return MU_OK;
}

static enum mu_status read_set(const char *text, struct seen *seen, struct mu_error *err)
{
    return mu_jwks_read(text, strlen(text), see, seen, err);
}

/* A set of two keys of ours, and text behind them. */
static void make_set(const char *more, struct mu_buf *out)
{
    EVP_PKEY *rsa = test_rsa_key(2048), *p256 = test_p256_key();

    mu_buf_puts(out, "{\"keys\":[");
    test_jwk(rsa, "rsa-1", out);
    mu_buf_puts(out, ",");
    test_jwk(p256, "ec-1", out);
    mu_buf_printf(out, "%s]}", more);
    EVP_PKEY_free(rsa);
    EVP_PKEY_free(p256);
}

static void rsa_and_p256_keys_are_read(void **state)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf set;
    struct seen seen = {.count = 0};
    struct mu_error err;

    (void)state;
    mu_buf_init(&set, TEST_TEXT_MAX);
    make_set("", &set);
    assert_int_equal(read_set(set.data, &seen, &err), MU_OK);
    assert_int_equal(seen.count, 2);
    assert_string_equal(seen.kids[0], "rsa-1");
    assert_string_equal(seen.kids[1], "ec-1");
}

/* RFC 7517 section 5: implementations should ignore what they do not understand. */
static void keys_of_other_kinds_are_passed_over(void **state)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf set;
    struct seen seen = {.count = 0};
    struct mu_error err;

    (void)state;
    mu_buf_init(&set, TEST_TEXT_MAX);
    make_set(",{\"kty\":\"oct\",\"kid\":\"symmetric\",\"k\":\"c2VjcmV0\"}"
             ",{\"kty\":\"EC\",\"crv\":\"P-521\",\"kid\":\"p521\",\"x\":\"AA\",\"y\":\"AA\"}"
             ",{\"kty\":\"RSA\",\"use\":\"enc\",\"kid\":\"enc\",\"n\":\"AA\",\"e\":\"AQAB\"}"
             ",{\"kty\":\"RSA\",\"n\":\"AA\",\"e\":\"AQAB\"}"
             ",{\"kty\":\"OKP\",\"kid\":\"ed\"},{},7,null",
             &set);
    assert_int_equal(read_set(set.data, &seen, &err), MU_OK);
    assert_int_equal(seen.count, 2);
}

static void what_is_no_set_is_refused(void **state)
{
#define KEY(members) "{\"keys\":[{\"kid\":\"a\"," members "}]}"
    static const char *const texts[] = {
            "",
            "{",
            "[]",
            "{}",
            "{\"keys\":{}}",
            KEY("\"kty\":\"RSA\""),
            KEY("\"kty\":\"RSA\",\"n\":\"AQAB\",\"e\":\"AQAB\""),
            KEY("\"kty\":\"RSA\",\"n\":\"!\",\"e\":\"AQAB\""),
            KEY("\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AA\",\"y\":\"AA\""),
            KEY("\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AA\""),
    };

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct seen seen = {.count = 0};
        struct mu_error err;

        if (read_set(texts[i], &seen, &err) != MU_E_INVALID)
            fail_msg("'%s' was taken", texts[i]);
        assert_int_equal(seen.count, 0);
    }
}

static void a_set_over_the_limit_is_refused(void **state)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf set;
    struct seen seen = {.count = 0};
    struct mu_error err;

    (void)state;
    mu_buf_init(&set, 1 << 20);
    mu_buf_puts(&set, "{\"keys\":[]}");
    while (set.len < 300 * 1024)
        mu_buf_puts(&set, "                                ");
    assert_int_equal(read_set(set.data, &seen, &err), MU_E_LIMIT);
}

static void a_refusal_of_the_caller_ends_it(void **state)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf set;
    struct seen seen = {.refuse_at = 2};
    struct mu_error err;

    (void)state;
    mu_buf_init(&set, TEST_TEXT_MAX);
    make_set("", &set);
    assert_int_equal(read_set(set.data, &seen, &err), MU_E_LIMIT);
    assert_int_equal(seen.count, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(rsa_and_p256_keys_are_read),
            cmocka_unit_test(keys_of_other_kinds_are_passed_over),
            cmocka_unit_test(what_is_no_set_is_refused),
            cmocka_unit_test(a_set_over_the_limit_is_refused),
            cmocka_unit_test(a_refusal_of_the_caller_ends_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
