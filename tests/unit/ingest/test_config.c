#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "auth/auth.h"
#include "config/ingest_config.h"

#include "base/buf.h"
#include "base/file.h"
#include "source/source.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WEBHOOK "sources:\n  - name: main\n    kind: distribution\n"
#define CLUSTER "sources:\n  - name: prod\n    kind: kubernetes\n    cluster: production\n"
#define WATCH                                                                            \
    "sources:\n  - name: prod\n    kind: kubernetes\n    cluster: production\n    url: " \
    "https://10.0.0.1:6443\n"

static enum mu_status parse(const char *text, struct mu_arena *arena, struct ingest_config *config,
                            struct mu_error *err)
{
    return ingest_config_parse("s.yaml", text, strlen(text), arena, config, err);
}

static void a_short_file_gets_defaults(void **state)
{
    MU_AUTO(arena) struct mu_arena *arena = mu_arena_new(1 << 24);
    struct ingest_config config;
    struct mu_error err;

    (void)state;
    assert_int_equal(parse(WEBHOOK, arena, &config, &err), MU_OK);
    assert_int_equal(config.source_count, 1);
    assert_string_equal(config.sources[0].path, "/v1/sources/main");
    assert_string_equal(config.sources[0].kind->name, "distribution");
    assert_int_equal(config.sources[0].rule_count, 0);
    assert_ptr_equal(ingest_config_find(&config, "main"), &config.sources[0]);
    assert_null(ingest_config_find(&config, "other"));
    assert_int_equal(parse(WATCH, arena, &config, &err), MU_OK);
    assert_int_equal(config.sources[0].page_limit, 500);
    assert_null(config.sources[0].path);
}

static void every_option_is_read(void **state)
{
    MU_AUTO(arena) struct mu_arena *arena = mu_arena_new(1 << 24);
    struct ingest_config config;
    struct mu_error err;

    (void)state;
    assert_int_equal(setenv("TEST_BEARER", "new\n", 1), 0);
    assert_int_equal(setenv("TEST_OLD_BEARER", "old", 1), 0);
    assert_int_equal(parse(WEBHOOK "    path: /hooks/a-b_c.d~e\n"
                                   "    auth: {bearer_env: TEST_BEARER, previous_bearer_env: "
                                   "TEST_OLD_BEARER}\n"
                                   "    repository_aliases: {\"10.0.0.5:5000\": r.example}\n"
                                   "  - name: prod\n    kind: kubernetes\n    cluster: p\n"
                                   "    url: http://h:1/base\n    token_file: /t\n    ca_file: /c\n"
                                   "    page_limit: 10000\n",
                           arena, &config, &err),
                     MU_OK);
    assert_int_equal(config.source_count, 2);
    assert_string_equal(config.sources[0].path, "/hooks/a-b_c.d~e");
    assert_string_equal(config.sources[0].rules[0].secret, "new");
    assert_string_equal(config.sources[0].rules[1].secret, "old");
    assert_string_equal(config.sources[0].aliases[0].from, "10.0.0.5:5000");
    assert_string_equal(config.sources[0].aliases[0].to, "r.example");
    assert_string_equal(config.sources[1].cluster, "p");
    assert_string_equal(config.sources[1].url, "http://h:1/base");
    assert_string_equal(config.sources[1].token_file, "/t");
    assert_string_equal(config.sources[1].ca_file, "/c");
    assert_int_equal(config.sources[1].page_limit, 10000);
}

#define LISTING                                                                              \
    "sources:\n  - name: all\n    kind: registry\n    registry: registry.example\n    url: " \
    "https://registry.example\n"

static void a_listed_registry_gets_defaults(void **state)
{
    MU_AUTO(arena) struct mu_arena *arena = mu_arena_new(1 << 24);
    struct ingest_config config;
    struct mu_error err;

    (void)state;
    assert_int_equal(parse(LISTING, arena, &config, &err), MU_OK);
    assert_int_equal(config.sources[0].interval_ms, 6 * 3600 * 1000);
    assert_int_equal(config.sources[0].page_limit, 100);
    assert_int_equal(config.sources[0].repository_count, 0);
    assert_string_equal(config.sources[0].path, "/v1/sources/all/list");
}

