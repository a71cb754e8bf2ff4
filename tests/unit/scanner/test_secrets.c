#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "check/secret_rules.h"
#include "check/secret_text.h"

#include "base/buf.h"

#include <stdio.h>
#include <string.h>

/* Tokens are put together here, so that no scanner of sources takes them for lost ones. */
#define R16 "4QX4ZK2MPL5TRWNB"
#define R20 "a8Kd03mZq9Xw1Lp7Rt5v"
#define R24 "mZ4kQ8wTr2Xc6Vb0Nn5Ls9Jd"
#define R36 "zQWBuTSOoRi4A9spHcVY5ncnsDkxkJ0mLq17"
#define R40 "wJ4lrXUtnFE2K7MDENGbPxRfiCYzEXp9Qa0LkeYh"

static enum mu_status on_hit(void *opaque, const struct secret_hit *hit, struct mu_error *err)
{
    struct mu_buf *out = opaque;
    char text[SECRET_SHOWN_MAX_BYTES];

    (void)err;
    secret_hit_text(hit, text);
    mu_buf_printf(out, "%u %s\n", hit->line, text);
    return MU_OK;
}

static void expect(const char *text, const char *expected)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf out;
    struct mu_error err;

    mu_buf_init(&out, 1 << 16);
    assert_int_equal(secret_search((struct text_piece){text, strlen(text)}, on_hit, &out, &err),
                     MU_OK);
    if (strcmp(out.data, expected) != 0)
        fail_msg("in '%.60s': '%s', not '%s'", text, out.data, expected);
}

struct text_case {
    const char *text, *expected;
};

static void expect_all(const struct text_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++)
        expect(cases[i].text, cases[i].expected);
}

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static void tokens_are_told_by_kind_and_line(void **state)
{
    static const struct text_case cases[] = {
            {"\n\ntoken: \"ghp_" R36 "\"", "3 GitHub token ghp_****\n"},
            {"x=gho_" R36, "1 GitHub token gho_****\n"},
            {"//r/:_authToken=npm_" R36 "\n", "1 npm token npm_****\n"},
            {"{\"t\":\"a\\nghs_" R36 "\"}", "1 GitHub token ghs_****\n"},
            {"glpat-" R20, "1 GitLab token glpat-****\n"},
            {"https://hooks.slack.com/services/T12345678/B12345678/" R24,
             "1 Slack webhook hooks.slack.com/services/T****\n"},
            {"xox"
             "b-123456789012-1234567890123-" R24,
             "1 Slack token xoxb-****\n"},
            {"pypi-"
             "AgEIcHlwaS5vcmc" R24 R24 R24,
             "1 PyPI token pypi-AgEIcHlwaS5vcmc****\n"},
            {"sk_"
             "live_" R24,
             "1 Stripe key sk_live_****\n"},
            {"sk-proj-" R20 "T3Blbk"
             "FJ" R20,
             "1 OpenAI key sk-****\n"},
            {"SG"
             ".a8Kd03mZq9Xw1Lp7Rt5vQ2.mZ4kQ8wTr2Xc6Vb0Nn5Ls9JdmZ4kQ8wTr2Xc6Vb0Nn5",
             "1 SendGrid key SG.****\n"},
            {"AKIA" R16 " and\n" R40, "1 AWS key pair AKIA****\n"},
            {R40 "\nASIA" R16, ""},
            {"hf_" R24 "Qa0LkeYh7w", "1 Hugging Face token hf_****\n"},
            {"dckr_pat_" R20 "Qa0LkeY", "1 Docker Hub token dckr_pat_****\n"},
    };

    (void)state;
    expect_all(cases, COUNT_OF(cases));
}

