#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/file.h"
#include "version/dpkg_version.h"

#include <stdlib.h>
#include <string.h>

enum { PAIRS_MAX = 4096, FILE_MAX = 1 << 20 };

struct pair {
    const char *left, *right;
    char op;
};

struct pairs {
    struct mu_buf text;
    struct pair items[PAIRS_MAX];
    size_t count;
};

/* "left<TAB>op<TAB>right"; '#' begins a remark. */
static void line_take(struct pairs *pairs, char *line)
{
    char *op = strchr(line, '\t');

    if (line[0] == '#' || line[0] == '\0')
        return;
    if (!op || op[2] != '\t' || !strchr("<=>", op[1]) || pairs->count == PAIRS_MAX)
        fail_msg("tests/data/versions/dpkg.tsv: malformed line '%s'", line);
    assert_non_null(op);
    op[0] = op[2] = '\0';
    pairs->items[pairs->count++] = (struct pair){line, op + 3, op[1]};
}

static int set_up(void **state)
{
    struct pairs *pairs = calloc(1, sizeof(*pairs));
    struct mu_error err;
    char *rest, *line;

    mu_buf_init(&pairs->text, FILE_MAX);
    if (mu_file_read(MU_TEST_DATA "/versions/dpkg.tsv", &pairs->text, &err) != MU_OK)
        fail_msg("%s", err.message);
    for (rest = pairs->text.data; (line = strsep(&rest, "\n"));)
        line_take(pairs, line);
    *state = pairs;
    return 0;
}

static int tear_down(void **state)
{
    struct pairs *pairs = *state;

    mu_buf_done(&pairs->text);
    free(pairs);
    return 0;
}

static int sign(int value)
{
    return (value > 0) - (value < 0);
}

static void every_pair_of_the_file_has_its_order(void **state)
{
    const struct pairs *pairs = *state;

    assert_true(pairs->count > 500);
    for (size_t i = 0; i < pairs->count; i++) {
        const struct pair *pair = &pairs->items[i];
        int expected = pair->op == '<' ? -1 : pair->op == '>';

        if (sign(dpkg_version_compare(pair->left, pair->right)) != expected)
            fail_msg("not '%s' %c '%s'", pair->left, pair->op, pair->right);
    }
}

static void turning_a_pair_round_turns_the_answer_round(void **state)
{
    const struct pairs *pairs = *state;

    for (size_t i = 0; i < pairs->count; i++) {
        const struct pair *pair = &pairs->items[i];

        if (sign(dpkg_version_compare(pair->left, pair->right)) !=
            -sign(dpkg_version_compare(pair->right, pair->left)))
            fail_msg("'%s' and '%s'", pair->left, pair->right);
    }
}

static int by_version(const void *a, const void *b)
{
    return dpkg_version_compare(*(const char *const *)a, *(const char *const *)b);
}

/* Sorted by it, no version may be greater than one behind it. */
static void the_order_is_one_order_for_all_versions(void **state)
{
    const struct pairs *pairs = *state;
    static const char *all[2 * PAIRS_MAX];
    size_t count = 0;

    for (size_t i = 0; i < pairs->count; i++) {
        all[count++] = pairs->items[i].left;
        all[count++] = pairs->items[i].right;
    }
    qsort(all, count, sizeof(all[0]), by_version);
    for (size_t i = 0; i < count; i++)
        for (size_t j = i; j < count; j++)
            if (dpkg_version_compare(all[i], all[j]) > 0)
                fail_msg("'%s' stands before '%s'", all[i], all[j]);
}

static void what_is_no_version_still_has_an_order(void **state)
{
    static const char *const texts[] = {"",    ":",   "-",         "1:",        ":1",
                                        "--",  "a:1", "1-",        "\xff\xfe",  " 1",
                                        "~:~", "1:-", "1:2:3-4-5", "\x01-\x7f", "1-1:1"};
    size_t count = sizeof(texts) / sizeof(texts[0]);

    (void)state;
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < count; j++)
            assert_int_equal(sign(dpkg_version_compare(texts[i], texts[j])),
                             -sign(dpkg_version_compare(texts[j], texts[i])));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(every_pair_of_the_file_has_its_order),
            cmocka_unit_test(turning_a_pair_round_turns_the_answer_round),
            cmocka_unit_test(the_order_is_one_order_for_all_versions),
            cmocka_unit_test(what_is_no_version_still_has_an_order),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