static void every_option_of_a_listed_registry_is_read(void **state)
{
    MU_AUTO(arena) struct mu_arena *arena = mu_arena_new(1 << 24);
    struct ingest_config config;
    struct mu_error err;

    (void)state;
    assert_int_equal(parse(LISTING "    username: u\n    password_file: /p\n    ca_file: /c\n"
                                   "    repositories: [team/app, \"base/*\"]\n    interval: 90s\n"
                                   "    tags_per_page: 7\n",
                           arena, &config, &err),
                     MU_OK);
    assert_string_equal(config.sources[0].username, "u");
    assert_string_equal(config.sources[0].password_file, "/p");
    assert_string_equal(config.sources[0].ca_file, "/c");
    assert_int_equal(config.sources[0].repository_count, 2);
    assert_string_equal(config.sources[0].repositories[1], "base/*");
    assert_int_equal(config.sources[0].interval_ms, 90000);
    assert_int_equal(config.sources[0].page_limit, 7);
    assert_int_equal(parse(LISTING "    token_file: /t\n    interval: 30d\n", arena, &config, &err),
                     MU_OK);
    assert_string_equal(config.sources[0].token_file, "/t");
    assert_true(config.sources[0].interval_ms == INT64_C(2592000000));
}

static void repositories_are_named_as_their_registry_names_them(void **state)
{
    MU_AUTO(arena) struct mu_arena *arena = mu_arena_new(1 << 24);
    struct ingest_config config;
    struct mu_error err;

    (void)state;
    assert_int_equal(parse("sources:\n  - name: hub\n    kind: registry\n"
                           "    repositories: [nginx, team/app, \"lib*\"]\n"
                           "    registry: docker.io\n    url: https://registry-1.docker.io\n",
                           arena, &config, &err),
                     MU_OK);
    assert_string_equal(config.sources[0].repositories[0], "library/nginx");
    assert_string_equal(config.sources[0].repositories[1], "team/app");
    assert_string_equal(config.sources[0].repositories[2], "lib*");
}

static void mistakes_of_a_listed_registry_are_named(void **state)
{
    static const struct {
        const char *text, *says;
    } cases[] = {
            {"sources:\n  - name: a\n    kind: registry\n    url: http://h\n",
             "'registry' is missing"},
            {"sources:\n  - name: a\n    kind: registry\n    registry: h\n", "'url' is missing"},
            {LISTING "    username: u\n", "'password_file' is missing"},
            {LISTING "    password_file: /p\n", "'username' is missing"},
            {LISTING "    username: u\n    password_file: /p\n    token_file: /t\n",
             "'token_file'"},
            {LISTING "    interval: 6\n", "'interval' must be a duration"},
            {LISTING "    interval: 31d\n", "'interval' must be a duration"},
            {LISTING "    interval: 99999999999999999999h\n", "'interval' must be a duration"},
            {LISTING "    interval: 0s\n", "'interval' must be a duration"},
            {LISTING "    repositories: []\n", "'repositories' must be a list"},
            {LISTING "    repositories: a\n", "'repositories' must be a list"},
            {LISTING "    repositories: [\"../x\"]\n", "'repositories'"},
            {LISTING "    repositories: [\"team/app:1.0\"]\n", "'repositories'"},
            {LISTING "    tags_per_page: 0\n", "'tags_per_page'"},
            {LISTING "    page_limit: 5\n", "'page_limit' is no option of kind 'registry'"},
            {WEBHOOK "    interval: 6h\n", "'interval' is no option of kind 'distribution'"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        MU_AUTO(arena) struct mu_arena *arena = mu_arena_new(1 << 24);
        struct ingest_config config;
        struct mu_error err;

        assert_int_equal(parse(cases[i].text, arena, &config, &err), MU_E_INVALID);
        if (!strstr(err.message, cases[i].says))
            fail_msg("'%s' does not say '%s'", err.message, cases[i].says);
    }
}

static void a_secret_comes_from_a_file_without_its_newline(void **state)
{
    MU_AUTO(arena) struct mu_arena *arena = mu_arena_new(1 << 24);
    char path[] = "/tmp/test_config.XXXXXX", text[256];
    int fd = mkstemp(path);
    struct ingest_config config;
    struct mu_error err;

    (void)state;
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "s3cret\r\n", 8), 8);
    assert_int_equal(close(fd), 0);
    (void)snprintf(text, sizeof(text), WEBHOOK "    auth: {bearer_file: %s}\n", path);
    assert_int_equal(parse(text, arena, &config, &err), MU_OK);
    assert_string_equal(config.sources[0].rules[0].secret, "s3cret");
    assert_int_equal(unlink(path), 0);
}

struct refusal {
    const char *text, *expected;
    enum mu_status status;
};

