#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "os_record.h"
#include "package/os/os_finders.h"

static void expect(const struct finder *finder, const char *path, const char *bytes,
                   enum mu_status status, const char *told)
{
    struct os_record record;

    assert_true(os_record_wants(finder, path));
    os_record_read(&record, finder, path, bytes, strlen(bytes));
    assert_int_equal(record.status, status);
    assert_string_equal(record.text.data, told);
    mu_buf_done(&record.text);
}

static void a_package_has_its_source_and_its_maintainer(void **state)
{
    (void)state;
    expect(&finder_dpkg_status, "var/lib/dpkg/status",
           "Package: libssl3\nStatus: install ok installed\nSource: openssl (3.0.1)\n"
           "Maintainer: J\xc3\xb6rg <j@mail.example>\nArchitecture: amd64\nVersion: 3.0.1-1+b1\n",
           MU_OK,
           "deb libssl3 3.0.1-1+b1 source=openssl/3.0.1 arch=amd64 "
           "vendor=J\xc3\xb6rg <j@mail.example>\n");
}

static void a_maintainer_that_is_no_text_is_left_out(void **state)
{
    (void)state;
    expect(&finder_dpkg_status, "var/lib/dpkg/status",
           "Package: a\nStatus: install ok installed\nMaintainer: \xff\nVersion: 1\n", MU_OK,
           "deb a 1 source=a/1\n");
}

static void opkgs_database_has_the_same_form(void **state)
{
    (void)state;
    expect(&finder_dpkg_status, "usr/lib/opkg/status",
           "Package: libc\nVersion: 1.2.4-4\nStatus: install hold installed\n"
           "Architecture: mipsel_24kc\nInstalled-Time: 1700000000\n",
           MU_OK, "deb libc 1.2.4-4 source=libc/1.2.4-4 arch=mipsel_24kc\n");
}

static void each_file_of_status_d_is_a_package(void **state)
{
    (void)state;
    expect(&finder_dpkg_status_d, "var/lib/dpkg/status.d/tzdata",
           "Package: tzdata\nVersion: 2024a-0\nArchitecture: all\n", MU_OK,
           "deb tzdata 2024a-0 source=tzdata/2024a-0 arch=all\n");
}

static void unreadable_packages_fail_the_file_after_the_others(void **state)
{
    (void)state;
    expect(&finder_dpkg_status, "var/lib/dpkg/status",
           "Package: a\nStatus: install ok installed\n\n"
           "Package: b\nStatus: install ok installed\nVersion: 2\n",
           MU_E_INVALID, "deb b 2 source=b/2\n");
}

static void only_databases_are_wanted(void **state)
{
    (void)state;
    assert_true(os_record_wants(&finder_dpkg_status, "usr/lib/dpkg/status"));
    assert_true(os_record_wants(&finder_dpkg_status, "usr/lib/dpkg/status-base"));
    assert_false(os_record_wants(&finder_dpkg_status, "usr/lib/dpkg/status-old"));
    assert_false(os_record_wants(&finder_dpkg_status, "var/lib/dpkg/status-old"));
    assert_false(os_record_wants(&finder_dpkg_status, "var/lib/dpkg/status.d/a"));
    assert_false(os_record_wants(&finder_dpkg_status_d, "var/lib/dpkg/status.d/a.md5sums"));
    assert_false(os_record_wants(&finder_dpkg_status_d, "var/lib/dpkg/status.d/a/b"));
    assert_false(os_record_wants(&finder_dpkg_status_d, "var/lib/dpkg/status.d"));
    assert_false(os_record_wants(&finder_dpkg_list, "var/lib/dpkg/info/a.conffiles"));
    assert_false(os_record_wants(&finder_dpkg_list, "var/lib/dpkg/info/.list"));
    assert_false(os_record_wants(&finder_dpkg_md5sums, "var/lib/dpkg/status.d/a"));
}

static void a_list_says_which_files_are_the_packages(void **state)
{
    (void)state;
    expect(&finder_dpkg_list, "var/lib/dpkg/info/bash.list",
           "/.\n/bin\n/bin/bash\n/usr\n/usr/share\n/usr/share/doc\n/usr/share/doc/bash\n"
           "/usr/share/doc/bash/copyright",
           MU_OK, "owns deb bash bin/bash\nowns deb bash usr/share/doc/bash/copyright\n");
}

static void a_list_may_name_the_architecture(void **state)
{
    (void)state;
    expect(&finder_dpkg_list, "var/lib/dpkg/info/libc6:amd64.list",
           "/lib/ld.so\n/usr/lib/libc.so\n", MU_OK,
           "owns deb libc6 lib/ld.so\nowns deb libc6 usr/lib/libc.so\n");
}

static void paths_that_are_none_are_passed_over(void **state)
{
    (void)state;
    expect(&finder_dpkg_list, "var/lib/dpkg/info/a.list",
           "\n/\n/a/../etc/passwd\n..\n/a//b\n/\xff\n./usr/b\n//c\n", MU_OK,
           "owns deb a usr/b\nowns deb a c\n");
}

static void checksums_of_distroless_name_files_too(void **state)
{
    (void)state;
    expect(&finder_dpkg_md5sums, "var/lib/dpkg/status.d/base-files.md5sums",
           "00112233445566778899aabbccddeeff  usr/lib/os-release\n"
           "00112233445566778899aabbccddeeff *./usr/share/b\nshort\n"
           "00112233445566778899aabbccddeeff  \n",
           MU_OK, "owns deb base-files usr/lib/os-release\nowns deb base-files usr/share/b\n");
}

static void what_the_sink_answers_ends_the_reading(void **state)
{
    static const char status[] = "Package: a\nVersion: 1\n\nPackage: b\nVersion: 1\n";
    struct os_record record;

    (void)state;
    os_record_few(&record, &finder_dpkg_status_d, "x", status, sizeof(status) - 1, 0);
    assert_int_equal(record.status, MU_E_LIMIT);
    assert_string_equal(record.text.data, "deb a 1 source=a/1\n");
    mu_buf_done(&record.text);
    os_record_few(&record, &finder_dpkg_list, "var/lib/dpkg/info/a.list", "/a\n/b\n", 6, 0);
    assert_int_equal(record.status, MU_E_LIMIT);
    mu_buf_done(&record.text);
}

static void a_list_of_no_package_is_refused(void **state)
{
    struct os_record record;

    (void)state;
    os_record_read(&record, &finder_dpkg_list, "elsewhere", "/a\n", 3);
    assert_int_equal(record.status, MU_E_INVALID);
    mu_buf_done(&record.text);
    os_record_read(&record, &finder_dpkg_md5sums, "elsewhere", "/a\n", 3);
    assert_int_equal(record.status, MU_E_INVALID);
    mu_buf_done(&record.text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(a_package_has_its_source_and_its_maintainer),
            cmocka_unit_test(a_maintainer_that_is_no_text_is_left_out),
            cmocka_unit_test(opkgs_database_has_the_same_form),
            cmocka_unit_test(each_file_of_status_d_is_a_package),
            cmocka_unit_test(unreadable_packages_fail_the_file_after_the_others),
            cmocka_unit_test(only_databases_are_wanted),
            cmocka_unit_test(a_list_says_which_files_are_the_packages),
            cmocka_unit_test(a_list_may_name_the_architecture),
            cmocka_unit_test(paths_that_are_none_are_passed_over),
            cmocka_unit_test(checksums_of_distroless_name_files_too),
            cmocka_unit_test(what_the_sink_answers_ends_the_reading),
            cmocka_unit_test(a_list_of_no_package_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
