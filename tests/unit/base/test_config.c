/* config: command line over environment over default; every error names the option. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/config.h"
#include "base/scope.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct settings {
    char *brokers;
    char *token;
    int64_t workers;
    int64_t memory_bytes;
    int64_t wait_ms;
    bool strict;
};

#define AT(member) offsetof(struct settings, member)
static const struct mu_option options[] = {
        {"test-brokers", MU_OPTION_TEXT, AT(brokers), NULL, 0, 0, MU_OPTION_REQUIRED, "host:port"},
        {"test-token", MU_OPTION_TEXT, AT(token), NULL, 0, 0, MU_OPTION_SECRET, "bearer token"},
        {"test-workers", MU_OPTION_INT, AT(workers), "4", 1, 64, 0, "how many"},
        {"test-memory", MU_OPTION_BYTES, AT(memory_bytes), "64MiB", 0, 0, 0, "bound"},
        {"test-wait", MU_OPTION_DURATION_MS, AT(wait_ms), "30s", 0, 0, 0, "how long"},
        {"test-strict", MU_OPTION_BOOL, AT(strict), "false", 0, 0, 0, "or not"},
};
enum { OPTION_COUNT = sizeof(options) / sizeof(options[0]), MAX_WORDS = 8 };

struct outcome {
    struct settings settings;
    struct mu_error err;
    enum mu_status status;
    char *words[MAX_WORDS + 1];
    int rest, count;
};

/* Loads from the words of `line`, parted by spaces. */
static void load(const char *line, struct outcome *ret)
{
    static char copy[512];
    char *rest = copy, *word;

    memset(ret, 0, sizeof(*ret));
    (void)snprintf(copy, sizeof(copy), "%s", line);
    while ((word = strsep(&rest, " ")) != NULL)
        if (*word)
            ret->words[ret->count++] = word;
    ret->rest = -7;
    ret->status = mu_config_load(options, OPTION_COUNT, ret->count, ret->words, &ret->settings,
                                 &ret->rest, &ret->err);
}

static void done(struct outcome *outcome)
{
    mu_config_done(options, OPTION_COUNT, &outcome->settings);
}

/* The line must be refused with a message that holds all of `a`, `b`. */
static void refused(const char *line, const char *a, const char *b)
{
    struct outcome outcome;

    load(line, &outcome);
    assert_int_equal(outcome.status, MU_E_INVALID);
    if (!strstr(outcome.err.message, a) || !strstr(outcome.err.message, b))
        fail_msg("'%s' gives: %s", line, outcome.err.message);
    assert_null(outcome.settings.brokers);
    assert_int_equal(outcome.rest, -7);
}

static int clear_environment(void **state)
{
    static const char *const names[] = {"BROKERS", "TOKEN", "TOKEN_FILE", "WORKERS",
                                        "MEMORY",  "WAIT",  "STRICT"};

    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        char name[64];

        (void)snprintf(name, sizeof(name), "MUSTER_TEST_%s", names[i]);
        (void)unsetenv(name);
    }
    return 0;
}

static void defaults_fill_what_nobody_gives(void **state)
{
    struct outcome o;

    (void)state;
    load("--test-brokers=b", &o);
    assert_int_equal(o.status, MU_OK);
    assert_string_equal(o.settings.brokers, "b");
    assert_null(o.settings.token);
    assert_int_equal(o.settings.workers, 4);
    assert_int_equal(o.settings.memory_bytes, 64 * 1024 * 1024);
    assert_int_equal(o.settings.wait_ms, 30000);
    assert_false(o.settings.strict);
    done(&o);
}

static void the_environment_wins_over_the_default_and_the_command_line_over_both(void **state)
{
    struct outcome o;

    (void)state;
    (void)setenv("MUSTER_TEST_BROKERS", "e", 1);
    (void)setenv("MUSTER_TEST_WORKERS", "8", 1);
    (void)setenv("MUSTER_TEST_WAIT", "2m", 1);
    load("--test-workers 16", &o);
    assert_int_equal(o.status, MU_OK);
    assert_string_equal(o.settings.brokers, "e");
    assert_int_equal(o.settings.workers, 16);
    assert_int_equal(o.settings.wait_ms, 120000);
    done(&o);
}