static const struct refusal refusals[] = {
        {"", "s.yaml: is empty", MU_E_INVALID},
        {"sources: []\n", "s.yaml: no sources", MU_E_INVALID},
        {"- a\n", "s.yaml:1: 's.yaml' must be a mapping", MU_E_INVALID},
        {"sources: {a: b}\n", "s.yaml:1: 'sources' must be a list", MU_E_INVALID},
        {"sources: [text]\n", "s.yaml:1: 'source' must be a mapping", MU_E_INVALID},
        {WEBHOOK "source: []\n", "s.yaml:4: 'source' is an unknown option", MU_E_INVALID},
        {WEBHOOK "sources: []\n", "s.yaml:4: 'sources' is given twice", MU_E_INVALID},
        {WEBHOOK "    paht: /a\n", "s.yaml:4: 'paht' is an unknown option", MU_E_INVALID},
        {WEBHOOK "    name: b\n", "s.yaml:4: 'name' is given twice", MU_E_INVALID},
        {WEBHOOK "    path: [a]\n", "s.yaml:4: 'path' must be a text", MU_E_INVALID},
        {WEBHOOK "    path: ''\n", "s.yaml:4: 'path' is empty", MU_E_INVALID},
        {WEBHOOK "    path: a\n", "s.yaml:4: 'path' must begin with a slash", MU_E_INVALID},
        {WEBHOOK "    path: /v1/*\n", "s.yaml:4: 'path' must begin", MU_E_INVALID},
        {WEBHOOK "    path: /a?b\n", "s.yaml:4: 'path' must begin", MU_E_INVALID},
        {WEBHOOK "    path: /metrics\n", "s.yaml:4: 'path' is a path of the service itself",
         MU_E_INVALID},
        {WEBHOOK "    auth: text\n", "s.yaml:4: 'auth' must be a mapping", MU_E_INVALID},
        {WEBHOOK "    auth: {}\n", "s.yaml:4: 'auth' holds no secret", MU_E_INVALID},
        {WEBHOOK "    auth: {bearer: x}\n", "s.yaml:4: 'bearer' is an unknown option",
         MU_E_INVALID},
        {WEBHOOK "    auth: {bearer_env: TEST_NOT_SET}\n",
         "s.yaml:4: 'bearer_env' names a variable that is not set", MU_E_INVALID},
        {WEBHOOK "    auth: {bearer_env: TEST_EMPTY}\n",
         "s.yaml:4: 'bearer_env' leads to an empty secret", MU_E_INVALID},
        {WEBHOOK "    auth: {bearer_file: /nonexistent/secret}\n", "s.yaml:4: 'bearer_file'",
         MU_E_NOT_FOUND},
        {WEBHOOK "    auth: {bearer_env: TEST_A, previous_bearer_env: TEST_A, bearer_file: "
                 "/dev/null}\n",
         "s.yaml:4: 'bearer_file' leads to an empty secret", MU_E_INVALID},
        {WEBHOOK "    auth: {bearer_env: TEST_A, previous_bearer_env: TEST_A, bearer_file: "
                 "/proc/version}\n",
         "s.yaml:4: 'bearer_file' is one secret too many", MU_E_INVALID},
        {WEBHOOK "    repository_aliases: [a]\n",
         "s.yaml:4: 'repository_aliases' must map names to names", MU_E_INVALID},
        {WEBHOOK "    repository_aliases: {a: [b]}\n",
         "s.yaml:4: 'repository_aliases' must be a text", MU_E_INVALID},
        {WEBHOOK "    url: https://a\n", "s.yaml:4: 'url' is no option of kind 'distribution'",
         MU_E_INVALID},
        {WEBHOOK "  - name: main\n    kind: cloudevents\n",
         "s.yaml:4: 'main' is the name of two sources", MU_E_INVALID},
        {WEBHOOK "  - name: b\n    kind: cloudevents\n    path: /v1/sources/main\n",
         "s.yaml:4: '/v1/sources/main' is the path of two sources", MU_E_INVALID},
        {"sources:\n  - kind: distribution\n", "s.yaml:2: 'name' is missing", MU_E_INVALID},
        {"sources:\n  - name: a\n", "s.yaml:2: 'kind' is missing", MU_E_INVALID},
        {"sources:\n  - name: A\n", "s.yaml:2: 'name' must be at most 64 of a-z", MU_E_INVALID},
        {"sources:\n  - name: a/b\n", "s.yaml:2: 'name' must be", MU_E_INVALID},
        {"sources:\n  - kind: pigeon\n", "s.yaml:2: 'kind' is 'pigeon', which does not exist",
         MU_E_INVALID},
        {"sources:\n  - name: a\n    kind: kubernetes\n    cluster: c\n",
         "s.yaml:2: 'url' is missing", MU_E_INVALID},
        {"sources:\n  - name: a\n    kind: kubernetes\n    url: http://h\n",
         "s.yaml:2: 'cluster' is missing", MU_E_INVALID},
        {WATCH "    kubeconfig: /k\n",
         "s.yaml:2: 'url' and 'kubeconfig' and 'in_cluster' exclude each other", MU_E_INVALID},
        {WATCH "    in_cluster: true\n", "exclude each other", MU_E_INVALID},
        {WATCH "    in_cluster: maybe\n", "s.yaml:6: 'in_cluster' must be true or false",
         MU_E_INVALID},
        {WATCH "    context: c\n", "s.yaml:2: 'context' goes only with 'kubeconfig'", MU_E_INVALID},
        {CLUSTER "    kubeconfig: /k\n    ca_file: /c\n",
         "s.yaml:2: 'ca_file' goes only with 'url'", MU_E_INVALID},
        {CLUSTER "    kubeconfig: /k\n    service_account: /c\n",
         "s.yaml:2: 'service_account' goes only with 'in_cluster'", MU_E_INVALID},
        {WATCH "    path: /a\n", "s.yaml:6: 'path' is no option of kind 'kubernetes'",
         MU_E_INVALID},
        {WATCH "    auth: {bearer_env: TEST_A}\n",
         "s.yaml:6: 'auth' is no option of kind 'kubernetes'", MU_E_INVALID},
        {WATCH "    page_limit: 0\n", "s.yaml:6: 'page_limit' must be a number from 1 to 10000",
         MU_E_INVALID},
        {WATCH "    page_limit: 10001\n", "s.yaml:6: 'page_limit' must be", MU_E_INVALID},
        {WATCH "    page_limit: many\n", "s.yaml:6: 'page_limit' must be", MU_E_INVALID},
        {"sources:\n  - url: ftp://a\n", "s.yaml:2: 'url' must begin with https://", MU_E_INVALID},
        {"sources:\n  - url: http://a/\n", "s.yaml:2: 'url' must end", MU_E_INVALID},
        {"sources:\n  - token_file: {}\n", "s.yaml:2: 'token_file' must be a text", MU_E_INVALID},
        {"sources:\n  - ca_file: ''\n", "s.yaml:2: 'ca_file' is empty", MU_E_INVALID},
        {"sources:\n  - cluster: ''\n", "s.yaml:2: 'cluster' is empty", MU_E_INVALID},
        {"sources:\n  - ? [a]\n    : b\n", "s.yaml:2: 'source' must be a text", MU_E_INVALID},
        {"sources: [\n", "s.yaml:2: ", MU_E_INVALID},
        {"sources: \xff\n", "s.yaml:", MU_E_INVALID},
        {"sources: *nobody\n", "s.yaml:1: ", MU_E_INVALID},
};

