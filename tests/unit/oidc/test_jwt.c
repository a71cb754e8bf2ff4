#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "key_fixture.h"
#include "oidc/jwt.h"

#define RS256  "{\"alg\":\"RS256\",\"kid\":\"rsa-1\",\"typ\":\"JWT\"}"
#define ES256  "{\"alg\":\"ES256\",\"kid\":\"ec-1\"}"
#define ISSUER "https://accounts.google.com"

enum { NOW_S = 1795564800 };

static struct {
    EVP_PKEY *rsa, *p256, *stranger;
    char path[64];
    struct mu_key_store *keys;
    struct mu_jwt_rule rule;
} fixture;

static void write_both(void)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf set;

    mu_buf_init(&set, TEST_TEXT_MAX);
    mu_buf_puts(&set, "{\"keys\":[");
    test_jwk(fixture.rsa, "rsa-1", &set);
    mu_buf_puts(&set, ",");
    test_jwk(fixture.p256, "ec-1", &set);
    mu_buf_puts(&set, "]}");
    key_file_write(fixture.path, set.data, set.len);
}

static int setup(void **state)
{
    struct mu_key_store_config config = {.jwks_file = fixture.path};
    struct mu_error err;

    (void)state;
    (void)snprintf(fixture.path, sizeof(fixture.path), "/tmp/test_jwt.%d.json", (int)getpid());
    fixture.rsa = test_rsa_key(2048);
    fixture.stranger = test_rsa_key(2048);
    fixture.p256 = test_p256_key();
    write_both();
    assert_int_equal(mu_key_store_open(&config, &fixture.keys, &err), MU_OK);
    fixture.rule = (struct mu_jwt_rule){.issuer = ISSUER,
                                        .audience = "https://ingest.example/hook",
                                        .email = "push@project.example",
                                        .keys = fixture.keys};
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    mu_key_store_close(fixture.keys);
    (void)unlink(fixture.path);
    EVP_PKEY_free(fixture.rsa);
    EVP_PKEY_free(fixture.p256);
    EVP_PKEY_free(fixture.stranger);
    return 0;
}

static enum mu_jwt_verdict check(const char *token, const char **ret_why)
{
    *ret_why = NULL;
    return mu_jwt_check(&fixture.rule, token, (int64_t)NOW_S * 1000000, NULL, ret_why);
}

static enum mu_jwt_verdict check_signed(EVP_PKEY *key, const char *header, const char *claims,
                                        const char **ret_why)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf token;

    mu_buf_init(&token, TEST_TEXT_MAX);
    test_token(key, header, claims, &token);
    return check(token.data, ret_why);
}

#define CLAIMS(iss, aud, email, times)                                               \
    "{\"iss\":\"" iss "\",\"aud\":" aud ",\"sub\":\"1234\",\"email\":\"" email "\"," \
    "\"email_verified\":true," times "}"
#define AUD  "\"https://ingest.example/hook\""
#define MAIL "push@project.example"
#define TIME "\"iat\":1795564000,\"exp\":1795567600"
#define GOOD CLAIMS(ISSUER, AUD, MAIL, TIME)

static void a_token_for_us_is_right(void **state)
{
    static const char *const right[] = {
            GOOD,
            CLAIMS("accounts.google.com", AUD, MAIL, TIME),
            CLAIMS(ISSUER, "[\"https://other.example\"," AUD "]", MAIL, TIME),
            CLAIMS(ISSUER, AUD, MAIL, "\"exp\":1795564741"),                    /* leeway */
            CLAIMS(ISSUER, AUD, MAIL, "\"exp\":1795567600,\"nbf\":1795564859"), /* leeway */
    };
    const char *why;

    (void)state;
    for (size_t i = 0; i < sizeof(right) / sizeof(right[0]); i++)
        if (check_signed(fixture.rsa, RS256, right[i], &why) != MU_JWT_RIGHT)
            fail_msg("%s: %s", right[i], why);
    assert_int_equal(check_signed(fixture.p256, ES256, GOOD, &why), MU_JWT_RIGHT);
}

