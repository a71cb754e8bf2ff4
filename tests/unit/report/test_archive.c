#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "archive/archive.h"
#include "archive/tar_zst.h"
#include "archive/zip_reader.h"

#include "base/file.h"
#include "base/memory.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <zip.h>
#include <zstd.h>

/* ---- a folder of its own for each test ---- */

enum { PATH_SIZE = 512 };

struct place {
    char root[64];
    char path[PATH_SIZE];
};

static const char *at(struct place *place, const char *name)
{
    (void)snprintf(place->path, sizeof(place->path), "%s/%s", place->root, name);
    return place->path;
}

static void put(struct place *place, const char *name, const void *bytes, size_t len)
{
    struct mu_error err;

    assert_int_equal(mu_file_write_atomic(at(place, name), bytes, len, &err), MU_OK);
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *ftw)
{
    (void)status, (void)kind, (void)ftw;
    return remove(path);
}

static int set_up(void **state)
{
    struct place *place = mu_xcalloc(1, sizeof(*place));

    (void)snprintf(place->root, sizeof(place->root), "%s/muster-archive-XXXXXX",
                   access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    *state = place;
    if (!mkdtemp(place->root) || mkdir(at(place, "in"), 0700) != 0 ||
        mkdir(at(place, "in/raw-scans"), 0700) != 0 || mkdir(at(place, "out"), 0700) != 0)
        return -1;
    put(place, "in/manifest.json", "{}", 2);
    put(place, "in/manifest.json.sig", "sig", 3);
    put(place, "in/a.csv", "", 0);
    put(place, "in/raw-scans/b.json", "bbbbbbbbbbbbbbbbbbbbbbbbbbbb", 28);
    return 0;
}

static int tear_down(void **state)
{
    struct place *place = *state;

    (void)nftw(place->root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    free(place);
    return 0;
}

static const struct archive_limits wide = {1 << 20, 100};

static enum mu_status unpack_with(struct place *place, const char *name,
                                  const struct archive_limits *limits, char *entry,
                                  struct mu_error *err)
{
    char path[PATH_SIZE], folder[PATH_SIZE];

    (void)snprintf(path, sizeof(path), "%s", at(place, name));
    (void)snprintf(folder, sizeof(folder), "%s", at(place, "out"));
    return archive_unpack(path, limits, NULL, folder, entry, err);
}

static void pack(struct place *place, const char *name)
{
    char folder[PATH_SIZE];
    struct mu_error err = {.message = ""};

    (void)snprintf(folder, sizeof(folder), "%s", at(place, "in"));
    if (archive_pack(folder, archive_format_of_name(name), at(place, name), &err) != MU_OK)
        fail_msg("%s", err.message);
}

static void assert_refused(struct place *place, const char *name, const char *entry,
                           const char *says)
{
    char found[ARCHIVE_NAME_MAX + 1];
    struct mu_error err = {.message = ""};
    enum mu_status st = unpack_with(place, name, &wide, found, &err);

    assert_true(st == MU_E_INVALID || st == MU_E_LIMIT);
    if (!strstr(err.message, says))
        fail_msg("'%s' does not say '%s'", err.message, says);
    assert_string_equal(found, entry);
}

static void read_back(struct place *place, const char *name, struct mu_buf *bytes)
{
    struct mu_error err;

    mu_buf_init(bytes, 1 << 20);
    assert_int_equal(mu_file_read(at(place, name), bytes, &err), MU_OK);
}

/* ---- both forms ---- */

static void assert_round_trip(struct place *place, const char *name)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf bytes;
    char entry[ARCHIVE_NAME_MAX + 1];
    struct mu_error err = {.message = ""};

    pack(place, name);
    if (unpack_with(place, name, &wide, entry, &err) != MU_OK)
        fail_msg("%s: %s", entry, err.message);
    read_back(place, "out/raw-scans/b.json", &bytes);
    assert_int_equal(bytes.len, 28);
    assert_int_equal(access(at(place, "out/a.csv"), F_OK), 0);
    assert_int_equal(access(at(place, "out/manifest.json.sig"), F_OK), 0);
}

static void what_is_packed_as_zip_unpacks(void **state)
{
    assert_round_trip(*state, "p.zip");
}

static void what_is_packed_as_tar_zst_unpacks(void **state)
{
    assert_round_trip(*state, "p.tar.zst");
}

/* Another order of making, other times, modes, time zone: the same bytes. */
static void assert_same_bytes(struct place *place, const char *first, const char *second)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf left;
    MU_AUTO_DONE(mu_buf_done) struct mu_buf right;
    const struct timespec times[2] = {{1000000000, 0}, {1000000000, 0}};

    pack(place, first);
    (void)unlink(at(place, "in/a.csv"));
    put(place, "in/a.csv", "", 0);
    assert_int_equal(utimensat(AT_FDCWD, at(place, "in/manifest.json"), times, 0), 0);
    assert_int_equal(chmod(at(place, "in/manifest.json"), 0400), 0);
    assert_int_equal(setenv("TZ", "Pacific/Kiritimati", 1), 0);
    tzset();
    pack(place, second);
    assert_int_equal(unsetenv("TZ"), 0);
    read_back(place, first, &left);
    read_back(place, second, &right);
    assert_int_equal(left.len, right.len);
    assert_memory_equal(left.data, right.data, left.len);
}

