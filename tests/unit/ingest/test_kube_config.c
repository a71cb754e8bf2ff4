/* Kubeconfig files of tests/data/kubeconfig. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "watch/kube_config.h"

#include "base/buf.h"
#include "base/file.h"
#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PEM "-----BEGIN x"

struct fixture {
    struct mu_arena *arena;
    struct kube_access access;
    struct mu_error err;
    char folder[64], path[128], token[128];
};

static int setup(void **state)
{
    static struct fixture fixture;

    fixture = (struct fixture){.arena = mu_arena_new(1 << 20)};
    (void)snprintf(fixture.folder, sizeof(fixture.folder), "/tmp/muster_kube.XXXXXX");
    assert_non_null(mkdtemp(fixture.folder));
    (void)snprintf(fixture.path, sizeof(fixture.path), "%s/kubeconfig", fixture.folder);
    (void)snprintf(fixture.token, sizeof(fixture.token), "%s/token", fixture.folder);
    assert_int_equal(mu_file_write_atomic(fixture.token, "from-file\n", 10, &fixture.err), MU_OK);
    *state = &fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;

    mu_arena_free(fixture->arena);
    (void)unlink(fixture->token);
    return rmdir(fixture->folder);
}

static enum mu_status parse(struct fixture *fixture, const char *text, const char *context)
{
    return kube_config_parse(fixture->path, text, strlen(text), context, fixture->arena,
                             &fixture->access, &fixture->err);
}

static enum mu_status parse_complete(struct fixture *fixture, const char *context)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf bytes;

    mu_buf_init(&bytes, 1 << 20);
    assert_int_equal(mu_file_read(MU_TEST_DATA "/kubeconfig/complete.yaml", &bytes, &fixture->err),
                     MU_OK);
    return parse(fixture, bytes.data, context);
}

/* What the access says, with "-" for what it does not. */
static void assert_access(struct fixture *fixture, const char *context, const char *url,
                          const char *authorization)
{
    if (parse_complete(fixture, context) != MU_OK)
        fail_msg("%s", fixture->err.message);
    assert_string_equal(fixture->access.url, url);
    assert_string_equal(fixture->access.authorization ? fixture->access.authorization : "-",
                        authorization);
}

/* ---- tests ---- */

static void every_way_to_be_somebody_is_read(void **state)
{
    struct fixture *fixture = *state;
    const struct kube_access *access = &fixture->access;
    char ca[128], key[128];

    (void)snprintf(ca, sizeof(ca), "%s/ca.crt", fixture->folder);
    (void)snprintf(key, sizeof(key), "%s/me.key", fixture->folder);
    assert_access(fixture, NULL, "https://10.0.0.1:6443", "Bearer abc"); /* current-context */
    assert_string_equal(access->ca_file, ca);
    assert_null(access->ca_pem);
    assert_access(fixture, "token-file", "https://[::1]:6443/prefix", "Bearer from-file");
    assert_string_equal(access->ca_pem, PEM);
    assert_null(access->ca_file);
    assert_access(fixture, "certificate-data", "https://[::1]:6443/prefix", "-");
    assert_string_equal(access->client_cert_pem, PEM);
    assert_string_equal(access->client_key_pem, PEM);
    assert_access(fixture, "certificate-file", "https://10.0.0.1:6443", "-");
    assert_string_equal(access->client_cert_file, "/pki/me.crt");
    assert_string_equal(access->client_key_file, key);
    assert_access(fixture, "basic", "https://10.0.0.1:6443", "Basic bWU6c2VjcmV0");
    assert_access(fixture, "nobody", "https://10.0.0.1:6443", "-");
}

/* One line "context, status, words of the message" against the file below the dashes. */
static void assert_refused(struct fixture *fixture, char *line, const char *file)
{
    char *rest = NULL, *context = strtok_r(line, "\t", &rest),
         *status = strtok_r(NULL, "\t", &rest);
    enum mu_status st;

    fixture->access = (struct kube_access){.url = "untouched"};
    st = parse(fixture, file, context);
    if (!mu_text_equal(mu_status_name(st), status) || !strstr(fixture->err.message, rest))
        fail_msg("%s: %s, '%s', and not %s, '%s'", context, mu_status_name(st),
                 fixture->err.message, status, rest);
    assert_string_equal(fixture->access.url, "untouched");
}

static void what_is_wrong_or_not_supported_is_named(void **state)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf bytes;
    struct fixture *fixture = *state;
    char *file, *rest = NULL;
    size_t count = 0;

    mu_buf_init(&bytes, 1 << 20);
    assert_int_equal(mu_file_read(MU_TEST_DATA "/kubeconfig/refused.txt", &bytes, &fixture->err),
                     MU_OK);
    file = strstr(bytes.data, "----\n");
    assert_non_null(file);
    *file = '\0';
    for (char *line = strtok_r(bytes.data, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        if (line[0] == '#')
            continue;
        assert_refused(fixture, line, file + 5);
        count++;
    }
    assert_int_equal(count, 21);
}

static void what_is_no_kubeconfig_is_refused(void **state)
{
    struct fixture *fixture = *state;

    assert_int_equal(parse(fixture, "", "c"), MU_E_INVALID);
    assert_int_equal(parse(fixture, "[1, 2]", "c"), MU_E_INVALID);
    assert_int_equal(parse(fixture, "{a: [}", "c"), MU_E_INVALID);
    assert_non_null(strstr(fixture->err.message, "kubeconfig:1:"));
    assert_int_equal(parse(fixture, "contexts: []", NULL), MU_E_INVALID);
    assert_non_null(strstr(fixture->err.message, "has no current-context"));
    assert_int_equal(parse(fixture, "contexts: 7", "c"), MU_E_INVALID);
    assert_int_equal(parse(fixture, "current-context: \"a\\0b\"", NULL), MU_E_INVALID);
}

static void an_arena_that_is_full_is_an_error(void **state)
{
    struct fixture *fixture = *state;

    mu_arena_free(fixture->arena);
    fixture->arena = mu_arena_new(16);
    assert_int_equal(parse_complete(fixture, NULL), MU_E_NOMEM);
}

static void a_text_over_the_limit_is_refused(void **state)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf text;
    struct fixture *fixture = *state;

    mu_buf_init(&text, 4 << 20);
    mu_buf_puts(&text, "current-context: ");
    for (int i = 0; i < 1 << 17; i++)
        mu_buf_puts(&text, "0123456789");
    assert_int_equal(parse(fixture, text.data, NULL), MU_E_LIMIT);
}

#define CONFIG_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
            CONFIG_TEST(every_way_to_be_somebody_is_read),
            CONFIG_TEST(what_is_wrong_or_not_supported_is_named),
            CONFIG_TEST(what_is_no_kubeconfig_is_refused),
            CONFIG_TEST(an_arena_that_is_full_is_an_error),
            CONFIG_TEST(a_text_over_the_limit_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
