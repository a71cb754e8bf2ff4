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
    return seen_before(seen, table, (const char *const[]){a, b}, 2, SIZE_MAX);
}

static void a_row_is_new_once(void **state)
{
    (void)state;
    assert_false(before(1, "a", "b"));
    assert_true(before(1, "a", "b"));
    seen_forget(seen);
    assert_false(before(1, "a", "b"));
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
    assert_false(seen_before(seen, 1, (const char *const[]){"a", "event 1"}, 2, 1));
    assert_true(seen_before(seen, 1, (const char *const[]){"a", "event 2"}, 2, 1));
}

/* Rows of a batch stay apart however many they are; between two batches it begins anew. */
static void a_full_memory_begins_anew_only_when_told(void **state)
{
    char name[16];

    (void)state;
    for (int i = 0; i < 700000; i++) {
        (void)snprintf(name, sizeof(name), "%d", i);
        assert_false(before(1, name, ""));
    }
    assert_true(before(1, name, ""));
    assert_true(before(1, "0", ""));
    seen_trim(seen);
    assert_false(before(1, "0", ""));
    seen_trim(seen);
    assert_true(before(1, "0", ""));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_seen, close_seen)

int main(void)
{
    const struct CMUnitTest tests[] = {
            TEST(a_row_is_new_once),
            TEST(tables_columns_and_what_is_absent_are_told_apart),
            TEST(the_skipped_column_does_not_count),
            TEST(a_full_memory_begins_anew_only_when_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
