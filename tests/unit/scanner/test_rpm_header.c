#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "os_record.h"
#include "package/os/os_text.h"
#include "package/os/rpm_header.h"
#include "rpm_build.h"

#define COUNT_OF(array) ((uint32_t)(sizeof(array) / sizeof((array)[0])))

static enum mu_status parse(const void *bytes, size_t len, struct rpm_header *ret_header)
{
    struct mu_error err;

    return rpm_header_parse(bytes, len, ret_header, &err);
}

/* Ends the build, parses it and holds what it tells against `told`. */
static void expect(struct rpm_build *build, const char *told)
{
    struct os_record record = {.calls_left = SIZE_MAX};
    struct finder_sink sink = {.opaque = &record, .package = record_package, .owns = record_owns};
    struct rpm_header header;

    rpm_build_end(build);
    assert_int_equal(parse(build->whole.data, build->whole.len, &header), MU_OK);
    mu_buf_init(&record.text, 1 << 16);
    assert_int_equal(rpm_header_tell(&header, &sink, &record.err), MU_OK);
    assert_string_equal(record.text.data, told);
    mu_buf_done(&record.text);
    rpm_build_done(build);
}

static void expect_refused(struct rpm_build *build, enum mu_status status)
{
    struct rpm_header header = {.name = "untouched"};

    rpm_build_end(build);
    assert_int_equal(parse(build->whole.data, build->whole.len, &header), status);
    assert_string_equal(header.name, "untouched");
    rpm_build_done(build);
}

static void a_package_tells_all_that_its_header_says(void **state)
{
    struct rpm_build build;

    (void)state;
    rpm_build_init(&build);
    rpm_build_text(&build, RPM_NAME, "nodejs-libs");
    rpm_build_text(&build, RPM_VERSION, "16.20.2");
    rpm_build_text(&build, RPM_RELEASE, "4.module_el9");
    rpm_build_numbers(&build, RPM_EPOCH, 1, (const uint32_t[]){1});
    rpm_build_text(&build, RPM_VENDOR, "Example Linux");
    rpm_build_text(&build, RPM_LICENSE, "MIT and others");
    rpm_build_text(&build, RPM_ARCH, "x86_64");
    rpm_build_text(&build, RPM_SOURCERPM, "nodejs-16.20.2-4.module_el9.src.rpm");
    rpm_build_text(&build, RPM_MODULE, "nodejs:16:9020:rhel9");
    expect(&build, "rpm nodejs-libs 1:16.20.2-4.module_el9 source=nodejs/16.20.2-4.module_el9 "
                   "arch=x86_64 vendor=Example Linux module=nodejs:16:9020:rhel9 "
                   "license=MIT and others\n");
}

static void epoch_0_is_no_epoch(void **state)
{
    struct rpm_build build;

    (void)state;
    rpm_build_init(&build);
    rpm_build_package(&build, "a");
    rpm_build_numbers(&build, RPM_EPOCH, 1, (const uint32_t[]){0});
    expect(&build, "rpm a 1.0-1\n");
}

static void the_first_of_translated_texts_counts(void **state)
{
    struct rpm_build build;

    (void)state;
    rpm_build_init(&build);
    rpm_build_package(&build, "a");
    rpm_build_entry(&build, RPM_VENDOR, RPM_T_I18N, (uint32_t)build.store.len, 2);
    mu_buf_append(&build.store, "One\0Eins", 9);
    expect(&build, "rpm a 1.0-1 vendor=One\n");
}

static void a_key_is_no_package(void **state)
{
    struct rpm_build build;

    (void)state;
    rpm_build_init(&build);
    rpm_build_package(&build, "gpg-pubkey");
    expect(&build, "");
}

static void texts_that_cannot_be_passed_on_are_left_out(void **state)
{
    struct rpm_build build;

    (void)state;
    rpm_build_init(&build);
    rpm_build_package(&build, "a");
    rpm_build_text(&build, RPM_VENDOR, "\xff");
    rpm_build_text(&build, RPM_LICENSE, "a\nb");
    rpm_build_text(&build, RPM_ARCH, "");
    rpm_build_text(&build, RPM_MODULE, "two words");
    expect(&build, "rpm a 1.0-1\n");
}

static void files_lie_in_their_folders(void **state)
{
    struct rpm_build build;

    (void)state;
    rpm_build_init(&build);
    rpm_build_package(&build, "a");
    rpm_build_numbers(&build, RPM_DIRINDEXES, 4, (const uint32_t[]){1, 0, 1, 2});
    rpm_build_texts(&build, RPM_BASENAMES, 4, (const char *const[]){"b", "x", "c", "gone"});
    rpm_build_texts(&build, RPM_DIRNAMES, 2, (const char *const[]){"/usr/", "/usr/bin/"});
    expect(&build, "rpm a 1.0-1\nowns rpm a usr/bin/b\nowns rpm a usr/x\nowns rpm a usr/bin/c\n");
}

