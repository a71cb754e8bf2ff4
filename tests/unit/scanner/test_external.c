/* Another scanner as a child: its command line, its limits, and each way it can end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"
#include "import/external_command.h"
#include "import/import.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DIGEST "sha256:a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1"

struct fixture {
    char folder[64];
    struct external_limits limits;
    struct external_scanner *scanner;
    struct external_fault fault;
    struct mu_buf report;
    struct mu_error err;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    (void)snprintf(f->folder, sizeof(f->folder), "/tmp/test-external-XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    f->limits = (struct external_limits){.deadline_ms = 20000,
                                         .memory_bytes = (uint64_t)1 << 30,
                                         .file_bytes = 1 << 20,
                                         .temp_dir = f->folder};
    mu_buf_init(&f->report, IMPORT_MAX_BYTES);
    *state = f;
    return 0;
}

/* A run leaves nothing in its folder, however it ended. */
static int tear_down(void **state)
{
    struct fixture *f = *state;
    int gone = rmdir(f->folder);

    external_scanner_free(f->scanner);
    mu_buf_done(&f->report);
    free(f);
    return gone;
}

static enum mu_status run(struct fixture *f, const char *command)
{
    if (external_scanner_new(command, &f->limits, &f->scanner, &f->err) != MU_OK)
        fail_msg("%s", f->err.message);
    return external_scanner_run(f->scanner, "registry.example/app", DIGEST, &f->report, &f->fault,
                                &f->err);
}

static void expect_fault(struct fixture *f, const char *command, const char *code, bool retryable,
                         const char *word)
{
    assert_int_equal(run(f, command), MU_E_INVALID);
    if (!mu_text_equal(f->fault.code, code) || !strstr(f->err.message, word))
        fail_msg("'%s: %s' is not '%s' with '%s'", f->fault.code, f->err.message, code, word);
    assert_int_equal(f->fault.retryable, retryable);
}

/* ---- command line ---- */

static void words_are_split_at_blanks_and_quotes_keep_them(void **state)
{
    static const char reference[] = "registry:registry.example/app@" DIGEST;
    const char *const expected[] = {"/opt/a b/scan", "--template={{ json .}}", reference, "",
                                    DIGEST,          "-o=registry.example/app"};
    struct external_command command;
    struct mu_error err;
    char **argv;

    (void)state;
    assert_int_equal(external_command_split("  '/opt/a b/scan' --template=\"{{ json .}}\"\t"
                                            "registry:{ref} '' {digest} -o={repository} ",
                                            &command, &err),
                     MU_OK);
    argv = external_command_fill(&command, "registry.example/app", DIGEST);
    for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++)
        assert_string_equal(argv[i], expected[i]);
    assert_null(argv[6]);
    free(argv);
}

static void a_command_that_cannot_be_meant_is_refused(void **state)
{
    static const struct {
        const char *text, *reason;
    } rows[] = {{"", "names no program"},
                {"grype -o json", "has no {ref}"},
                {"grype {repository}", "has no {ref}"},
                {"grype {image} {ref}", "'{image}' is none"},
                {"grype '{ref}", "quote is left open"}};
    struct external_command command;
    struct mu_error err;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal(external_command_split(rows[i].text, &command, &err), MU_E_INVALID);
        if (!strstr(err.message, rows[i].reason))
            fail_msg("'%s' does not say '%s'", err.message, rows[i].reason);
    }
}

static void a_command_has_at_most_so_many_words_and_bytes(void **state)
{
    char text[EXTERNAL_COMMAND_MAX_BYTES + 1];
    struct external_command command;
    struct mu_error err;

    (void)state;
    memset(text, 'a', sizeof(text));
    text[EXTERNAL_COMMAND_MAX_BYTES] = '\0';
    assert_int_equal(external_command_split(text, &command, &err), MU_E_LIMIT);
    for (size_t i = 0; i < 2 * EXTERNAL_WORDS_MAX + 2; i++)
        text[i] = i % 2 == 0 ? 'a' : ' ';
    text[2 * EXTERNAL_WORDS_MAX + 2] = '\0';
    assert_int_equal(external_command_split(text, &command, &err), MU_E_LIMIT);
}

