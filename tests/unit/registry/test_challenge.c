#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "registry/challenge.h"

#include <string.h>

static void expect_challenge(const char *header, enum challenge_scheme scheme, const char *realm,
                             const char *service, const char *scope)
{
    struct challenge challenge;

    assert_int_equal(challenge_choose(header, &challenge), scheme != CHALLENGE_NONE);
    assert_int_equal(challenge.scheme, scheme);
    assert_string_equal(challenge.realm, realm);
    assert_string_equal(challenge.service, service);
    assert_string_equal(challenge.scope, scope);
}

static void a_bearer_challenge_is_taken_apart(void **state)
{
    (void)state;
    expect_challenge("Bearer realm=\"https://auth.example/token\",service=\"reg.example\","
                     "scope=\"repository:a/b:pull,push\"",
                     CHALLENGE_BEARER, "https://auth.example/token", "reg.example",
                     "repository:a/b:pull,push");
}

static void of_several_challenges_bearer_is_chosen(void **state)
{
    (void)state;
    expect_challenge(
            "Basic realm=\"a, Bearer realm=x\", Negotiate, Bearer realm=\"https://t\" , service=s",
            CHALLENGE_BEARER, "https://t", "s", "");
    expect_challenge("Bearer realm=\"https://t\", Basic realm=\"r\"", CHALLENGE_BEARER, "https://t",
                     "", "");
    expect_challenge("Negotiate YII==, Basic realm=\"r\"", CHALLENGE_BASIC, "r", "", "");
}

static void quoted_values_may_hold_escapes(void **state)
{
    (void)state;
    expect_challenge("bearer REALM = \"https://t?a=\\\"b\\\"\",service=\"\"", CHALLENGE_BEARER,
                     "https://t?a=\"b\"", "", "");
}

static void what_we_cannot_answer_is_none(void **state)
{
    (void)state;
    expect_challenge("", CHALLENGE_NONE, "", "", "");
    expect_challenge("Negotiate", CHALLENGE_NONE, "", "", "");
    expect_challenge("Bearer service=\"x\"", CHALLENGE_NONE, "", "", "");
    expect_challenge("Bearer realm=\"not closed", CHALLENGE_NONE, "", "", "");
    expect_challenge("\x01\x02", CHALLENGE_NONE, "", "", "");
}

static void a_value_that_does_not_fit_is_left_out(void **state)
{
    char header[1100];

    (void)state;
    (void)memset(header, 'a', sizeof(header));
    memcpy(header, "Bearer realm=\"", 14);
    memcpy(header + 1000, "\", service=s", 13);
    expect_challenge(header, CHALLENGE_NONE, "", "", "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(a_bearer_challenge_is_taken_apart),
            cmocka_unit_test(of_several_challenges_bearer_is_chosen),
            cmocka_unit_test(quoted_values_may_hold_escapes),
            cmocka_unit_test(what_we_cannot_answer_is_none),
            cmocka_unit_test(a_value_that_does_not_fit_is_left_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
