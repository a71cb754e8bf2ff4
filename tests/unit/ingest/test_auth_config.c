#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "auth/auth.h"
#include "config/ingest_config.h"
#include "key_fixture.h"

enum { LINE_SIZE = 1024 };

static char jwks_path[64], none_path[64];

static int setup(void **state)
{
    EVP_PKEY *key = test_rsa_key(2048);

    (void)state;
    (void)snprintf(jwks_path, sizeof(jwks_path), "/tmp/test_auth_config.%d", (int)getpid());
    (void)snprintf(none_path, sizeof(none_path), "/tmp/test_auth_config.%d.none", (int)getpid());
    key_set_write(jwks_path, key, "k");
    key_file_write(none_path, "{\"keys\":[]}", 11);
    EVP_PKEY_free(key);
    assert_int_equal(setenv("TEST_A", "a", 1), 0);
    assert_int_equal(setenv("TEST_B", "b", 1), 0);
    assert_int_equal(setenv("TEST_BASIC", "user:password", 1), 0);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    (void)unlink(jwks_path);
    (void)unlink(none_path);
    return 0;
}

/* With the files' names in the place of JWKS and NONE. */
static void append_mapping(const char *mapping, struct mu_buf *out)
{
    for (const char *at = mapping; *at;) {
        if (mu_text_starts(at, "JWKS") || mu_text_starts(at, "NONE")) {
            mu_buf_puts(out, *at == 'J' ? jwks_path : none_path);
            at += 4;
        } else {
            mu_buf_append(out, at++, 1);
        }
    }
}

static enum mu_status parse(const char *kind, const char *mapping, struct mu_arena *arena,
                            struct ingest_config *config, struct mu_error *err)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf yaml;

    mu_buf_init(&yaml, TEST_TEXT_MAX);
    mu_buf_printf(&yaml, "sources:\n  - name: s\n    auth: ");
    append_mapping(mapping, &yaml);
    mu_buf_printf(&yaml, "\n    kind: %s\n", kind);
    return ingest_config_parse("s.yaml", yaml.data, yaml.len, arena, config, err);
}

/* "bearer=a header X-Secret": the ways in their order, with what the table asks for. */
static void describe(const struct source_config *source, const char *expected, struct mu_buf *out)
{
    for (size_t i = 0; i < source->rule_count; i++) {
        const struct auth_rule *rule = &source->rules[i];
        MU_AUTO_DONE(mu_buf_done) struct mu_buf word;
        bool header =
                rule->kind & (SOURCE_AUTH_HEADER | SOURCE_AUTH_HMAC_SHA1 | SOURCE_AUTH_HMAC_SHA256);

        mu_buf_init(&word, 64);
        auth_words(rule->kind, &word);
        if (i > 0 && mu_text_equal(word.data, "hmac-sha256") &&
            rule->kind == source->rules[i - 1].kind)
            continue; /* the previous one */
        mu_buf_printf(out, "%s%s", out->len > 0 ? " " : "", word.data);
        if (strchr(expected, '=') && !header)
            mu_buf_printf(out, "=%s", rule->secret);
        if (header)
            mu_buf_printf(out, " %s", rule->header);
        if (rule->prefix && header)
            mu_buf_printf(out, " %s", rule->prefix);
        if (rule->kind == SOURCE_AUTH_URL)
            mu_buf_printf(out, " %s", rule->parameter);
    }
}

static void check_row(const char *kind, const char *mapping, const char *expected)
{
    MU_AUTO(arena) struct mu_arena *arena = mu_arena_new(1 << 24);
    MU_AUTO_DONE(mu_buf_done) struct mu_buf said;
    struct ingest_config config = {.source_count = 42};
    struct mu_error err;
    enum mu_status st = parse(kind, mapping, arena, &config, &err);

    mu_buf_init(&said, LINE_SIZE);
    if (*expected == '!') {
        if (st == MU_OK || !strstr(err.message, expected + 1) ||
            !mu_text_starts(err.message, "s.yaml:3"))
            fail_msg("%s: %s", mapping, st == MU_OK ? "is taken" : err.message);
        assert_int_equal(config.source_count, 42);
        return;
    }
    if (st != MU_OK)
        fail_msg("%s: %s", mapping, err.message);
    describe(&config.sources[0], expected, &said);
    if (!mu_text_equal(said.data, expected))
        fail_msg("%s: '%s', not '%s'", mapping, said.data, expected);
}

