#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/text.h"
#include "package/os/os_release.h"

#include <string.h>

static void expect(const char *text, const char *id, const char *version_id,
                   const char *pretty_name)
{
    MU_AUTO(arena) struct mu_arena *arena = mu_arena_new(65536);
    struct os_release release;
    struct mu_error err;

    assert_int_equal(os_release_parse(text, strlen(text), arena, &release, &err), MU_OK);
    assert_true(mu_text_equal(release.id, id));
    assert_true(mu_text_equal(release.version_id, version_id));
    assert_true(mu_text_equal(release.pretty_name, pretty_name));
}

static void quoted_and_bare_values_are_read(void **state)
{
    (void)state;
    expect("PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nVERSION_ID='12'\nID=debian\n", "debian",
           "12", "Debian GNU/Linux 12 (bookworm)");
}

static void shell_escapes_are_undone_and_nothing_is_expanded(void **state)
{
    (void)state;
    expect("ID=a\\ b\nVERSION_ID='a\\b'\nPRETTY_NAME=\"\\$HOME \\\"q\\\" \\\\ \\` \\x $(id)\"\n",
           "a b", "a\\b", "$HOME \"q\" \\ ` \\x $(id)");
}

static void quotes_join_and_a_blank_ends_a_value(void **state)
{
    (void)state;
    expect("ID=\"de\"'b'ian # remark\nVERSION_ID=12\t\r\n", "debian", "12", NULL);
}

static void comments_and_broken_lines_are_passed_over(void **state)
{
    (void)state;
    expect("# ID=no\n\nnonsense\n =x\nID_LIKE=debian\nXID=1\n  ID=alpine", "alpine", NULL, NULL);
}

static void the_last_assignment_holds(void **state)
{
    (void)state;
    expect("ID=first\nID=second\nVERSION_ID=1\nVERSION_ID=\n", "second", NULL, NULL);
}

static void unusable_values_count_as_absent(void **state)
{
    char text[OS_RELEASE_VALUE_MAX + 64];

    (void)state;
    expect("ID=\"open\nVERSION_ID=\xff\nPRETTY_NAME=\"a\x01"
           "b\"\n",
           NULL, NULL, NULL);
    memcpy(text, "ID=", 3);
    memset(text + 3, 'a', OS_RELEASE_VALUE_MAX + 1);
    text[OS_RELEASE_VALUE_MAX + 4] = '\0';
    expect(text, NULL, NULL, NULL);
}

static void a_full_arena_is_an_error_and_writes_nothing(void **state)
{
    MU_AUTO(arena) struct mu_arena *arena = mu_arena_new(1);
    struct os_release release = {.id = "untouched"};
    struct mu_error err;

    (void)state;
    assert_int_equal(os_release_parse("ID=debian\n", 10, arena, &release, &err), MU_E_NOMEM);
    assert_string_equal(release.id, "untouched");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(quoted_and_bare_values_are_read),
            cmocka_unit_test(shell_escapes_are_undone_and_nothing_is_expanded),
            cmocka_unit_test(quotes_join_and_a_blank_ends_a_value),
            cmocka_unit_test(comments_and_broken_lines_are_passed_over),
            cmocka_unit_test(the_last_assignment_holds),
            cmocka_unit_test(unusable_values_count_as_absent),
            cmocka_unit_test(a_full_arena_is_an_error_and_writes_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