static void every_mistake_names_file_line_and_option(void **state)
{
    (void)state;
    assert_int_equal(unsetenv("TEST_NOT_SET"), 0);
    assert_int_equal(setenv("TEST_EMPTY", "\n", 1), 0);
    assert_int_equal(setenv("TEST_A", "a", 1), 0);
    for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
        MU_AUTO(arena) struct mu_arena *arena = mu_arena_new(1 << 24);
        struct ingest_config config = {.source_count = 42};
        struct mu_error err;

        if (parse(refusals[i].text, arena, &config, &err) != refusals[i].status)
            fail_msg("%s: %s", refusals[i].text, err.message);
        if (!strstr(err.message, refusals[i].expected))
            fail_msg("'%s' does not say '%s'", err.message, refusals[i].expected);
        assert_int_equal(config.source_count, 42);
    }
}

static void a_cluster_is_reached_by_url_by_kubeconfig_or_from_inside(void **state)
{
    MU_AUTO(arena) struct mu_arena *arena = mu_arena_new(1 << 24);
    struct ingest_config config;
    struct mu_error err;

    (void)state;
    assert_int_equal(parse(CLUSTER "    kubeconfig: /k\n    context: c\n", arena, &config, &err),
                     MU_OK);
    assert_string_equal(config.sources[0].kubeconfig, "/k");
    assert_string_equal(config.sources[0].context, "c");
    assert_false(config.sources[0].in_cluster);
    assert_int_equal(
            parse(CLUSTER "    in_cluster: true\n    service_account: /s\n", arena, &config, &err),
            MU_OK);
    assert_true(config.sources[0].in_cluster);
    assert_string_equal(config.sources[0].service_account, "/s");
}