/* ---- runs ---- */

static void what_it_prints_is_the_report(void **state)
{
    struct fixture *f = *state;

    if (run(f, "/bin/echo {ref}") != MU_OK)
        fail_msg("%s", f->err.message);
    assert_string_equal(f->report.data, "registry.example/app@" DIGEST "\n");
    assert_string_equal(external_scanner_name(f->scanner), "echo");
}

static void it_has_none_of_our_files_and_secrets(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(setenv("MUSTER_EVIDENCE_TOKEN", "hush", 1), 0);
    if (run(f, "sh -c 'ls /proc/self/fd | wc -l; env | grep -c MUSTER_; pwd; echo $TMPDIR; "
               "ulimit -c; ulimit -d; ulimit -f; : {digest}; exit 0'") != MU_OK)
        fail_msg("%s", f->err.message);
    /* 0, 1, 2, and the folder that ls reads; limits in blocks of 1024 and 512 bytes */
    assert_int_equal(strncmp(f->report.data, "4\n0\n/tmp/test-external-", 23), 0);
    assert_non_null(strstr(f->report.data, "\n0\n1048576\n2048\n"));
    assert_int_equal(unsetenv("MUSTER_EVIDENCE_TOKEN"), 0);
}

static void a_program_that_is_not_there_is_missing(void **state)
{
    expect_fault(*state, "no-such-scanner {ref}", "scanner_missing", true, "'no-such-scanner'");
}

static void a_program_that_fails_is_told_with_its_last_words(void **state)
{
    expect_fault(*state, "sh -c 'echo first >&2; echo no database >&2; : {ref}; exit 3'",
                 "scanner_failed", true, "ended with 3: no database");
}

static void a_program_that_crashes_is_told_with_its_signal(void **state)
{
    expect_fault(*state, "sh -c 'kill -SEGV $$; : {ref}'", "scanner_crashed", true, "signal 11");
}

static void a_program_that_takes_too_long_is_killed_with_its_children(void **state)
{
    struct fixture *f = *state;
    uint64_t begun_ms = mu_monotonic_ms();

    f->limits.deadline_ms = 300;
    expect_fault(f, "sh -c 'sleep 613 & sleep 613; : {ref}'", "scanner_timeout", true,
                 "longer than 300 ms");
    assert_true(mu_monotonic_ms() - begun_ms < 10000);
}

/* It has closed its output, and stays. */
static void a_program_that_does_not_end_is_killed(void **state)
{
    struct fixture *f = *state;

    f->limits.deadline_ms = 300;
    expect_fault(f, "sh -c 'exec >&- 2>&-; sleep 613; : {ref}'", "scanner_timeout", true,
                 "longer than 300 ms");
}

static void a_report_without_end_is_cut_off(void **state)
{
    expect_fault(*state, "sh -c 'yes; : {ref}'", "limit", false, "prints more than");
}

static void a_file_that_grows_too_large_ends_it(void **state)
{
    expect_fault(*state, "dd if=/dev/zero of={digest} bs=64k count=100", "limit", false,
                 "signal 25");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(words_are_split_at_blanks_and_quotes_keep_them),
            cmocka_unit_test(a_command_that_cannot_be_meant_is_refused),
            cmocka_unit_test(a_command_has_at_most_so_many_words_and_bytes),
            TEST(what_it_prints_is_the_report),
            TEST(it_has_none_of_our_files_and_secrets),
            TEST(a_program_that_is_not_there_is_missing),
            TEST(a_program_that_fails_is_told_with_its_last_words),
            TEST(a_program_that_crashes_is_told_with_its_signal),
            TEST(a_program_that_takes_too_long_is_killed_with_its_children),
            TEST(a_program_that_does_not_end_is_killed),
            TEST(a_report_without_end_is_cut_off),
            TEST(a_file_that_grows_too_large_ends_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
