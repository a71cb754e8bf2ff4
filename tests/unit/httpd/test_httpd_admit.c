/* Who is let in, what the server's owner is told, and every parameter of a query. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/memory.h"
#include "base/text.h"
#include "httpd/httpd.h"

#include "raw_client.h"

#include <stdatomic.h>

static struct mu_httpd *server;
static atomic_int pieces, handled, told;
static atomic_int last_status, last_route;
static char answer[RAW_ANSWER_SIZE];

static bool admit(void *opaque, struct mu_request *request)
{
    const char *name = mu_request_header(request, "X-Name");

    (void)opaque;
    if (!name) {
        mu_httpd_reply_problem(request, 429, "come later",
                               (const char *const[]){"Retry-After", "7", NULL});
        return false;
    }
    mu_request_set_caller(request, mu_arena_strdup(mu_request_arena(request), name));
    return true;
}

static void on_answered(void *opaque, struct mu_request *request, int status)
{
    (void)opaque;
    atomic_store(&last_status, status);
    atomic_store(&last_route, (int)mu_request_route(request));
    atomic_fetch_add(&told, 1);
}

static enum mu_status on_piece(void *opaque, struct mu_request *request, const void *bytes,
                               size_t len, struct mu_error *err)
{
    (void)opaque, (void)request, (void)bytes, (void)len;
    atomic_fetch_add(&pieces, 1);
    return mu_fail(err, MU_E_INVALID, "no");
}

static void on_request(void *opaque, struct mu_request *request)
{
    char *text = mu_arena_printf(mu_request_arena(request), "%s by %s", mu_request_method(request),
                                 (const char *)mu_request_caller(request));

    (void)opaque;
    atomic_fetch_add(&handled, 1);
    mu_httpd_reply(request, 200, "text/plain", text, strlen(text), NULL);
}

static bool write_parameter(void *opaque, const char *name, size_t name_len, const char *value,
                            size_t value_len)
{
    mu_buf_printf(opaque, "[%.*s:%zu:%s:%zu]", (int)name_len, name, name_len, value ? value : "-",
                  value_len);
    return !mu_text_equal(name, "stop");
}

static void on_query(void *opaque, struct mu_request *request)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf text;

    (void)opaque;
    mu_buf_init(&text, 1024);
    mu_buf_puts(&text, mu_request_each_query(request, write_parameter, &text) ? "all" : "some");
    mu_httpd_reply(request, 200, "text/plain", text.data, text.len, NULL);
}

static int start(void **state)
{
    static const struct mu_route routes[] = {{"GET", "/query", on_query, NULL, 0},
                                             {"GET", "/", on_request, NULL, 0},
                                             {"PUT", "/up", on_request, on_piece, 1024}};
    const struct mu_httpd_config config = {.listen = "127.0.0.1:0",
                                           .routes = routes,
                                           .route_count = 3,
                                           .admit = admit,
                                           .answered = on_answered};
    struct mu_error err;

    (void)state;
    atomic_store(&pieces, 0);
    atomic_store(&handled, 0);
    atomic_store(&told, 0);
    return mu_httpd_start(&config, &server, &err) == MU_OK ? 0 : -1;
}

static int stop(void **state)
{
    (void)state;
    mu_httpd_stop(server, 0);
    return 0;
}

static int ask(const char *request)
{
    int fd = raw_connect(mu_httpd_port(server));

    raw_send(fd, request, strlen(request));
    raw_read_answer(fd, answer);
    (void)close(fd);
    return raw_status(answer);
}

static void who_is_not_let_in_sends_no_body(void **state)
{
    (void)state;
    assert_int_equal(ask("PUT /up HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n"), 429);
    assert_non_null(strstr(answer, "Retry-After: 7"));
    assert_non_null(strstr(answer, "come later"));
    assert_int_equal(ask("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"), 429);
    assert_int_equal(atomic_load(&pieces) + atomic_load(&handled), 0);
    assert_int_equal(atomic_load(&told), 2);
}

static void who_is_let_in_is_known_to_the_handler(void **state)
{
    (void)state;
    assert_int_equal(ask("GET / HTTP/1.1\r\nHost: x\r\nX-Name: me\r\nConnection: close\r\n\r\n"),
                     200);
    assert_non_null(strstr(answer, "GET by me"));
    assert_int_equal(ask("HEAD / HTTP/1.1\r\nHost: x\r\nX-Name: me\r\nConnection: close\r\n\r\n"),
                     200);
    assert_non_null(strstr(answer, "Content-Length: 10")); /* "HEAD by me" */
    assert_int_equal(atomic_load(&handled), 2);
}

static void the_owner_is_told_every_answer_of_a_route_once(void **state)
{
    (void)state;
    assert_int_equal(ask("GET / HTTP/1.1\r\nHost: x\r\nX-Name: me\r\nConnection: close\r\n\r\n"),
                     200);
    assert_int_equal(atomic_load(&last_status), 200);
    assert_int_equal(atomic_load(&last_route), 1);
    assert_int_equal(ask("PUT /up HTTP/1.1\r\nHost: x\r\nX-Name: me\r\nConnection: close\r\n"
                         "Content-Length: 1\r\n\r\nx"),
                     400);
    assert_int_equal(atomic_load(&last_status), 400);
    assert_int_equal(atomic_load(&last_route), 2);
    assert_int_equal(ask("GET /none HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"), 404);
    assert_int_equal(atomic_load(&told), 2);
}

static void every_parameter_of_a_query_is_seen(void **state)
{
    (void)state;
    assert_int_equal(ask("GET /query?a=1&b&a=%00x&= HTTP/1.1\r\nHost: x\r\nX-Name: me\r\n"
                         "Connection: close\r\n\r\n"),
                     200);
    assert_non_null(strstr(answer, "[a:1:1:1][b:1:-:0][a:1::2]"));
    assert_non_null(strstr(answer, "all"));
    assert_int_equal(ask("GET /query?stop=1&b=2 HTTP/1.1\r\nHost: x\r\nX-Name: me\r\n"
                         "Connection: close\r\n\r\n"),
                     200);
    assert_non_null(strstr(answer, "[stop:4:1:1]some"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test_setup_teardown(who_is_not_let_in_sends_no_body, start, stop),
            cmocka_unit_test_setup_teardown(who_is_let_in_is_known_to_the_handler, start, stop),
            cmocka_unit_test_setup_teardown(the_owner_is_told_every_answer_of_a_route_once, start,
                                            stop),
            cmocka_unit_test_setup_teardown(every_parameter_of_a_query_is_seen, start, stop),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