static void files_that_rpm_did_not_put_there_are_not_its(void **state)
{
    struct rpm_build build;

    (void)state;
    rpm_build_init(&build);
    rpm_build_package(&build, "a");
    rpm_build_numbers(&build, RPM_DIRINDEXES, 4, (const uint32_t[]){0, 0, 0, 0});
    rpm_build_texts(&build, RPM_BASENAMES, 4, (const char *const[]){"a", "ghost", "left", "b"});
    rpm_build_texts(&build, RPM_DIRNAMES, 1, (const char *const[]){"/"});
    rpm_build_numbers(&build, RPM_FILEFLAGS, 4, (const uint32_t[]){0, 64, 0, 1});
    rpm_build_entry(&build, RPM_FILESTATES, RPM_T_CHAR, (uint32_t)build.store.len, 4);
    mu_buf_append(&build.store, "\0\0\2\0", 4);
    expect(&build, "rpm a 1.0-1\nowns rpm a a\nowns rpm a b\n");
}

static void paths_that_are_none_are_passed_over(void **state)
{
    char longest[OS_FILE_MAX_BYTES + 8];
    struct rpm_build build;

    (void)state;
    memset(longest, 'x', sizeof(longest));
    longest[sizeof(longest) - 1] = '\0';
    rpm_build_init(&build);
    rpm_build_package(&build, "a");
    rpm_build_numbers(&build, RPM_DIRINDEXES, 5, (const uint32_t[]){0, 0, 0, 1, 0});
    rpm_build_texts(&build, RPM_BASENAMES, 5,
                    (const char *const[]){"..", "\xff", longest, "", "ok"});
    rpm_build_texts(&build, RPM_DIRNAMES, 2, (const char *const[]){"/usr/", "/"});
    expect(&build, "rpm a 1.0-1\nowns rpm a usr/ok\n");
}

static void what_is_no_header_is_refused(void **state)
{
    struct rpm_header header;

    (void)state;
    assert_int_equal(parse("", 0, &header), MU_E_INVALID);
    assert_int_equal(parse("\0\0\0\1\0\0\0", 7, &header), MU_E_INVALID);
    assert_int_equal(parse("\0\0\0\0\0\0\0\0", 8, &header), MU_E_INVALID);
    assert_int_equal(parse("\0\0\0\1\0\0\0\0", 8, &header), MU_E_INVALID);
    assert_int_equal(parse("\377\377\377\377\377\377\377\377", 8, &header), MU_E_INVALID);
}

static void name_version_and_release_are_needed(void **state)
{
    static const uint32_t tags[] = {RPM_NAME, RPM_VERSION, RPM_RELEASE};

    (void)state;
    for (uint32_t missing = 0; missing < COUNT_OF(tags); missing++) {
        for (int spoilt = 0; spoilt < 2; spoilt++) {
            struct rpm_build build;

            rpm_build_init(&build);
            for (uint32_t i = 0; i < COUNT_OF(tags); i++) {
                if (i != missing)
                    rpm_build_text(&build, tags[i], "1");
                else if (spoilt)
                    rpm_build_text(&build, tags[i], "a b");
            }
            expect_refused(&build, MU_E_INVALID);
        }
    }
}

static void values_outside_of_the_store_are_refused(void **state)
{
    /* tag, type, offset, count */
    static const uint32_t entries[][4] = {
            {RPM_VENDOR, RPM_T_STRING, 1000, 1},
            {RPM_VENDOR, RPM_T_STRING, UINT32_MAX, 1},
            {RPM_VENDOR, RPM_T_STRING, 0, 0},
            {RPM_VENDOR, RPM_T_INT32, 0, 1},
            {RPM_EPOCH, RPM_T_INT32, 6, 1},
            {RPM_EPOCH, RPM_T_INT32, 0, UINT32_MAX},
            {RPM_DIRINDEXES, RPM_T_INT32, 0, 1 << 30},
            {RPM_BASENAMES, RPM_T_ARRAY, 0, 1000},
    };

    (void)state;
    for (uint32_t i = 0; i < COUNT_OF(entries); i++) {
        struct rpm_build build;

        rpm_build_init(&build);
        rpm_build_package(&build, "a"); /* 8 bytes of store */
        rpm_build_entry(&build, entries[i][0], entries[i][1], entries[i][2], entries[i][3]);
        expect_refused(&build, MU_E_INVALID);
    }
}

