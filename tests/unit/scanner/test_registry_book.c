#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "registry/registry_book.h"

#include <string.h>

static enum mu_status parse(const char *json, struct registry_book **ret_book, struct mu_error *err)
{
    return registry_book_parse(json, strlen(json), ret_book, err);
}

static void expect_access(const struct registry_book *book, const char *host, const char *url,
                          const char *username)
{
    struct mu_registry_access access;
    struct mu_error err;

    assert_int_equal(registry_book_find(book, host, strlen(host), &access, &err), MU_OK);
    assert_string_equal(access.url, url);
    if (username)
        assert_string_equal(access.username, username);
    else
        assert_null(access.username);
}

static void the_book_says_how_a_host_is_reached(void **state)
{
    MU_AUTO(registry_book) struct registry_book *book = NULL;
    struct mu_error err;

    (void)state;
    assert_int_equal(
            parse("{\"registries\":[{\"host\":\"r.example:5000\",\"url\":\"http://127.0.0.1:1/\"},"
                  "{\"host\":\"p.example\",\"username\":\"u\",\"password_file\":\"/p\"}]}",
                  &book, &err),
            MU_OK);
    expect_access(book, "r.example:5000", "http://127.0.0.1:1", NULL);
    expect_access(book, "p.example", "https://p.example", "u");
    expect_access(book, "r.example", "https://r.example", NULL);
    expect_access(book, "docker.io", "https://registry-1.docker.io", NULL);
}

static void no_book_means_https_for_all(void **state)
{
    MU_AUTO(registry_book) struct registry_book *book = NULL;
    struct mu_error err;

    (void)state;
    assert_int_equal(registry_book_load(NULL, &book, &err), MU_OK);
    expect_access(book, "ghcr.io", "https://ghcr.io", NULL);
}

static void a_missing_book_is_not_found(void **state)
{
    struct registry_book *book = NULL;
    struct mu_error err;

    (void)state;
    assert_int_equal(registry_book_load("/nonexistent/registries.json", &book, &err),
                     MU_E_NOT_FOUND);
    assert_null(book);
}

