#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "os_record.h"
#include "package/os/os_finders.h"
#include "rpm_build.h"

/* ---- container-manifest-2 ---- */

static const char manifest_path[] = "var/lib/rpmmanifest/container-manifest-2";

static void expect_manifest(const char *bytes, enum mu_status status, const char *told)
{
    struct os_record record;

    assert_true(os_record_wants(&finder_rpm_manifest, manifest_path));
    os_record_read(&record, &finder_rpm_manifest, manifest_path, bytes, strlen(bytes));
    assert_int_equal(record.status, status);
    assert_string_equal(record.text.data, told);
    mu_buf_done(&record.text);
}

static void a_line_of_the_manifest_is_a_package(void **state)
{
    (void)state;
    expect_manifest("zlib-libs\t1.3.1-1.ex3\t1700000000\t1690000000\tExample Corporation\t(none)\t"
                    "580\tx86_64\t0\tzlib-1.3.1-1.ex3.src.rpm\n"
                    "tool\t2-3\t1\t1\t(none)\t4\t1\tnoarch\t4\t(none)",
                    MU_OK,
                    "rpm zlib-libs 1.3.1-1.ex3 source=zlib/1.3.1-1.ex3 arch=x86_64 "
                    "vendor=Example Corporation\nrpm tool 4:2-3 arch=noarch\n");
}

static void keys_of_the_manifest_are_no_packages(void **state)
{
    (void)state;
    expect_manifest("gpg-pubkey\t1-1\t1\t1\t(none)\t(none)\t0\t(none)\t0\t(none)\n", MU_OK, "");
}

static void lines_that_are_no_packages_fail_the_manifest_after_the_others(void **state)
{
    char line[16384];

    (void)state;
    expect_manifest("\nname\t1-1\n(none)\t1-1\t1\t1\tv\t0\t1\ta\t0\ts\n"
                    "a b\t1-1\t1\t1\tv\t0\t1\ta\t0\ts\na\t1-1\t1\t1\tv\t0\t1\tnoarch\t0\ts\r\n",
                    MU_E_INVALID, "rpm a 1-1 arch=noarch vendor=v\n");
    memset(line, 'x', sizeof(line));
    line[sizeof(line) - 1] = '\0';
    expect_manifest(line, MU_E_INVALID, "");
}

static void what_the_sink_answers_ends_the_manifest(void **state)
{
    static const char line[] = "a\t1-1\t1\t1\tv\t0\t1\tnoarch\t0\ts\n";
    struct os_record record;

    (void)state;
    os_record_few(&record, &finder_rpm_manifest, manifest_path, line, sizeof(line) - 1, 0);
    assert_int_equal(record.status, MU_E_LIMIT);
    mu_buf_done(&record.text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(a_line_of_the_manifest_is_a_package),
            cmocka_unit_test(keys_of_the_manifest_are_no_packages),
            cmocka_unit_test(lines_that_are_no_packages_fail_the_manifest_after_the_others),
            cmocka_unit_test(what_the_sink_answers_ends_the_manifest),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
