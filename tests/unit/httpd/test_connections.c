/* connections: who owes a request for longest makes room, and who is late is shut. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "httpd/connections.h"
#include "httpd/descriptors.h"

#include <poll.h>
#include <stdbool.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MAX = 8, MANY = 12, SHUT_WAIT_MS = 10000 };

struct crowd {
    struct connections *connections;
    struct connection *each[MANY];
    int ours[MANY], theirs[MANY];
};

static void crowd_open(struct crowd *crowd, uint64_t head_ms, uint64_t body_ms)
{
    const struct connections_limits limits = {MAX, head_ms, body_ms};
    struct mu_error err;

    *crowd = (struct crowd){0};
    assert_int_equal(connections_new(&limits, &crowd->connections, &err), MU_OK);
}

static void come(struct crowd *crowd, int who)
{
    int pair[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    crowd->ours[who] = pair[0];
    crowd->theirs[who] = pair[1];
    crowd->each[who] = connections_opened(crowd->connections, pair[0]);
    assert_non_null(crowd->each[who]);
}

/* Whether the other side has been told the end within the time. */
static bool is_shut(const struct crowd *crowd, int who, int wait_ms)
{
    struct pollfd watched = {.fd = crowd->theirs[who], .events = POLLIN};

    return poll(&watched, 1, wait_ms) == 1;
}

static void crowd_close(struct crowd *crowd)
{
    for (int i = 0; i < MANY; i++) {
        if (!crowd->each[i])
            continue;
        connections_closed(crowd->connections, crowd->each[i]);
        (void)close(crowd->ours[i]);
        (void)close(crowd->theirs[i]);
    }
    connections_free(crowd->connections);
}

static void beyond_seven_eighths_those_that_owe_for_longest_are_shut(void **state)
{
    struct crowd crowd;

    (void)state;
    crowd_open(&crowd, 3600000, 3600000);
    for (int i = 0; i < MAX - 1; i++)
        come(&crowd, i);
    connection_whole(crowd.each[0]); /* waits for its answer */
    connection_whole(crowd.each[1]);
    connection_answered(crowd.each[1]); /* owes anew */
    connection_head(crowd.each[3]);
    for (int i = 0; i < MAX - 1; i++)
        assert_false(is_shut(&crowd, i, 0));
    come(&crowd, 7);
    come(&crowd, 8);
    for (int i = 0; i < 9; i++)
        assert_int_equal(is_shut(&crowd, i, 0), i == 2 || i == 3);
    crowd_close(&crowd);
}

static void nobody_is_shut_when_all_wait_for_answers(void **state)
{
    struct crowd crowd;

    (void)state;
    crowd_open(&crowd, 3600000, 3600000);
    for (int i = 0; i < MAX; i++) {
        come(&crowd, i);
        connection_whole(crowd.each[i]);
    }
    for (int i = 0; i < MAX; i++)
        assert_false(is_shut(&crowd, i, 0));
    crowd_close(&crowd);
}

static void who_sends_no_head_in_time_is_shut_and_who_sends_a_body_has_longer(void **state)
{
    struct crowd crowd;

    (void)state;
    crowd_open(&crowd, 1, 3600000);
    come(&crowd, 0);
    connection_head(crowd.each[0]);
    come(&crowd, 1);
    assert_true(is_shut(&crowd, 1, SHUT_WAIT_MS));
    assert_false(is_shut(&crowd, 0, 0));
    crowd_close(&crowd);
}

static void a_body_that_does_not_end_is_shut(void **state)
{
    struct crowd crowd;

    (void)state;
    crowd_open(&crowd, 1, 2);
    come(&crowd, 0);
    connection_head(crowd.each[0]);
    assert_true(is_shut(&crowd, 0, SHUT_WAIT_MS));
    crowd_close(&crowd);
}

static void there_are_no_more_connections_than_files(void **state)
{
    const struct rlimit few = {300, 300};
    pid_t child = fork(); /* a lowered hard limit does not come back */
    int status = 0;

    (void)state;
    if (child == 0)
        _exit(setrlimit(RLIMIT_NOFILE, &few) == 0 && descriptors_for(4096) == 44 &&
                              descriptors_for(10) == 10
                      ? 0
                      : 1);
    assert_true(child > 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(beyond_seven_eighths_those_that_owe_for_longest_are_shut),
            cmocka_unit_test(nobody_is_shut_when_all_wait_for_answers),
            cmocka_unit_test(who_sends_no_head_in_time_is_shut_and_who_sends_a_body_has_longer),
            cmocka_unit_test(a_body_that_does_not_end_is_shut),
            cmocka_unit_test(there_are_no_more_connections_than_files),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
