#include "evidence/evidence_store.h"

#include "base/sha256.h"

#include <dirent.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[64];
static struct evidence_store *store;
static struct mu_error err;

static int remove_entry(const char *path, const struct stat *status, int kind, struct FTW *place)
{
    (void)status, (void)kind, (void)place;
    return remove(path);
}

static int open_store(void **state)
{
    (void)state;
    (void)snprintf(folder, sizeof(folder), "/tmp/muster-evidence-XXXXXX");
    assert_non_null(mkdtemp(folder));
    assert_int_equal(evidence_store_open(folder, &store, &err), MU_OK);
    return 0;
}

static int close_store(void **state)
{
    (void)state;
    evidence_store_close(store);
    (void)nftw(folder, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
    return 0;
}

static int file_count;

static int count_file(const char *path, const struct stat *status, int kind, struct FTW *place)
{
    (void)path, (void)status, (void)place;
    file_count += kind == FTW_F;
    return 0;
}

/* Files in the store, temporary ones too. */
static int files(void)
{
    file_count = 0;
    (void)nftw(folder, count_file, 8, FTW_PHYS);
    return file_count;
}

static enum mu_status put(const char *digest, const char *text, enum evidence_outcome *ret_outcome)
{
    MU_AUTO(evidence_writer) struct evidence_writer *writer = NULL;
    enum mu_status st = evidence_writer_open(store, digest, &writer, &err);

    if (st == MU_OK)
        st = evidence_writer_append(writer, text, strlen(text), &err);
    if (st == MU_OK)
        st = evidence_writer_commit(writer, ret_outcome, &err);
    return st;
}

static const char *name_of(const char *text)
{
    static char digest[MU_DIGEST_TEXT_SIZE];

    mu_sha256_text(text, strlen(text), digest);
    return digest;
}

static void what_is_stored_is_read_back(void **state)
{
    enum evidence_outcome outcome = EVIDENCE_EXISTED;
    MU_AUTO_DONE(mu_buf_done) struct mu_buf text;

    (void)state;
    mu_buf_init(&text, 100);
    assert_int_equal(put(name_of("hello"), "hello", &outcome), MU_OK);
    assert_int_equal(outcome, EVIDENCE_CREATED);
    assert_int_equal(evidence_store_read(store, name_of("hello"), &text, &err), MU_OK);
    assert_string_equal(text.data, "hello");
    assert_int_equal(files(), 1);
}

static void what_is_there_already_is_said_and_kept(void **state)
{
    enum evidence_outcome outcome = EVIDENCE_CREATED;

    (void)state;
    assert_int_equal(put(name_of("hello"), "hello", &outcome), MU_OK);
    assert_int_equal(put(name_of("hello"), "hello", &outcome), MU_OK);
    assert_int_equal(outcome, EVIDENCE_EXISTED);
    assert_int_equal(files(), 1);
}

static void bytes_that_do_not_hash_to_the_name_leave_nothing(void **state)
{
    enum evidence_outcome outcome = EVIDENCE_EXISTED;

    (void)state;
    assert_int_equal(put(name_of("hello"), "other", &outcome), MU_E_INVALID);
    assert_int_equal(outcome, EVIDENCE_EXISTED);
    assert_non_null(strstr(err.message, name_of("other")));
    assert_int_equal(files(), 0);
}

static void an_upload_that_is_given_up_leaves_nothing(void **state)
{
    struct evidence_writer *writer = NULL;

    (void)state;
    assert_int_equal(evidence_writer_open(store, name_of("hello"), &writer, &err), MU_OK);
    assert_int_equal(evidence_writer_append(writer, "hel", 3, &err), MU_OK);
    assert_int_equal(files(), 1);
    evidence_writer_free(writer);
    assert_int_equal(files(), 0);
}

static void half_an_upload_is_not_to_be_read(void **state)
{
    MU_AUTO(evidence_writer) struct evidence_writer *writer = NULL;
    MU_AUTO_DONE(mu_buf_done) struct mu_buf text;

    (void)state;
    mu_buf_init(&text, 100);
    assert_int_equal(evidence_writer_open(store, name_of("hello"), &writer, &err), MU_OK);
    assert_int_equal(evidence_writer_append(writer, "hello", 5, &err), MU_OK);
    assert_int_equal(evidence_store_read(store, name_of("hello"), &text, &err), MU_E_NOT_FOUND);
}

static void uploads_cut_off_by_a_crash_are_removed_when_old(void **state)
{
    struct timespec old[2] = {{.tv_sec = time(NULL) - 2 * 24 * 3600},
                              {.tv_sec = time(NULL) - 2 * 24 * 3600}};
    char path[128];
    FILE *file;

    (void)state;
    (void)snprintf(path, sizeof(path), "%s/sha256/.new-fresh1", folder);
    file = fopen(path, "w");
    assert_non_null(file);
    (void)fclose(file);
    (void)snprintf(path, sizeof(path), "%s/sha256/.new-old123", folder);
    file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(futimens(fileno(file), old), 0);
    (void)fclose(file);
    evidence_store_close(store);
    assert_int_equal(evidence_store_open(folder, &store, &err), MU_OK);
    assert_int_equal(access(path, F_OK), -1);
    assert_int_equal(files(), 1);
}

static void names_that_are_no_digest_never_become_a_path(void **state)
{
    static const char *const names[] = {
            "",
            "sha256:",
            "sha256:../../../../etc/passwd",
            "sha256:..%2f..%2fetc",
            "../sha256/ab/ab",
            "sha512:0000000000000000000000000000000000000000000000000000000000000000",
            "sha256:000000000000000000000000000000000000000000000000000000000000000",
            "sha256:00000000000000000000000000000000000000000000000000000000000000000",
            "sha256:/000000000000000000000000000000000000000000000000000000000000000",
            "sha256:000000000000000000000000000000000000000000000000000000000000000.",
            "SHA256:0000000000000000000000000000000000000000000000000000000000000000"};
    MU_AUTO_DONE(mu_buf_done) struct mu_buf text;

    (void)state;
    mu_buf_init(&text, 100);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        struct evidence_writer *writer = NULL;
        uint64_t size = 7;
        int fd = -7;

        assert_int_equal(evidence_store_read(store, names[i], &text, &err), MU_E_INVALID);
        assert_int_equal(evidence_store_open_file(store, names[i], &fd, &size, &err), MU_E_INVALID);
        assert_int_equal(evidence_writer_open(store, names[i], &writer, &err), MU_E_INVALID);
        assert_null(writer);
        assert_int_equal(fd, -7);
        assert_int_equal(size, 7);
    }
    assert_int_equal(files(), 0);
}

