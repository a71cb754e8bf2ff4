/* file: reads stop at their limit, writes are there entirely or not at all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/file.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/muster-file-XXXXXX";

static char *in_folder(const char *name)
{
    static char path[320];

    (void)snprintf(path, sizeof(path), "%s/%s", folder, name);
    return path;
}

static int make_folder(void **state)
{
    (void)state;
    memcpy(folder + sizeof(folder) - 7, "XXXXXX", 6);
    return mkdtemp(folder) ? 0 : -1;
}

/* Removes what is left: no temporary file may be. Gives how many entries there were. */
static size_t empty_folder(void)
{
    DIR *entries = opendir(folder);
    const struct dirent *entry;
    size_t count = 0;

    if (!entries)
        return 0;
    while ((entry = readdir(entries)) != NULL) {
        if (entry->d_name[0] == '.')
            continue;
        (void)remove(in_folder(entry->d_name));
        count++;
    }
    (void)closedir(entries);
    return count;
}

static int remove_folder(void **state)
{
    (void)state;
    (void)empty_folder();
    return rmdir(folder);
}

static void what_is_written_is_read_back(void **state)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf out;
    static char bytes[200000];
    struct mu_error err;
    struct stat status;

    (void)state;
    memset(bytes, 'x', sizeof(bytes));
    bytes[70000] = '\0';
    mu_buf_init(&out, sizeof(bytes));
    assert_int_equal(mu_file_write_atomic(in_folder("a"), bytes, sizeof(bytes), &err), MU_OK);
    assert_int_equal(mu_file_read(in_folder("a"), &out, &err), MU_OK);
    assert_int_equal(out.len, sizeof(bytes));
    assert_memory_equal(out.data, bytes, sizeof(bytes));
    assert_int_equal(stat(in_folder("a"), &status), 0);
    assert_int_equal(status.st_mode & 0777, 0640);
    assert_int_equal(empty_folder(), 1);
}

static void a_write_replaces_the_whole_file(void **state)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf out;
    struct mu_error err;

    (void)state;
    mu_buf_init(&out, 100);
    assert_int_equal(mu_file_write_atomic(in_folder("a"), "the longer one", 14, &err), MU_OK);
    assert_int_equal(mu_file_write_atomic(in_folder("a"), "short", 5, &err), MU_OK);
    assert_int_equal(mu_file_read(in_folder("a"), &out, &err), MU_OK);
    assert_string_equal(out.data, "short");
}

static void an_empty_file_can_be_written(void **state)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf out;
    struct mu_error err;

    (void)state;
    mu_buf_init(&out, 0);
    assert_int_equal(mu_file_write_atomic(in_folder("a"), "", 0, &err), MU_OK);
    assert_int_equal(mu_file_read(in_folder("a"), &out, &err), MU_OK);
}

static void a_name_without_a_folder_is_in_the_working_folder(void **state)
{
    int before = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct mu_error err;

    (void)state;
    assert_int_equal(chdir(folder), 0);
    assert_int_equal(mu_file_write_atomic("plain", "x", 1, &err), MU_OK);
    assert_int_equal(fchdir(before), 0);
    (void)close(before);
    assert_int_equal(access(in_folder("plain"), F_OK), 0);
}

static void a_missing_file_is_not_found_by_name(void **state)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf out;
    struct mu_error err;

    (void)state;
    mu_buf_init(&out, 100);
    assert_int_equal(mu_file_read(in_folder("none"), &out, &err), MU_E_NOT_FOUND);
    assert_non_null(strstr(err.message, in_folder("none")));
}

static void what_cannot_be_read_is_unavailable(void **state)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf out;
    struct mu_error err;

    (void)state;
    mu_buf_init(&out, 100);
    assert_int_equal(mu_file_read(folder, &out, &err), MU_E_UNAVAILABLE);
}