static void a_text_over_the_limit_is_refused(void **state)
{
    MU_AUTO(arena) struct mu_arena *arena = mu_arena_new(1 << 24);
    static char text[8192] = WEBHOOK "    path: /";
    size_t len = strlen(text);
    struct ingest_config config;
    struct mu_error err;

    (void)state;
    memset(text + len, 'x', 5000);
    assert_int_equal(parse(text, arena, &config, &err), MU_E_LIMIT);
    assert_non_null(strstr(err.message, "s.yaml:4: 'path'"));
}

/* `count` lines of a format with one number. */
static enum mu_status parse_many(const char *head, const char *format, size_t count,
                                 struct mu_error *err)
{
    MU_AUTO(arena) struct mu_arena *arena = mu_arena_new(1 << 24);
    MU_AUTO_DONE(mu_buf_done) struct mu_buf text;
    struct ingest_config config;

    mu_buf_init(&text, 1 << 20);
    mu_buf_puts(&text, head);
    for (size_t i = 0; i < count; i++) {
        char line[128];

        (void)snprintf(line, sizeof(line), "%s%zu%s", format, i,
                       strchr(format, '{') ? ", kind: cloudevents}\n" : ": b\n");
        mu_buf_puts(&text, line);
    }
    return ingest_config_parse("s.yaml", text.data, text.len, arena, &config, err);
}

static void sources_and_aliases_are_bounded(void **state)
{
    struct mu_error err;

    (void)state;
    assert_int_equal(parse_many("sources:\n", " - {name: s", SOURCES_MAX, &err), MU_OK);
    assert_int_equal(parse_many("sources:\n", " - {name: s", SOURCES_MAX + 1, &err), MU_E_INVALID);
    assert_non_null(strstr(err.message, "'sources' holds too many sources"));
    assert_int_equal(
            parse_many(WEBHOOK "    repository_aliases:\n", "      a", SOURCE_MAX_ALIASES, &err),
            MU_OK);
    assert_int_equal(parse_many(WEBHOOK "    repository_aliases:\n", "      a",
                                SOURCE_MAX_ALIASES + 1, &err),
                     MU_E_INVALID);
    assert_non_null(strstr(err.message, "'repository_aliases' holds too many names"));
}

static void a_missing_file_is_not_found_and_a_huge_one_refused(void **state)
{
    MU_AUTO(arena) struct mu_arena *arena = mu_arena_new(1 << 24);
    struct ingest_config config = {.source_count = 42};
    struct mu_error err;

    (void)state;
    assert_int_equal(ingest_config_read("/nonexistent/s.yaml", arena, &config, &err),
                     MU_E_NOT_FOUND);
    assert_int_equal(ingest_config_read("/dev/zero", arena, &config, &err), MU_E_LIMIT);
    assert_int_equal(config.source_count, 42);
}

static void a_secret_is_never_in_a_message(void **state)
{
    MU_AUTO(arena) struct mu_arena *arena = mu_arena_new(1 << 24);
    struct ingest_config config;
    struct mu_error err;

    (void)state;
    assert_int_equal(setenv("TEST_A", "hunter2hunter2", 1), 0);
    assert_int_equal(parse(WEBHOOK "    auth: {bearer_env: TEST_A, previous_bearer_env: TEST_A, "
                                   "bearer_file: /proc/version}\n",
                           arena, &config, &err),
                     MU_E_INVALID);
    assert_null(strstr(err.message, "hunter2"));
    assert_null(strstr(err.message, "Linux"));
}

#define STREAM(kind, more) "sources:\n  - name: edge\n    kind: " kind "\n    cluster: edge\n" more

