#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "package/language/zip_directory.h"
#include "zip_build.h"

/* Offsets in a central record. */
enum { AT_FLAGS = 8, AT_METHOD = 10, AT_CRC = 16, AT_PACKED = 20, AT_SIZE = 24, AT_LOCAL = 42 };
/* Offsets from the end of an archive without comment. */
enum { END_DISK = 18, END_COUNT = 12, END_SIZE = 10, END_AT = 6 };

static const char text[] = "the same words, the same words, the same words, the same words";

static void build_two(struct zip_build *zip)
{
    zip_build_init(zip);
    zip_build_add(zip, "a.txt", text, sizeof(text), ZIP_BUILD_STORED);
    zip_build_add(zip, "b.txt", text, sizeof(text), ZIP_BUILD_DEFLATED);
}

static enum mu_status open_built(const struct zip_build *zip, struct zip_directory *ret_directory,
                                 struct mu_error *err)
{
    return zip_directory_open((const uint8_t *)zip->out.data, zip->out.len, ret_directory, err);
}

/* Opens, then unpacks the member of that number with that limit; the status of what failed. */
static enum mu_status unpack_nth(const struct zip_build *zip, unsigned number, uint64_t max_bytes)
{
    struct zip_directory directory;
    struct zip_member member;
    MU_AUTO_DONE(zip_content_done) struct zip_content content = {0};
    struct mu_error err;

    if (open_built(zip, &directory, &err) != MU_OK)
        return err.status;
    for (unsigned i = 0; i <= number; i++)
        assert_int_equal(zip_directory_next(&directory, &member, &err), MU_OK);
    if (zip_member_unpack(&directory, &member, max_bytes, &content, &err) != MU_OK) {
        assert_null(content.bytes);
        return err.status;
    }
    assert_int_equal(content.len, sizeof(text));
    assert_memory_equal(content.bytes, text, sizeof(text));
    return MU_OK;
}

static void members_are_listed_and_unpacked(void **state)
{
    struct zip_build zip;
    struct zip_directory directory;
    struct zip_member member;
    struct mu_error err;

    (void)state;
    build_two(&zip);
    zip_build_finish(&zip);
    assert_int_equal(open_built(&zip, &directory, &err), MU_OK);
    assert_int_equal(zip_directory_next(&directory, &member, &err), MU_OK);
    assert_true(lang_is(member.name, "a.txt"));
    assert_int_equal(zip_directory_next(&directory, &member, &err), MU_OK);
    assert_int_equal(zip_directory_next(&directory, &member, &err), MU_END);
    assert_int_equal(unpack_nth(&zip, 0, 1000), MU_OK);
    assert_int_equal(unpack_nth(&zip, 1, 1000), MU_OK);
    zip_build_done(&zip);
}

static void bytes_before_the_archive_are_allowed(void **state)
{
    struct zip_build zip, prefixed;

    (void)state;
    build_two(&zip);
    zip_build_finish(&zip);
    zip_build_init(&prefixed);
    mu_buf_puts(&prefixed.out, "#!/bin/sh\nexec java -jar \"$0\"\n");
    mu_buf_append(&prefixed.out, zip.out.data, zip.out.len);
    assert_int_equal(unpack_nth(&prefixed, 1, 1000), MU_OK);
    zip_build_done(&prefixed);
    zip_build_done(&zip);
}

static void a_comment_with_an_end_record_in_it_does_not_mislead(void **state)
{
    struct zip_build zip;

    (void)state;
    build_two(&zip);
    zip_build_finish(&zip);
    zip_poke(&zip.out, zip.out.len - 2, 22, 2);
    zip_put(&zip.out, 0x06054b50, 4); /* its comment would reach behind the file */
    for (int i = 0; i < 8; i++)
        zip_put(&zip.out, 0xffff, 2);
    zip_put(&zip.out, 1, 2);
    assert_int_equal(unpack_nth(&zip, 1, 1000), MU_OK);
    zip_build_done(&zip);
}

