/* `muster-scanner checks` and `import` as child processes: what they print and how they end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "app/commands.h"
#include "base/buf.h"
#include "check/checks.h"
#include "json/json_doc.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { WORD_SIZE = 512 };

typedef int command_fn(void *config, int argc, char **argv);

static void child_run(int out, command_fn *command, void *config, const char *argument)
{
    char word[WORD_SIZE], *argv[] = {word, NULL};
    int code;

    (void)snprintf(word, sizeof(word), "%s", argument ? argument : "");
    (void)dup2(out, STDOUT_FILENO);
    (void)dup2(open("/dev/null", O_WRONLY | O_CLOEXEC), STDERR_FILENO);
    code = command(config, argument ? 1 : 0, argv);
    (void)fflush(NULL);
    _exit(code);
}

/* The exit code; what was printed is appended to `ret_text`. */
static int run(command_fn *command, void *config, const char *argument, struct mu_buf *ret_text)
{
    char piece[4096];
    int ends[2], status;
    ssize_t len;
    pid_t pid;

    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    (void)fflush(NULL);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        child_run(ends[1], command, config, argument);
    (void)close(ends[1]);
    mu_buf_init(ret_text, 1 << 20);
    while ((len = read(ends[0], piece, sizeof(piece))) > 0)
        mu_buf_append(ret_text, piece, (size_t)len);
    (void)close(ends[0]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static int run_quietly(command_fn *command, void *config, const char *argument)
{
    struct mu_buf text;
    int code = run(command, config, argument, &text);

    mu_buf_done(&text);
    return code;
}

static void every_check_is_listed_with_its_remedy(void **state)
{
    struct checks_config config = {"json"};
    struct mu_json_limits limits = {1 << 20, 8};
    struct mu_buf text;
    struct mu_error err;
    json_t *root = NULL;

    (void)state;
    assert_int_equal(run(checks_command, &config, NULL, &text), MU_EXIT_OK);
    assert_int_equal(mu_json_parse(text.data, text.len, &limits, &root, &err), MU_OK);
    assert_int_equal(json_array_size(root), CHECK_COUNT);
    assert_string_equal(mu_json_text_at(root, "0.id"), "MUSTER-IMG-0001");
    assert_non_null(mu_json_text_at(root, "0.remediation"));
    json_decref(root);
    mu_buf_done(&text);
}

static void wrong_usage_of_checks_is_told(void **state)
{
    struct checks_config good = {"text"}, bad = {"xml"};

    (void)state;
    assert_int_equal(run_quietly(checks_command, &good, NULL), MU_EXIT_OK);
    assert_int_equal(run_quietly(checks_command, &bad, NULL), MU_EXIT_USAGE);
    assert_int_equal(run_quietly(checks_command, &good, "more"), MU_EXIT_USAGE);
}

static void an_import_prints_the_schemas_form(void **state)
{
    struct import_config config = {.kind = "trivy"};
    struct mu_buf text;

    (void)state;
    assert_int_equal(run(import_command, &config, MU_TEST_DATA "/import/trivy.json", &text),
                     MU_EXIT_OK);
    assert_non_null(strstr(text.data, "\"schema\":\"muster.imported-scan.v1\""));
    mu_buf_done(&text);
}

static void an_import_ends_as_its_help_says(void **state)
{
    struct import_config any = {.kind = NULL}, grype = {.kind = "grype"}, other = {.kind = "other"};
    static const char trivy[] = MU_TEST_DATA "/import/trivy.json";

    (void)state;
    assert_int_equal(run_quietly(import_command, &any, MU_TEST_DATA "/import/sarif_grype.json"),
                     MU_EXIT_DIFFERENCE); /* names no digest */
    assert_int_equal(run_quietly(import_command, &grype, trivy), MU_EXIT_DIFFERENCE);
    assert_int_equal(run_quietly(import_command, &other, trivy), MU_EXIT_USAGE);
    assert_int_equal(run_quietly(import_command, &any, NULL), MU_EXIT_USAGE);
    assert_int_equal(run_quietly(import_command, &any, "/no/such/file"), MU_EXIT_FAILURE);
}

#define DIGEST_A "sha256:a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1"

static void an_image_makes_it_a_scan_of_record(void **state)
{
    struct import_config config = {.image = "registry.example/team/app:1.0@" DIGEST_A};
    struct mu_buf text;

    (void)state;
    assert_int_equal(run(import_command, &config, MU_TEST_DATA "/import/grype.json", &text),
                     MU_EXIT_OK);
    assert_non_null(strstr(text.data, "\"targets\":[{\"uai\":\"registry.example/team/app:1.0\",\n"
                                      "\"digest\":\"" DIGEST_A "\"}]"));
    assert_non_null(strstr(text.data, "\"finished_at\":\"2026-03-04T04:06:07.123456Z\""));
    mu_buf_done(&text);
}

static void options_that_contradict_each_other_are_wrong_usage(void **state)
{
    static const char grype[] = MU_TEST_DATA "/import/grype.json";
    struct import_config configs[] = {
            {.image = "registry.example/app:1@" DIGEST_A, .digest = "sha256:0"},
            {.image = DIGEST_A},
            {.image = "registry.example/APP"},
            {.scanned_at = "yesterday"},
            {.submit = true},
            {.submit = true, .image = "registry.example/app:1"},
            {.submit = true, .image = "registry.example/app:1", .kafka_brokers = "k:9092"},
            {.submit = true,
             .image = "registry.example/app:1",
             .kafka_brokers = "k:9092",
             .inventory_url = "inventory"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(configs) / sizeof(configs[0]); i++) {
        if (run_quietly(import_command, &configs[i], grype) != MU_EXIT_USAGE)
            fail_msg("row %zu is taken", i);
    }
}

static void a_scan_in_the_future_is_refused(void **state)
{
    struct import_config config = {.image = "registry.example/app:1",
                                   .scanned_at = "2999-01-01T00:00:00Z"};

    (void)state;
    assert_int_equal(run_quietly(import_command, &config, MU_TEST_DATA "/import/grype.json"),
                     MU_EXIT_DIFFERENCE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(every_check_is_listed_with_its_remedy),
            cmocka_unit_test(wrong_usage_of_checks_is_told),
            cmocka_unit_test(an_import_prints_the_schemas_form),
            cmocka_unit_test(an_import_ends_as_its_help_says),
            cmocka_unit_test(an_image_makes_it_a_scan_of_record),
            cmocka_unit_test(options_that_contradict_each_other_are_wrong_usage),
            cmocka_unit_test(a_scan_in_the_future_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
