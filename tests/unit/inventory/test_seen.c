/* Rows that were written before. */
#include "store/seen.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static struct seen *seen;

static int open_seen(void **state)
{
    (void)state;
    seen = seen_new();
    return 0;
}

static int close_seen(void **state)
{
    (void)state;
    seen_free(seen);
    return 0;
}

static bool before(size_t table, const char *a, const char *b)
{
    return seen_before(seen, 0, table, (const char *const[]){a, b}, 2, SIZE_MAX);
}

static void a_row_is_new_once(void **state)
{
    (void)state;
    assert_false(before(1, "a", "b"));
    assert_true(before(1, "a", "b"));
    seen_forget(seen);
    assert_false(before(1, "a", "b"));
}

static void what_was_not_committed_was_not_written(void **state)
{
    (void)state;
    assert_false(before(1, "a", "b"));
    seen_keep(seen, 0);
    assert_false(before(1, "c", "d"));
    assert_true(before(1, "a", "b"));
    seen_drop(seen);
    assert_false(before(1, "c", "d"));
    assert_true(before(1, "a", "b"));
}

static bool before_in(int batch, const char *a)
{
    return seen_before(seen, batch, 1, &a, 1, SIZE_MAX);
}

/* The second counts on the first, and falls with it. */
static void two_batches_under_way_stand_and_fall_together(void **state)
{
    (void)state;
    assert_false(before_in(0, "first"));
    assert_false(before_in(1, "second"));
    assert_true(before_in(1, "first"));
    seen_keep(seen, 0);
    assert_false(before_in(0, "third"));
    assert_true(before_in(0, "second"));
    seen_drop(seen);
    assert_true(before_in(0, "first"));
    assert_false(before_in(0, "second"));
    assert_false(before_in(0, "third"));
}

static void an_id_stands_for_its_row(void **state)
{
    static const char id[] = "6ba7b810-9dad-81d1-80b4-00c04fd430c8";

    (void)state;
    assert_false(seen_before_id(seen, 0, 1, id, NULL));
    assert_true(seen_before_id(seen, 0, 1, id, NULL));
    assert_false(seen_before_id(seen, 0, 2, id, NULL));
    assert_false(seen_before_id(seen, 0, 1, "no id", NULL));
    assert_true(seen_before_id(seen, 0, 1, "no id", NULL));
    assert_false(seen_before_id(seen, 0, 1, id, "init"));
    assert_false(seen_before_id(seen, 0, 1, id, "sidecar"));
    assert_true(seen_before_id(seen, 0, 1, id, "init"));
}

static void tables_columns_and_what_is_absent_are_told_apart(void **state)
{
    (void)state;
    assert_false(before(1, "a", "b"));
    assert_false(before(2, "a", "b"));
    assert_false(before(1, "ab", ""));
    assert_false(before(1, "", "ab"));
    assert_false(before(1, "ab", NULL));
    assert_false(before(1, NULL, "ab"));
}

static void the_skipped_column_does_not_count(void **state)
{
    (void)state;
    assert_false(seen_before(seen, 0, 1, (const char *const[]){"a", "event 1"}, 2, 1));
    assert_true(seen_before(seen, 0, 1, (const char *const[]){"a", "event 2"}, 2, 1));
}

/* So many that the next seen_keep has something to forget. */
static void many_rows(size_t table)
{
    char name[16];

    for (int i = 0; i < 300000; i++) {
        (void)snprintf(name, sizeof(name), "%d", i);
        assert_false(before(table, name, ""));
    }
    assert_true(before(table, name, ""));
    assert_true(before(table, "0", ""));
}

/* Rows of a batch stay apart however many they are; between two batches the oldest go. */
static void a_full_memory_forgets_what_nobody_asked_for_since(void **state)
{
    (void)state;
    many_rows(1);
    seen_keep(seen, 0);
    assert_true(before(1, "0", ""));
    many_rows(2);
    seen_keep(seen, 0);
    assert_true(before(1, "0", "")); /* asked for in the second span */
    assert_false(before(1, "1", ""));
    many_rows(3);
    seen_keep(seen, 0);
    assert_true(before(1, "0", ""));
    assert_true(before(3, "1", ""));
    assert_false(before(2, "1", ""));
    seen_forget(seen);
    assert_false(before(1, "0", ""));
    assert_false(before(3, "1", ""));
}

/* A fleet so large that all of it is asked for all the time. */
static void of_too_many_only_those_asked_for_last_are_kept(void **state)
{
    enum { BATCHES = 24, ROWS = 100000 };
    char name[16];

    (void)state;
    for (int round = 0; round < 2; round++)
        for (int batch = 0; batch < BATCHES; batch++) {
            for (int i = 0; i < ROWS; i++) {
                (void)snprintf(name, sizeof(name), "%d", batch * ROWS + i);
                (void)before(1, name, "");
            }
            seen_keep(seen, 0);
        }
    assert_true(before(1, name, ""));
    assert_false(before(1, "0", ""));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_seen, close_seen)

int main(void)
{
    const struct CMUnitTest tests[] = {
            TEST(a_row_is_new_once),
            TEST(what_was_not_committed_was_not_written),
            TEST(two_batches_under_way_stand_and_fall_together),
            TEST(of_too_many_only_those_asked_for_last_are_kept),
            TEST(an_id_stands_for_its_row),
            TEST(tables_columns_and_what_is_absent_are_told_apart),
            TEST(the_skipped_column_does_not_count),
            TEST(a_full_memory_forgets_what_nobody_asked_for_since),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