static void the_same_files_give_the_same_zip(void **state)
{
    assert_same_bytes(*state, "p.zip", "q.zip");
}

static void the_same_files_give_the_same_tar_zst(void **state)
{
    assert_same_bytes(*state, "p.tar.zst", "q.tar.zst");
}

static void other_programs_read_the_zip(void **state)
{
    zip_t *zip;
    zip_stat_t stat;

    pack(*state, "p.zip");
    zip = zip_open(at(*state, "p.zip"), ZIP_RDONLY | ZIP_CHECKCONS, NULL);
    assert_non_null(zip);
    assert_int_equal(zip_get_num_entries(zip, 0), 4);
    assert_string_equal(zip_get_name(zip, 0, 0), "manifest.json");
    assert_string_equal(zip_get_name(zip, 1, 0), "manifest.json.sig");
    assert_int_equal(zip_stat(zip, "raw-scans/b.json", 0, &stat), 0);
    assert_int_equal(stat.size, 28);
    zip_discard(zip);
}

static void every_truncation_is_refused(void **state)
{
    static const char *const names[] = {"p.zip", "p.tar.zst"};
    struct place *place = *state;

    for (size_t i = 0; i < 2; i++) {
        MU_AUTO_DONE(mu_buf_done) struct mu_buf bytes;

        pack(place, names[i]);
        read_back(place, names[i], &bytes);
        for (size_t len = 4; len < bytes.len; len++) {
            char entry[ARCHIVE_NAME_MAX + 1], folder[PATH_SIZE];
            struct mu_error err;

            put(place, "torn", bytes.data, len);
            (void)snprintf(folder, sizeof(folder), "%s", at(place, "out"));
            (void)nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
            assert_int_equal(mkdir(folder, 0700), 0);
            if (unpack_with(place, "torn", &wide, entry, &err) == MU_OK)
                fail_msg("%s of %zu bytes unpacks", names[i], len);
        }
    }
}

static void a_flipped_byte_of_a_file_is_refused(void **state)
{
    struct place *place = *state;
    MU_AUTO_DONE(mu_buf_done) struct mu_buf bytes;

    pack(place, "p.zip");
    read_back(place, "p.zip", &bytes);
    bytes.data[30 + 13 + 1] ^= 0x10; /* of the first entry, behind its header */
    put(place, "p.zip", bytes.data, bytes.len);
    assert_refused(place, "p.zip", "manifest.json", "is damaged");
}

static void limits_are_kept(void **state)
{
    static const char *const names[] = {"p.zip", "p.tar.zst"};
    const struct archive_limits few = {1 << 20, 3}, small = {29, 100};
    char entry[ARCHIVE_NAME_MAX + 1];
    struct mu_error err;

    for (size_t i = 0; i < 2; i++) {
        pack(*state, names[i]);
        assert_int_equal(unpack_with(*state, names[i], &few, entry, &err), MU_E_LIMIT);
        assert_non_null(strstr(err.message, "more than 3 files"));
    }
    assert_int_equal(unpack_with(*state, "p.zip", &small, entry, &err), MU_E_LIMIT);
    assert_non_null(strstr(err.message, "more than 29 bytes"));
}

static void what_is_no_archive_is_refused(void **state)
{
    put(*state, "p.zip", "GIF89a", 6);
    assert_refused(*state, "p.zip", "", "neither a zip nor a tar.zst");
}

