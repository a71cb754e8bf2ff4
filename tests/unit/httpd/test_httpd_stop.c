/* httpd: its end, at the worst instants. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "httpd/httpd.h"
#include "raw_client.h"

#include "base/clock.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/epoll.h>
#include <sys/resource.h>

enum { ROUNDS = 10, CLIENTS = 4, DELAY_US = 2000, PLACES = 4 };
enum { LOOK_MS = 300, SPIN_MS = 60, GRACE_MS = 30000 };

static const char whole[] = "GET /now HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";
static const char held[] = "GET /later HTTP/1.1\r\nHost: h\r\n\r\n";

static struct mu_request *waiting[PLACES]; /* the first `held_count` */
static atomic_int held_count;

/* In place of libc's, for libmicrohttpd: who takes a descriptor out has looked before, and is slow
 * to act on it. */
/* NOLINTNEXTLINE(readability-inconsistent-declaration-parameter-name): libc's are reserved */
int epoll_ctl(int epfd, int op, int fd, struct epoll_event *event)
{
    int (*real)(int, int, int, struct epoll_event *) =
            (int (*)(int, int, int, struct epoll_event *))(uintptr_t)dlsym(RTLD_NEXT, "epoll_ctl");

    if (op == EPOLL_CTL_DEL)
        (void)usleep(DELAY_US);
    return real(epfd, op, fd, event);
}

static void say_now(void *opaque, struct mu_request *request)
{
    (void)opaque;
    mu_httpd_reply(request, 200, NULL, "{}", 2, NULL);
}

static void say_later(void *opaque, struct mu_request *request)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

    (void)opaque;
    (void)pthread_mutex_lock(&lock);
    waiting[atomic_load(&held_count)] = request;
    atomic_fetch_add(&held_count, 1);
    (void)pthread_mutex_unlock(&lock);
}

static struct mu_httpd *start(unsigned max_connections)
{
    static const struct mu_route routes[] = {{"GET", "/now", say_now, NULL, 0},
                                             {"GET", "/later", say_later, NULL, 0}};
    const struct mu_httpd_config config = {.listen = "127.0.0.1:0",
                                           .routes = routes,
                                           .route_count = 2,
                                           .max_connections = max_connections};
    struct mu_httpd *server = NULL;
    struct mu_error err;

    if (mu_httpd_start(&config, &server, &err) != MU_OK)
        fail_msg("%s", err.message);
    atomic_store(&held_count, 0);
    return server;
}

struct client {
    pthread_t thread;
    uint16_t port;
};

/* Asks until nobody listens. */
static void *ask_on(void *opaque)
{
    const struct client *client = opaque;
    char answer[512];
    int fd;

    while ((fd = raw_try_connect(client->port)) >= 0) {
        raw_send(fd, whole, strlen(whole));
        while (read(fd, answer, sizeof(answer)) > 0)
            continue;
        (void)close(fd);
    }
    return NULL;
}

/* The lowest descriptor that is free: the same again when none was left open. */
static int free_descriptor(void)
{
    int fd = dup(STDIN_FILENO);

    (void)close(fd);
    return fd;
}

static void a_stop_while_clients_keep_its_threads_awake_never_ends_the_process(void **state)
{
    int free_before = free_descriptor();

    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        struct mu_httpd *server = start(0);
        struct client clients[CLIENTS];

        for (size_t i = 0; i < CLIENTS; i++) {
            clients[i].port = mu_httpd_port(server);
            assert_int_equal(pthread_create(&clients[i].thread, NULL, ask_on, &clients[i]), 0);
        }
        (void)usleep(5000);
        mu_httpd_stop(server, 1000);
        for (size_t i = 0; i < CLIENTS; i++)
            (void)pthread_join(clients[i].thread, NULL);
    }
    assert_int_equal(free_descriptor(), free_before);
}

/* A request without its reply; gives its connection. */
static int hold(const struct mu_httpd *server, int count)
{
    int fd = raw_connect(mu_httpd_port(server));

    raw_send(fd, held, strlen(held));
    RAW_WAIT(atomic_load(&held_count) == count);
    return fd;
}

static int64_t cpu_ms(void)
{
    struct rusage used;

    (void)getrusage(RUSAGE_SELF, &used);
    return ((int64_t)used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1000 +
           (used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1000;
}

static void *run_stop(void *opaque)
{
    mu_httpd_stop(opaque, GRACE_MS);
    return NULL;
}

static void a_stop_that_waits_for_a_reply_lets_nobody_in_and_costs_nothing(void **state)
{
    struct mu_httpd *server = start(0);
    uint16_t port = mu_httpd_port(server);
    int fd = hold(server, 1);
    char answer[RAW_ANSWER_SIZE];
    pthread_t stopper;
    int64_t before_ms;

    (void)state;
    assert_int_equal(pthread_create(&stopper, NULL, run_stop, server), 0);
    RAW_WAIT(!raw_can_connect(port));
    before_ms = cpu_ms();
    (void)poll(NULL, 0, LOOK_MS);
    assert_true(cpu_ms() - before_ms < SPIN_MS);
    mu_httpd_reply(waiting[0], 200, NULL, "{}", 2, NULL);
    raw_read_answer(fd, answer);
    assert_int_equal(raw_status(answer), 200);
    (void)close(fd);
    (void)pthread_join(stopper, NULL);
}

/* Its threads take the listener out of their sets, and in again, as the places go. */
static void a_stop_with_all_places_taken_ends_well(void **state)
{
    (void)state;
    for (int round = 0; round < 4; round++) {
        struct mu_httpd *server = start(PLACES);
        int fds[PLACES];

        for (int i = 0; i < PLACES; i++)
            fds[i] = hold(server, i + 1);
        mu_httpd_stop(server, 20);
        for (int i = 0; i < PLACES; i++)
            (void)close(fds[i]);
        for (int i = 0; i < PLACES; i++)
            mu_httpd_reply(waiting[i], 200, NULL, "{}", 2, NULL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(a_stop_while_clients_keep_its_threads_awake_never_ends_the_process),
            cmocka_unit_test(a_stop_that_waits_for_a_reply_lets_nobody_in_and_costs_nothing),
            cmocka_unit_test(a_stop_with_all_places_taken_ends_well),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
