#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "os_record.h"
#include "package/os/os_finders.h"

static const char path[] = "lib/apk/db/installed";

static void expect(const char *bytes, enum mu_status status, const char *told)
{
    struct os_record record;

    os_record_read(&record, &finder_apk_installed, path, bytes, strlen(bytes));
    assert_int_equal(record.status, status);
    assert_string_equal(record.text.data, told);
    mu_buf_done(&record.text);
}

static void a_package_names_its_origin_and_its_files(void **state)
{
    (void)state;
    expect("C:Q1abc=\nP:libcrypto3\nV:3.1.4-r5\nA:x86_64\nS:1\nI:2\nT:Crypto: a library\n"
           "L:Apache-2.0\no:openssl\nm:Somebody\nD:so:libc\nF:\nR:top\nF:lib\nR:libcrypto.so.3\n"
           "a:0:0:755\nZ:Q1x=\nF:usr\nF:usr/lib\nM:0:0:755\nR:libcrypto.so.3\n\n",
           MU_OK,
           "apk libcrypto3 3.1.4-r5 source=openssl/3.1.4-r5 arch=x86_64 license=Apache-2.0\n"
           "owns apk libcrypto3 top\nowns apk libcrypto3 lib/libcrypto.so.3\n"
           "owns apk libcrypto3 usr/lib/libcrypto.so.3\n");
}

static void a_package_without_origin_is_its_own(void **state)
{
    (void)state;
    expect("P:a\nV:1-r0\n\n\nP:b\nV:2-r0\no:a b\n", MU_OK,
           "apk a 1-r0 source=a/1-r0\napk b 2-r0 source=b/2-r0\n");
}

static void the_case_of_a_letter_matters(void **state)
{
    (void)state;
    expect("p:so:x=9\nP:a\nv:9\nV:1\nr:other\nO:none\n", MU_OK, "apk a 1 source=a/1\n");
}

static void the_last_package_needs_no_empty_line(void **state)
{
    (void)state;
    expect("P:a\r\nV:1\r\n\r\nP:b\nV:2", MU_OK, "apk a 1 source=a/1\napk b 2 source=b/2\n");
}

static void files_do_not_pass_to_the_next_package(void **state)
{
    (void)state;
    expect("P:a\nV:1\nF:usr\nR:x\n\nR:stray\n\nP:b\nV:2\nR:y\n", MU_E_INVALID,
           "apk a 1 source=a/1\nowns apk a usr/x\napk b 2 source=b/2\nowns apk b y\n");
}

static void virtual_packages_are_left_out(void **state)
{
    (void)state;
    expect("P:.build-deps\nV:20240101.120000\nA:noarch\n\nP:a\nV:1\n", MU_OK,
           "apk a 1 source=a/1\n");
}

static void unreadable_packages_fail_the_file_after_the_others(void **state)
{
    (void)state;
    expect("P:a\n\nV:1\n\nP:a b\nV:1\n\nP:\xff\nV:1\n\nP:good\nV:1\n", MU_E_INVALID,
           "apk good 1 source=good/1\n");
}

static void paths_that_are_none_are_passed_over(void **state)
{
    (void)state;
    expect("P:a\nV:1\nF:../etc\nR:passwd\nF:usr\nR:..\nR:\nR:\xff\nR:x/y\nF:/abs\nR:z\n", MU_OK,
           "apk a 1 source=a/1\nowns apk a usr/x/y\nowns apk a abs/z\n");
}

static void a_path_that_is_too_long_is_passed_over(void **state)
{
    static const char head[] = "P:a\nV:1\nF:";
    char bytes[20000];

    (void)state;
    memset(bytes, 'x', sizeof(bytes));
    memcpy(bytes, head, sizeof(head) - 1);
    memcpy(bytes + 10000, "\nR:", 3);
    bytes[sizeof(bytes) - 1] = '\0';
    expect(bytes, MU_OK, "apk a 1 source=a/1\n");
}

static void both_places_are_wanted(void **state)
{
    (void)state;
    assert_true(os_record_wants(&finder_apk_installed, path));
    assert_true(os_record_wants(&finder_apk_installed, "usr/lib/apk/db/installed"));
    assert_false(os_record_wants(&finder_apk_installed, "opt/lib/apk/db/installed"));
}

static void what_the_sink_answers_ends_the_reading(void **state)
{
    static const char bytes[] = "P:a\nV:1\nR:x\nR:y\n\nP:b\nV:2\n";
    struct os_record record;

    (void)state;
    for (size_t calls = 0; calls < 4; calls++) {
        os_record_few(&record, &finder_apk_installed, path, bytes, sizeof(bytes) - 1, calls);
        assert_int_equal(record.status, MU_E_LIMIT);
        mu_buf_done(&record.text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(a_package_names_its_origin_and_its_files),
            cmocka_unit_test(a_package_without_origin_is_its_own),
            cmocka_unit_test(the_case_of_a_letter_matters),
            cmocka_unit_test(the_last_package_needs_no_empty_line),
            cmocka_unit_test(files_do_not_pass_to_the_next_package),
            cmocka_unit_test(virtual_packages_are_left_out),
            cmocka_unit_test(unreadable_packages_fail_the_file_after_the_others),
            cmocka_unit_test(paths_that_are_none_are_passed_over),
            cmocka_unit_test(a_path_that_is_too_long_is_passed_over),
            cmocka_unit_test(both_places_are_wanted),
            cmocka_unit_test(what_the_sink_answers_ends_the_reading),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