static void an_archive_that_exists_is_not_written_over(void **state)
{
    char folder[PATH_SIZE];
    struct mu_error err;

    put(*state, "p.zip", "x", 1);
    (void)snprintf(folder, sizeof(folder), "%s", at(*state, "in"));
    assert_int_equal(archive_pack(folder, ARCHIVE_ZIP, at(*state, "p.zip"), &err), MU_E_CONFLICT);
}

/* ---- hostile zips ---- */

struct member {
    const char *name, *bytes;
};

static zip_t *forge(struct place *place, const struct member *members, size_t count)
{
    zip_t *zip = zip_open(at(place, "p.zip"), ZIP_CREATE | ZIP_TRUNCATE, NULL);

    for (size_t i = 0; i < count; i++)
        assert_true(
                zip_file_add(zip, members[i].name,
                             zip_source_buffer(zip, members[i].bytes, strlen(members[i].bytes), 0),
                             0) >= 0);
    return zip;
}

static void names_that_lead_out_are_refused(void **state)
{
    static const char *const names[] = {"../x",  "/x", "a/../../x", "a//x",
                                        "a/./x", "..", "a/b/c/d/e"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        assert_int_equal(zip_close(forge(*state, &(struct member){names[i], "x"}, 1)), 0);
        assert_refused(*state, "p.zip", names[i], "leads out of the package");
    }
    assert_int_equal(zip_close(forge(*state, &(struct member){"a\\x", "x"}, 1)), 0);
    assert_refused(*state, "p.zip", "a?x", "a backslash in its name");
}

static void a_name_that_comes_twice_is_refused(void **state)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf bytes;
    const struct member members[] = {{"x", "1"}, {"y", "2"}};

    assert_int_equal(zip_close(forge(*state, members, 2)), 0);
    read_back(*state, "p.zip", &bytes);
    for (size_t i = 0; i < bytes.len; i++)
        if (bytes.data[i] == 'y')
            bytes.data[i] = 'x';
    put(*state, "p.zip", bytes.data, bytes.len);
    assert_refused(*state, "p.zip", "x", "comes twice");
}

static void a_link_in_a_zip_is_refused(void **state)
{
    zip_t *zip = forge(*state, &(struct member){"x", "/etc/passwd"}, 1);

    assert_int_equal(
            zip_file_set_external_attributes(zip, 0, 0, ZIP_OPSYS_UNIX, (S_IFLNK | 0777U) << 16),
            0);
    assert_int_equal(zip_close(zip), 0);
    assert_refused(*state, "p.zip", "x", "is a link");
}

static void an_encrypted_zip_is_refused(void **state)
{
    zip_t *zip = forge(*state, &(struct member){"x", "secret"}, 1);

    assert_int_equal(zip_file_set_encryption(zip, 0, ZIP_EM_AES_256, "key"), 0);
    assert_int_equal(zip_close(zip), 0);
    assert_refused(*state, "p.zip", "x", "is encrypted");
}

static void a_bomb_is_refused_before_it_is_unpacked(void **state)
{
    static char zeros[4 << 20];
    zip_t *zip = zip_open(at(*state, "p.zip"), ZIP_CREATE | ZIP_TRUNCATE, NULL);

    assert_true(zip_file_add(zip, "x", zip_source_buffer(zip, zeros, sizeof(zeros), 0), 0) >= 0);
    assert_int_equal(zip_close(zip), 0);
    assert_refused(*state, "p.zip", "", "unpacks to more than 1048576 bytes");
    assert_int_equal(access(at(*state, "out/x"), F_OK), -1);
}

/* The directory says less than what comes. */
static void a_bomb_that_lies_about_its_size_is_refused(void **state)
{
    struct place *place = *state;
    MU_AUTO_DONE(mu_buf_done) struct mu_buf bytes;
    static char zeros[4 << 20];
    zip_t *zip = zip_open(at(place, "p.zip"), ZIP_CREATE | ZIP_TRUNCATE, NULL);
    char *central = NULL;

    assert_true(zip_file_add(zip, "x", zip_source_buffer(zip, zeros, sizeof(zeros), 0), 0) >= 0);
    assert_int_equal(zip_close(zip), 0);
    read_back(place, "p.zip", &bytes);
    central = memmem(bytes.data, bytes.len, "PK\x01\x02", 4);
    assert_non_null(central);
    memcpy(central + 24, "\x10\0\0\0", 4);
    put(place, "p.zip", bytes.data, bytes.len);
    assert_refused(place, "p.zip", "x", "unpacks to more than the 16 bytes");
}