/* One content has one name: the path is in lower case whatever was asked. */
static void upper_case_digits_name_the_same_evidence(void **state)
{
    enum evidence_outcome outcome;
    char upper[MU_DIGEST_TEXT_SIZE];
    uint64_t size = 0;
    int fd = -1;

    (void)state;
    assert_int_equal(put(name_of("hello"), "hello", &outcome), MU_OK);
    (void)snprintf(upper, sizeof(upper), "%s", name_of("hello"));
    for (char *at = upper + 7; *at; at++)
        *at = *at >= 'a' ? (char)(*at - 32) : *at;
    assert_int_equal(evidence_store_open_file(store, upper, &fd, &size, &err), MU_OK);
    assert_int_equal(size, 5);
    (void)close(fd);
}

static void evidence_that_is_not_there_is_not_found(void **state)
{
    uint64_t size = 7;
    int fd = -7;

    (void)state;
    assert_int_equal(evidence_store_open_file(store, name_of("x"), &fd, &size, &err),
                     MU_E_NOT_FOUND);
    assert_int_equal(fd, -7);
}

static void more_than_the_limit_is_refused(void **state)
{
    MU_AUTO(evidence_writer) struct evidence_writer *writer = NULL;
    static char chunk[16 * 1024 * 1024];

    (void)state;
    assert_int_equal(evidence_writer_open(store, name_of("x"), &writer, &err), MU_OK);
    for (size_t sent = 0; sent < EVIDENCE_MAX_BYTES; sent += sizeof(chunk))
        assert_int_equal(evidence_writer_append(writer, chunk, sizeof(chunk), &err), MU_OK);
    assert_int_equal(evidence_writer_append(writer, chunk, 1, &err), MU_E_LIMIT);
}

static void a_reader_with_a_small_buffer_is_told_so(void **state)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf text;
    enum evidence_outcome outcome;

    (void)state;
    mu_buf_init(&text, 3);
    assert_int_equal(put(name_of("hello"), "hello", &outcome), MU_OK);
    assert_int_equal(evidence_store_read(store, name_of("hello"), &text, &err), MU_E_LIMIT);
}

static void a_folder_that_cannot_be_made_is_unavailable(void **state)
{
    struct evidence_store *none = NULL;
    char path[128];
    FILE *file;

    (void)state;
    (void)snprintf(path, sizeof(path), "%s/file", folder);
    file = fopen(path, "w");
    assert_non_null(file);
    (void)fclose(file);
    assert_int_equal(evidence_store_open(path, &none, &err), MU_E_UNAVAILABLE);
    assert_null(none);
}

static void a_name_of_a_folder_that_is_too_long_is_refused(void **state)
{
    struct evidence_store *none = NULL;
    char path[4000];

    (void)state;
    memset(path, 'x', sizeof(path) - 1);
    path[0] = '/';
    path[sizeof(path) - 1] = '\0';
    assert_int_equal(evidence_store_open(path, &none, &err), MU_E_LIMIT);
    assert_null(none);
}

#define STORE_TEST(name) cmocka_unit_test_setup_teardown(name, open_store, close_store)

int main(void)
{
    const struct CMUnitTest tests[] = {
            STORE_TEST(what_is_stored_is_read_back),
            STORE_TEST(what_is_there_already_is_said_and_kept),
            STORE_TEST(bytes_that_do_not_hash_to_the_name_leave_nothing),
            STORE_TEST(an_upload_that_is_given_up_leaves_nothing),
            STORE_TEST(half_an_upload_is_not_to_be_read),
            STORE_TEST(uploads_cut_off_by_a_crash_are_removed_when_old),
            STORE_TEST(names_that_are_no_digest_never_become_a_path),
            STORE_TEST(upper_case_digits_name_the_same_evidence),
            STORE_TEST(evidence_that_is_not_there_is_not_found),
            STORE_TEST(more_than_the_limit_is_refused),
            STORE_TEST(a_reader_with_a_small_buffer_is_told_so),
            STORE_TEST(a_folder_that_cannot_be_made_is_unavailable),
            STORE_TEST(a_name_of_a_folder_that_is_too_long_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