static void what_only_looks_like_a_token_is_none(void **state)
{
    static const struct text_case cases[] = {
            {"", ""},
            {"gh", ""},
            {"ghp_zQWBuTSOoRi4A9spHcVY5ncnsDkxkJ0mLq18", ""}, /* checksum */
            {"ghp_" R36 "a", ""},                             /* too long */
            {"xghp_" R36, ""},                                /* in a word */
            {"ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", ""},
            {"glpat-xxxxxxxxxxxxxxxxxxxx", ""},
            {"glpat-aaaaaaaabbbbbbbbcccc", ""},
            {"sk_test_" R24, ""},
            {"sk_"
             "live_xxxxxxxxxxxxxxxxxxxxxxxx",
             ""},
            {"AKIA" R16, ""}, /* no secret beside it */
            {"AKIAIOSFODNN7EXAMPLE " R40, ""},
            {"AKIA" R16 " 0123456789abcdef0123456789abcdef01234567", ""}, /* a hash */
            {"AKIA7777777777777777 " R40, ""}, /* no account has that number */
            {"xox"
             "b-not-a-real-token-not-a-real-token-not-a-real",
             ""},
            {"https://hooks.slack.com/services/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX", ""},
            {"AccountKey=Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/"
             "KBHBeksoGMGw==",
             ""},
            {"sk-" R20 R20, ""},
            {"SG.short.one", ""},
    };

    (void)state;
    expect_all(cases, COUNT_OF(cases));
}

/* {"alg":"HS256"} . {"sub":"web"} . 43 characters */
#define JWT_HEAD "eyJhbGciOiJIUzI1NiJ9"
#define JWT_BODY "eyJzdWIiOiJ3ZWIifQ"
#define JWT_SIGN "SflKxwRJSMeKKF2QT4fwpMeJf36POk6yJV_adQssw5c"

static void web_tokens_have_the_signature_of_their_algorithm(void **state)
{
    static const struct text_case cases[] = {
            {JWT_HEAD "." JWT_BODY "." JWT_SIGN, "1 JSON web token eyJ****\n"},
            {JWT_HEAD "." JWT_BODY "." JWT_SIGN "A", ""},
            {JWT_HEAD "." JWT_BODY ".", ""},
            {"A" JWT_HEAD "." JWT_BODY "." JWT_SIGN, ""},
            {JWT_HEAD "." JWT_BODY, ""},
            {JWT_HEAD ".eyJ." JWT_SIGN, ""},
            {JWT_HEAD ".eyJzb21lIjoicGF5bG9hZCJ9." JWT_SIGN, ""},    /* {"some":"payload"} */
            {"eyJhbGciOiJub25lIn0." JWT_BODY "." JWT_SIGN, ""},      /* alg none */
            {JWT_HEAD ".eyJzdWIiOiIxMjM0NTY3ODkwIn0." JWT_SIGN, ""}, /* of documentation */
    };

    (void)state;
    expect_all(cases, COUNT_OF(cases));
}

/* ---- private keys; these were made for this test ---- */

#define BEGIN(label) "-----BEGIN " label "-----"
#define END(label)   "-----END " label "-----"
#define ED25519      "MC4CAQAwBQYDK2VwBCIEIBdHCBhXXTRYBGRYGUwYFzNtnUVyYvRSyQW9bFRUc2Pw"
#define OPENSSH_NONE "b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtzc2g"
#define OPENSSH_AES  "b3BlbnNzaC1rZXktdjEAAAAACmFlczI1Ni1jdHIAAAAGYmNyeXB0AAAAGAAAABDHsUv"

static void private_keys_are_told_by_their_structure(void **state)
{
    static const struct text_case cases[] = {
            {BEGIN("PRIVATE KEY") "\n" ED25519 "\n" END("PRIVATE KEY") "\n", "1 private key\n"},
            {"\n  " BEGIN("PRIVATE KEY") "\r\n  " ED25519 "\r\n  " END("PRIVATE KEY"),
             "2 private key\n"},
            {"{\"private_key\":\"" BEGIN("PRIVATE KEY") "\\n" ED25519
                                                        "\\n" END("PRIVATE KEY") "\\n\"}",
             "1 private key\n"},
            {BEGIN("OPENSSH PRIVATE KEY") "\n" OPENSSH_NONE "\n" END("OPENSSH PRIVATE KEY"),
             "1 private key\n"},
            {BEGIN("PGP PRIVATE KEY BLOCK") "\nVersion: x\n\nlQ" R40 R40
                                            "\n=a8Kd\n" END("PGP PRIVATE KEY BLOCK"),
             "1 private key\n"},
    };

    (void)state;
    expect_all(cases, COUNT_OF(cases));
}