/* ---- hostile tars ---- */

struct tar_header {
    char name[100], mode[8], uid[8], gid[8], size[12], time[12], checksum[8], type, link[100];
    char magic[8], rest[247];
};

static void put_tar(struct place *place, const char *name, char type, const char *size,
                    size_t zero_blocks)
{
    char tar[8192] = {0}, packed[16384];
    struct tar_header *head = (struct tar_header *)(void *)tar;
    unsigned sum = 0;
    size_t len;

    (void)snprintf(head->name, sizeof(head->name), "%s", name);
    (void)snprintf(head->size, sizeof(head->size), "%s", size);
    memcpy(head->magic, "ustar\00000", 8);
    head->type = type;
    memset(head->checksum, ' ', 8);
    for (size_t i = 0; i < 512; i++)
        sum += (unsigned char)tar[i];
    (void)snprintf(head->checksum, 8, "%06o", sum);
    len = ZSTD_compress(packed, sizeof(packed), tar, 512 * (1 + zero_blocks), 1);
    assert_false(ZSTD_isError(len));
    put(place, "p.tar.zst", packed, len);
}

static void hostile_entries_of_a_tar_are_refused(void **state)
{
    static const struct {
        const char *name;
        char type;
        const char *size, *says;
    } cases[] = {{"../x", '0', "0", "leads out of the package"},
                 {"/x", '0', "0", "leads out of the package"},
                 {"x", '2', "0", "is a link"},
                 {"x", '1', "0", "is a link"},
                 {"x", '3', "0", "is an entry of type '3'"},
                 {"x", 'L', "0", "is an entry of type 'L'"},
                 {"x", '0', "77777777777", "is torn"},
                 {"x", '0', "9", "is no octal number"}};

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        put_tar(*state, cases[i].name, cases[i].type, cases[i].size, 2);
        assert_refused(*state, "p.tar.zst", i == 7 ? "" : cases[i].name, cases[i].says);
        (void)unlink(at(*state, "out/x"));
    }
}

static void a_tar_without_its_end_is_refused(void **state)
{
    put_tar(*state, "x", '0', "0", 0);
    assert_refused(*state, "p.tar.zst", "x", "has no end");
}

static void long_names_survive_a_tar(void **state)
{
    char name[160], entry[ARCHIVE_NAME_MAX + 1];
    struct mu_error err = {.message = ""};

    (void)snprintf(name, sizeof(name), "in/%0150d", 7);
    put(*state, name, "x", 1);
    pack(*state, "p.tar.zst");
    if (unpack_with(*state, "p.tar.zst", &wide, entry, &err) != MU_OK)
        fail_msg("%s: %s", entry, err.message);
    (void)snprintf(name, sizeof(name), "out/%0150d", 7);
    assert_int_equal(access(at(*state, name), F_OK), 0);
}

#define ARCHIVE_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
            ARCHIVE_TEST(what_is_packed_as_zip_unpacks),
            ARCHIVE_TEST(what_is_packed_as_tar_zst_unpacks),
            ARCHIVE_TEST(the_same_files_give_the_same_zip),
            ARCHIVE_TEST(the_same_files_give_the_same_tar_zst),
            ARCHIVE_TEST(other_programs_read_the_zip),
            ARCHIVE_TEST(every_truncation_is_refused),
            ARCHIVE_TEST(a_flipped_byte_of_a_file_is_refused),
            ARCHIVE_TEST(limits_are_kept),
            ARCHIVE_TEST(what_is_no_archive_is_refused),
            ARCHIVE_TEST(an_archive_that_exists_is_not_written_over),
            ARCHIVE_TEST(names_that_lead_out_are_refused),
            ARCHIVE_TEST(a_name_that_comes_twice_is_refused),
            ARCHIVE_TEST(a_link_in_a_zip_is_refused),
            ARCHIVE_TEST(an_encrypted_zip_is_refused),
            ARCHIVE_TEST(a_bomb_is_refused_before_it_is_unpacked),
            ARCHIVE_TEST(a_bomb_that_lies_about_its_size_is_refused),
            ARCHIVE_TEST(hostile_entries_of_a_tar_are_refused),
            ARCHIVE_TEST(a_tar_without_its_end_is_refused),
            ARCHIVE_TEST(long_names_survive_a_tar),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