static void a_stream_is_reached_over_a_socket_or_a_network(void **state)
{
    MU_AUTO(arena) struct mu_arena *arena = mu_arena_new(1 << 26);
    struct ingest_config config;
    struct mu_error err;

    (void)state;
    assert_int_equal(
            parse(STREAM("docker", "    url: unix:///var/run/docker.sock\n"), arena, &config, &err),
            MU_OK);
    assert_string_equal(config.sources[0].url, "unix:///var/run/docker.sock");
    assert_null(config.sources[0].path);
    assert_int_equal(parse(STREAM("swarm", "    url: tcp://10.0.0.7:2376\n    ca_file: /ca\n"
                                           "    client_cert_file: /c\n    client_key_file: /k\n"),
                           arena, &config, &err),
                     MU_OK);
    assert_string_equal(config.sources[0].client_cert_file, "/c");
    assert_string_equal(config.sources[0].client_key_file, "/k");
    assert_int_equal(
            parse(STREAM("nomad", "    url: https://nomad.example:4646\n    token_file: /t\n"),
                  arena, &config, &err),
            MU_OK);
    assert_string_equal(config.sources[0].token_file, "/t");
}

static void an_option_that_a_stream_cannot_have_is_named(void **state)
{
    static const struct {
        const char *text, *message;
    } cases[] = {
            {STREAM("docker", ""), "s.yaml:2: 'url' is missing"},
            {"sources:\n  - name: e\n    kind: nomad\n    url: http://h:1\n",
             "s.yaml:2: 'cluster' is missing"},
            {STREAM("docker", "    url: unix://relative.sock\n"),
             "s.yaml:5: 'url' must begin with https:// or http://"},
            {STREAM("docker", "    url: tcp://h:1/path\n"),
             "s.yaml:2: 'url' must be tcp://HOST:PORT"},
            {STREAM("docker", "    url: tcp://user@h:1\n"),
             "s.yaml:2: 'url' must be tcp://HOST:PORT"},
            {STREAM("nomad", "    url: tcp://h:1\n"),
             "s.yaml:2: 'url' must begin with https://, http:// or unix:///"},
            {STREAM("kubernetes", "    url: unix:///s\n"),
             "s.yaml:2: 'url' must begin with https:// or http://"},
            {STREAM("docker", "    url: unix:///s\n    token_file: /t\n"),
             "s.yaml:2: 'token_file' is no option of a Docker engine"},
            {STREAM("docker", "    url: tcp://h:1\n    client_cert_file: /c\n"),
             "s.yaml:2: 'client_key_file' is missing: a certificate and its key belong together"},
            {STREAM("docker", "    url: tcp://h:1\n    client_key_file: /c\n"),
             "s.yaml:2: 'client_cert_file' is missing: a certificate and its key belong together"},
            {STREAM("docker", "    url: unix:///s\n    page_limit: 5\n"),
             "s.yaml:6: 'page_limit' is no option of kind 'docker'"},
            {STREAM("docker", "    url: unix:///s\n    path: /x\n"),
             "s.yaml:6: 'path' is no option of kind 'docker'"},
            {WEBHOOK "    client_cert_file: /c\n",
             "s.yaml:4: 'client_cert_file' is no option of kind 'distribution'"},
            {STREAM("docker",
                    "    url: unix:///0123456789012345678901234567890123456789012345678901"
                    "23456789012345678901234567890123456789012345678901234567\n"),
             "s.yaml:2: 'url' names a socket whose path is longer than 107 bytes"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        MU_AUTO(arena) struct mu_arena *arena = mu_arena_new(1 << 24);
        struct ingest_config config;
        struct mu_error err;

        assert_int_equal(parse(cases[i].text, arena, &config, &err), MU_E_INVALID);
        assert_string_equal(err.message, cases[i].message);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(a_stream_is_reached_over_a_socket_or_a_network),
            cmocka_unit_test(an_option_that_a_stream_cannot_have_is_named),
            cmocka_unit_test(a_short_file_gets_defaults),
            cmocka_unit_test(every_option_is_read),
            cmocka_unit_test(a_listed_registry_gets_defaults),
            cmocka_unit_test(every_option_of_a_listed_registry_is_read),
            cmocka_unit_test(repositories_are_named_as_their_registry_names_them),
            cmocka_unit_test(mistakes_of_a_listed_registry_are_named),
            cmocka_unit_test(a_secret_comes_from_a_file_without_its_newline),
            cmocka_unit_test(every_mistake_names_file_line_and_option),
            cmocka_unit_test(a_cluster_is_reached_by_url_by_kubeconfig_or_from_inside),
            cmocka_unit_test(a_text_over_the_limit_is_refused),
            cmocka_unit_test(sources_and_aliases_are_bounded),
            cmocka_unit_test(a_missing_file_is_not_found_and_a_huge_one_refused),
            cmocka_unit_test(a_secret_is_never_in_a_message),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
