/* log: one well-formed line per event, whatever is in the values. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/log.h"
#include "base/text.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { THREADS = 4, LINES = 200 };

static int kept_stderr;
static FILE *caught;

static int catch_stderr(void **state)
{
    (void)state;
    kept_stderr = dup(2);
    caught = tmpfile();
    if (!caught || dup2(fileno(caught), 2) < 0)
        return -1;
    mu_log_init("test", MU_LOG_INFO);
    return 0;
}

static int give_stderr_back(void **state)
{
    (void)state;
    (void)dup2(kept_stderr, 2);
    (void)close(kept_stderr);
    return fclose(caught);
}

/* What was written so far, as text to free. */
static char *lines(void)
{
    size_t size = (size_t)lseek(fileno(caught), 0, SEEK_END);
    char *text = calloc(1, size + 1);

    assert_non_null(text);
    assert_int_equal(pread(fileno(caught), text, size, 0), size);
    return text;
}

static void a_line_has_time_level_service_message_and_fields(void **state)
{
    char *text;

    (void)state;
    MU_LOG(MU_LOG_WARN, "listening", MU_KV("address", "a:1"), MU_KV_INT("port", -5));
    text = lines();
    assert_memory_equal(text, "{\"time\":\"20", 11);
    assert_non_null(strstr(text, "Z\",\"level\":\"warn\",\"service\":\"test\",\"msg\":"
                                 "\"listening\",\"address\":\"a:1\",\"port\":-5}\n"));
    free(text);
}

static void lines_below_the_threshold_are_not_written(void **state)
{
    char *text;

    (void)state;
    MU_LOG(MU_LOG_DEBUG, "noise", MU_KV_INT("n", 1));
    text = lines();
    assert_string_equal(text, "");
    free(text);
}

static void hostile_values_cannot_break_the_line(void **state)
{
    char *text;

    (void)state;
    MU_LOG(MU_LOG_INFO, "m", MU_KV("v", "a\"},\n{\"x\":\"\\\x1b[2J\xff"));
    text = lines();
    assert_non_null(strstr(text, "\"v\":\"a\\\"},\\n{\\\"x\\\":\\\"\\\\\\u001b[2J?\"}\n"));
    assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
    free(text);
}

static void a_missing_text_is_an_empty_one(void **state)
{
    const char *nothing = NULL;
    char *text;

    (void)state;
    MU_LOG(MU_LOG_INFO, "m", MU_KV("v", nothing));
    text = lines();
    assert_non_null(strstr(text, "\"v\":\"\"}"));
    free(text);
}

static void long_values_are_cut_and_stay_utf8(void **state)
{
    char value[3001], *text;

    (void)state;
    for (size_t i = 0; i < 3000; i += 3)
        memcpy(value + i, "\xe2\x82\xac", 3);
    value[3000] = '\0';
    MU_LOG(MU_LOG_INFO, "m", MU_KV("v", value));
    text = lines();
    assert_true(strlen(text) > 1000 && strlen(text) < 1300);
    assert_true(mu_utf8_valid(text, strlen(text)));
    assert_int_equal(mu_utf8_count(text, strlen(text)) > 300, 1);
    free(text);
}

static void too_much_detail_leaves_the_message(void **state)
{
    char value[1024];
    char *text;

    (void)state;
    memset(value, 1, sizeof(value) - 1);
    value[sizeof(value) - 1] = '\0';
    MU_LOG(MU_LOG_ERROR, "the message", MU_KV("a", value), MU_KV("b", value));
    text = lines();
    assert_non_null(strstr(text, "\"msg\":\"the message\"}\n"));
    free(text);
}

static void a_level_is_read_by_its_name(void **state)
{
    enum mu_log_level level = MU_LOG_INFO;
    struct mu_error err;

    (void)state;
    assert_int_equal(mu_log_level_parse("debug", &level, &err), MU_OK);
    assert_int_equal(level, MU_LOG_DEBUG);
    assert_int_equal(mu_log_level_parse("error", &level, &err), MU_OK);
    assert_int_equal(mu_log_level_parse("loud", &level, &err), MU_E_INVALID);
    assert_non_null(strstr(err.message, "'loud'"));
    assert_int_equal(level, MU_LOG_ERROR);
}

static void *write_lines(void *opaque)
{
    for (int i = 0; i < LINES; i++)
        MU_LOG(MU_LOG_INFO, "together", MU_KV_INT("thread", (intptr_t)opaque),
               MU_KV_INT("line", i));
    return NULL;
}

static void lines_of_many_threads_stay_whole(void **state)
{
    pthread_t threads[THREADS];
    size_t count = 0;
    char *text, *rest, *line;

    (void)state;
    for (intptr_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, write_lines, (void *)i), 0);
    for (int i = 0; i < THREADS; i++)
        (void)pthread_join(threads[i], NULL);
    rest = text = lines();
    while ((line = strsep(&rest, "\n")) != NULL && *line) {
        assert_memory_equal(line, "{\"time\":", 8);
        assert_int_equal(line[strlen(line) - 1], '}');
        count++;
    }
    assert_int_equal(count, THREADS * LINES);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test_setup_teardown(a_line_has_time_level_service_message_and_fields,
                                            catch_stderr, give_stderr_back),
            cmocka_unit_test_setup_teardown(lines_below_the_threshold_are_not_written, catch_stderr,
                                            give_stderr_back),
            cmocka_unit_test_setup_teardown(hostile_values_cannot_break_the_line, catch_stderr,
                                            give_stderr_back),
            cmocka_unit_test_setup_teardown(a_missing_text_is_an_empty_one, catch_stderr,
                                            give_stderr_back),
            cmocka_unit_test_setup_teardown(long_values_are_cut_and_stay_utf8, catch_stderr,
                                            give_stderr_back),
            cmocka_unit_test_setup_teardown(too_much_detail_leaves_the_message, catch_stderr,
                                            give_stderr_back),
            cmocka_unit_test_setup_teardown(a_level_is_read_by_its_name, catch_stderr,
                                            give_stderr_back),
            cmocka_unit_test_setup_teardown(lines_of_many_threads_stay_whole, catch_stderr,
                                            give_stderr_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