static void an_option_given_twice_takes_the_last(void **state)
{
    struct outcome o;

    (void)state;
    load("--test-brokers=a --test-brokers b", &o);
    assert_string_equal(o.settings.brokers, "b");
    done(&o);
}

static void values_may_hold_equals_signs(void **state)
{
    struct outcome o;

    (void)state;
    load("--test-brokers=a=b=c", &o);
    assert_string_equal(o.settings.brokers, "a=b=c");
    done(&o);
}

static void words_keep_their_order_behind_the_options(void **state)
{
    struct outcome o;

    (void)state;
    load("one --test-brokers b two --test-strict -- --three", &o);
    assert_int_equal(o.status, MU_OK);
    assert_true(o.settings.strict);
    assert_int_equal(o.count - o.rest, 3);
    assert_string_equal(o.words[o.rest], "one");
    assert_string_equal(o.words[o.rest + 1], "two");
    assert_string_equal(o.words[o.rest + 2], "--three");
    done(&o);
}

static void numbers_are_read_with_their_units(void **state)
{
    static const struct {
        const char *line;
        int64_t memory_bytes, wait_ms;
    } rows[] = {
            {"--test-memory=7 --test-wait=7", 7, 7},
            {"--test-memory=2KiB --test-wait=7ms", 2048, 7},
            {"--test-memory=3GiB --test-wait=2s", 3LL << 30, 2000},
            {"--test-memory=0 --test-wait=1h", 0, 3600000},
            {"--test-memory=1MiB --test-wait=2d", 1 << 20, 172800000},
    };
    struct outcome o;

    (void)state;
    (void)setenv("MUSTER_TEST_BROKERS", "e", 1);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        load(rows[i].line, &o);
        assert_int_equal(o.status, MU_OK);
        assert_true(o.settings.memory_bytes == rows[i].memory_bytes &&
                    o.settings.wait_ms == rows[i].wait_ms);
        done(&o);
    }
}

static void wrong_values_are_refused_by_the_name_of_the_option(void **state)
{
    (void)state;
    (void)setenv("MUSTER_TEST_BROKERS", "e", 1);
    refused("--test-workers=four", "--test-workers", "whole number");
    refused("--test-workers=", "--test-workers", "whole number");
    refused("--test-workers=4x", "--test-workers", "whole number");
    refused("--test-workers=9223372036854775808", "--test-workers", "whole number");
    refused("--test-workers=0", "--test-workers", "between 1 and 64");
    refused("--test-workers=65", "--test-workers", "between 1 and 64");
    refused("--test-workers=-1", "--test-workers", "between 1 and 64");
    refused("--test-memory=9MB", "--test-memory", "64MiB");
    refused("--test-memory=9223372036854775807GiB", "--test-memory", "64MiB");
    refused("--test-wait=1w", "--test-wait", "30s");
    refused("--test-strict=yes", "--test-strict", "neither true nor false");
    refused("--test-workers", "--test-workers", "needs a value");
}

static void a_wrong_value_in_the_environment_is_refused_too(void **state)
{
    (void)state;
    (void)setenv("MUSTER_TEST_WORKERS", "many", 1);
    refused("--test-brokers=b", "--test-workers", "many");
}

static void a_missing_required_option_is_named_both_ways(void **state)
{
    (void)state;
    refused("", "--test-brokers", "MUSTER_TEST_BROKERS");
    refused("--test-brokers=", "--test-brokers", "MUSTER_TEST_BROKERS");
}

static void an_unknown_option_names_the_nearest(void **state)
{
    (void)state;
    refused("--test-broker=x", "--test-broker;", "did you mean --test-brokers");
    refused("--nothing-like-it", "--nothing-like-it", "--help");
}

static void an_endless_unknown_option_is_cut(void **state)
{
    char line[300];

    (void)state;
    memset(line, 'x', sizeof(line));
    memcpy(line, "--", 2);
    line[sizeof(line) - 1] = '\0';
    refused(line, "unknown option", "--help");
}