static void claims_that_are_not_for_us_are_denied_with_the_reason(void **state)
{
    static const struct {
        const char *claims, *why;
    } wrong[] = {
            {CLAIMS("https://evil.example", AUD, MAIL, TIME), "issuer"},
            {CLAIMS("https://accounts.google.com.evil.example", AUD, MAIL, TIME), "issuer"},
            {CLAIMS(ISSUER, "\"https://other.example/hook\"", MAIL, TIME), "audience"},
            {CLAIMS(ISSUER, "[]", MAIL, TIME), "audience"},
            {CLAIMS(ISSUER, "[[" AUD "]]", MAIL, TIME), "audience"},
            {CLAIMS(ISSUER, "{\"a\":" AUD "}", MAIL, TIME), "audience"},
            {CLAIMS(ISSUER, AUD, "somebody@else.example", TIME), "email"},
            {"{\"iss\":\"" ISSUER "\",\"aud\":" AUD ",\"email\":\"" MAIL
             "\",\"email_verified\":false," TIME "}",
             "email"},
            {"{\"iss\":\"" ISSUER "\",\"aud\":" AUD ",\"email\":\"" MAIL
             "\",\"email_verified\":\"true\"," TIME "}",
             "email"},
            {"{\"iss\":\"" ISSUER "\",\"aud\":" AUD ",\"email\":\"" MAIL "\"," TIME "}", "email"},
            {CLAIMS(ISSUER, AUD, MAIL, "\"exp\":1795564739"), "expired"},
            {CLAIMS(ISSUER, AUD, MAIL, "\"exp\":\"1795567600\""), "expired"},
            {CLAIMS(ISSUER, AUD, MAIL, "\"iat\":1"), "expired"},
            {CLAIMS(ISSUER, AUD, MAIL, "\"exp\":1795567600,\"nbf\":1795564861"), "not valid yet"},
            {"[]", "issuer"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        const char *why;

        if (check_signed(fixture.rsa, RS256, wrong[i].claims, &why) != MU_JWT_WRONG)
            fail_msg("%s is let in", wrong[i].claims);
        if (!strstr(why, wrong[i].why))
            fail_msg("%s: '%s'", wrong[i].claims, why);
    }
}

static void a_subject_is_compared_when_the_rule_names_one(void **state)
{
    const char *why;

    (void)state;
    fixture.rule.subject = "1234";
    assert_int_equal(check_signed(fixture.rsa, RS256, GOOD, &why), MU_JWT_RIGHT);
    fixture.rule.subject = "12345";
    assert_int_equal(check_signed(fixture.rsa, RS256, GOOD, &why), MU_JWT_WRONG);
    assert_non_null(strstr(why, "subject"));
}

/* RFC 8725 section 2.1: the token does not choose how it is checked. */
static void algorithms_that_we_do_not_take_are_denied(void **state)
{
    static const char *const headers[] = {
            "{\"alg\":\"none\",\"kid\":\"rsa-1\"}",
            "{\"alg\":\"None\",\"kid\":\"rsa-1\"}",
            "{\"alg\":\"HS256\",\"kid\":\"rsa-1\"}",
            "{\"alg\":\"RS384\",\"kid\":\"rsa-1\"}",
            "{\"alg\":\"PS256\",\"kid\":\"rsa-1\"}",
            "{\"alg\":7,\"kid\":\"rsa-1\"}",
            "{\"kid\":\"rsa-1\"}",
            "[\"RS256\"]",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
        const char *why;

        if (check_signed(fixture.rsa, headers[i], GOOD, &why) != MU_JWT_WRONG)
            fail_msg("%s is let in", headers[i]);
        assert_non_null(strstr(why, "algorithm"));
    }
}

/* The public key of a set is known to everybody: as the secret of an HMAC it proves nothing. */
static void an_hmac_with_the_public_key_as_secret_is_denied(void **state)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf token;
    MU_AUTO_DONE(mu_buf_done) struct mu_buf secret;
    static const char *const headers[] = {"{\"alg\":\"HS256\",\"kid\":\"rsa-1\"}", RS256};

    (void)state;
    mu_buf_init(&token, TEST_TEXT_MAX);
    mu_buf_init(&secret, TEST_TEXT_MAX);
    test_jwk(fixture.rsa, "rsa-1", &secret);
    for (size_t i = 0; i < 2; i++) {
        char hex[MU_HMAC_HEX_SIZE];
        uint8_t code[32];
        const char *why;

        mu_buf_reset(&token);
        test_base64url(headers[i], strlen(headers[i]), &token);
        mu_buf_puts(&token, ".");
        test_base64url(GOOD, strlen(GOOD), &token);
        mu_hmac_hex(MU_HASH_SHA256, secret.data, secret.len, token.data, token.len, hex);
        assert_true(mu_hex_decode(hex, 64, code, 32));
        mu_buf_puts(&token, ".");
        test_base64url(code, 32, &token);
        assert_int_equal(check(token.data, &why), MU_JWT_WRONG);
    }
}

