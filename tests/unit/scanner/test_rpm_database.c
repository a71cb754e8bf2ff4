#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/file.h"
#include "os_record.h"
#include "package/os/os_finders.h"

/* The same packages in each form: tests/data/rpm/make_databases.py. */
static const struct form {
    const struct finder *finder;
    const char *name; /* in the image */
    const char *file; /* in the data of tests */
} forms[] = {
        {&finder_rpm_sqlite, "rpmdb.sqlite", "rpmdb.sqlite"},
        {&finder_rpm_ndb, "Packages.db", "Packages.db"},
        {&finder_rpm_bdb, "Packages", "Packages"},
        {&finder_rpm_bdb, "Packages", "Packages.big-endian"},
};

enum form_index { FORM_SQLITE, FORM_NDB, FORM_BDB, FORM_BDB_BIG_ENDIAN, FORM_COUNT };

static const char packages[] =
        "rpm beta-libs 2:3.1~rc1-4.module_ex9 source=beta/3.1~rc1-4.module_ex9 arch=noarch "
        "vendor=Example Linux module=beta:stable:1:abcdef license=MIT\n"
        "owns rpm beta-libs usr/lib/beta/libbeta.so\n"
        "rpm alpha 1.0-1.ex9 source=alpha/1.0-1.ex9 arch=noarch vendor=Example Linux "
        "license=MIT\n"
        "owns rpm alpha usr/bin/alpha\n"
        "owns rpm alpha usr/share/alpha\n"
        "owns rpm alpha usr/share/alpha/data\n";

static void load(const struct form *form, struct mu_buf *ret_bytes)
{
    char path[512];
    struct mu_error err;

    (void)snprintf(path, sizeof(path), "%s/rpm/%s", MU_TEST_DATA, form->file);
    mu_buf_init(ret_bytes, 1 << 20);
    assert_int_equal(mu_file_read(path, ret_bytes, &err), MU_OK);
}

static void put_le32(struct mu_buf *bytes, size_t at, uint32_t value)
{
    assert_true(at + 4 <= bytes->len);
    for (size_t i = 0; i < 4; i++)
        bytes->data[at + i] = (char)(value >> (8 * i));
}

/* Reads the form's database, spoilt by a number at an offset. */
static enum mu_status status_spoilt(enum form_index form, size_t at, uint32_t value)
{
    struct os_record record;
    struct mu_buf bytes;
    enum mu_status status;

    load(&forms[form], &bytes);
    put_le32(&bytes, at, value);
    os_record_read(&record, forms[form].finder, forms[form].name, bytes.data, bytes.len);
    status = record.status;
    mu_buf_done(&record.text);
    mu_buf_done(&bytes);
    return status;
}

static void every_form_tells_the_same(void **state)
{
    (void)state;
    for (size_t i = 0; i < FORM_COUNT; i++) {
        struct os_record record;
        struct mu_buf bytes;

        load(&forms[i], &bytes);
        os_record_read(&record, forms[i].finder, forms[i].name, bytes.data, bytes.len);
        assert_int_equal(record.status, MU_OK);
        assert_string_equal(record.text.data, packages);
        mu_buf_done(&record.text);
        mu_buf_done(&bytes);
    }
}

static void each_lies_in_one_of_three_folders(void **state)
{
    static const char *const folders[] = {"var/lib/rpm", "usr/lib/sysimage/rpm", "usr/share/rpm"};
    char path[128];

    (void)state;
    for (size_t i = 0; i < FORM_COUNT; i++) {
        for (size_t j = 0; j < sizeof(folders) / sizeof(folders[0]); j++) {
            (void)snprintf(path, sizeof(path), "%s/%s", folders[j], forms[i].name);
            assert_true(os_record_wants(forms[i].finder, path));
        }
        (void)snprintf(path, sizeof(path), "opt/var/lib/rpm/%s", forms[i].name);
        assert_false(os_record_wants(forms[i].finder, path));
        assert_false(os_record_wants(forms[i].finder, "var/lib/rpm/Name"));
    }
}

