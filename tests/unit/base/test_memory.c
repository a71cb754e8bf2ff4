/* memory and scope: the arena's bounds, and release on every way out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/memory.h"
#include "base/scope.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void memory_is_zeroed_aligned_and_apart(void **state)
{
    MU_AUTO(arena) struct mu_arena *arena = mu_arena_new(1 << 20);
    unsigned char *previous = NULL;

    (void)state;
    for (size_t size = 1; size < 600; size += 7) {
        unsigned char *memory = mu_arena_alloc(arena, size);

        assert_non_null(memory);
        assert_int_equal((uintptr_t)memory % _Alignof(max_align_t), 0);
        for (size_t i = 0; i < size; i++)
            assert_int_equal(memory[i], 0);
        assert_true(previous == NULL || previous[0] == 0xab);
        memset(memory, 0xab, size);
        previous = memory;
    }
}

static void the_maximum_bounds_everything_together(void **state)
{
    MU_AUTO(arena) struct mu_arena *arena = mu_arena_new(1024);

    (void)state;
    assert_non_null(mu_arena_alloc(arena, 1000));
    assert_null(mu_arena_alloc(arena, 100));
    assert_non_null(mu_arena_alloc(arena, 16));
    assert_null(mu_arena_alloc(arena, 1));
}

static void sizes_near_the_end_of_size_t_are_refused(void **state)
{
    MU_AUTO(arena) struct mu_arena *arena = mu_arena_new(SIZE_MAX);

    (void)state;
    assert_null(mu_arena_alloc(arena, SIZE_MAX));
    assert_null(mu_arena_alloc(arena, SIZE_MAX - 15));
    assert_null(mu_arena_strndup(arena, "x", SIZE_MAX));
}

static void larger_than_a_block_is_fine(void **state)
{
    MU_AUTO(arena) struct mu_arena *arena = mu_arena_new(1 << 20);
    char *large = mu_arena_alloc(arena, 100000);

    (void)state;
    assert_non_null(large);
    large[99999] = 1;
    assert_non_null(mu_arena_alloc(arena, 10));
}

static void a_reset_gives_the_room_back_and_zeroes_it_again(void **state)
{
    MU_AUTO(arena) struct mu_arena *arena = mu_arena_new(40000);

    (void)state;
    for (int round = 0; round < 3; round++) {
        unsigned char *memory = mu_arena_alloc(arena, 39000);

        assert_non_null(memory);
        assert_int_equal(memory[38999], 0);
        memset(memory, 0xab, 39000);
        assert_null(mu_arena_alloc(arena, 39000));
        mu_arena_reset(arena);
    }
}

static void an_empty_arena_can_be_reset_and_freed(void **state)
{
    struct mu_arena *arena = mu_arena_new(10);

    (void)state;
    mu_arena_reset(arena);
    mu_arena_free(arena);
    mu_arena_free(NULL);
}

static void texts_are_copied(void **state)
{
    MU_AUTO(arena) struct mu_arena *arena = mu_arena_new(1000);
    char text[] = "abc";
    char *copy = mu_arena_strdup(arena, text), *part = mu_arena_strndup(arena, text, 2);

    (void)state;
    text[0] = 'x';
    assert_string_equal(copy, "abc");
    assert_string_equal(part, "ab");
    assert_string_equal(mu_arena_strndup(arena, "", 0), "");
    assert_string_equal(mu_arena_printf(arena, "%s-%d", "n", 7), "n-7");
    assert_string_equal(mu_arena_concat(arena, "a", "", "bc", NULL), "abc");
    assert_string_equal(mu_arena_concat(arena, "", NULL), "");
}

static void a_text_over_the_maximum_is_null(void **state)
{
    MU_AUTO(arena) struct mu_arena *arena = mu_arena_new(16);

    (void)state;
    assert_null(mu_arena_strdup(arena, "sixteen bytes ---"));
    assert_null(mu_arena_printf(arena, "%20d", 1));
    assert_null(mu_arena_concat(arena, "eight by", "te and more", NULL));
}

static void small_objects_of_no_size_are_still_objects(void **state)
{
    MU_AUTO_FREE void *memory = mu_xcalloc(0, 0);
    MU_AUTO_FREE char *text = mu_xstrdup("x");

    (void)state;
    assert_non_null(memory);
    assert_string_equal(text, "x");
}

static void a_descriptor_is_closed_when_its_scope_ends(void **state)
{
    int seen;

    (void)state;
    {
        MU_AUTO_FD int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
        MU_AUTO_FD int none = -1;
        MU_AUTO_FILE FILE *file = fopen("/dev/null", "re");
        MU_AUTO_FILE FILE *no_file = NULL;

        assert_true(fd >= 0 && none < 0 && file && !no_file);
        seen = fd;
    }
    assert_int_equal(fcntl(seen, F_GETFD), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(memory_is_zeroed_aligned_and_apart),
            cmocka_unit_test(the_maximum_bounds_everything_together),
            cmocka_unit_test(sizes_near_the_end_of_size_t_are_refused),
            cmocka_unit_test(larger_than_a_block_is_fine),
            cmocka_unit_test(a_reset_gives_the_room_back_and_zeroes_it_again),
            cmocka_unit_test(an_empty_arena_can_be_reset_and_freed),
            cmocka_unit_test(texts_are_copied),
            cmocka_unit_test(a_text_over_the_maximum_is_null),
            cmocka_unit_test(small_objects_of_no_size_are_still_objects),
            cmocka_unit_test(a_descriptor_is_closed_when_its_scope_ends),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