static void a_text_without_end_is_refused(void **state)
{
    struct rpm_build build;

    (void)state;
    rpm_build_init(&build);
    rpm_build_package(&build, "a");
    rpm_build_entry(&build, RPM_VENDOR, RPM_T_STRING, (uint32_t)build.store.len, 1);
    mu_buf_append(&build.store, "abc", 3);
    expect_refused(&build, MU_E_INVALID);
}

static void lists_of_files_must_be_of_one_length(void **state)
{
    struct rpm_build build;

    (void)state;
    rpm_build_init(&build);
    rpm_build_package(&build, "a");
    rpm_build_numbers(&build, RPM_DIRINDEXES, 1, (const uint32_t[]){0});
    rpm_build_texts(&build, RPM_BASENAMES, 2, (const char *const[]){"a", "b"});
    rpm_build_texts(&build, RPM_DIRNAMES, 1, (const char *const[]){"/"});
    expect_refused(&build, MU_E_INVALID);

    rpm_build_init(&build);
    rpm_build_package(&build, "a");
    rpm_build_numbers(&build, RPM_DIRINDEXES, 1, (const uint32_t[]){0});
    rpm_build_texts(&build, RPM_BASENAMES, 1, (const char *const[]){"a"});
    expect_refused(&build, MU_E_INVALID);
}

static void lists_that_end_early_tell_what_is_there(void **state)
{
    struct rpm_build build;

    (void)state;
    rpm_build_init(&build);
    rpm_build_package(&build, "a");
    rpm_build_numbers(&build, RPM_DIRINDEXES, 3, (const uint32_t[]){0, 0, 0});
    rpm_build_texts(&build, RPM_DIRNAMES, 1, (const char *const[]){"/"});
    rpm_build_entry(&build, RPM_BASENAMES, RPM_T_ARRAY, (uint32_t)build.store.len, 3);
    mu_buf_append(&build.store, "b\0cd", 4);
    expect(&build, "rpm a 1.0-1\nowns rpm a b\n");
}

static void more_files_than_a_package_has_are_too_many(void **state)
{
    static char store[RPM_HEADER_MAX_FILES + 1];
    struct rpm_build build;

    (void)state;
    rpm_build_init(&build);
    mu_buf_done(&build.store);
    mu_buf_init(&build.store, 4 << 20);
    mu_buf_done(&build.whole);
    mu_buf_init(&build.whole, 4 << 20);
    rpm_build_package(&build, "a");
    rpm_build_entry(&build, RPM_BASENAMES, RPM_T_ARRAY, (uint32_t)build.store.len, sizeof(store));
    mu_buf_append(&build.store, store, sizeof(store));
    expect_refused(&build, MU_E_LIMIT);
}

static void a_source_has_name_version_and_release(void **state)
{
    static const struct {
        const char *source_rpm, *name, *version;
    } cases[] = {
            {"acl-2.3.1-3.el9.src.rpm", "acl", "2.3.1-3.el9"},
            {"python-a-b-1-2.nosrc.rpm", "python-a-b", "1-2"},
            {"a-1-2", "a", "1-2"},
            {"(none)", NULL, NULL},
            {"a-1.src.rpm", NULL, NULL},
            {"-1-2.src.rpm", NULL, NULL},
            {"a--2.src.rpm", NULL, NULL},
            {"a-1-.src.rpm", NULL, NULL},
            {".src.rpm", NULL, NULL},
            {"two words-1-2", NULL, NULL},
            {NULL, NULL, NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[OS_WORD_MAX_BYTES + 1];
        const char *name = "?", *version = "?";

        rpm_source_split(cases[i].source_rpm, text, &name, &version);
        assert_int_equal(!name, !cases[i].name);
        assert_int_equal(!version, !cases[i].version);
        if (name) {
            assert_string_equal(name, cases[i].name);
            assert_string_equal(version, cases[i].version);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(a_package_tells_all_that_its_header_says),
            cmocka_unit_test(epoch_0_is_no_epoch),
            cmocka_unit_test(the_first_of_translated_texts_counts),
            cmocka_unit_test(a_key_is_no_package),
            cmocka_unit_test(texts_that_cannot_be_passed_on_are_left_out),
            cmocka_unit_test(files_lie_in_their_folders),
            cmocka_unit_test(files_that_rpm_did_not_put_there_are_not_its),
            cmocka_unit_test(paths_that_are_none_are_passed_over),
            cmocka_unit_test(what_is_no_header_is_refused),
            cmocka_unit_test(name_version_and_release_are_needed),
            cmocka_unit_test(values_outside_of_the_store_are_refused),
            cmocka_unit_test(a_text_without_end_is_refused),
            cmocka_unit_test(lists_of_files_must_be_of_one_length),
            cmocka_unit_test(lists_that_end_early_tell_what_is_there),
            cmocka_unit_test(more_files_than_a_package_has_are_too_many),
            cmocka_unit_test(a_source_has_name_version_and_release),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
