#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "watch/kube_access.h"

#include "base/file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct fixture {
    struct mu_arena *arena;
    struct kube_access access;
    struct mu_error err;
    char folder[64], token[128], config[128];
};

static int setup(void **state)
{
    static struct fixture fixture;

    fixture = (struct fixture){.arena = mu_arena_new(1 << 20)};
    (void)snprintf(fixture.folder, sizeof(fixture.folder), "/tmp/muster_kube.XXXXXX");
    assert_non_null(mkdtemp(fixture.folder));
    (void)snprintf(fixture.token, sizeof(fixture.token), "%s/token", fixture.folder);
    (void)snprintf(fixture.config, sizeof(fixture.config), "%s/config", fixture.folder);
    assert_int_equal(unsetenv("KUBERNETES_SERVICE_HOST") | unsetenv("KUBERNETES_SERVICE_PORT"), 0);
    *state = &fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;

    mu_arena_free(fixture->arena);
    (void)unlink(fixture->token);
    (void)unlink(fixture->config);
    return rmdir(fixture->folder);
}

static void write_text(struct fixture *fixture, const char *path, const char *text)
{
    assert_int_equal(mu_file_write_atomic(path, text, strlen(text), &fixture->err), MU_OK);
}

static enum mu_status read_access(struct fixture *fixture, struct source_config source)
{
    return kube_access_read(&source, fixture->arena, &fixture->access, &fixture->err);
}

static void set_service(const char *host, const char *port)
{
    assert_int_equal(setenv("KUBERNETES_SERVICE_HOST", host, 1), 0);
    assert_int_equal(setenv("KUBERNETES_SERVICE_PORT", port, 1), 0);
}

/* ---- tests ---- */

static void a_url_comes_with_its_token_and_ca(void **state)
{
    struct fixture *fixture = *state;
    const struct source_config source = {
            .url = "https://a", .token_file = fixture->token, .ca_file = "/ca"};

    write_text(fixture, fixture->token, "abc \r\n\n");
    assert_int_equal(read_access(fixture, source), MU_OK);
    assert_string_equal(fixture->access.url, "https://a");
    assert_string_equal(fixture->access.ca_file, "/ca");
    assert_string_equal(fixture->access.authorization, "Bearer abc");
    assert_int_equal(read_access(fixture, (struct source_config){.url = "https://a"}), MU_OK);
    assert_null(fixture->access.authorization);
}

static void a_pod_of_the_cluster_uses_its_service_account(void **state)
{
    struct fixture *fixture = *state;
    const struct source_config source = {.in_cluster = true, .service_account = fixture->folder};
    char ca[128];

    (void)snprintf(ca, sizeof(ca), "%s/ca.crt", fixture->folder);
    write_text(fixture, fixture->token, "abc");
    set_service("10.96.0.1", "443");
    assert_int_equal(read_access(fixture, source), MU_OK);
    assert_string_equal(fixture->access.url, "https://10.96.0.1:443");
    assert_string_equal(fixture->access.ca_file, ca);
    assert_string_equal(fixture->access.authorization, "Bearer abc");
    set_service("fd00::1", "6443");
    write_text(fixture, fixture->token, "rotated");
    assert_int_equal(read_access(fixture, source), MU_OK);
    assert_string_equal(fixture->access.url, "https://[fd00::1]:6443");
    assert_string_equal(fixture->access.authorization, "Bearer rotated");
}

static void outside_a_cluster_it_says_so(void **state)
{
    struct fixture *fixture = *state;
    const struct source_config source = {.in_cluster = true, .service_account = fixture->folder};

    assert_int_equal(read_access(fixture, source), MU_E_INVALID);
    assert_non_null(strstr(fixture->err.message, "no pod of a cluster"));
    set_service("10.96.0.1", "");
    assert_int_equal(read_access(fixture, source), MU_E_INVALID);
    set_service("10.96.0.1", "443");
    assert_int_equal(read_access(fixture, source), MU_E_NOT_FOUND); /* no token there */
}

static void a_kubeconfig_is_read_from_its_file(void **state)
{
    struct fixture *fixture = *state;
    const struct source_config source = {.kubeconfig = fixture->config, .context = "c"};

    assert_int_equal(read_access(fixture, source), MU_E_NOT_FOUND);
    write_text(fixture, fixture->config,
               "contexts: [{name: c, context: {cluster: c}}]\n"
               "clusters: [{name: c, cluster: {server: \"https://a\"}}]\n");
    assert_int_equal(read_access(fixture, source), MU_OK);
    assert_string_equal(fixture->access.url, "https://a");
}

static void a_token_that_is_empty_or_too_long_is_refused(void **state)
{
    struct fixture *fixture = *state;
    const struct source_config source = {.url = "https://a", .token_file = fixture->token};
    static char text[100000];

    fixture->access = (struct kube_access){.url = "untouched"};
    write_text(fixture, fixture->token, "\n");
    assert_int_equal(read_access(fixture, source), MU_E_INVALID);
    memset(text, 'x', sizeof(text) - 1);
    write_text(fixture, fixture->token, text);
    assert_int_equal(read_access(fixture, source), MU_E_LIMIT);
    assert_string_equal(fixture->access.url, "untouched");
}

#define ACCESS_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
            ACCESS_TEST(a_url_comes_with_its_token_and_ca),
            ACCESS_TEST(a_pod_of_the_cluster_uses_its_service_account),
            ACCESS_TEST(outside_a_cluster_it_says_so),
            ACCESS_TEST(a_kubeconfig_is_read_from_its_file),
            ACCESS_TEST(a_token_that_is_empty_or_too_long_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