static void a_file_cut_anywhere_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < FORM_COUNT; i++) {
        struct mu_buf bytes;

        load(&forms[i], &bytes);
        for (size_t len = 0; len < bytes.len; len += len < 600 ? 1 : 509) {
            struct os_record record;

            os_record_read(&record, forms[i].finder, forms[i].name, bytes.data, len);
            if (record.status != MU_E_INVALID)
                fail_msg("%s cut to %zu bytes: %d", forms[i].file, len, record.status);
            mu_buf_done(&record.text);
        }
        mu_buf_done(&bytes);
    }
}

static void another_form_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < FORM_COUNT; i++) {
        for (size_t j = 0; j < FORM_COUNT; j++) {
            struct os_record record;
            struct mu_buf bytes;

            if (forms[i].finder == forms[j].finder)
                continue;
            load(&forms[j], &bytes);
            os_record_read(&record, forms[i].finder, forms[i].name, bytes.data, bytes.len);
            assert_int_equal(record.status, MU_E_INVALID);
            mu_buf_done(&record.text);
            mu_buf_done(&bytes);
        }
    }
}

static void what_the_sink_answers_ends_the_reading(void **state)
{
    (void)state;
    for (size_t i = 0; i < FORM_COUNT; i++) {
        struct mu_buf bytes;

        load(&forms[i], &bytes);
        for (size_t calls = 0; calls < 6; calls++) {
            struct os_record record;

            os_record_few(&record, forms[i].finder, forms[i].name, bytes.data, bytes.len, calls);
            assert_int_equal(record.status, MU_E_LIMIT);
            mu_buf_done(&record.text);
        }
        mu_buf_done(&bytes);
    }
}

static void an_unreadable_header_does_not_hide_the_others(void **state)
{
    static const char first_name[] = "gpg-pubkey";
    struct os_record record;
    struct mu_buf bytes;
    char *name;

    (void)state;
    load(&forms[FORM_BDB_BIG_ENDIAN], &bytes); /* has no checksums */
    while ((name = memmem(bytes.data, bytes.len, first_name, sizeof(first_name))))
        memcpy(name, "g p\0pubkey", sizeof(first_name)); /* no usable name */
    os_record_read(&record, &finder_rpm_bdb, "Packages", bytes.data, bytes.len);
    assert_int_equal(record.status, MU_E_INVALID);
    assert_non_null(strstr(record.err.message, "1 packages are unreadable"));
    assert_string_equal(record.text.data, packages);
    mu_buf_done(&record.text);
    mu_buf_done(&bytes);
}

static void ndb_slots_must_fit_the_blobs(void **state)
{
    static const struct {
        size_t at;
        uint32_t value;
    } cases[] = {
            {0, 0},               /* magic */
            {4, 1},               /* version */
            {12, 0},              /* pages of slots */
            {12, UINT32_MAX},     /* more than the file has */
            {12, 2},              /* the second is none */
            {32, 0},              /* magic of the first slot */
            {36, 9},              /* another package's number */
            {40, 1},              /* no blob there */
            {40, UINT32_MAX},     /* behind the file's end */
            {44, 0},              /* no blocks */
            {44, 1},              /* less than head and tail */
            {44, UINT32_MAX},     /* as large as can be */
            {44, 0x0fffffff},     /* more than the file */
            {4096 + 12, 1},       /* the blob's own length */
            {4096 + 40, 0xabcdef} /* content: the checksum is wrong */
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        if (status_spoilt(FORM_NDB, cases[i].at, cases[i].value) != MU_E_INVALID)
            fail_msg("%u at %zu is not refused", cases[i].value, cases[i].at);
    }
}

static void ndb_slots_may_be_empty(void **state)
{
    struct os_record record;
    struct mu_buf bytes;

    (void)state;
    load(&forms[FORM_NDB], &bytes);
    put_le32(&bytes, 40, 0);
    put_le32(&bytes, 56, 0);
    os_record_read(&record, &finder_rpm_ndb, "Packages.db", bytes.data, bytes.len);
    assert_int_equal(record.status, MU_OK);
    assert_string_equal(record.text.data, strstr(packages, "rpm alpha"));
    mu_buf_done(&record.text);
    mu_buf_done(&bytes);
}

