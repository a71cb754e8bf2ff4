#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "access/access.h"
#include "access/access_file.h"

#include "base/memory.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define HASH_OF_TOKEN "sha256:1a0e8cfbde8e59b1b71ebcdbecc1cd6a2db6f8d6c5f1d7fae8a9b6b4f2e4d3c1"

static enum mu_status parse(const char *text, struct access_rules *rules, struct mu_error *err)
{
    *rules = (struct access_rules){0};
    return access_file_parse(text, strlen(text), rules, err);
}

static void each_line_is_a_rule(void **state)
{
    struct access_rules rules;
    struct mu_error err;
    char hash[MU_DIGEST_TEXT_SIZE];

    (void)state;
    assert_int_equal(parse("# comment\n\n  token\talice viewer,operator 0123456789abcdef  \r\n"
                           "token report assessor,as:3PAO,as:lead-assessor " HASH_OF_TOKEN "\n"
                           "subject scanner CN=scanner-*, O=example \n"
                           "claim assessor three pao",
                           &rules, &err),
                     MU_OK);
    assert_int_equal(rules.count, 4);
    mu_sha256_text("0123456789abcdef", 16, hash);
    assert_string_equal(rules.items[0].text, "alice");
    assert_int_equal(rules.items[0].roles, ROLE_VIEWER | ROLE_OPERATOR);
    assert_string_equal(rules.items[0].token_hash, hash);
    assert_null(rules.items[0].speaks_as);
    assert_string_equal(rules.items[1].token_hash, HASH_OF_TOKEN);
    assert_int_equal(rules.items[1].roles, ROLE_ASSESSOR);
    assert_string_equal(rules.items[1].speaks_as, "3PAO,lead-assessor");
    assert_int_equal(rules.items[2].kind, ACCESS_SUBJECT);
    assert_string_equal(rules.items[2].text, "CN=scanner-*, O=example");
    assert_int_equal(rules.items[3].kind, ACCESS_CLAIM);
    assert_string_equal(rules.items[3].text, "three pao");
    access_rules_done(&rules);
}

