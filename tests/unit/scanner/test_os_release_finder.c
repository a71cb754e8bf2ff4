#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "os_record.h"
#include "package/os/os_finders.h"

static void expect(const char *path, const char *bytes, const char *facts)
{
    struct os_record record;

    assert_true(os_record_wants(&finder_os_release, path));
    os_record_read(&record, &finder_os_release, path, bytes, strlen(bytes));
    assert_int_equal(record.status, MU_OK);
    assert_string_equal(record.text.data, facts);
    mu_buf_done(&record.text);
}

static void what_os_release_says_becomes_facts(void **state)
{
    (void)state;
    expect("etc/os-release",
           "NAME=\"Rocky Linux\"\nID=\"rocky\"\nVERSION_ID=\"9.3\"\nID_LIKE=\"rhel centos "
           "fedora\"\n"
           "PRETTY_NAME='Rocky Linux 9.3'\nCPE_NAME=\"cpe:/o:rocky:rocky:9::baseos\"\n",
           "fact ID=rocky\nfact VERSION_ID=9.3\nfact PRETTY_NAME=Rocky Linux 9.3\n"
           "fact ID_LIKE=rhel centos fedora\nfact CPE_NAME=cpe:/o:rocky:rocky:9::baseos\n");
    expect("usr/lib/os-release", "ID=debian\nVERSION_CODENAME=trixie\n",
           "fact ID=debian\nfact VERSION_CODENAME=trixie\n");
}

static void older_files_stand_in_for_it(void **state)
{
    (void)state;
    expect("etc/alpine-release", "3.10.2\n", "fact ID=alpine\nfact VERSION_ID=3.10.2\n");
    expect("etc/debian_version", "12.5\n", "fact ID=debian\nfact VERSION_ID=12\n");
    expect("etc/debian_version", "trixie/sid\n", "fact ID=debian\nfact VERSION_CODENAME=trixie\n");
    expect("etc/lsb-release",
           "DISTRIB_ID=Ubuntu\nDISTRIB_RELEASE=22.04\nDISTRIB_CODENAME=jammy\n"
           "DISTRIB_DESCRIPTION=\"Ubuntu 22.04.3 LTS\"\n",
           "fact ID=ubuntu\nfact VERSION_ID=22.04\nfact VERSION_CODENAME=jammy\n"
           "fact PRETTY_NAME=Ubuntu 22.04.3 LTS\n");
}

static void the_files_of_red_hats_relatives_name_them(void **state)
{
    (void)state;
    expect("etc/redhat-release", "CentOS Linux release 7.9.2009 (Core)\n",
           "fact ID=centos\nfact VERSION_ID=7\n"
           "fact PRETTY_NAME=CentOS Linux release 7.9.2009 (Core)\n");
    expect("etc/almalinux-release", "AlmaLinux release 9.3 (Shamrock Pampas Cat)",
           "fact ID=almalinux\nfact VERSION_ID=9.3\n"
           "fact PRETTY_NAME=AlmaLinux release 9.3 (Shamrock Pampas Cat)\n");
    expect("etc/system-release", "Amazon Linux AMI release 2018.03\n",
           "fact ID=amzn\nfact VERSION_ID=2018.03\nfact PRETTY_NAME=Amazon Linux AMI release "
           "2018.03\n");
    expect("etc/system-release", "Amazon Linux release 2 (Karoo)\n",
           "fact ID=amzn\nfact VERSION_ID=2\nfact PRETTY_NAME=Amazon Linux release 2 (Karoo)\n");
}

static void what_says_nothing_tells_nothing(void **state)
{
    (void)state;
    expect("etc/alpine-release", "edge\n", "");
    expect("etc/debian_version", "\n", "");
    expect("etc/debian_version", "/sid\n", "");
    expect("etc/redhat-release", "Something else 7\n", "");
    expect("etc/redhat-release", "AlmaLinux\x01 release 9\n", "");
    expect("etc/lsb-release", "", "");
}

static void os_release_ranks_before_what_stands_in_for_it(void **state)
{
    (void)state;
    assert_int_equal(os_release_rank("etc/os-release"), 0);
    assert_int_equal(os_release_rank("usr/lib/os-release"), 1);
    assert_true(os_release_rank("etc/lsb-release") < os_release_rank("etc/debian_version"));
    assert_true(os_release_rank("etc/oracle-release") < os_release_rank("etc/redhat-release"));
    assert_true(os_release_rank("opt/etc/os-release") == SIZE_MAX);
    assert_false(os_record_wants(&finder_os_release, "opt/etc/os-release"));
}

static void a_file_that_a_link_leads_to_is_read_as_os_release(void **state)
{
    struct os_record record;

    (void)state;
    os_record_read(&record, &finder_os_release, "opt/release", "ID=x\n", 5);
    assert_int_equal(record.status, MU_OK);
    assert_string_equal(record.text.data, "fact ID=x\n");
    mu_buf_done(&record.text);
}

static void what_the_sink_answers_ends_the_reading(void **state)
{
    struct os_record record;

    (void)state;
    os_record_few(&record, &finder_os_release, "etc/os-release", "ID=x\nVERSION_ID=1\n", 18, 0);
    assert_int_equal(record.status, MU_E_LIMIT);
    assert_string_equal(record.text.data, "fact ID=x\n");
    mu_buf_done(&record.text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(what_os_release_says_becomes_facts),
            cmocka_unit_test(older_files_stand_in_for_it),
            cmocka_unit_test(the_files_of_red_hats_relatives_name_them),
            cmocka_unit_test(what_says_nothing_tells_nothing),
            cmocka_unit_test(os_release_ranks_before_what_stands_in_for_it),
            cmocka_unit_test(a_file_that_a_link_leads_to_is_read_as_os_release),
            cmocka_unit_test(what_the_sink_answers_ends_the_reading),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
