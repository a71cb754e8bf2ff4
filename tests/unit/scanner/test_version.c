/* tests/data/versions/<scheme>.tsv: pairs with their order, as the ecosystem's own tool gave it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/text.h"
#include "version/version.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PAIRS_MAX = 2048, FILE_MAX = 1 << 20, PATH_SIZE = 512, PAIRS_LEAST = 200 };

struct pair {
    const char *left, *right;
    char op;
};

struct pairs {
    const struct version_scheme *scheme;
    struct mu_buf text;
    struct pair items[PAIRS_MAX];
    size_t count;
};

static int sign(int value)
{
    return (value > 0) - (value < 0);
}

static void read_file(const char *name, struct mu_buf *text)
{
    char path[PATH_SIZE];
    struct mu_error err;

    (void)snprintf(path, sizeof(path), "%s/versions/%s.tsv", MU_TEST_DATA, name);
    mu_buf_init(text, FILE_MAX);
    if (mu_file_read(path, text, &err) != MU_OK)
        fail_msg("%s", err.message);
}

/* "left<TAB>op<TAB>right"; '#' and a space begin a remark. */
static void line_take(struct pairs *pairs, char *line)
{
    char *op = strchr(line, '\t');

    if (strncmp(line, "# ", 2) == 0 || line[0] == '\0')
        return;
    if (!op || !strchr("<=>", op[1]) || op[2] != '\t' || pairs->count == PAIRS_MAX) {
        fail_msg("%s.tsv: malformed line '%s'", pairs->scheme->name, line);
        return;
    }
    op[0] = op[2] = '\0';
    pairs->items[pairs->count++] = (struct pair){line, op + 3, op[1]};
}

static void take_scheme(struct pairs *pairs, const struct version_scheme *scheme)
{
    char *rest, *line;

    pairs->scheme = scheme;
    read_file(scheme->name, &pairs->text);
    for (rest = pairs->text.data; (line = strsep(&rest, "\n"));)
        line_take(pairs, line);
}

static size_t scheme_count(void)
{
    size_t count = 0;

    while (version_scheme_at(count))
        count++;
    return count;
}

/* One `struct pairs` for each scheme. */
static int set_up(void **state)
{
    struct pairs *all = calloc(scheme_count(), sizeof(*all));

    for (size_t i = 0; i < scheme_count(); i++)
        take_scheme(&all[i], version_scheme_at(i));
    *state = all;
    return 0;
}

static int tear_down(void **state)
{
    struct pairs *all = *state;

    for (size_t i = 0; i < scheme_count(); i++)
        mu_buf_done(&all[i].text);
    free(all);
    return 0;
}

static void every_pair_of_every_file_has_its_order(void **state)
{
    const struct pairs *all = *state;
    size_t wrong = 0;

    for (size_t s = 0; s < scheme_count(); s++) {
        assert_true(all[s].count >= PAIRS_LEAST);
        for (size_t i = 0; i < all[s].count; i++) {
            const struct pair *pair = &all[s].items[i];
            int expected = pair->op == '<' ? -1 : pair->op == '>';

            if (sign(all[s].scheme->compare(pair->left, pair->right)) == expected)
                continue;
            print_error("%s: not '%s' %c '%s'\n", all[s].scheme->name, pair->left, pair->op,
                        pair->right);
            wrong++;
        }
    }
    assert_int_equal(wrong, 0);
}

static void turning_a_pair_round_turns_the_answer_round(void **state)
{
    const struct pairs *all = *state;

    for (size_t s = 0; s < scheme_count(); s++)
        for (size_t i = 0; i < all[s].count; i++) {
            const struct pair *pair = &all[s].items[i];

            if (sign(all[s].scheme->compare(pair->left, pair->right)) !=
                -sign(all[s].scheme->compare(pair->right, pair->left)))
                fail_msg("%s: '%s' and '%s'", all[s].scheme->name, pair->left, pair->right);
        }
}

static void every_version_equals_itself(void **state)
{
    const struct pairs *all = *state;

    for (size_t s = 0; s < scheme_count(); s++)
        for (size_t i = 0; i < all[s].count; i++) {
            const char *text = all[s].items[i].left;

            if (all[s].scheme->compare(text, text) != 0)
                fail_msg("%s: '%s'", all[s].scheme->name, text);
        }
}

static const struct version_scheme *sorting;

static int by_version(const void *a, const void *b)
{
    return sorting->compare(*(const char *const *)a, *(const char *const *)b);
}

/* Sorted by it, no version may be greater than one behind it: near ones all, far ones thinly. */
static void check_order(const struct version_scheme *scheme, const char **texts, size_t count)
{
    sorting = scheme;
    qsort(texts, count, sizeof(texts[0]), by_version);
    for (size_t i = 0; i < count; i++)
        for (size_t j = i; j < count; j += 1 + (j - i) / 8)
            if (scheme->compare(texts[i], texts[j]) > 0)
                fail_msg("%s: '%s' stands before '%s'", scheme->name, texts[i], texts[j]);
}

static void each_order_is_one_order_for_all_its_versions(void **state)
{
    const struct pairs *all = *state;
    static const char *texts[2 * PAIRS_MAX];

    for (size_t s = 0; s < scheme_count(); s++) {
        size_t count = 0;

        for (size_t i = 0; i < all[s].count; i++) {
            texts[count++] = all[s].items[i].left;
            texts[count++] = all[s].items[i].right;
        }
        check_order(all[s].scheme, texts, count);
    }
}

