/* `muster-scanner compare` as a child process between two pipes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "app/commands.h"
#include "base/text.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { OUTPUT_SIZE = 16 * 1024, WORD_SIZE = 128, DEADLINE_MS = 20000 };

struct child {
    pid_t pid;
    int in, out, err;
};

struct answer {
    char out[OUTPUT_SIZE], err[OUTPUT_SIZE];
    int code;
};

static void make_pipe(int ends[2])
{
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
}

static void start(struct child *child, const char *ecosystem, const char *file)
{
    char words[2][WORD_SIZE], *argv[] = {words[0], words[1], NULL};
    int in[2], out[2], err[2];

    (void)snprintf(words[0], WORD_SIZE, "%s", ecosystem ? ecosystem : "");
    (void)snprintf(words[1], WORD_SIZE, "%s", file ? file : "");
    make_pipe(in);
    make_pipe(out);
    make_pipe(err);
    (void)fflush(NULL);
    child->pid = fork();
    assert_true(child->pid >= 0);
    if (child->pid == 0) {
        int code;

        (void)dup2(in[0], STDIN_FILENO);
        (void)dup2(out[1], STDOUT_FILENO);
        (void)dup2(err[1], STDERR_FILENO);
        (void)close(in[1]);
        code = compare_command(NULL, ecosystem ? file ? 2 : 1 : 0, argv);
        (void)fflush(NULL);
        _exit(code);
    }
    (void)close(in[0]);
    (void)close(out[1]);
    (void)close(err[1]);
    *child = (struct child){child->pid, in[1], out[0], err[0]};
}

static void send(const struct child *child, const char *bytes, size_t len)
{
    assert_int_equal(write(child->in, bytes, len), len);
}

/* Up to `least` bytes, or all there is when it is 0. */
static size_t receive(int fd, char *text, size_t least)
{
    size_t len = 0;
    ssize_t got = 1;

    while (got > 0 && (least == 0 || len < least)) {
        struct pollfd ready = {.fd = fd, .events = POLLIN};

        if (poll(&ready, 1, DEADLINE_MS) != 1)
            fail_msg("no answer");
        got = read(fd, text + len, OUTPUT_SIZE - 1 - len);
        assert_true(got >= 0);
        len += (size_t)got;
    }
    text[len] = '\0';
    return len;
}

static void finish(struct child *child, struct answer *answer)
{
    int status;

    (void)close(child->in);
    (void)receive(child->out, answer->out, 0);
    (void)receive(child->err, answer->err, 0);
    assert_int_equal(waitpid(child->pid, &status, 0), child->pid);
    assert_true(WIFEXITED(status));
    answer->code = WEXITSTATUS(status);
    (void)close(child->out);
    (void)close(child->err);
}

static struct answer *ask_bytes(const char *ecosystem, const char *input, size_t len)
{
    static struct answer answer;
    struct child child;

    start(&child, ecosystem, NULL);
    send(&child, input, len);
    finish(&child, &answer);
    return &answer;
}

static struct answer *ask(const char *ecosystem, const char *input)
{
    return ask_bytes(ecosystem, input, strlen(input));
}

static void each_line_has_its_answer_in_order(void **state)
{
    const struct answer *answer = ask("Debian:12", "1.0\t1.0-0\n1~\t1\n2\t1\n");

    (void)state;
    assert_string_equal(answer->out, "=\n<\n>\n");
    assert_string_equal(answer->err, "");
    assert_int_equal(answer->code, MU_EXIT_OK);
}

static void the_last_line_needs_no_newline_and_a_return_is_not_read(void **state)
{
    const struct answer *answer = ask("npm", "1.0.0\t1.0.0-a\r\n1.0.0\t1.0.1");

    (void)state;
    assert_string_equal(answer->out, ">\n<\n");
    assert_int_equal(answer->code, MU_EXIT_OK);
}

static void no_line_gives_no_answer(void **state)
{
    const struct answer *answer = ask("npm", "");

    (void)state;
    assert_string_equal(answer->out, "");
    assert_int_equal(answer->code, MU_EXIT_OK);
}

static void a_line_is_answered_before_the_next_one_comes(void **state)
{
    struct answer answer;
    struct child child;

    (void)state;
    start(&child, "PyPI", NULL);
    send(&child, "1.0\t1\n", 6);
    assert_int_equal(receive(child.out, answer.out, 2), 2);
    assert_string_equal(answer.out, "=\n");
    send(&child, "1.0\t2", 5);
    finish(&child, &answer);
    assert_string_equal(answer.out, "<\n");
}

