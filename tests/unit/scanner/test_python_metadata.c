#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "finder_told.h"
#include "package/language/language_finders.h"
#include "zip_build.h"

static void expect(const char *metadata, enum mu_status status, const char *lines)
{
    struct told told;

    told_init(&told);
    assert_int_equal(told_read(&told, &finder_python_metadata, "x.dist-info/METADATA", metadata,
                               strlen(metadata)),
                     status);
    assert_string_equal(told.lines.data, lines);
    told_done(&told);
}

static void metadata_is_wanted_where_installers_write_it(void **state)
{
    static const char *const wanted[] = {
            "usr/lib/python3/dist-packages/six-1.16.0.egg-info",
            "usr/lib/python3/dist-packages/yaml.egg-info/PKG-INFO",
            "opt/venv/lib/python3.11/site-packages/Flask-3.0.0.dist-info/METADATA",
            "opt/x.egg/EGG-INFO/PKG-INFO",
    };
    static const char *const unwanted[] = {
            "METADATA",
            "srv/PKG-INFO",
            "src/thing/METADATA",
            "opt/a.dist-info/RECORD",
            "opt/a.egg-info/requires.txt",
            "opt/a.egg-info/METADATA",
            "usr/lib/python3.10/test/test_importlib/data/a.egg-info/PKG-INFO",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
        assert_true(told_wants(&finder_python_metadata, wanted[i]));
    for (size_t i = 0; i < sizeof(unwanted) / sizeof(unwanted[0]); i++)
        assert_false(told_wants(&finder_python_metadata, unwanted[i]));
}

static void a_folder_named_like_metadata_is_not_wanted(void **state)
{
    const struct finder_entry entry = {
            .path = "a.egg-info", .path_len = 10, .kind = FINDER_DIRECTORY};

    (void)state;
    assert_false(finder_python_metadata.wants(&entry));
}

static void name_and_version_are_told_as_written(void **state)
{
    (void)state;
    expect("Metadata-Version: 2.1\nName: ruamel.Yaml_x\nVersion: 1!0.18.5+local\nLicense: MIT\n",
           MU_OK, "pypi ruamel.Yaml_x 1!0.18.5+local =MIT\n");
}

static void headers_end_at_the_empty_line(void **state)
{
    (void)state;
    expect("Name: a\r\nVersion: 1\r\n\r\nName: b\r\nVersion: 2\r\n", MU_OK, "pypi a 1\n");
}

static void the_first_of_two_headers_counts(void **state)
{
    (void)state;
    expect("Name: a\nVersion: 1\nName: b\nVersion: 2\n", MU_OK, "pypi a 1\n");
}

static void a_folded_line_is_no_header(void **state)
{
    (void)state;
    expect("License: BSD\n Name: inner\n\tVersion: 9\nname: a\nVERSION: 1\n", MU_OK,
           "pypi a 1 =BSD\n");
}

static void a_license_expression_goes_before_free_text(void **state)
{
    (void)state;
    expect("Name: a\nVersion: 1\nLicense: see file\nLicense-Expression: MIT OR Apache-2.0\n", MU_OK,
           "pypi a 1 =MIT OR Apache-2.0\n");
}

static void the_interpreter_itself_is_no_distribution(void **state)
{
    (void)state;
    expect("Name: Python\nVersion: 2.7.18\n", MU_OK, "");
}

static void metadata_without_a_usable_version_is_named(void **state)
{
    (void)state;
    expect("Name: a\n", MU_E_INVALID, "");
    expect("Version: 1\n", MU_E_INVALID, "");
    expect("Name: a\nVersion: 1\x01\n", MU_E_INVALID, "");
    expect("Name: \xff\xfe\nVersion: 1\n", MU_E_INVALID, "");
    expect("", MU_E_INVALID, "");
}

static void a_name_longer_than_the_limit_is_refused(void **state)
{
    char text[3000];

    (void)state;
    memset(text, 'a', sizeof(text) - 1);
    memcpy(text, "Version: 1\nName: ", 17);
    text[sizeof(text) - 1] = '\0';
    expect(text, MU_E_INVALID, "");
}

static void what_the_sink_refuses_ends_the_reading(void **state)
{
    struct told told;

    (void)state;
    told_init(&told);
    told.refuse_at = 1;
    assert_int_equal(told_read(&told, &finder_python_metadata, "x", "Name: a\nVersion: 1", 18),
                     MU_E_LIMIT);
    assert_string_equal(told.err.message, "the sink is full");
    told_done(&told);
}

static void a_zipped_egg_is_read(void **state)
{
    static const char info[] = "Name: zipped\nVersion: 4.2\n";
    struct zip_build zip;
    struct told told;

    (void)state;
    zip_build_init(&zip);
    zip_build_add(&zip, "zipped/__init__.py", "pass", 4, ZIP_BUILD_STORED);
    zip_build_add(&zip, "EGG-INFO/PKG-INFO", info, sizeof(info) - 1, ZIP_BUILD_DEFLATED);
    zip_build_finish(&zip);
    told_init(&told);
    assert_true(told_wants(&finder_python_egg, "opt/zipped-4.2-py3.11.egg"));
    assert_int_equal(told_read(&told, &finder_python_egg, "a.egg", zip.out.data, zip.out.len),
                     MU_OK);
    assert_string_equal(told.lines.data, "pypi zipped 4.2 @EGG-INFO/PKG-INFO\n");
    assert_int_equal(told_read(&told, &finder_python_egg, "a.egg", "nothing", 7), MU_E_INVALID);
    told_done(&told);
    zip_build_done(&zip);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(metadata_is_wanted_where_installers_write_it),
            cmocka_unit_test(a_folder_named_like_metadata_is_not_wanted),
            cmocka_unit_test(name_and_version_are_told_as_written),
            cmocka_unit_test(headers_end_at_the_empty_line),
            cmocka_unit_test(the_first_of_two_headers_counts),
            cmocka_unit_test(a_folded_line_is_no_header),
            cmocka_unit_test(a_license_expression_goes_before_free_text),
            cmocka_unit_test(the_interpreter_itself_is_no_distribution),
            cmocka_unit_test(metadata_without_a_usable_version_is_named),
            cmocka_unit_test(a_name_longer_than_the_limit_is_refused),
            cmocka_unit_test(what_the_sink_refuses_ends_the_reading),
            cmocka_unit_test(a_zipped_egg_is_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
