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
            cmocka_unit_test(no_book_means_https_for_all),
            cmocka_unit_test(a_missing_book_is_not_found),
            cmocka_unit_test(a_book_that_makes_no_sense_is_refused_by_name),
            cmocka_unit_test(a_host_name_that_is_too_long_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