static void keys_that_open_nothing_are_not_told(void **state)
{
    static const struct text_case cases[] = {
            {BEGIN("PUBLIC KEY") "\n" ED25519 "\n" END("PUBLIC KEY"), ""},
            {BEGIN("CERTIFICATE") "\n" ED25519 "\n" END("CERTIFICATE"), ""},
            {BEGIN("ENCRYPTED PRIVATE KEY") "\n" ED25519 "\n" END("ENCRYPTED PRIVATE KEY"), ""},
            {BEGIN("RSA PRIVATE KEY") "\nProc-Type: 4,ENCRYPTED\n\n" ED25519
                                      "\n" END("RSA PRIVATE KEY"),
             ""},
            {BEGIN("OPENSSH PRIVATE KEY") "\n" OPENSSH_AES "\n" END("OPENSSH PRIVATE KEY"), ""},
            {BEGIN("PRIVATE KEY") "\n...\n" END("PRIVATE KEY"), ""},
            {BEGIN("PRIVATE KEY") "\n" ED25519 "AAAA\n" END("PRIVATE KEY"), ""}, /* length */
            {BEGIN("PRIVATE KEY") "\n" ED25519 "\n", ""},                        /* cut */
            {BEGIN("PRIVATE KEY"), ""},
            {"-----BEGIN ", ""},
    };

    (void)state;
    expect_all(cases, COUNT_OF(cases));
}

static void what_a_callback_says_ends_the_search(void **state)
{
    static const char text[] = "ghp_" R36 " ghp_" R36;
    struct mu_buf none;
    struct mu_error err = {.status = MU_OK};

    (void)state;
    mu_buf_init(&none, 1 << 10);
    assert_int_equal(secret_search((struct text_piece){text, strlen(text)}, on_hit, &none, &err),
                     MU_OK);
    assert_string_equal(none.data, "1 GitHub token ghp_****\n1 GitHub token ghp_****\n");
    mu_buf_done(&none);
}

static void placeholders_are_no_passwords(void **state)
{
    static const char *const placeholders[] = {
            "",         "changeme", "<password>", "${DB_PASSWORD}", "$PASS",      "xxxxxxxx",
            "*****",    "password", "PASSWORD",   "your_password",  "Example123", "null",
            "aaaaaaaa", "short",    "two words",  "{{ secret }}",
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(placeholders); i++)
        if (secret_is_password((struct text_piece){placeholders[i], strlen(placeholders[i])}))
            fail_msg("'%s' counts as a password", placeholders[i]);
    assert_true(secret_is_password((struct text_piece){"S3cure-pw", 9}));
}

static void passwords_in_urls_are_found_wherever_they_stand(void **state)
{
    static const struct {
        const char *text, *user;
    } cases[] = {
            {"postgres://app:S3cure-pw@db/x", "postgres://app"},
            {"see http://a/b and git+https://me:S3cure-pw@h", "git+https://me"},
            {"http://h:8080/a@b", NULL},
            {"http://user@h", NULL},
            {"http://user:password@h", NULL},
            {"http://user:${PASSWORD}@h", NULL},
            {"://", NULL},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct text_piece user = {"", 0};
        bool found = secret_url_password((struct text_piece){cases[i].text, strlen(cases[i].text)},
                                         &user);

        assert_int_equal(found, cases[i].user != NULL);
        if (found)
            assert_true(text_piece_is(user, cases[i].user));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(tokens_are_told_by_kind_and_line),
            cmocka_unit_test(what_only_looks_like_a_token_is_none),
            cmocka_unit_test(web_tokens_have_the_signature_of_their_algorithm),
            cmocka_unit_test(private_keys_are_told_by_their_structure),
            cmocka_unit_test(keys_that_open_nothing_are_not_told),
            cmocka_unit_test(what_a_callback_says_ends_the_search),
            cmocka_unit_test(placeholders_are_no_passwords),
            cmocka_unit_test(passwords_in_urls_are_found_wherever_they_stand),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
