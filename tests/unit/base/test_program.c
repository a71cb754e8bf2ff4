/* program: commands, help and exit codes, as a user meets them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct settings {
    char *name;
    char *token;
    int64_t age_ms;
};

static int ran_words;
static char ran_name[32], ran_word[32];

static int run_show(void *config, int argc, char **argv)
{
    const struct settings *settings = config;

    ran_words = argc;
    (void)snprintf(ran_name, sizeof(ran_name), "%s", settings->name);
    (void)snprintf(ran_word, sizeof(ran_word), "%s", argc > 0 ? argv[0] : "");
    return MU_EXIT_DIFFERENCE;
}

static const struct mu_option options[] = {
        {"test-name", MU_OPTION_TEXT, offsetof(struct settings, name), "nobody", 0, 0, 0, "who"},
        {"test-token", MU_OPTION_TEXT, offsetof(struct settings, token), NULL, 0, 0,
         MU_OPTION_SECRET, "bearer token"},
        {"test-age", MU_OPTION_DURATION_MS, offsetof(struct settings, age_ms), "36500d", 0,
         INT64_MAX, 0, "when it goes (default: never)"},
};
static const struct mu_command commands[] = {
        {"show", "<thing>", "Shows a thing.", options, 3, sizeof(struct settings), run_show},
};
static const struct mu_program program = {"muster-test", "tests.", "Details come here.", commands,
                                          1};

struct said {
    char out[4096], err[4096];
};

/* Runs the program with its output caught. */
static int run(const char *const *words, struct said *ret)
{
    char *argv[8] = {NULL};
    int argc = 0, code, kept[2] = {dup(1), dup(2)};
    FILE *files[2] = {tmpfile(), tmpfile()};
    char *texts[2] = {ret->out, ret->err};

    for (; words[argc]; argc++)
        argv[argc] = (char *)(uintptr_t)words[argc];
    (void)fflush(NULL);
    for (int i = 0; i < 2; i++)
        assert_true(dup2(fileno(files[i]), i + 1) >= 0);
    code = mu_program_main(&program, argc, argv);
    (void)fflush(NULL);
    for (int i = 0; i < 2; i++) {
        (void)dup2(kept[i], i + 1);
        (void)close(kept[i]);
        rewind(files[i]);
        texts[i][fread(texts[i], 1, sizeof(ret->out) - 1, files[i])] = '\0';
        (void)fclose(files[i]);
    }
    return code;
}

#define RUN(said, ...) run((const char *const[]){"muster-test", __VA_ARGS__, NULL}, (said))

static void a_command_gets_its_config_and_words_and_gives_the_exit_code(void **state)
{
    struct said said;

    (void)state;
    assert_int_equal(RUN(&said, "show", "it", "--test-name=me"), MU_EXIT_DIFFERENCE);
    assert_int_equal(ran_words, 1);
    assert_string_equal(ran_name, "me");
    assert_string_equal(ran_word, "it");
}

static void no_command_is_a_usage_error_that_shows_the_commands(void **state)
{
    struct said said;

    (void)state;
    assert_int_equal(run((const char *const[]){"muster-test", NULL}, &said), MU_EXIT_USAGE);
    assert_non_null(strstr(said.err, "show <thing>"));
    assert_string_equal(said.out, "");
}

static void an_unknown_command_names_those_there_are(void **state)
{
    struct said said;

    (void)state;
    assert_int_equal(RUN(&said, "shwo"), MU_EXIT_USAGE);
    assert_non_null(strstr(said.err, "'shwo'; there are: show"));
    assert_int_equal(RUN(&said, "help", "shwo"), MU_EXIT_USAGE);
}

static void help_goes_to_standard_output(void **state)
{
    static const char *const words[] = {"help", "--help", "-h"};
    struct said said;

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(RUN(&said, words[i]), MU_EXIT_OK);
        assert_non_null(strstr(said.out, "Details come here."));
        assert_string_equal(said.err, "");
    }
}

static void help_of_a_command_lists_options_defaults_and_where_secrets_come_from(void **state)
{
    struct said said, asked;

    (void)state;
    assert_int_equal(RUN(&said, "help", "show"), MU_EXIT_OK);
    assert_int_equal(RUN(&asked, "show", "--help"), MU_EXIT_OK);
    assert_string_equal(said.out, asked.out);
    assert_non_null(strstr(said.out, "--test-name=TEXT"));
    assert_non_null(strstr(said.out, "(default nobody)"));
    assert_non_null(strstr(said.out, "MUSTER_TEST_TOKEN[_FILE]"));
    assert_null(strstr(said.out, "--test-token"));
}

static void a_default_is_told_once(void **state)
{
    struct said said;

    (void)state;
    assert_int_equal(RUN(&said, "help", "show"), MU_EXIT_OK);
    assert_non_null(strstr(said.out, "when it goes (default: never)\n"));
}

static void a_wrong_option_is_a_usage_error_and_the_command_does_not_run(void **state)
{
    struct said said;

    (void)state;
    ran_words = -1;
    assert_int_equal(RUN(&said, "show", "--test-nmae=x"), MU_EXIT_USAGE);
    assert_non_null(strstr(said.err, "muster-test show: unknown option --test-nmae"));
    assert_int_equal(ran_words, -1);
}

static void the_version_is_one_line(void **state)
{
    struct said said;

    (void)state;
    assert_int_equal(RUN(&said, "--version"), MU_EXIT_OK);
    assert_memory_equal(said.out, "muster-test ", 12);
    assert_ptr_equal(strchr(said.out, '\n'), said.out + strlen(said.out) - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(a_command_gets_its_config_and_words_and_gives_the_exit_code),
            cmocka_unit_test(no_command_is_a_usage_error_that_shows_the_commands),
            cmocka_unit_test(an_unknown_command_names_those_there_are),
            cmocka_unit_test(help_goes_to_standard_output),
            cmocka_unit_test(help_of_a_command_lists_options_defaults_and_where_secrets_come_from),
            cmocka_unit_test(a_default_is_told_once),
            cmocka_unit_test(a_wrong_option_is_a_usage_error_and_the_command_does_not_run),
            cmocka_unit_test(the_version_is_one_line),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
