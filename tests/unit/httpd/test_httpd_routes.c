/* httpd: a table of routes that is replaced while requests are under way. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "httpd/httpd.h"

#include "raw_client.h"

#include <pthread.h>
#include <stdatomic.h>

static struct mu_httpd *server;
static _Atomic(struct mu_request *) waiting;
static atomic_int owners_released;

static void on_owner(void *opaque, struct mu_request *request)
{
    const char *name = mu_request_context(request);

    (void)opaque;
    mu_httpd_reply(request, 200, "text/plain", name, strlen(name), NULL);
}

static void on_later(void *opaque, struct mu_request *request)
{
    (void)opaque;
    atomic_store(&waiting, request);
}

static void release_owner(void *context)
{
    (void)context;
    atomic_fetch_add(&owners_released, 1);
}

static const struct mu_route first_routes[] = {{"GET", "/first", on_owner, NULL, 0},
                                               {"GET", "/later", on_later, NULL, 0}};
static const struct mu_route next_routes[] = {{"GET", "/next", on_owner, NULL, 0}};

static struct mu_route_owner owner_of(const char *name)
{
    return (struct mu_route_owner){(void *)(uintptr_t)name, release_owner};
}

static void start_server(void)
{
    struct mu_httpd_config config = {.listen = "127.0.0.1:0",
                                     .routes = first_routes,
                                     .route_count = 2,
                                     .owner = owner_of("first")};
    struct mu_error err;

    if (mu_httpd_start(&config, &server, &err) != MU_OK)
        fail_msg("%s", err.message);
}

static int start(void **state)
{
    (void)state;
    atomic_store(&owners_released, 0);
    atomic_store(&waiting, NULL);
    start_server();
    return 0;
}

static int stop(void **state)
{
    (void)state;
    mu_httpd_stop(server, 5000);
    server = NULL;
    return 0;
}

static void set_next(const char *name)
{
    const struct mu_route_owner owner = owner_of(name);

    mu_httpd_set_routes(server, next_routes, 1, &owner);
}

static int ask(const char *path)
{
    char head[256];
    int fd = raw_connect(mu_httpd_port(server));

    (void)snprintf(head, sizeof(head), "GET %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
                   path);
    raw_send(fd, head, strlen(head));
    return fd;
}

static void answers(int fd, int status, const char *body)
{
    char answer[RAW_ANSWER_SIZE];

    raw_read_answer(fd, answer);
    (void)close(fd);
    assert_int_equal(raw_status(answer), status);
    if (!strstr(answer, body))
        fail_msg("no '%s' in: %s", body, answer);
}

static void new_routes_are_seen_by_new_requests_with_their_owner(void **state)
{
    (void)state;
    answers(ask("/first"), 200, "\r\n\r\nfirst");
    set_next("next");
    answers(ask("/next"), 200, "\r\n\r\nnext");
    answers(ask("/first"), 404, "");
    set_next("third");
    answers(ask("/next"), 200, "\r\n\r\nthird");
}

static void an_owner_is_released_with_its_last_request(void **state)
{
    int fd = ask("/later");

    (void)state;
    RAW_WAIT(atomic_load(&waiting) != NULL);
    set_next("next");
    answers(ask("/next"), 200, "next");
    assert_int_equal(atomic_load(&owners_released), 0); /* a request that began with it is left */
    assert_string_equal(mu_request_context(atomic_load(&waiting)), "first");
    mu_httpd_reply(atomic_load(&waiting), 202, NULL, "late", 4, NULL);
    answers(fd, 202, "late");
    RAW_WAIT(atomic_load(&owners_released) == 1);
}

static void the_last_owner_is_released_with_the_server(void **state)
{
    (void)state;
    set_next("next");
    mu_httpd_stop(server, 5000);
    assert_int_equal(atomic_load(&owners_released), 2);
    start_server(); /* for the teardown */
}

static void a_server_that_does_not_start_takes_no_owner(void **state)
{
    char taken[64];
    struct mu_httpd_config config = {
            .listen = taken, .routes = first_routes, .route_count = 2, .owner = owner_of("none")};
    struct mu_httpd *untouched = server;
    struct mu_error err;

    (void)state;
    (void)snprintf(taken, sizeof(taken), "127.0.0.1:%u", mu_httpd_port(server));
    assert_int_equal(mu_httpd_start(&config, &untouched, &err), MU_E_UNAVAILABLE);
    assert_ptr_equal(untouched, server);
    assert_int_equal(atomic_load(&owners_released), 0);
}

static void *change_routes(void *opaque)
{
    while (!atomic_load((atomic_bool *)opaque))
        set_next("changing");
    return NULL;
}

static void routes_that_change_all_the_time_lose_no_request(void **state)
{
    atomic_bool enough = false;
    pthread_t thread;

    (void)state;
    set_next("changing");
    assert_int_equal(pthread_create(&thread, NULL, change_routes, &enough), 0);
    for (int i = 0; i < 300; i++)
        answers(ask("/next"), 200, "changing");
    atomic_store(&enough, true);
    (void)pthread_join(thread, NULL);
}

#define ROUTES_TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
            ROUTES_TEST(new_routes_are_seen_by_new_requests_with_their_owner),
            ROUTES_TEST(an_owner_is_released_with_its_last_request),
            ROUTES_TEST(the_last_owner_is_released_with_the_server),
            ROUTES_TEST(a_server_that_does_not_start_takes_no_owner),
            ROUTES_TEST(routes_that_change_all_the_time_lose_no_request),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