static void a_wrong_line_is_named(void **state)
{
    static const struct {
        const char *text, *says;
    } cases[] = {
            {"\n\nuser a viewer 0123456789abcdef", "line 3: a line begins with"},
            {"token a viewer", "line 1: too few words: token NAME ROLES SECRET"},
            {"subject viewer", "too few words"},
            {"claim viewer", "too few words"},
            {"token a viewer,boss 0123456789abcdef", "'boss' is no role"},
            {"token a viewer, 0123456789abcdef", "'' is no role"},
            {"token a viewer,as: 0123456789abcdef", "'as:' is no role"},
            {"token a as:AO 0123456789abcdef", "a role stands beside it, as in operator,as:AO"},
            {"token a viewer short", "16 characters"},
            {"token a viewer sha256:12", "64 hex digits"},
            {"claim viewer \xff\xfe", "no text"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct access_rules rules;
        struct mu_error err;

        assert_int_equal(parse(cases[i].text, &rules, &err), MU_E_INVALID);
        if (!strstr(err.message, cases[i].says))
            fail_msg("'%s' is not in: %s", cases[i].says, err.message);
        access_rules_done(&rules);
    }
}

static void more_lines_than_the_limit_are_refused(void **state)
{
    static const char line[] = "claim viewer a\n";
    MU_AUTO_DONE(mu_buf_done) struct mu_buf text;
    struct access_rules rules;
    struct mu_error err;

    (void)state;
    mu_buf_init(&text, ACCESS_FILE_MAX_BYTES);
    for (int i = 0; i < ACCESS_MAX_RULES; i++)
        mu_buf_puts(&text, line);
    assert_int_equal(parse(text.data, &rules, &err), MU_OK);
    access_rules_done(&rules);
    mu_buf_puts(&text, line);
    assert_int_equal(parse(text.data, &rules, &err), MU_E_LIMIT);
    access_rules_done(&rules);
}

/* ---- opening ---- */

static char path[64];

static int write_file(void **state)
{
    static const char text[] = "token alice viewer 0123456789abcdef\n"
                               "token alice viewer second-0123456789\n";
    int fd;

    (void)state;
    (void)snprintf(path, sizeof(path), "/tmp/test_access_file.%d", (int)getpid());
    fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    return fd >= 0 && write(fd, text, strlen(text)) > 0 && close(fd) == 0 ? 0 : -1;
}

static int remove_file(void **state)
{
    (void)state;
    return unlink(path);
}

static void a_configuration_that_cannot_work_names_its_option(void **state)
{
    const struct {
        struct access_config config;
        enum mu_status status;
        const char *says;
    } cases[] = {
            {{.mode = "maybe"}, MU_E_INVALID, "--auth"},
            {{.mode = "required"}, MU_E_INVALID, "--auth=none"},
            {{.mode = "none", .access_file = "/nonexistent"}, MU_E_NOT_FOUND, "--access-file"},
            {{.mode = "none", .oidc_issuer = "i"}, MU_E_INVALID, "--oidc-audience"},
            {{.mode = "none", .oidc_audience = "a"}, MU_E_INVALID, "--oidc-issuer"},
            {{.mode = "none", .oidc_issuer = "i", .oidc_audience = "a"},
             MU_E_INVALID,
             "--oidc-jwks-url"},
            {{.mode = "none",
              .oidc_issuer = "i",
              .oidc_audience = "a",
              .oidc_jwks_url = "http://issuer.example/keys"},
             MU_E_INVALID,
             "https://"},
            {{.mode = "none",
              .access_file = path,
              .oidc_issuer = "i",
              .oidc_audience = "a",
              .oidc_jwks_file = "x"},
             MU_E_INVALID,
             "lines 'claim'"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct access *access = NULL;
        struct mu_error err;

        assert_int_equal(access_open(&cases[i].config, &access, &err), cases[i].status);
        assert_null(access);
        if (!strstr(err.message, cases[i].says))
            fail_msg("'%s' is not in: %s", cases[i].says, err.message);
    }
}

static enum access_answer identify(struct access *access, const char *authorization,
                                   const char *subject, struct mu_arena *arena,
                                   const struct principal **ret_principal)
{
    const struct access_request request = {authorization, subject, 0};
    const char *why = NULL;
    enum access_answer answer;

    *ret_principal = NULL;
    answer = access_identify(access, &request, arena, ret_principal, &why);
    assert_true((answer == ACCESS_KNOWN) == (*ret_principal != NULL));
    assert_true((answer == ACCESS_KNOWN) == (why == NULL) || answer == ACCESS_KNOWN);
    return answer;
}

static void two_tokens_of_one_name_are_right_while_one_is_replaced(void **state)
{
    const struct access_config config = {.mode = "required", .access_file = path};
    MU_AUTO(access) struct access *access = NULL;
    MU_AUTO(arena) struct mu_arena *arena = mu_arena_new(65536);
    const struct principal *principal;
    struct mu_error err;

    (void)state;
    assert_int_equal(access_open(&config, &access, &err), MU_OK);
    assert_false(access_is_open(access));
    assert_int_equal(identify(access, "Bearer 0123456789abcdef", NULL, arena, &principal),
                     ACCESS_KNOWN);
    assert_string_equal(principal->name, "alice");
    assert_int_equal(identify(access, "bearer  second-0123456789", NULL, arena, &principal),
                     ACCESS_KNOWN);
    assert_int_equal(principal->roles, ROLE_VIEWER);
    assert_int_equal(identify(access, "Bearer 0123456789abcdeX", NULL, arena, &principal),
                     ACCESS_WRONG);
    assert_int_equal(identify(access, "Basic 0123456789abcdef", NULL, arena, &principal),
                     ACCESS_WRONG);
    assert_int_equal(identify(access, NULL, NULL, arena, &principal), ACCESS_MISSING);
}

static void a_certificate_has_the_roles_of_every_line_it_fits(void **state)
{
    static const char lines[] = "subject scanner CN=scanner-*\nsubject viewer CN=ann,O=example\n"
                                "subject ingest *\n";
    int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
    const struct access_config config = {
            .mode = "required", .access_file = path, .certificates = true};
    struct access_config without = config;
    MU_AUTO(access) struct access *access = NULL;
    MU_AUTO(arena) struct mu_arena *arena = mu_arena_new(65536);
    const struct principal *principal;
    struct mu_error err;

    (void)state;
    assert_int_equal(write(fd, lines, strlen(lines)), strlen(lines));
    (void)close(fd);
    without.certificates = false;
    assert_int_equal(access_open(&without, &access, &err), MU_E_INVALID);
    assert_non_null(strstr(err.message, "--tls-client-ca-file"));
    assert_int_equal(access_open(&config, &access, &err), MU_OK);
    assert_int_equal(identify(access, NULL, "CN=scanner-7,O=example", arena, &principal),
                     ACCESS_KNOWN);
    assert_int_equal(principal->roles, ROLE_SCANNER | ROLE_INGEST);
    assert_int_equal(principal->kind, PRINCIPAL_CERTIFICATE);
    assert_int_equal(identify(access, NULL, "CN=ann,O=example", arena, &principal), ACCESS_KNOWN);
    assert_int_equal(principal->roles, ROLE_VIEWER | ROLE_INGEST);
    assert_int_equal(identify(access, NULL, "CN=ann,O=example2", arena, &principal), ACCESS_KNOWN);
    assert_int_equal(principal->roles, ROLE_INGEST);
    /* a token that is there goes first, and is wrong */
    assert_int_equal(identify(access, "Bearer x", "CN=ann,O=example", arena, &principal),
                     ACCESS_WRONG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(each_line_is_a_rule),
            cmocka_unit_test(a_wrong_line_is_named),
            cmocka_unit_test(more_lines_than_the_limit_are_refused),
            cmocka_unit_test_setup_teardown(a_configuration_that_cannot_work_names_its_option,
                                            write_file, remove_file),
            cmocka_unit_test_setup_teardown(two_tokens_of_one_name_are_right_while_one_is_replaced,
                                            write_file, remove_file),
            cmocka_unit_test_setup_teardown(a_certificate_has_the_roles_of_every_line_it_fits,
                                            write_file, remove_file),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