static void what_is_no_version_is_named_and_answered(void **state)
{
    const struct answer *answer = ask("PyPI", "1.0\t1.1\nfoo\t1.0\n1.0\tb\x1b[31mar\n");

    (void)state;
    assert_string_equal(answer->out, "<\n<\n>\n");
    assert_string_equal(answer->err,
                        "muster-scanner: line 2: \"foo\" is no version of PyPI\n"
                        "muster-scanner: line 3: \"b\\u001b[31mar\" is no version of PyPI\n");
    assert_int_equal(answer->code, MU_EXIT_DIFFERENCE);
}

static void a_line_that_is_no_pair_ends_it_with_its_number(void **state)
{
    static const struct {
        const char *input, *error;
        size_t len;
    } cases[] = {{"1\t1\n2\n3\t3\n", "line 2 is not two versions with one tab between", 10},
                 {"\n", "line 1 is not two versions with one tab between", 1},
                 {"1\t2\t3\n", "line 1 is not two versions with one tab between", 6},
                 {"1\t1\n1\0\t1\n", "line 2 has a NUL byte", 9}};

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct answer *answer = ask_bytes("npm", cases[i].input, cases[i].len);

        assert_non_null(strstr(answer->err, cases[i].error));
        assert_int_equal(answer->code, MU_EXIT_FAILURE);
    }
}

static void a_line_over_the_limit_ends_it_with_its_number(void **state)
{
    enum { LENGTH = 80 * 1024 };
    char *input = malloc(LENGTH);
    struct answer answer;
    struct child child;

    (void)state;
    memset(input, '1', LENGTH);
    memcpy(input, "1\t1\n", 4);
    start(&child, "npm", NULL);
    (void)fcntl(child.in, F_SETPIPE_SZ, 2 * LENGTH);
    send(&child, input, LENGTH);
    finish(&child, &answer);
    assert_string_equal(answer.out, "=\n");
    assert_non_null(strstr(answer.err, "line 2 is longer than 65536 bytes"));
    assert_int_equal(answer.code, MU_EXIT_FAILURE);
    free(input);
}

static void a_long_line_within_the_limit_is_answered(void **state)
{
    enum { LENGTH = 60 * 1024 };
    char *input = malloc(LENGTH);
    const struct answer *answer;

    (void)state;
    memset(input, '1', LENGTH);
    input[LENGTH / 2] = '\t';
    answer = ask_bytes("npm", input, LENGTH);
    assert_string_equal(answer->out, ">\n");
    free(input);
}

static void an_unknown_ecosystem_shows_those_that_are_known(void **state)
{
    const struct answer *answer = ask("Basic", "");

    (void)state;
    assert_non_null(strstr(answer->err, "'Basic'"));
    assert_non_null(strstr(answer->err, "Red Hat, Rocky Linux"));
    assert_non_null(strstr(answer->err, "PyPI"));
    assert_int_equal(answer->code, MU_EXIT_USAGE);
}

static void no_ecosystem_is_a_wrong_usage(void **state)
{
    const struct answer *answer = ask(NULL, "");

    (void)state;
    assert_non_null(strstr(answer->err, "compare takes an ecosystem"));
    assert_int_equal(answer->code, MU_EXIT_USAGE);
}

static void pairs_come_from_a_file_too(void **state)
{
    char path[] = "/tmp/test_compare_XXXXXX";
    struct answer answer;
    struct child child;
    int fd = mkstemp(path);

    (void)state;
    assert_int_equal(write(fd, "1\t2\n", 4), 4);
    (void)close(fd);
    start(&child, "Maven", path);
    finish(&child, &answer);
    (void)unlink(path);
    assert_string_equal(answer.out, "<\n");
    assert_int_equal(answer.code, MU_EXIT_OK);
}

static void a_file_that_is_not_there_is_told(void **state)
{
    struct answer answer;
    struct child child;

    (void)state;
    start(&child, "Maven", "/nonexistent/pairs");
    finish(&child, &answer);
    assert_non_null(strstr(answer.err, "cannot open '/nonexistent/pairs'"));
    assert_int_equal(answer.code, MU_EXIT_FAILURE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(each_line_has_its_answer_in_order),
            cmocka_unit_test(the_last_line_needs_no_newline_and_a_return_is_not_read),
            cmocka_unit_test(no_line_gives_no_answer),
            cmocka_unit_test(a_line_is_answered_before_the_next_one_comes),
            cmocka_unit_test(what_is_no_version_is_named_and_answered),
            cmocka_unit_test(a_line_that_is_no_pair_ends_it_with_its_number),
            cmocka_unit_test(a_line_over_the_limit_ends_it_with_its_number),
            cmocka_unit_test(a_long_line_within_the_limit_is_answered),
            cmocka_unit_test(an_unknown_ecosystem_shows_those_that_are_known),
            cmocka_unit_test(no_ecosystem_is_a_wrong_usage),
            cmocka_unit_test(pairs_come_from_a_file_too),
            cmocka_unit_test(a_file_that_is_not_there_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