static void a_book_that_makes_no_sense_is_refused_by_name(void **state)
{
    static const char *const cases[][2] = {
            {"[]", "registries file"},
            {"{}", "registries"},
            {"{\"registries\":[{}]}", "host"},
            {"{\"registries\":[{\"host\":\"a\",\"url\":\"ftp://a\"}]}", "ftp://a"},
            {"{\"registries\":[{\"host\":\"a\",\"username\":\"u\"}]}", "password_file"},
            {"{\"registries\":[{\"host\":\"a\",\"password_file\":\"u\"}]}", "username"},
            {"{\"registries\":[{\"host\":\"a\"},{\"host\":\"a\"}]}", "'a' is there twice"},
            {"{\"registries\":[{\"host\":\"a\",\"pasword_file\":\"p\"}]}",
             "registries[0]: registry: there is no member 'pasword_file'"},
            {"{\"registry\":[],\"registries\":[]}", "no member 'registry'"},
            {"{\"registries\":[{\"host\":\"a\",\"mirrors\":[\"m.example\"]}]}", "mirrors[0]"},
            {"{\"registries\":[{\"host\":\"a\",\"client_cert_file\":\"c\"}]}", "client_key_file"},
            {"{\"registries\":[{\"host\":\"a\",\"token_file\":\"t\",\"credentials\":{\"from\":"
             "\"ecr\"}}]}",
             "one of username, token_file and credentials"},
            {"{\"registries\":[{\"host\":\"a\",\"credentials\":{}}]}", "from"},
            {"{\"registries\":[{\"host\":\"a\",\"credentials\":{\"from\":\"magic\"}}]}",
             "none of docker-config, helper"},
            {"{\"registries\":[{\"host\":\"a\",\"credentials\":{\"from\":\"helper\"}}]}",
             "'helper'"},
            {"{\"registries\":[{\"host\":\"a\",\"credentials\":{\"from\":\"azure\"}}]}", "'file'"},
            {"{\"registries\":[{\"host\":\"a\",\"credentials\":{\"from\":\"azure\",\"file\":\"f\","
             "\"client_id\":\"c\"}}]}",
             "'tenant'"},
            {"{\"registries\":[{\"host\":\"a\",\"credentials\":{\"from\":\"ecr\",\"endpoint\":"
             "\"x\"}}]"
             "}",
             "credentials.endpoint"},
            {"{\"registries\":[{\"host\":\"a\",\"credentials\":{\"from\":\"ecr\",\"regoin\":\"x\"}}"
             "]}",
             "'regoin'"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct registry_book *book = NULL;
        struct mu_error err;

        assert_int_equal(parse(cases[i][0], &book, &err), MU_E_INVALID);
        if (!strstr(err.message, cases[i][1]))
            fail_msg("'%s' does not say '%s'", err.message, cases[i][1]);
        assert_null(book);
    }
}

static struct mu_registry_access access_of(const struct registry_book *book, const char *host)
{
    struct mu_registry_access access;
    struct mu_error err;

    assert_int_equal(registry_book_find(book, host, strlen(host), &access, &err), MU_OK);
    assert_string_equal(access.host, host);
    return access;
}

static void the_book_says_who_we_are(void **state)
{
    MU_AUTO(registry_book) struct registry_book *book = NULL;
    struct mu_registry_access access;
    struct mu_error err;

    (void)state;
    assert_int_equal(
            parse("{\"docker_config\":\"/d/config.json\",\"registries\":["
                  "{\"host\":\"e.example\",\"credentials\":{\"from\":\"ecr\",\"region\":\"r\"}},"
                  "{\"host\":\"t.example\",\"token_file\":\"/t\",\"private_redirects\":true,"
                  "\"client_cert_file\":\"/c\",\"client_key_file\":\"/k\",\"ca_file\":\"/ca\"}]}",
                  &book, &err),
            MU_OK);
    access = access_of(book, "e.example");
    assert_int_equal(access.login.way, MU_LOGIN_ECR);
    assert_string_equal(access.login.region, "r");
    assert_false(access.private_redirects);
    access = access_of(book, "t.example");
    assert_int_equal(access.login.way, MU_LOGIN_NONE);
    assert_string_equal(access.token_file, "/t");
    assert_string_equal(access.client_cert_file, "/c");
    assert_string_equal(access.client_key_file, "/k");
    assert_string_equal(access.ca_file, "/ca");
    assert_true(access.private_redirects);
    access = access_of(book, "other.example");
    assert_int_equal(access.login.way, MU_LOGIN_DOCKER_CONFIG);
    assert_string_equal(access.login.file, "/d/config.json");
}

static void a_config_given_later_does_not_replace_the_books(void **state)
{
    MU_AUTO(registry_book) struct registry_book *book = NULL, *empty = NULL;
    struct mu_error err;

    (void)state;
    assert_int_equal(parse("{\"docker_config\":\"/own\",\"registries\":[]}", &book, &err), MU_OK);
    registry_book_docker_config(book, "/given");
    assert_string_equal(access_of(book, "a.example").login.file, "/own");
    assert_int_equal(registry_book_load("", &empty, &err), MU_OK);
    registry_book_docker_config(empty, "/given");
    assert_string_equal(access_of(empty, "a.example").login.file, "/given");
}

static void mirrors_keep_their_order_and_have_entries_of_their_own(void **state)
{
    MU_AUTO(registry_book) struct registry_book *book = NULL;
    struct registry_mirror mirrors[REGISTRY_MIRRORS_MAX];
    struct mu_error err;
    size_t count = 9;

    (void)state;
    assert_int_equal(parse("{\"registries\":[{\"host\":\"docker.io\",\"mirrors\":["
                           "\"https://m.example/hub/proxy/\",\"http://127.0.0.1:5000\"]},"
                           "{\"host\":\"m.example\",\"username\":\"u\",\"password_file\":\"/p\"}]}",
                           &book, &err),
                     MU_OK);
    assert_int_equal(registry_book_mirrors(book, "docker.io", 9, mirrors, &count, &err), MU_OK);
    assert_int_equal(count, 2);
    assert_string_equal(mirrors[0].access.url, "https://m.example");
    assert_string_equal(mirrors[0].prefix, "hub/proxy/");
    assert_string_equal(mirrors[0].access.username, "u");
    assert_string_equal(mirrors[1].access.url, "http://127.0.0.1:5000");
    assert_string_equal(mirrors[1].prefix, "");
    assert_null(mirrors[1].access.username);
    assert_int_equal(registry_book_mirrors(book, "m.example", 9, mirrors, &count, &err), MU_OK);
    assert_int_equal(count, 0);
}

static void a_host_name_that_is_too_long_is_refused(void **state)
{
    MU_AUTO(registry_book) struct registry_book *book = NULL;
    struct mu_registry_access access;
    struct mu_error err;
    char host[600];

    (void)state;
    memset(host, 'h', sizeof(host));
    assert_int_equal(registry_book_load("", &book, &err), MU_OK);
    assert_int_equal(registry_book_find(book, host, sizeof(host), &access, &err), MU_E_LIMIT);
    assert_int_equal(registry_book_find(book, host, 508, &access, &err), MU_E_LIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(the_book_says_how_a_host_is_reached),
            cmocka_unit_test(the_book_says_who_we_are),
            cmocka_unit_test(a_config_given_later_does_not_replace_the_books),
            cmocka_unit_test(mirrors_keep_their_order_and_have_entries_of_their_own),
            cmocka_unit_test(no_book_means_https_for_all),
            cmocka_unit_test(a_missing_book_is_not_found),
            cmocka_unit_test(a_book_that_makes_no_sense_is_refused_by_name),
            cmocka_unit_test(a_host_name_that_is_too_long_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