/* The same archive with its numbers in ZIP64 records. */
static void build_64(struct zip_build *zip)
{
    size_t at, size, end64;

    build_two(zip);
    zip_poke(&zip->directory, zip->last_central + AT_SIZE, 0xffffffff, 4);
    zip_poke(&zip->directory, zip->last_central + AT_LOCAL, 0xffffffff, 4);
    zip_poke(&zip->directory, zip->last_central + 30, 20, 2);
    zip_put(&zip->directory, 1, 2);
    zip_put(&zip->directory, 16, 2);
    zip_put(&zip->directory, sizeof(text), 8);
    zip_put(&zip->directory, zip->last_local, 8);
    at = zip->out.len;
    size = zip->directory.len;
    mu_buf_append(&zip->out, zip->directory.data, size);
    end64 = zip->out.len;
    zip_put(&zip->out, 0x06064b50, 4);
    zip_put(&zip->out, 44, 8);
    zip_put(&zip->out, 45, 2);
    zip_put(&zip->out, 45, 2);
    zip_put(&zip->out, 0, 8);
    zip_put(&zip->out, 2, 8);
    zip_put(&zip->out, 2, 8);
    zip_put(&zip->out, size, 8);
    zip_put(&zip->out, at, 8);
    zip_put(&zip->out, 0x07064b50, 4);
    zip_put(&zip->out, 0, 4);
    zip_put(&zip->out, end64, 8);
    zip_put(&zip->out, 1, 4);
    zip_put(&zip->out, 0x06054b50, 4);
    zip_put(&zip->out, 0, 4);
    zip_put(&zip->out, 0xffffffff, 4);
    zip_put(&zip->out, 0xffffffff, 4);
    zip_put(&zip->out, 0xffffffff, 4);
    zip_put(&zip->out, 0, 2);
}

static void zip64_records_are_read(void **state)
{
    struct zip_build zip;

    (void)state;
    build_64(&zip);
    assert_int_equal(unpack_nth(&zip, 1, 1000), MU_OK);
    zip_poke(&zip.out, zip.out.len - 22 - 20 - 56 + 40, UINT64_MAX, 8); /* the directory's size */
    assert_int_equal(unpack_nth(&zip, 0, 1000), MU_E_INVALID);
    zip_build_done(&zip);
}

static void what_has_no_end_record_is_not_found(void **state)
{
    struct zip_directory directory = {.len = 77};
    struct mu_error err;

    (void)state;
    assert_int_equal(zip_directory_open((const uint8_t *)"", 0, &directory, &err), MU_E_NOT_FOUND);
    assert_int_equal(zip_directory_open((const uint8_t *)text, sizeof(text), &directory, &err),
                     MU_E_NOT_FOUND);
    assert_int_equal(directory.len, 77);
}

/* One lie in the end record. */
static enum mu_status with_end(size_t from_end, uint64_t value, unsigned size)
{
    struct zip_build zip;
    enum mu_status st;

    build_two(&zip);
    zip_build_finish(&zip);
    zip_poke(&zip.out, zip.out.len - from_end, value, size);
    st = unpack_nth(&zip, 0, 1000);
    zip_build_done(&zip);
    return st;
}

static void numbers_of_the_end_record_are_not_believed(void **state)
{
    (void)state;
    assert_int_equal(with_end(END_DISK, 1, 2), MU_E_INVALID);
    assert_int_equal(with_end(END_COUNT, 60000, 2), MU_E_INVALID);
    assert_int_equal(with_end(END_COUNT, 3, 2), MU_E_INVALID);
    assert_int_equal(with_end(END_SIZE, 0xfffffff0, 4), MU_E_INVALID);
    assert_int_equal(with_end(END_SIZE, 50, 4), MU_OK); /* the place is right: all are found */
    assert_int_equal(with_end(END_AT, 0xfffffff0, 4), MU_E_INVALID);
}

/* One lie in the second member's central record, of which then the bytes are asked for. */
static enum mu_status with_central(size_t at, uint64_t value, unsigned size)
{
    struct zip_build zip;
    enum mu_status st;

    build_two(&zip);
    zip_poke(&zip.directory, zip.last_central + at, value, size);
    zip_build_finish(&zip);
    st = unpack_nth(&zip, 1, 1000);
    zip_build_done(&zip);
    return st;
}

static void numbers_of_a_member_are_not_believed(void **state)
{
    (void)state;
    assert_int_equal(with_central(AT_PACKED, 0xfffffff0, 4), MU_E_INVALID);
    assert_int_equal(with_central(AT_PACKED, 3, 4), MU_E_INVALID);
    assert_int_equal(with_central(AT_SIZE, sizeof(text) + 1, 4), MU_E_INVALID);
    assert_int_equal(with_central(AT_SIZE, sizeof(text) - 1, 4), MU_E_INVALID);
    assert_int_equal(with_central(AT_SIZE, 0, 4), MU_E_INVALID);
    assert_int_equal(with_central(AT_CRC, 1, 4), MU_E_INVALID);
    assert_int_equal(with_central(AT_LOCAL, 0xfffffff0, 4), MU_E_INVALID);
    assert_int_equal(with_central(AT_LOCAL, 1, 4), MU_E_INVALID);
    assert_int_equal(with_central(AT_METHOD, ZIP_BUILD_STORED, 2), MU_E_INVALID);
}

static void encrypted_members_and_strange_methods_are_refused(void **state)
{
    (void)state;
    assert_int_equal(with_central(AT_FLAGS, 1, 2), MU_E_INVALID);
    assert_int_equal(with_central(AT_FLAGS, 1 << 13, 2), MU_E_INVALID);
    assert_int_equal(with_central(AT_METHOD, 12, 2), MU_E_LIMIT);
}

