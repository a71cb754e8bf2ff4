#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "package/os/dpkg_status.h"

#include <string.h>

static void text_add(struct mu_buf *out, struct dpkg_text text)
{
    mu_buf_append(out, text.text ? text.text : "-", text.text ? text.len : 1);
}

/* "name version source sourceversion arch\n" */
static enum mu_status on_package(void *opaque, const struct dpkg_package *package,
                                 struct mu_error *err)
{
    struct mu_buf *out = opaque;
    const struct dpkg_text texts[] = {package->name, package->version, package->source_name,
                                      package->source_version, package->architecture};

    (void)err;
    for (size_t i = 0; i < 5; i++) {
        text_add(out, texts[i]);
        mu_buf_puts(out, i < 4 ? " " : "\n");
    }
    return MU_OK;
}

static void expect(enum dpkg_form form, const char *status, const char *packages, size_t unreadable)
{
    size_t got = 77;
    struct mu_buf out;
    struct mu_error err;

    mu_buf_init(&out, 65536);
    assert_int_equal(dpkg_status_parse(status, strlen(status), form, on_package, &out, &got, &err),
                     MU_OK);
    assert_string_equal(out.data, packages);
    assert_int_equal(got, unreadable);
    mu_buf_done(&out);
}

static void an_installed_package_is_its_own_source(void **state)
{
    (void)state;
    expect(DPKG_STATUS,
           "Package: bash\nStatus: install ok installed\nArchitecture: amd64\nVersion: "
           "5.2.15-2+b7\n",
           "bash 5.2.15-2+b7 bash 5.2.15-2+b7 amd64\n", 0);
}

static void a_source_may_have_its_own_version(void **state)
{
    (void)state;
    expect(DPKG_STATUS,
           "Package: libssl3\nStatus: hold ok installed\nSource: openssl\nVersion: 3.0.15-1\n\n"
           "Package: bsdutils\nStatus: install ok installed\nSource: util-linux "
           "(2.38.1-5)\nVersion: 1:2.38.1-5\n",
           "libssl3 3.0.15-1 openssl 3.0.15-1 -\nbsdutils 1:2.38.1-5 util-linux 2.38.1-5 -\n", 0);
}

static void packages_whose_files_are_gone_are_left_out(void **state)
{
    (void)state;
    expect(DPKG_STATUS,
           "Package: a\nStatus: deinstall ok config-files\nVersion: 1\n\n"
           "Package: b\nStatus: purge ok not-installed\nVersion: 1\n\n"
           "Package: c\nStatus: install reinstreq half-installed\nVersion: 1\n\n"
           "Package: d\nVersion: 1\n",
           "", 0);
}

static void packages_whose_files_are_unpacked_are_present(void **state)
{
    (void)state;
    expect(DPKG_STATUS,
           "Package: a\nStatus: install ok unpacked\nVersion: 1\n\n"
           "Package: b\nStatus: install ok half-configured\nVersion: 2\n\n"
           "Package: c\nStatus: install ok triggers-pending\nVersion: 3\n",
           "a 1 a 1 -\nb 2 b 2 -\nc 3 c 3 -\n", 0);
}

static void a_status_d_file_needs_no_status(void **state)
{
    (void)state;
    expect(DPKG_STATUS_D, "Package: tzdata\nVersion: 2024a-0\nArchitecture: all\n",
           "tzdata 2024a-0 tzdata 2024a-0 all\n", 0);
}

static void continuation_lines_are_not_fields(void **state)
{
    (void)state;
    expect(DPKG_STATUS,
           "Package: a\nDescription: x\n Version: 9\n\tPackage: evil\n .\nConffiles:\n /etc/x 0\n"
           "Status: install ok installed\nVersion: 1\n",
           "a 1 a 1 -\n", 0);
}

static void field_names_have_no_case_and_the_first_of_two_holds(void **state)
{
    (void)state;
    expect(DPKG_STATUS, "PACKAGE: a\nstatus: install ok installed\nvErsion: 1\nVersion: 2\n",
           "a 1 a 1 -\n", 0);
}

static void line_ends_may_have_carriage_returns_and_the_last_none(void **state)
{
    (void)state;
    expect(DPKG_STATUS,
           "Package: a\r\nStatus: install ok installed\r\nVersion: 1\r\n\r\n\r\n"
           "Package: b\nStatus: install ok installed\nVersion: 2",
           "a 1 a 1 -\nb 2 b 2 -\n", 0);
}

static void present_packages_without_name_or_version_are_counted(void **state)
{
    (void)state;
    expect(DPKG_STATUS,
           "Status: install ok installed\nVersion: 1\n\nPackage: a\nStatus: install ok "
           "installed\n\n"
           "Package: b c\nStatus: install ok installed\nVersion: 1\n\n"
           "Package: \xff\nStatus: install ok installed\nVersion: 1\n",
           "", 4);
}

static void nothing_in_nothing_out(void **state)
{
    (void)state;
    expect(DPKG_STATUS, "", "", 0);
    expect(DPKG_STATUS, "\n\n  \n:\nno colon\n", "", 0);
    expect(DPKG_STATUS_D, "\n", "", 0);
}

static enum mu_status refuse(void *opaque, const struct dpkg_package *package, struct mu_error *err)
{
    (void)opaque;
    (void)package;
    return mu_fail(err, MU_E_LIMIT, "enough");
}

static void what_the_callback_returns_ends_the_parse(void **state)
{
    static const char status[] = "Package: a\nVersion: 1\n\nPackage: b\nVersion: 1\n";
    size_t unreadable = 77;
    struct mu_error err;

    (void)state;
    assert_int_equal(dpkg_status_parse(status, sizeof(status) - 1, DPKG_STATUS_D, refuse, NULL,
                                       &unreadable, &err),
                     MU_E_LIMIT);
    assert_int_equal(unreadable, 77);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(an_installed_package_is_its_own_source),
            cmocka_unit_test(a_source_may_have_its_own_version),
            cmocka_unit_test(packages_whose_files_are_gone_are_left_out),
            cmocka_unit_test(packages_whose_files_are_unpacked_are_present),
            cmocka_unit_test(a_status_d_file_needs_no_status),
            cmocka_unit_test(continuation_lines_are_not_fields),
            cmocka_unit_test(field_names_have_no_case_and_the_first_of_two_holds),
            cmocka_unit_test(line_ends_may_have_carriage_returns_and_the_last_none),
            cmocka_unit_test(present_packages_without_name_or_version_are_counted),
            cmocka_unit_test(nothing_in_nothing_out),
            cmocka_unit_test(what_the_callback_returns_ends_the_parse),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