static void a_file_over_the_limit_is_refused(void **state)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf out;
    struct mu_error err;

    (void)state;
    mu_buf_init(&out, 4);
    assert_int_equal(mu_file_write_atomic(in_folder("a"), "abcde", 5, &err), MU_OK);
    assert_int_equal(mu_file_read(in_folder("a"), &out, &err), MU_E_LIMIT);
    assert_non_null(strstr(err.message, in_folder("a")));
}

static void a_write_that_fails_leaves_the_old_file_and_no_other(void **state)
{
    struct mu_error err;

    (void)state;
    assert_int_equal(mkdir(in_folder("d"), 0700), 0);
    assert_int_equal(mu_file_write_atomic(in_folder("d"), "x", 1, &err), MU_E_UNAVAILABLE);
    assert_non_null(strstr(err.message, in_folder("d")));
    assert_int_equal(empty_folder(), 1);
}

static void a_write_into_no_folder_is_unavailable(void **state)
{
    struct mu_error err;
    static char endless[5000];

    (void)state;
    assert_int_equal(mu_file_write_atomic(in_folder("no/a"), "x", 1, &err), MU_E_UNAVAILABLE);
    memset(endless, 'x', sizeof(endless) - 1);
    assert_int_equal(mu_file_write_atomic(endless, "x", 1, &err), MU_E_UNAVAILABLE);
}

static void folders_are_made_with_those_above_and_twice_is_fine(void **state)
{
    struct mu_error err;
    struct stat status;

    (void)state;
    assert_int_equal(mu_dir_make(in_folder("x/y//z/"), &err), MU_OK);
    assert_int_equal(mu_dir_make(in_folder("x/y//z/"), &err), MU_OK);
    assert_int_equal(stat(in_folder("x/y/z"), &status), 0);
    assert_true(S_ISDIR(status.st_mode));
    assert_int_equal(status.st_mode & 0007, 0);
    (void)rmdir(in_folder("x/y/z"));
    (void)rmdir(in_folder("x/y"));
}

static void a_file_in_the_place_of_a_folder_is_an_error(void **state)
{
    struct mu_error err;

    (void)state;
    assert_int_equal(mu_file_write_atomic(in_folder("f"), "x", 1, &err), MU_OK);
    assert_int_equal(mu_dir_make(in_folder("f"), &err), MU_E_UNAVAILABLE);
    assert_non_null(strstr(err.message, "no directory"));
    assert_int_equal(mu_dir_make(in_folder("f/g"), &err), MU_E_UNAVAILABLE);
    assert_int_equal(mu_dir_make("", &err), MU_E_UNAVAILABLE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test_setup_teardown(what_is_written_is_read_back, make_folder,
                                            remove_folder),
            cmocka_unit_test_setup_teardown(a_write_replaces_the_whole_file, make_folder,
                                            remove_folder),
            cmocka_unit_test_setup_teardown(an_empty_file_can_be_written, make_folder,
                                            remove_folder),
            cmocka_unit_test_setup_teardown(a_name_without_a_folder_is_in_the_working_folder,
                                            make_folder, remove_folder),
            cmocka_unit_test_setup_teardown(a_missing_file_is_not_found_by_name, make_folder,
                                            remove_folder),
            cmocka_unit_test_setup_teardown(what_cannot_be_read_is_unavailable, make_folder,
                                            remove_folder),
            cmocka_unit_test_setup_teardown(a_file_over_the_limit_is_refused, make_folder,
                                            remove_folder),
            cmocka_unit_test_setup_teardown(a_write_that_fails_leaves_the_old_file_and_no_other,
                                            make_folder, remove_folder),
            cmocka_unit_test_setup_teardown(a_write_into_no_folder_is_unavailable, make_folder,
                                            remove_folder),
            cmocka_unit_test_setup_teardown(folders_are_made_with_those_above_and_twice_is_fine,
                                            make_folder, remove_folder),
            cmocka_unit_test_setup_teardown(a_file_in_the_place_of_a_folder_is_an_error,
                                            make_folder, remove_folder),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