static void ndb_blobs_that_overlap_are_refused(void **state)
{
    struct os_record record;
    struct mu_buf bytes;

    (void)state;
    load(&forms[FORM_NDB], &bytes);
    for (size_t slot = 48; slot + 16 <= 4096; slot += 16) /* all are the first */
        memcpy(bytes.data + slot, bytes.data + 32, 16);
    os_record_read(&record, &finder_rpm_ndb, "Packages.db", bytes.data, bytes.len);
    assert_int_equal(record.status, MU_E_INVALID);
    mu_buf_done(&record.text);
    mu_buf_done(&bytes);
}

static void bdb_pages_must_fit_together(void **state)
{
    /* Pages of 512 bytes: 1 the counter's bucket, 2 the first package's, 3 on its overflow. */
    static const struct {
        size_t at;
        uint32_t value;
    } cases[] = {
            {12, 0x053162},              /* a B-tree */
            {20, 0},                     /* bytes of a page */
            {20, 513},                   /* no power of two */
            {20, 1 << 20},               /* too large */
            {24, 0x0801},                /* encrypted */
            {24, 0x0900},                /* no head of a hash */
            {32, UINT32_MAX},            /* more pages than the file has */
            {2 * 512 + 20, 0x01000001},  /* an odd number of items */
            {2 * 512 + 20, 0x0100ffff},  /* more items than fit */
            {2 * 512 + 26, 0x00100010},  /* items inside the index */
            {2 * 512 + 26, 0xffffffff},  /* items behind the page */
            {2 * 512 + 28, 0x01ff},      /* items in no order */
            {2 * 512 + 495, 9},          /* a kind of item that is unknown */
            {2 * 512 + 499, 0},          /* a chain that begins nowhere */
            {2 * 512 + 499, 2},          /* on a page of another kind */
            {2 * 512 + 499, 0x7fffffff}, /* behind the file */
            {2 * 512 + 503, 0},          /* a value of no bytes */
            {2 * 512 + 503, 1 << 20},    /* larger than the file */
            {3 * 512 + 16, 3},           /* a chain in a circle */
            {3 * 512 + 16, 0},           /* a chain that ends early */
            {3 * 512 + 20, 1},           /* a page that holds nothing */
            {3 * 512 + 20, 0xffff0001},  /* a page that holds too much */
    };

    (void)state;
    assert_int_equal(status_spoilt(FORM_BDB, 0, 0), MU_OK);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        if (status_spoilt(FORM_BDB, cases[i].at, cases[i].value) != MU_E_INVALID)
            fail_msg("%x at %zu is not refused", cases[i].value, cases[i].at);
    }
}

static void damage_to_one_package_does_not_hide_the_others(void **state)
{
    static const enum form_index spoilt_forms[] = {FORM_NDB, FORM_BDB};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        enum form_index form = spoilt_forms[i];
        struct os_record record;
        struct mu_buf bytes;

        load(&forms[form], &bytes);
        put_le32(&bytes, form == FORM_NDB ? 4096 + 40 : 2 * 512 + 499, 0x7fffffff); /* the key */
        os_record_read(&record, forms[form].finder, forms[form].name, bytes.data, bytes.len);
        assert_int_equal(record.status, MU_E_INVALID);
        assert_string_equal(record.text.data, packages);
        mu_buf_done(&record.text);
        mu_buf_done(&bytes);
    }
}

static void bdb_a_header_over_the_limit_is_not_gathered(void **state)
{
    (void)state;
    assert_int_equal(status_spoilt(FORM_BDB, 2 * 512 + 503, UINT32_MAX), MU_E_LIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(every_form_tells_the_same),
            cmocka_unit_test(each_lies_in_one_of_three_folders),
            cmocka_unit_test(a_file_cut_anywhere_is_refused),
            cmocka_unit_test(another_form_is_refused),
            cmocka_unit_test(what_the_sink_answers_ends_the_reading),
            cmocka_unit_test(an_unreadable_header_does_not_hide_the_others),
            cmocka_unit_test(ndb_slots_must_fit_the_blobs),
            cmocka_unit_test(ndb_slots_may_be_empty),
            cmocka_unit_test(ndb_blobs_that_overlap_are_refused),
            cmocka_unit_test(bdb_pages_must_fit_together),
            cmocka_unit_test(damage_to_one_package_does_not_hide_the_others),
            cmocka_unit_test(bdb_a_header_over_the_limit_is_not_gathered),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
