#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "finder_told.h"
#include "package/language/language_finders.h"

static void expect(const struct finder *finder, const char *path, const char *json,
                   enum mu_status status, const char *lines)
{
    struct told told;

    told_init(&told);
    assert_int_equal(told_read(&told, finder, path, json, strlen(json)), status);
    assert_string_equal(told.lines.data, lines);
    told_done(&told);
}

static void package_files_are_wanted_where_packages_are_installed(void **state)
{
    static const char *const wanted[] = {
            "app/node_modules/a/package.json",
            "usr/lib/node_modules/npm/node_modules/@x/y/package.json",
            "usr/share/nodejs/semver/package.json",
            "opt/yarn-v1.22.22/package.json",
            "app/node_modules/.pnpm/a@1.0.0/node_modules/a/package.json",
    };
    static const char *const unwanted[] = {"app/package.json", "app/node_modules/a/index.js",
                                           "app/node_modules/a/xpackage.json"};

    (void)state;
    for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
        assert_true(told_wants(&finder_node_package, wanted[i]));
    for (size_t i = 0; i < sizeof(unwanted) / sizeof(unwanted[0]); i++)
        assert_false(told_wants(&finder_node_package, unwanted[i]));
}

struct place_case {
    const char *path;
    bool counts;
};

static const struct place_case place_cases[] = {
        {"app/node_modules/a/package.json", true},
        {"app/node_modules/test/package.json", true},
        {"app/node_modules/@types/node/package.json", true},
        {"app/node_modules/a/node_modules/b/package.json", true},
        {"app/node_modules/next/dist/compiled/ws/package.json", true},
        {"app/node_modules/.pnpm/a@1/node_modules/a/package.json", true},
        {"usr/share/nodejs/a/package.json", true},
        {"usr/share/nodejs/a/test/b/package.json", false},
        {"opt/nodejs/app/test/node_modules/a/package.json", true},
        {"opt/yarn-v1.22.22/package.json", true},
        {"srv/test/node_modules/a/package.json", true},
        {"app/node_modules/resolve/test/resolver/x/package.json", false},
        {"app/node_modules/a/test/node_modules/b/package.json", false},
        {"app/node_modules/@s/a/fixtures/b/package.json", false},
        {"app/node_modules/a/templates/package.json", false},
        {"app/node_modules/.cache/a/package.json", false},
        {"app/node_modules/a/.nyc_output/package.json", false},
};

static void a_package_counts_by_the_folders_above_it(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(place_cases) / sizeof(place_cases[0]); i++)
        expect(&finder_node_package, place_cases[i].path, "{\"name\":\"x\",\"version\":\"1.0.0\"}",
               MU_OK, place_cases[i].counts ? "npm x 1.0.0\n" : "");
}

static const char root[] = "a/node_modules/b/package.json";

static void names_have_scopes_and_licenses_three_forms(void **state)
{
    (void)state;
    expect(&finder_node_package, root,
           "{\"name\":\"@s/x\",\"version\":\" 1.0.0-rc.1+b \",\"license\":\"MIT\"}", MU_OK,
           "npm @s/x 1.0.0-rc.1+b =MIT\n");
    expect(&finder_node_package, root,
           "{\"name\":\"x\",\"version\":\"1\",\"license\":{\"type\":\"ISC\",\"url\":\"u\"}}", MU_OK,
           "npm x 1 =ISC\n");
    expect(&finder_node_package, root,
           "{\"name\":\"x\",\"version\":\"1\",\"licenses\":[{\"type\":\"BSD\"}]}", MU_OK,
           "npm x 1 =BSD\n");
}

static void a_file_without_name_or_version_is_no_package(void **state)
{
    (void)state;
    expect(&finder_node_package, root, "{\"type\":\"module\"}", MU_OK, "");
    expect(&finder_node_package, root, "{\"name\":\"x\"}", MU_OK, "");
    expect(&finder_node_package, root, "{\"name\":\"x\",\"version\":1}", MU_OK, "");
    expect(&finder_node_package, root, "[]", MU_OK, "");
}

static void what_node_itself_would_read_is_read(void **state)
{
    (void)state;
    expect(&finder_node_package, root,
           "\xef\xbb\xbf{\"name\":\"a\",\"name\":\"x\",\"version\":\"1\",\"author\":\"\xe9\"}",
           MU_OK, "npm x 1\n");
}

static void a_damaged_file_is_named_only_at_a_packages_root(void **state)
{
    (void)state;
    expect(&finder_node_package, root, "{\"name\":", MU_E_INVALID, "");
    expect(&finder_node_package, "a/node_modules/b/dist/package.json", "{\"name\":", MU_OK, "");
}

static void hostile_json_is_refused(void **state)
{
    static char deep[4096];

    (void)state;
    memset(deep, '[', sizeof(deep) - 1);
    expect(&finder_node_package, root, deep, MU_E_LIMIT, "");
    expect(&finder_node_package, root, "{\"name\":\"a\\u0000b\",\"version\":\"1\"}", MU_E_INVALID,
           "");
}

static void npms_hidden_list_tells_what_is_installed(void **state)
{
    (void)state;
    assert_true(told_wants(&finder_node_installed, "app/node_modules/.package-lock.json"));
    assert_false(told_wants(&finder_node_installed, "app/package-lock.json"));
    expect(&finder_node_installed, "node_modules/.package-lock.json",
           "{\"lockfileVersion\":3,\"packages\":{"
           "\"node_modules/a\":{\"version\":\"1.0.0\",\"license\":\"MIT\"},"
           "\"node_modules/a/node_modules/@s/b\":{\"version\":\"2.0.0\"},"
           "\"node_modules/alias\":{\"name\":\"real\",\"version\":\"3.0.0\"},"
           "\"node_modules/linked\":{\"resolved\":\"packages/linked\",\"link\":true},"
           "\"packages/linked\":{\"version\":\"4.0.0\"}}}",
           MU_OK,
           "npm a 1.0.0 @node_modules/a =MIT\n"
           "npm @s/b 2.0.0 @node_modules/a/node_modules/@s/b\n"
           "npm real 3.0.0 @node_modules/alias\n");
    expect(&finder_node_installed, "node_modules/.package-lock.json", "{\"packages\":[]}", MU_OK,
           "");
    expect(&finder_node_installed, "node_modules/.package-lock.json", "", MU_E_INVALID, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(package_files_are_wanted_where_packages_are_installed),
            cmocka_unit_test(a_package_counts_by_the_folders_above_it),
            cmocka_unit_test(names_have_scopes_and_licenses_three_forms),
            cmocka_unit_test(a_file_without_name_or_version_is_no_package),
            cmocka_unit_test(what_node_itself_would_read_is_read),
            cmocka_unit_test(a_damaged_file_is_named_only_at_a_packages_root),
            cmocka_unit_test(hostile_json_is_refused),
            cmocka_unit_test(npms_hidden_list_tells_what_is_installed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
