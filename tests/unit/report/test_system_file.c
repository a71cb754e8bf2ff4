#include "examples.h"

#include "system/system_file.h"

#include "base/file.h"

#include <stdio.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define COMPLETE "name: A\nbaseline_configuration_name: B\ndiagram_label: D\nfunction: F\n"

static enum mu_status parse(const char *text, struct mu_arena *arena, struct system_file *system,
                            struct mu_error *err)
{
    return system_file_parse("s.yaml", text, strlen(text), arena, system, err);
}

static void a_complete_file_gets_defaults(void **state)
{
    MU_AUTO(arena) struct mu_arena *arena = mu_arena_new(1 << 20);
    struct system_file system;
    struct mu_error err;

    (void)state;
    assert_int_equal(parse(COMPLETE "public_assets: [r/a, r/b]\n", arena, &system, &err), MU_OK);
    assert_string_equal(system.name, "A");
    assert_string_equal(system.asset_type, "Container");
    assert_string_equal(system.authenticated_scan, "Yes");
    assert_true(system_file_is_public(&system, "r/b"));
    assert_false(system_file_is_public(&system, "r/c"));
}

struct refusal {
    const char *text, *expected;
    enum mu_status status;
};

static void every_mistake_is_named_with_its_line(void **state)
{
    static const struct refusal refusals[] = {
            {"name: A\n", "'baseline_configuration_name' is mandatory", MU_E_INVALID},
            {COMPLETE "colour: red\n", "s.yaml:5: 'colour' is an unknown option", MU_E_INVALID},
            {COMPLETE "name: again\n", "s.yaml:5: 'name' is given twice", MU_E_INVALID},
            {COMPLETE "impact_level: Huge\n", "'Low' or 'Moderate' or 'High', not 'Huge'",
             MU_E_INVALID},
            {COMPLETE "authenticated_scan: true\n", "'Yes' or 'No', not 'true'", MU_E_INVALID},
            {COMPLETE "impact_level: High\n", "'system_administrator' is mandatory", MU_E_INVALID},
            {COMPLETE "public_assets: r/a\n", "must be a list", MU_E_INVALID},
            {COMPLETE "fedramp_id: [1]\n", "must be a text", MU_E_INVALID},
            {COMPLETE "public_assets: []\npublic_assets: []\n",
             "s.yaml:6: 'public_assets' is given twice", MU_E_INVALID},
            {COMPLETE "system_administrator: N/A\n",
             "s.yaml:5: 'system_administrator' says 'N/A': FedRAMP wants such cells blank",
             MU_E_INVALID},
            {COMPLETE "fedramp_id: \"a\\0b\"\n", "s.yaml:5: 'fedramp_id' holds a NUL",
             MU_E_INVALID},
            {"- a\n", "must be a mapping", MU_E_INVALID},
            {"name: [\n", "s.yaml:", MU_E_INVALID},
            {"", "must be a mapping", MU_E_INVALID},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
        MU_AUTO(arena) struct mu_arena *arena = mu_arena_new(1 << 20);
        struct system_file system = {.name = "untouched"};
        struct mu_error err;

        assert_int_equal(parse(refusals[i].text, arena, &system, &err), refusals[i].status);
        if (!strstr(err.message, refusals[i].expected))
            fail_msg("'%s' does not say '%s'", err.message, refusals[i].expected);
        assert_string_equal(system.name, "untouched");
    }
}

static void a_text_over_the_limit_is_refused(void **state)
{
    MU_AUTO(arena) struct mu_arena *arena = mu_arena_new(1 << 20);
    char text[8192] = "name: ";
    struct system_file system;
    struct mu_error err;

    (void)state;
    memset(text + 6, 'x', 5000);
    text[5006] = '\0';
    assert_int_equal(parse(text, arena, &system, &err), MU_E_LIMIT);
}

static void a_missing_file_is_not_found(void **state)
{
    MU_AUTO(arena) struct mu_arena *arena = mu_arena_new(1 << 20);
    struct system_file system;
    struct mu_error err;

    (void)state;
    assert_int_equal(system_file_read("/nonexistent/system.yaml", arena, &system, &err),
                     MU_E_NOT_FOUND);
}