static void a_secret_is_refused_on_the_command_line_and_not_repeated(void **state)
{
    struct outcome o;

    (void)state;
    load("--test-brokers=b --test-token=hush", &o);
    assert_int_equal(o.status, MU_E_INVALID);
    assert_non_null(strstr(o.err.message, "--test-token"));
    assert_null(strstr(o.err.message, "hush"));
}

static void with_secret_file(const char *bytes, size_t len, struct outcome *ret)
{
    char path[] = "/tmp/muster-config-XXXXXX";
    int fd = mkstemp(path);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, len), len);
    (void)close(fd);
    (void)setenv("MUSTER_TEST_TOKEN_FILE", path, 1);
    load("--test-brokers=b", ret);
    (void)unlink(path);
}

static void a_secret_comes_from_the_environment_or_a_file_without_its_last_newline(void **state)
{
    struct outcome o;

    (void)state;
    (void)setenv("MUSTER_TEST_TOKEN", "hush", 1);
    load("--test-brokers=b", &o);
    assert_string_equal(o.settings.token, "hush");
    done(&o);
    (void)unsetenv("MUSTER_TEST_TOKEN");
    with_secret_file("from a file\r\n", 13, &o);
    assert_int_equal(o.status, MU_OK);
    assert_string_equal(o.settings.token, "from a file");
    done(&o);
}

static void a_secret_file_that_is_missing_too_long_or_binary_is_refused(void **state)
{
    static char large[64 * 1024 + 1];
    struct outcome o;

    (void)state;
    (void)setenv("MUSTER_TEST_TOKEN_FILE", "/nonexistent/token", 1);
    refused("--test-brokers=b", "--test-token", "/nonexistent/token");
    memset(large, 'x', sizeof(large));
    with_secret_file(large, sizeof(large), &o);
    assert_int_equal(o.status, MU_E_INVALID);
    with_secret_file("hu\0sh", 5, &o);
    assert_int_equal(o.status, MU_E_INVALID);
    assert_non_null(strstr(o.err.message, "NUL"));
}

static void the_name_in_the_environment_is_derived(void **state)
{
    char name[MU_ENVIRONMENT_NAME_SIZE], endless[300];

    (void)state;
    mu_environment_name("kafka-brokers", name);
    assert_string_equal(name, "MUSTER_KAFKA_BROKERS");
    memset(endless, 'x', sizeof(endless));
    endless[sizeof(endless) - 1] = '\0';
    mu_environment_name(endless, name);
    assert_int_equal(strlen(name), MU_ENVIRONMENT_NAME_SIZE - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test_setup(defaults_fill_what_nobody_gives, clear_environment),
            cmocka_unit_test_setup(
                    the_environment_wins_over_the_default_and_the_command_line_over_both,
                    clear_environment),
            cmocka_unit_test_setup(an_option_given_twice_takes_the_last, clear_environment),
            cmocka_unit_test_setup(values_may_hold_equals_signs, clear_environment),
            cmocka_unit_test_setup(words_keep_their_order_behind_the_options, clear_environment),
            cmocka_unit_test_setup(numbers_are_read_with_their_units, clear_environment),
            cmocka_unit_test_setup(wrong_values_are_refused_by_the_name_of_the_option,
                                   clear_environment),
            cmocka_unit_test_setup(a_wrong_value_in_the_environment_is_refused_too,
                                   clear_environment),
            cmocka_unit_test_setup(a_missing_required_option_is_named_both_ways, clear_environment),
            cmocka_unit_test_setup(an_unknown_option_names_the_nearest, clear_environment),
            cmocka_unit_test_setup(an_endless_unknown_option_is_cut, clear_environment),
            cmocka_unit_test_setup(a_secret_is_refused_on_the_command_line_and_not_repeated,
                                   clear_environment),
            cmocka_unit_test_setup(
                    a_secret_comes_from_the_environment_or_a_file_without_its_last_newline,
                    clear_environment),
            cmocka_unit_test_setup(a_secret_file_that_is_missing_too_long_or_binary_is_refused,
                                   clear_environment),
            cmocka_unit_test_setup(the_name_in_the_environment_is_derived, clear_environment),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