static void a_size_that_deflate_cannot_reach_is_refused_unread(void **state)
{
    struct zip_build zip;

    (void)state;
    build_two(&zip);
    zip_poke(&zip.directory, zip.last_central + AT_SIZE, 64 * 1024 * 1024, 4);
    zip_build_finish(&zip);
    assert_int_equal(unpack_nth(&zip, 1, UINT64_MAX), MU_E_INVALID);
    zip_build_done(&zip);
}

static void a_member_over_the_limit_is_refused(void **state)
{
    struct zip_build zip;

    (void)state;
    build_two(&zip);
    zip_build_finish(&zip);
    assert_int_equal(unpack_nth(&zip, 1, sizeof(text)), MU_OK);
    assert_int_equal(unpack_nth(&zip, 1, sizeof(text) - 1), MU_E_LIMIT);
    assert_int_equal(unpack_nth(&zip, 0, sizeof(text) - 1), MU_E_LIMIT);
    zip_build_done(&zip);
}

static void members_that_overlap_are_refused(void **state)
{
    struct zip_build zip;

    (void)state;
    build_two(&zip);
    zip_poke(&zip.directory, AT_LOCAL, 10,
             4); /* the first member's, into itself: reaches the second */
    zip_build_finish(&zip);
    assert_int_equal(unpack_nth(&zip, 1, 1000), MU_E_INVALID);
    zip_build_done(&zip);
}

/* Empty members of one name each, as many as that, of which the end record tells `told`. */
static enum mu_status with_members(size_t count, size_t told)
{
    struct zip_build zip;
    struct zip_directory directory;
    struct mu_error err = {.status = MU_OK};

    zip_build_init(&zip);
    for (size_t i = 0; i < count; i++)
        zip_build_add(&zip, "m", "", 0, ZIP_BUILD_STORED);
    zip.members = told;
    zip_build_finish(&zip);
    if (open_built(&zip, &directory, &err) == MU_OK)
        assert_int_equal(directory.members, count);
    zip_build_done(&zip);
    return err.status;
}

static void members_behind_the_told_count_are_not_hidden(void **state)
{
    (void)state;
    assert_int_equal(with_members(3, 3), MU_OK);
    assert_int_equal(with_members(3, 1), MU_E_INVALID);
    assert_int_equal(with_members(3, 0), MU_E_INVALID);
    assert_int_equal(with_members(65538, 2), MU_OK); /* ran over, as old tools let it */
}

static void more_members_than_the_limit_are_refused(void **state)
{
    (void)state;
    assert_int_equal(with_members(ZIP_MEMBERS_MAX + 1, 0), MU_E_LIMIT);
}

static void two_names_for_one_member_are_refused(void **state)
{
    struct zip_build zip;

    (void)state;
    build_two(&zip);
    zip_build_finish(&zip);
    zip.out.data[zip.last_local + 30] = 'x';
    assert_int_equal(unpack_nth(&zip, 0, 1000), MU_OK);
    assert_int_equal(unpack_nth(&zip, 1, 1000), MU_E_INVALID);
    zip_build_done(&zip);
}

static void every_cut_archive_is_refused(void **state)
{
    struct zip_build zip;
    struct zip_directory directory;
    struct mu_error err;

    (void)state;
    build_two(&zip);
    zip_build_finish(&zip);
    for (size_t len = 0; len < zip.out.len; len++)
        assert_int_not_equal(
                zip_directory_open((const uint8_t *)zip.out.data, len, &directory, &err), MU_OK);
    zip_build_done(&zip);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(members_are_listed_and_unpacked),
            cmocka_unit_test(bytes_before_the_archive_are_allowed),
            cmocka_unit_test(a_comment_with_an_end_record_in_it_does_not_mislead),
            cmocka_unit_test(zip64_records_are_read),
            cmocka_unit_test(what_has_no_end_record_is_not_found),
            cmocka_unit_test(numbers_of_the_end_record_are_not_believed),
            cmocka_unit_test(numbers_of_a_member_are_not_believed),
            cmocka_unit_test(encrypted_members_and_strange_methods_are_refused),
            cmocka_unit_test(a_size_that_deflate_cannot_reach_is_refused_unread),
            cmocka_unit_test(a_member_over_the_limit_is_refused),
            cmocka_unit_test(members_that_overlap_are_refused),
            cmocka_unit_test(members_behind_the_told_count_are_not_hidden),
            cmocka_unit_test(more_members_than_the_limit_are_refused),
            cmocka_unit_test(two_names_for_one_member_are_refused),
            cmocka_unit_test(every_cut_archive_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