static void a_token_without_key_or_with_demands_is_denied(void **state)
{
    const char *why;

    (void)state;
    assert_int_equal(check_signed(fixture.rsa, "{\"alg\":\"RS256\"}", GOOD, &why), MU_JWT_WRONG);
    assert_int_equal(check_signed(fixture.rsa,
                                  "{\"alg\":\"RS256\",\"kid\":\"rsa-1\",\"crit\":[\"b64\"],"
                                  "\"b64\":false}",
                                  GOOD, &why),
                     MU_JWT_WRONG);
    assert_non_null(strstr(why, "demands"));
}

static void a_strangers_signature_is_denied(void **state)
{
    const char *why;

    (void)state;
    assert_int_equal(check_signed(fixture.stranger, RS256, GOOD, &why), MU_JWT_WRONG);
    assert_non_null(strstr(why, "signature"));
    assert_int_equal(check_signed(fixture.p256, RS256, GOOD, &why), MU_JWT_WRONG);
    assert_int_equal(check_signed(fixture.rsa, ES256, GOOD, &why), MU_JWT_WRONG);
}

static void what_has_not_the_form_of_a_token_is_denied(void **state)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf token;
    static char huge[20000];
    const char *const none[] = {"", ".", "..", "...", "a.b.c", "e30.e30.", "e30.e30", huge};
    const char *why;

    (void)state;
    memset(huge, 'A', sizeof(huge) - 1);
    huge[10] = huge[20] = '.';
    for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
        assert_int_equal(check(none[i], &why), MU_JWT_WRONG);
    mu_buf_init(&token, TEST_TEXT_MAX);
    test_token(fixture.rsa, RS256, GOOD, &token);
    assert_int_equal(check(token.data, &why), MU_JWT_RIGHT);
    mu_buf_puts(&token, ".x");
    assert_int_equal(check(token.data, &why), MU_JWT_WRONG);
    token.data[token.len - 3] = '\0'; /* the last of the signature is gone */
    assert_int_equal(check(token.data, &why), MU_JWT_WRONG);
}

static void a_rotated_key_is_fetched_and_then_right(void **state)
{
    static const char header[] = "{\"alg\":\"RS256\",\"kid\":\"rsa-2\"}";
    const char *why;

    (void)state;
    key_set_write(fixture.path, fixture.stranger, "rsa-2");
    assert_int_equal(check_signed(fixture.stranger, header, GOOD, &why), MU_JWT_LATER);
    KEY_WAIT(check_signed(fixture.stranger, header, GOOD, &why) == MU_JWT_RIGHT);
    /* The old one is gone, and asked for again only after a while; the fetch may still be ending.
     */
    KEY_WAIT(check_signed(fixture.rsa, RS256, GOOD, &why) == MU_JWT_WRONG);
}

static void a_token_that_is_not_for_us_leads_to_no_fetch(void **state)
{
    static const char header[] = "{\"alg\":\"RS256\",\"kid\":\"unknown\"}";
    const char *why;

    (void)state;
    assert_int_equal(check_signed(fixture.stranger, header,
                                  CLAIMS("https://evil.example", AUD, MAIL, TIME), &why),
                     MU_JWT_WRONG);
    assert_int_equal(check_signed(fixture.stranger, header, GOOD, &why), MU_JWT_LATER);
    /* Unknown for good: then it is wrong. */
    KEY_WAIT(check_signed(fixture.stranger, header, GOOD, &why) == MU_JWT_WRONG);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
            CASE(a_token_for_us_is_right),
            CASE(claims_that_are_not_for_us_are_denied_with_the_reason),
            CASE(a_subject_is_compared_when_the_rule_names_one),
            CASE(algorithms_that_we_do_not_take_are_denied),
            CASE(an_hmac_with_the_public_key_as_secret_is_denied),
            CASE(a_token_without_key_or_with_demands_is_denied),
            CASE(a_strangers_signature_is_denied),
            CASE(what_has_not_the_form_of_a_token_is_denied),
            CASE(a_rotated_key_is_fetched_and_then_right),
            CASE(a_token_that_is_not_for_us_leads_to_no_fetch),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
