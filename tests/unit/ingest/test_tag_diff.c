#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "listing_files.h"

#include "base/text.h"
#include "listing/tag_diff.h"

struct seen {
    struct mu_buf changes;
    enum mu_status answer;
};

static enum mu_status on_change(void *opaque, const struct tag_change *change, struct mu_error *err)
{
    static const char *const words[] = {"new", "moved", "gone"};
    struct seen *seen = opaque;

    mu_buf_printf(&seen->changes, "%s%s%.1s ", words[change->kind], change->previous[0] ? "-" : "",
                  change->previous[0] ? change->previous + 7 : "");
    word_of(change->line, &seen->changes);
    return seen->answer == MU_OK ? MU_OK : mu_fail(err, seen->answer, "as told");
}

static bool is_not_b(void *opaque, const char *repository)
{
    (void)opaque;
    return !mu_text_equal(repository, "b");
}

/* What is told of the change from `before` to `now`, and what is known then. */
static void expect(struct listing_files *files, bool complete, const char *before, const char *now,
                   const char *changes, const char *after)
{
    MU_AUTO(tag_sorter) struct tag_sorter *sorter = sorter_of(files, 8192, now);
    MU_AUTO(known_tags) struct known_tags *known = NULL;
    MU_AUTO(known_tags_writer) struct known_tags_writer *writer = NULL;
    MU_AUTO_DONE(mu_buf_done) struct mu_buf text;
    struct seen seen = {.answer = MU_OK};
    struct tag_diff diff = {.seen = sorter,
                            .complete = complete,
                            .is_wanted = is_not_b,
                            .on_change = on_change,
                            .opaque = &seen};
    struct tag_line line;

    mu_buf_init(&seen.changes, 4096);
    mu_buf_init(&text, 4096);
    state_write(files, before);
    assert_int_equal(known_tags_open(files->state, &known, &files->err), MU_OK);
    assert_int_equal(known_tags_write(files->state, known_tags_head(known), &writer, &files->err),
                     MU_OK);
    diff.known = known;
    diff.writer = writer;
    if (tag_diff_run(&diff, &files->err) != MU_OK)
        fail_msg("%s", files->err.message);
    assert_string_equal(seen.changes.data, changes);
    assert_int_equal(known_tags_commit(writer, &files->err), MU_OK);
    known_tags_close(known);
    known = NULL;
    assert_int_equal(known_tags_open(files->state, &known, &files->err), MU_OK);
    while (known_tags_next(known, &line, &files->err) == MU_OK)
        word_of(&line, &text);
    assert_string_equal(text.data, after);
    mu_buf_done(&seen.changes);
}

static void new_moved_and_gone_tags_are_told(void **state)
{
    expect(*state, true, "a:1=1 a:2=2 a:3=3", "a:1=1 a:2=9 c:1=1",
           "moved-2 a:2=9 gone-3 a:3=3 new c:1=1 ", "a:1=1 a:2=9 c:1=1 ");
}

static void what_is_as_it_was_is_not_told(void **state)
{
    expect(*state, true, "a:1=1 c:2=2", "c:2=2 a:1=1", "", "a:1=1 c:2=2 ");
}

static void an_incomplete_listing_deletes_nothing(void **state)
{
    expect(*state, false, "a:1=1 a:2=2 c:1=1", "a:2=3 d:1=1", "moved-2 a:2=3 new d:1=1 ",
           "a:1=1 a:2=3 c:1=1 d:1=1 ");
}

static void of_a_marked_repository_nothing_is_gone(void **state)
{
    expect(*state, true, "a:1=1 a:2=2 c:1=1 e:1=1", "a e a:2=3 a:4=4",
           "moved-2 a:2=3 new a:4=4 gone-1 c:1=1 ", "a:1=1 a:2=3 a:4=4 e:1=1 ");
}

/* The merge reads ahead: a mark must not speak for the repositories around its own. */
static void a_mark_speaks_for_its_own_repository_alone(void **state)
{
    expect(*state, true, "a:1=1 a:2=1 c:1=1 d:1=1 d:2=1 e:1=1", "c d",
           "gone-1 a:1=1 gone-1 a:2=1 gone-1 e:1=1 ", "c:1=1 d:1=1 d:2=1 ");
}

static void what_was_not_looked_for_stays_known(void **state)
{
    expect(*state, true, "a:1=1 b:1=1", "c:1=1", "gone-1 a:1=1 new c:1=1 ", "b:1=1 c:1=1 ");
}

static void everything_gone_is_told(void **state)
{
    expect(*state, true, "a:1=1", "", "gone-1 a:1=1 ", "");
}

static void a_failure_to_tell_ends_it(void **state)
{
    struct listing_files *files = *state;
    MU_AUTO(tag_sorter) struct tag_sorter *sorter = sorter_of(files, 8192, "a:1=1 a:2=1");
    MU_AUTO(known_tags) struct known_tags *known = NULL;
    struct seen seen = {.answer = MU_E_UNAVAILABLE};
    struct tag_diff diff = {
            .seen = sorter, .complete = true, .on_change = on_change, .opaque = &seen};

    mu_buf_init(&seen.changes, 4096);
    assert_int_equal(known_tags_open(files->state, &known, &files->err), MU_OK);
    diff.known = known;
    assert_int_equal(tag_diff_run(&diff, &files->err), MU_E_UNAVAILABLE);
    assert_string_equal(seen.changes.data, "new a:1=1 ");
    mu_buf_done(&seen.changes);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, listing_files_make, listing_files_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
            TEST(new_moved_and_gone_tags_are_told),
            TEST(what_is_as_it_was_is_not_told),
            TEST(an_incomplete_listing_deletes_nothing),
            TEST(of_a_marked_repository_nothing_is_gone),
            TEST(a_mark_speaks_for_its_own_repository_alone),
            TEST(what_was_not_looked_for_stays_known),
            TEST(everything_gone_is_told),
            TEST(a_failure_to_tell_ends_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
