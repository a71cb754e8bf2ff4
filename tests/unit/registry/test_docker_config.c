#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/text.h"
#include "registry/docker_config.h"

#include <stdio.h>
#include <string.h>

enum { COLUMNS = 7, ARENA_BYTES = 1 << 20 };

static void expect_text(const char *found, const char *expected, const char *json)
{
    if (!mu_text_equal(found ? found : "-", expected))
        fail_msg("%s: '%s', not '%s'", json, found ? found : "-", expected);
}

static void expect_row(const char *const columns[COLUMNS])
{
    MU_AUTO(arena) struct mu_arena *arena = mu_arena_new(ARENA_BYTES);
    struct docker_credentials found = {.helper = "untouched"};
    struct mu_error err;
    enum mu_status st =
            docker_config_find(columns[0], strlen(columns[0]), columns[1], arena, &found, &err);

    if (columns[2][0] == '!') {
        assert_int_equal(st, MU_E_INVALID);
        assert_non_null(strstr(err.message, columns[2] + 1));
        assert_string_equal(found.helper, "untouched");
        return;
    }
    if (st != MU_OK)
        fail_msg("%s: %s", columns[0], err.message);
    expect_text(found.helper, columns[2], columns[0]);
    expect_text(found.user, columns[3], columns[0]);
    expect_text(found.password, columns[4], columns[0]);
    expect_text(found.identity_token, columns[5], columns[0]);
    expect_text(found.registry_token, columns[6], columns[0]);
}

static void each_form_of_the_file_says_what_it_says(void **state)
{
    FILE *file = fopen(MU_TEST_DATA "/registry/docker_config.tsv", "r");
    char line[2048];
    size_t rows = 0;

    (void)state;
    assert_non_null(file);
    while (fgets(line, sizeof(line), file)) {
        const char *columns[COLUMNS];
        char *at = line;

        line[strcspn(line, "\n")] = '\0';
        if (line[0] == '#')
            continue;
        for (size_t i = 0; i < COLUMNS; i++) {
            char *column = strsep(&at, "\t");

            columns[i] = column ? column : "";
        }
        expect_row(columns);
        rows++;
    }
    (void)fclose(file);
    assert_true(rows >= 19);
}

static void helpers_know_docker_hub_by_its_old_name(void **state)
{
    (void)state;
    assert_string_equal(docker_server_name("docker.io"), "https://index.docker.io/v1/");
    assert_string_equal(docker_server_name("reg.example:5000"), "reg.example:5000");
}

static void a_name_that_is_too_long_is_refused(void **state)
{
    MU_AUTO(arena) struct mu_arena *arena = mu_arena_new(ARENA_BYTES);
    struct docker_credentials found;
    struct mu_error err;
    char host[400];

    (void)state;
    memset(host, 'a', sizeof(host) - 1);
    host[sizeof(host) - 1] = '\0';
    assert_int_equal(docker_config_find("{}", 2, host, arena, &found, &err), MU_E_LIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(each_form_of_the_file_says_what_it_says),
            cmocka_unit_test(helpers_know_docker_hub_by_its_old_name),
            cmocka_unit_test(a_name_that_is_too_long_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