static enum mu_status read_system(const char *path, const char *bytes, size_t len,
                                  struct mu_error *err)
{
    MU_AUTO(arena) struct mu_arena *arena = mu_arena_new(1 << 20);
    struct system_file system;

    return system_file_parse(path, bytes, len, arena, &system, err);
}

static void the_examples_are_what_their_folder_says(void **state)
{
    (void)state;
    assert_true(examples_check("system.v1", true, read_system) >= 2);
    assert_true(examples_check("system.v1", false, read_system) >= 10);
}

static void every_key_is_listed_with_its_value(void **state)
{
    MU_AUTO(arena) struct mu_arena *arena = mu_arena_new(1 << 20);
    MU_AUTO(table)
    struct mu_table *table = mu_table_new((const char *const[]){"key", "value", "is"}, 3);
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    struct system_file system;
    struct mu_error err;

    (void)state;
    assert_int_equal(parse(COMPLETE "public_assets: [r/a, r/b]\n", arena, &system, &err), MU_OK);
    system_file_list(&system, table);
    mu_table_print(table, MU_FORMAT_JSON, 0, out);
    (void)fclose(out);
    assert_int_equal(mu_table_row_count(table), 28);
    assert_non_null(strstr(text, "\"function\""));
    assert_non_null(strstr(text, "\"2\"")); /* repositories */
    free(text);
}

static void put_file(const char *folder, const char *name, const char *text)
{
    char path[128];
    struct mu_error err;

    (void)snprintf(path, sizeof(path), "%s/%s", folder, name);
    assert_int_equal(mu_file_write_atomic(path, text, strlen(text), &err), MU_OK);
}

static void named_files_are_those_of_the_folder_of_the_file(void **state)
{
    MU_AUTO(arena) struct mu_arena *arena = mu_arena_new(1 << 20);
    char folder[] = "/tmp/muster-system-XXXXXX", path[128];
    struct system_file system;
    struct mu_error err;

    (void)state;
    assert_non_null(mkdtemp(folder));
    (void)snprintf(path, sizeof(path), "%s/s.yaml", folder);
    put_file(folder, "s.yaml", COMPLETE "ver_statements: v.yaml\n");
    assert_int_equal(system_file_read(path, arena, &system, &err), MU_E_NOT_FOUND);
    assert_non_null(strstr(err.message, "'ver_statements'"));
    put_file(folder, "v.yaml", "- {item: V-1, rating: 3, by: me, at: 2026-11-04T00:00:00Z}\n");
    if (system_file_read(path, arena, &system, &err) != MU_OK)
        fail_msg("%s", err.message);
    assert_int_equal(system.statements.count, 1);
    assert_string_equal(system.automatic_evaluation, "No");
    put_file(folder, "s.yaml",
             COMPLETE "template_poam: f/p.xlsx\ntemplate_dr: /d.xlsx\nother_assets: ../h.csv\n");
    assert_int_equal(system_file_read(path, arena, &system, &err), MU_OK);
    assert_string_equal(system.template_poam, mu_arena_printf(arena, "%s/f/p.xlsx", folder));
    assert_string_equal(system.template_dr, "/d.xlsx");
    assert_string_equal(system.other_assets, mu_arena_printf(arena, "%s/../h.csv", folder));
    assert_string_equal(system.ver_statements, "");
    assert_int_equal(unlink(path), 0);
    (void)snprintf(path, sizeof(path), "%s/v.yaml", folder);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(folder), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(a_complete_file_gets_defaults),
            cmocka_unit_test(every_mistake_is_named_with_its_line),
            cmocka_unit_test(a_text_over_the_limit_is_refused),
            cmocka_unit_test(a_missing_file_is_not_found),
            cmocka_unit_test(the_examples_are_what_their_folder_says),
            cmocka_unit_test(every_key_is_listed_with_its_value),
            cmocka_unit_test(named_files_are_those_of_the_folder_of_the_file),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
