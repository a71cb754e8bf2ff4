/* stop: one flag that wakes every waiting loop; delays that grow and stay within their bounds. A
 * stop cannot be taken back, so each test that asks for one runs in a child. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/stop.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LONG_MS = 30000, THREADS = 4 };

/* Runs `body` in a child; its result must be 0 and come long before LONG_MS. */
static void in_child(int (*body)(void))
{
    uint64_t begin_ms = mu_monotonic_ms();
    int status = -1;
    pid_t pid = fork();

    if (pid == 0)
        _exit(body());
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    assert_true(mu_monotonic_ms() < begin_ms + LONG_MS);
}

static void without_a_request_a_wait_ends_at_its_time(void **state)
{
    uint64_t begin_ms = mu_monotonic_ms();

    (void)state;
    mu_stop_install();
    assert_false(mu_stop_requested());
    assert_false(mu_stop_wait(20));
    assert_true(mu_monotonic_ms() >= begin_ms + 20);
    assert_false(mu_stop_wait(0));
    assert_false(mu_stop_wait(-5));
}

static int stop_by(int number)
{
    mu_stop_install();
    (void)kill(getpid(), number);
    return mu_stop_wait(LONG_MS) && mu_stop_requested() && mu_stop_wait(LONG_MS) ? 0 : 1;
}

static int stop_by_term(void)
{
    return stop_by(SIGTERM);
}

static int stop_by_int(void)
{
    return stop_by(SIGINT);
}

static void both_signals_ask_for_a_stop_that_lasts(void **state)
{
    (void)state;
    in_child(stop_by_term);
    in_child(stop_by_int);
}

static void *wait_long(void *opaque)
{
    (void)opaque;
    return mu_stop_wait(LONG_MS) ? NULL : (void *)1;
}

static int stop_threads(void)
{
    pthread_t threads[THREADS];
    int wrong = 0;

    mu_stop_install();
    for (int i = 0; i < THREADS; i++)
        if (pthread_create(&threads[i], NULL, wait_long, NULL) != 0)
            return 2;
    mu_stop_request();
    for (int i = 0; i < THREADS; i++) {
        void *result;

        (void)pthread_join(threads[i], &result);
        wrong |= result != NULL;
    }
    return wrong;
}

static void a_request_wakes_every_thread(void **state)
{
    (void)state;
    in_child(stop_threads);
}

static int request_often(void)
{
    mu_stop_install();
    for (int i = 0; i < 100000; i++)
        mu_stop_request(); /* more than the pipe holds */
    return mu_stop_wait(LONG_MS) ? 0 : 1;
}

static void more_requests_than_a_pipe_holds_do_not_block(void **state)
{
    (void)state;
    in_child(request_often);
}

static int write_to_nobody(void)
{
    int ends[2];

    mu_stop_install();
    if (pipe(ends) != 0 || close(ends[0]) != 0)
        return 2;
    return write(ends[1], "x", 1) == -1 ? 0 : 1;
}

static void a_closed_peer_is_an_error_not_a_signal(void **state)
{
    (void)state;
    in_child(write_to_nobody);
}

static int back_off_after_stop(void)
{
    struct mu_backoff backoff = {LONG_MS, LONG_MS, 0};

    mu_stop_install();
    mu_stop_request();
    return mu_backoff_wait(&backoff) ? 0 : 1;
}

static void a_stop_ends_a_backoff(void **state)
{
    (void)state;
    in_child(back_off_after_stop);
}

static void delays_double_between_half_and_all_up_to_the_maximum(void **state)
{
    (void)state;
    for (int round = 0; round < 50; round++) {
        struct mu_backoff backoff = {100, 5000, 0};
        int64_t full_ms = 100;

        for (int attempt = 0; attempt < 100; attempt++) {
            int64_t delay_ms = mu_backoff_next_ms(&backoff);

            assert_in_range(delay_ms, full_ms - full_ms / 2, full_ms);
            full_ms = full_ms * 2 < 5000 ? full_ms * 2 : 5000;
        }
        assert_int_equal(backoff.attempt, 100);
    }
}

static void delays_are_not_all_the_same(void **state)
{
    int64_t first_ms = 0;
    int differ = 0;

    (void)state;
    for (int i = 0; i < 50; i++) {
        struct mu_backoff backoff = {100000, 100000, 0};
        int64_t delay_ms = mu_backoff_next_ms(&backoff);

        differ += i > 0 && delay_ms != first_ms;
        first_ms = i == 0 ? delay_ms : first_ms;
    }
    assert_true(differ > 0);
}

static int reload_then_stop(void)
{
    mu_stop_install();
    mu_reload_install();
    for (int i = 0; i < 5; i++)
        (void)kill(getpid(), SIGHUP);
    if (mu_wake_wait(LONG_MS) != MU_WAKE_RELOAD || mu_stop_requested())
        return 1;
    if (mu_wake_wait(0) != MU_WAKE_TIME || mu_wake_wait(5) != MU_WAKE_TIME)
        return 2; /* five were one */
    (void)kill(getpid(), SIGHUP);
    (void)kill(getpid(), SIGTERM);
    return mu_wake_wait(LONG_MS) == MU_WAKE_STOP ? 0 : 3;
}

static void a_reload_is_told_once_and_a_stop_comes_first(void **state)
{
    (void)state;
    in_child(reload_then_stop);
}

static int many_reloads(void)
{
    mu_stop_install();
    mu_reload_install();
    for (int i = 0; i < 100000; i++)
        (void)kill(getpid(), SIGHUP);
    return mu_wake_wait(LONG_MS) == MU_WAKE_RELOAD ? 0 : 1;
}

static void more_reloads_than_a_pipe_holds_do_not_block(void **state)
{
    (void)state;
    in_child(many_reloads);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(without_a_request_a_wait_ends_at_its_time),
            cmocka_unit_test(both_signals_ask_for_a_stop_that_lasts),
            cmocka_unit_test(a_request_wakes_every_thread),
            cmocka_unit_test(more_requests_than_a_pipe_holds_do_not_block),
            cmocka_unit_test(a_closed_peer_is_an_error_not_a_signal),
            cmocka_unit_test(a_stop_ends_a_backoff),
            cmocka_unit_test(delays_double_between_half_and_all_up_to_the_maximum),
            cmocka_unit_test(delays_are_not_all_the_same),
            cmocka_unit_test(a_reload_is_told_once_and_a_stop_comes_first),
            cmocka_unit_test(more_reloads_than_a_pipe_holds_do_not_block),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