/* Every scheme over the versions of all others: most of them are none of its own. */
static void each_order_is_one_order_for_foreign_versions_too(void **state)
{
    enum { FROM_EACH = 40 };
    const struct pairs *all = *state;
    static const char *texts[32 * FROM_EACH];

    assert_true(scheme_count() <= 32);
    for (size_t s = 0; s < scheme_count(); s++) {
        size_t count = 0;

        for (size_t other = 0; other < scheme_count(); other++)
            for (size_t i = 0; i < FROM_EACH; i++)
                texts[count++] = all[other].items[i * (all[other].count / FROM_EACH)].left;
        check_order(all[s].scheme, texts, count);
    }
}

static void what_is_no_version_still_has_one_order(void **state)
{
    const char *texts[] = {"",     ":",     "-",      "1:",        ":1",   "--",   "a:1",  "1-",
                           "\xff", " 1",    "~:~",    "1:-",       "1..2", "-1",   "1.-1", "1-.1",
                           "v",    "1!",    "1+",     "\x01-\x7f", "x.y",  "0-0-", "1~",   "1^",
                           "1_",   "1_p_p", "latest", "(devel)",   "1.a.", ".",    "+",    "1-1:1"};

    (void)state;
    for (size_t s = 0; s < scheme_count(); s++)
        check_order(version_scheme_at(s), texts, sizeof(texts) / sizeof(texts[0]));
}

static void digit_runs_of_any_length_are_numbers(void **state)
{
    enum { LENGTH = 100000 };
    char *longer = malloc(LENGTH + 2), *shorter = malloc(LENGTH + 1);

    (void)state;
    memset(longer, '1', LENGTH + 1);
    memset(shorter, '9', LENGTH);
    longer[LENGTH + 1] = shorter[LENGTH] = '\0';
    for (size_t s = 0; s < scheme_count(); s++) {
        assert_true(version_scheme_at(s)->compare(longer, shorter) > 0);
        assert_true(version_scheme_at(s)->compare(shorter, longer) < 0);
    }
    free(longer);
    free(shorter);
}

/* Looking ahead over runs of what does not count must not begin anew at each of them. */
static void long_runs_of_nothing_take_no_longer_than_their_length(void **state)
{
    static const char *const runs[] = {"0.", "-",  "0-", "00",  ".",
                                       "a.", "1.", "~",  "0.-", "final."};
    enum { TIMES = 30000 };

    (void)state;
    for (size_t r = 0; r < sizeof(runs) / sizeof(runs[0]); r++) {
        MU_AUTO_DONE(mu_buf_done) struct mu_buf text;

        mu_buf_init(&text, 8 * TIMES);
        for (size_t i = 0; i < TIMES; i++)
            mu_buf_append(&text, runs[r], strlen(runs[r]));
        mu_buf_append(&text, "1x", 3);
        for (size_t s = 0; s < scheme_count(); s++)
            assert_int_equal(version_scheme_at(s)->compare(text.data, text.data), 0);
    }
}

/* validity.tsv: scheme, valid or invalid, text */
static void what_the_ecosystem_refuses_is_called_invalid(void **state)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf text;
    char *rest, *line;
    size_t lines = 0;

    (void)state;
    read_file("validity", &text);
    for (rest = text.data; (line = strsep(&rest, "\n"));) {
        char *word, *version;

        if (strncmp(line, "# ", 2) == 0 || !(word = strchr(line, '\t')))
            continue;
        *word++ = '\0';
        version = strchr(word, '\t');
        assert_non_null(version);
        *version++ = '\0';
        assert_non_null(version_scheme_of(line));
        if (version_scheme_of(line)->valid(version) != mu_text_equal(word, "valid"))
            fail_msg("%s: '%s' is not %s", line, version, word);
        lines++;
    }
    assert_true(lines > 100);
}

static void an_ecosystem_is_found_with_and_without_release(void **state)
{
    static const struct {
        const char *ecosystem, *scheme;
    } cases[] = {{"Debian:12", "dpkg"},
                 {"Debian", "dpkg"},
                 {"Ubuntu:Pro:18.04:LTS", "dpkg"},
                 {"Alpine:v3.19", "apk"},
                 {"Red Hat:enterprise_linux:9::baseos", "rpm"},
                 {"Rocky Linux:9", "rpm"},
                 {"SUSE:Linux Enterprise Server 15 SP5", "rpm"},
                 {"npm", "semver"},
                 {"crates.io", "semver"},
                 {"Go", "go"},
                 {"pypi", "pep440"},
                 {"Maven:https://repo.example/maven2", "maven"},
                 {"rpm", "rpm"}};

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct version_scheme *scheme = version_scheme_of(cases[i].ecosystem);

        assert_non_null(scheme);
        assert_string_equal(scheme->name, cases[i].scheme);
    }
}

static void an_ecosystem_nobody_knows_has_no_scheme(void **state)
{
    static const char *const unknown[] = {"",    ":",        "Debian12", "Deb",
                                          ":12", "OSS-Fuzz", "Red  Hat"};

    (void)state;
    for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++)
        assert_null(version_scheme_of(unknown[i]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(every_pair_of_every_file_has_its_order),
            cmocka_unit_test(turning_a_pair_round_turns_the_answer_round),
            cmocka_unit_test(every_version_equals_itself),
            cmocka_unit_test(each_order_is_one_order_for_all_its_versions),
            cmocka_unit_test(each_order_is_one_order_for_foreign_versions_too),
            cmocka_unit_test(what_is_no_version_still_has_one_order),
            cmocka_unit_test(digit_runs_of_any_length_are_numbers),
            cmocka_unit_test(long_runs_of_nothing_take_no_longer_than_their_length),
            cmocka_unit_test(what_the_ecosystem_refuses_is_called_invalid),
            cmocka_unit_test(an_ecosystem_is_found_with_and_without_release),
            cmocka_unit_test(an_ecosystem_nobody_knows_has_no_scheme),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
