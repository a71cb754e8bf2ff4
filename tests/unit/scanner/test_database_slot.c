#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/file.h"
#include "database/database_slot.h"
#include "database_build.h"

#include <pthread.h>
#include <unistd.h>

struct fixture {
    char folder[64], path[128];
    struct database_slot *slot;
    struct mu_error err;
};

static void write_database(struct fixture *f, const char *id)
{
    struct builder *builder = builder_new();
    struct mu_buf bytes;

    mu_buf_init(&bytes, DATABASE_BUILD_MAX);
    database_build_record(builder, id, "p", "{\"introduced\":\"0\"}", "");
    assert_int_equal(builder_finish(builder, MU_TIME_NONE, &bytes, &f->err), MU_OK);
    assert_int_equal(mu_file_write_atomic(f->path, bytes.data, bytes.len, &f->err), MU_OK);
    mu_buf_done(&bytes);
    builder_free(builder);
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    (void)snprintf(f->folder, sizeof(f->folder), "/tmp/test-slot-XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    (void)snprintf(f->path, sizeof(f->path), "%s/v.db", f->folder);
    write_database(f, "X-1");
    assert_int_equal(database_slot_open(f->path, &f->slot, &f->err), MU_OK);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    database_slot_close(f->slot);
    (void)unlink(f->path);
    (void)rmdir(f->folder);
    free(f);
    return 0;
}

static const char *id_in(const struct database_holder *holder)
{
    size_t count;
    const struct database_row *row = database_find(holder->database, "Debian:12", "p", &count);

    assert_int_equal(count, 1);
    return database_id(holder->database, row);
}

static void the_same_file_is_opened_once(void **state)
{
    struct fixture *f = *state;
    const struct database_holder *one, *two;
    int swapped = 7;

    one = database_slot_take(f->slot, &swapped, &f->err);
    assert_int_equal(swapped, 0);
    two = database_slot_take(f->slot, &swapped, &f->err);
    assert_ptr_equal(one, two);
    database_slot_give(f->slot, one);
    database_slot_give(f->slot, two);
}

static void a_replaced_file_is_taken_up_and_the_old_one_outlives_its_holders(void **state)
{
    struct fixture *f = *state;
    const struct database_holder *before, *after;
    char version[MU_DIGEST_TEXT_SIZE];
    const char *text;
    int swapped;

    before = database_slot_take(f->slot, &swapped, &f->err);
    text = before->version;
    (void)snprintf(version, sizeof(version), "%s", text);
    write_database(f, "X-2");
    after = database_slot_take(f->slot, &swapped, &f->err);
    assert_int_equal(swapped, 1);
    assert_string_equal(id_in(before), "X-1");
    assert_string_equal(id_in(after), "X-2");
    database_slot_give(f->slot, before);
    assert_string_equal(text, version); /* a result still names it */
    database_slot_give(f->slot, after);
}

static void a_file_that_cannot_be_opened_changes_nothing_and_is_told_once(void **state)
{
    struct fixture *f = *state;
    const struct database_holder *holder;
    int swapped;

    assert_int_equal(mu_file_write_atomic(f->path, "torn", 4, &f->err), MU_OK);
    holder = database_slot_take(f->slot, &swapped, &f->err);
    assert_int_equal(swapped, -1);
    assert_non_null(strstr(f->err.message, f->path));
    assert_string_equal(id_in(holder), "X-1");
    database_slot_give(f->slot, holder);
    holder = database_slot_take(f->slot, &swapped, &f->err);
    assert_int_equal(swapped, 0);
    database_slot_give(f->slot, holder);
    (void)unlink(f->path);
    holder = database_slot_take(f->slot, &swapped, &f->err);
    assert_int_equal(swapped, 0);
    database_slot_give(f->slot, holder);
    write_database(f, "X-3");
    holder = database_slot_take(f->slot, &swapped, &f->err);
    assert_int_equal(swapped, 1);
    assert_string_equal(id_in(holder), "X-3");
    database_slot_give(f->slot, holder);
}

static void *take_and_give(void *opaque)
{
    struct fixture *f = opaque;

    for (int i = 0; i < 200; i++) {
        struct mu_error err;
        int swapped;
        const struct database_holder *holder = database_slot_take(f->slot, &swapped, &err);

        assert_int_equal(strncmp(id_in(holder), "X-", 2), 0);
        database_slot_give(f->slot, holder);
    }
    return NULL;
}

static void holders_of_many_threads_see_whole_databases(void **state)
{
    struct fixture *f = *state;
    pthread_t threads[4];

    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, take_and_give, f), 0);
    for (int i = 0; i < 20; i++)
        write_database(f, i % 2 ? "X-2" : "X-4");
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
}

static void a_missing_file_is_no_slot(void **state)
{
    struct fixture *f = *state;
    struct database_slot *slot = (void *)f;

    assert_int_equal(database_slot_open("/no/such/file", &slot, &f->err), MU_E_NOT_FOUND);
    assert_ptr_equal(slot, f);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
            TEST(the_same_file_is_opened_once),
            TEST(a_replaced_file_is_taken_up_and_the_old_one_outlives_its_holders),
            TEST(a_file_that_cannot_be_opened_changes_nothing_and_is_told_once),
            TEST(holders_of_many_threads_see_whole_databases),
            TEST(a_missing_file_is_no_slot),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
