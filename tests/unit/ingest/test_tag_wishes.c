#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "listing/tag_wishes.h"

#include "base/scope.h"

#include <pthread.h>
#include <stdio.h>

MU_DEFINE_AUTO(tag_wishes, struct tag_wishes, tag_wishes_free)

static bool add(struct tag_wishes *wishes, const char *repository, const char *tag)
{
    struct tag_wish wish = {.attempts = 2};

    (void)snprintf(wish.repository, sizeof(wish.repository), "%s", repository);
    (void)snprintf(wish.tag, sizeof(wish.tag), "%s", tag);
    return tag_wishes_add(wishes, &wish);
}

static void wishes_come_first_come_first_served(void **state)
{
    MU_AUTO(tag_wishes) struct tag_wishes *wishes = tag_wishes_new();
    struct tag_wish wish;

    (void)state;
    assert_true(add(wishes, "b", "1"));
    assert_true(add(wishes, "a", "1"));
    assert_true(tag_wishes_take(wishes, &wish));
    assert_string_equal(wish.repository, "b");
    assert_int_equal(wish.attempts, 2);
    assert_true(tag_wishes_take(wishes, &wish));
    assert_string_equal(wish.repository, "a");
}

static void a_wish_that_waits_is_not_added_again(void **state)
{
    MU_AUTO(tag_wishes) struct tag_wishes *wishes = tag_wishes_new();
    struct tag_wish wish;

    (void)state;
    for (int i = 0; i < 2 * TAG_WISHES_MAX; i++)
        assert_true(add(wishes, "a", "1"));
    assert_true(add(wishes, "a", "2"));
    assert_true(tag_wishes_take(wishes, &wish));
    assert_string_equal(wish.tag, "1");
    assert_true(tag_wishes_take(wishes, &wish));
    assert_string_equal(wish.tag, "2");
}

static void no_more_than_the_bound_wait(void **state)
{
    MU_AUTO(tag_wishes) struct tag_wishes *wishes = tag_wishes_new();
    struct tag_wish wish;
    char tag[16];

    (void)state;
    for (int i = 0; i < TAG_WISHES_MAX; i++) {
        (void)snprintf(tag, sizeof(tag), "%d", i);
        assert_true(add(wishes, "a", tag));
    }
    assert_false(add(wishes, "a", "one too many"));
    assert_true(tag_wishes_take(wishes, &wish));
    assert_true(add(wishes, "a", "one more"));
}

static void *take_one(void *opaque)
{
    struct tag_wish wish;

    return tag_wishes_take(opaque, &wish) ? opaque : NULL;
}

static void who_waits_leaves_when_it_is_closed(void **state)
{
    MU_AUTO(tag_wishes) struct tag_wishes *wishes = tag_wishes_new();
    pthread_t thread;
    void *taken = wishes;

    (void)state;
    assert_int_equal(pthread_create(&thread, NULL, take_one, wishes), 0);
    tag_wishes_close(wishes);
    assert_int_equal(pthread_join(thread, &taken), 0);
    assert_null(taken);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(wishes_come_first_come_first_served),
            cmocka_unit_test(a_wish_that_waits_is_not_added_again),
            cmocka_unit_test(no_more_than_the_bound_wait),
            cmocka_unit_test(who_waits_leaves_when_it_is_closed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