static void every_mapping_gives_its_rules_or_says_what_is_wrong(void **state)
{
    FILE *file = fopen(MU_TEST_DATA "/auth/config.tsv", "r");
    char line[LINE_SIZE], kind[64], mapping[512], expected[256];
    size_t rows = 0;

    (void)state;
    assert_non_null(file);
    while (fgets(line, sizeof(line), file)) {
        if (line[0] == '#')
            continue;
        assert_int_equal(sscanf(line, "%63[^ ] | %511[^|]| %255[^\n]", kind, mapping, expected), 3);
        mapping[strlen(mapping) - 1] = '\0';
        check_row(kind, mapping, expected);
        rows++;
    }
    (void)fclose(file);
    assert_true(rows > 40);
}

static void origins_that_may_ask_come_from_the_file_or_the_kind(void **state)
{
    static const struct {
        const char *more, *first;
        size_t count;
    } cases[] = {
            {"kind: acr", "eventgrid.azure.net", 1},
            {"kind: acr\n    handshake_origins: []", NULL, 0},
            {"handshake_origins: [a.example, b.example]\n    kind: acr", "a.example", 2},
            {"kind: cloudevents", NULL, 0},
            {"kind: cloudevents\n    handshake_origins: [c.example]", "c.example", 1},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        MU_AUTO(arena) struct mu_arena *arena = mu_arena_new(1 << 24);
        struct ingest_config config;
        struct mu_error err;
        char yaml[256];

        (void)snprintf(yaml, sizeof(yaml), "sources:\n  - name: s\n    %s\n", cases[i].more);
        if (ingest_config_parse("s.yaml", yaml, strlen(yaml), arena, &config, &err) != MU_OK)
            fail_msg("%s", err.message);
        assert_int_equal(config.sources[0].origin_count, cases[i].count);
        if (cases[i].first)
            assert_string_equal(config.sources[0].origins[0], cases[i].first);
    }
}

static void wrong_origins_are_named(void **state)
{
    static const struct {
        const char *value, *expected;
    } cases[] = {
            {"a.example", "s.yaml:4: 'handshake_origins' must be a list"},
            {"[{a: b}]", "s.yaml:4: 'handshake_origins' must be a text"},
            {"[a,b,c,d,e,f,g,h,i]", "s.yaml:4: 'handshake_origins' holds too many names"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        MU_AUTO(arena) struct mu_arena *arena = mu_arena_new(1 << 24);
        struct ingest_config config;
        struct mu_error err;
        char yaml[256];

        (void)snprintf(yaml, sizeof(yaml),
                       "sources:\n  - name: s\n    kind: acr\n    handshake_origins: %s\n",
                       cases[i].value);
        assert_int_equal(ingest_config_parse("s.yaml", yaml, strlen(yaml), arena, &config, &err),
                         MU_E_INVALID);
        if (!strstr(err.message, cases[i].expected))
            fail_msg("%s", err.message);
    }
}

static void a_secret_with_a_nul_or_of_great_length_is_refused(void **state)
{
    MU_AUTO(arena) struct mu_arena *arena = mu_arena_new(1 << 24);
    static char great[6000];
    struct ingest_config config;
    struct mu_error err;
    char mapping[128];

    (void)state;
    memset(great, 'x', sizeof(great) - 1);
    assert_int_equal(setenv("TEST_GREAT", great, 1), 0);
    assert_int_equal(parse("distribution", "{bearer_env: TEST_GREAT}", arena, &config, &err),
                     MU_E_LIMIT);
    key_file_write(none_path, "a\0b", 3);
    (void)snprintf(mapping, sizeof(mapping), "{bearer_file: %s}", none_path);
    assert_int_equal(parse("distribution", mapping, arena, &config, &err), MU_E_INVALID);
    assert_non_null(strstr(err.message, "'bearer_file' leads to a secret with a NUL"));
    key_file_write(none_path, great, sizeof(great));
    assert_int_equal(parse("distribution", mapping, arena, &config, &err), MU_E_LIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(every_mapping_gives_its_rules_or_says_what_is_wrong),
            cmocka_unit_test(origins_that_may_ask_come_from_the_file_or_the_kind),
            cmocka_unit_test(wrong_origins_are_named),
            cmocka_unit_test(a_secret_with_a_nul_or_of_great_length_is_refused),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
