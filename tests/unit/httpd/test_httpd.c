/* httpd: routes, bounded bodies, slow clients, replies now and later, and stopping, seen from a
 * socket. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/memory.h"
#include "httpd/httpd.h"

#include "raw_client.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>

enum { BODY_MAX = 64 * 1024, UPLOAD_MAX = 1024 * 1024, LATER_MAX = 64 };

/* What the handlers share with a test. */
struct shelf {
    struct mu_httpd *server;
    pthread_mutex_t lock;
    struct mu_request *later[LATER_MAX]; /* requests waiting for their reply */
    size_t later_count;
    atomic_int releases, uploaded, handled;
};

static struct shelf shelf = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void on_echo(void *opaque, struct mu_request *request)
{
    size_t len;
    const void *body = mu_request_body(request, &len);
    const char *header = mu_request_header(request, "x-test"),
               *query = mu_request_query(request, "q");
    char *text = mu_arena_printf(
            mu_request_arena(request), "%s|%s|%s|%s|%.*s", mu_request_path(request),
            mu_request_path_rest(request) ? mu_request_path_rest(request) : "-",
            header ? header : "-", query ? query : "-", (int)len, (const char *)body);

    atomic_fetch_add(&((struct shelf *)opaque)->handled, 1);
    mu_httpd_reply(request, 200, "text/plain", text, strlen(text),
                   (const char *const[]){"X-Extra", "yes", NULL});
}

static void on_later(void *opaque, struct mu_request *request)
{
    struct shelf *own = opaque;

    (void)pthread_mutex_lock(&own->lock);
    assert_true(own->later_count < LATER_MAX);
    own->later[own->later_count++] = request;
    (void)pthread_mutex_unlock(&own->lock);
}

static size_t later_count(void)
{
    size_t count;

    (void)pthread_mutex_lock(&shelf.lock);
    count = shelf.later_count;
    (void)pthread_mutex_unlock(&shelf.lock);
    return count;
}

static void on_failure(void *opaque, struct mu_request *request)
{
    struct mu_error err;

    (void)opaque;
    (void)mu_fail(&err, MU_E_CONFLICT, "a \"quoted\" reason");
    mu_httpd_reply_failure(request, &err);
}

static void on_file(void *opaque, struct mu_request *request)
{
    char path[] = "/tmp/muster-httpd-XXXXXX";
    int fd = mkstemp(path);

    (void)opaque;
    (void)unlink(path);
    assert_int_equal(write(fd, "the file's bytes", 16), 16);
    mu_httpd_reply_file(request, 200, "application/json", fd, 16, NULL);
}

static enum mu_status on_upload_piece(void *opaque, struct mu_request *request, const void *bytes,
                                      size_t len, struct mu_error *err)
{
    struct shelf *own = opaque;

    if (memchr(bytes, '!', len))
        return mu_fail(err, MU_E_INVALID, "no exclamation marks");
    if (!mu_request_state(request))
        mu_request_set_state(request, mu_xcalloc(1, 1), free);
    atomic_fetch_add(&own->uploaded, (int)len);
    return MU_OK;
}

static void count_release(void *state)
{
    atomic_fetch_add((atomic_int *)state, 1);
}

static void on_upload(void *opaque, struct mu_request *request)
{
    (void)opaque;
    mu_httpd_reply(request, 201, NULL, NULL, 0, NULL);
}

static void on_state(void *opaque, struct mu_request *request)
{
    mu_request_set_state(request, &((struct shelf *)opaque)->releases, count_release);
    mu_httpd_reply(request, 200, NULL, "{}", 2, NULL);
}

static const struct mu_route routes[] = {
        {"GET", "/echo", on_echo, NULL, BODY_MAX},
        {"POST", "/echo", on_echo, NULL, BODY_MAX},
        {"PUT", "/tree/*", on_upload, on_upload_piece, UPLOAD_MAX},
        {"GET", "/tree/exact", on_echo, NULL, 0},
        {"GET", "/wild/*", on_echo, NULL, 0},
        {"GET", "/later", on_later, NULL, 0},
        {"POST", "/later", on_later, NULL, BODY_MAX},
        {"GET", "/failure", on_failure, NULL, 0},
        {"GET", "/file", on_file, NULL, 0},
        {"GET", "/state", on_state, NULL, 0},
};

static void start_with(unsigned threads, int64_t idle_timeout_ms)
{
    struct mu_httpd_config config = {.listen = "127.0.0.1:0",
                                     .routes = routes,
                                     .route_count = sizeof(routes) / sizeof(routes[0]),
                                     .opaque = &shelf,
                                     .threads = threads,
                                     .idle_timeout_ms = idle_timeout_ms};
    struct mu_error err;

    shelf.later_count = 0;
    atomic_store(&shelf.releases, 0);
    atomic_store(&shelf.uploaded, 0);
    atomic_store(&shelf.handled, 0);
    if (mu_httpd_start(&config, &shelf.server, &err) != MU_OK)
        fail_msg("%s", err.message);
}

static int start(void **state)
{
    (void)state;
    start_with(2, 0);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    mu_httpd_stop(shelf.server, 5000);
    shelf.server = NULL;
    return 0;
}

static int dial(void)
{
    return raw_connect(mu_httpd_port(shelf.server));
}

/* Sends the head (and body) given and checks the status of the answer; the answer stays for a look.
 */
static const char *answers(const char *bytes, size_t len, int status)
{
    static char answer[RAW_ANSWER_SIZE];
    int fd = dial();

    raw_send(fd, bytes, len);
    raw_read_answer(fd, answer);
    (void)close(fd);
    if (raw_status(answer) != status)
        fail_msg("wanted %d, got: %.200s", status, answer);
    return answer;
}

static const char *asks(const char *method_and_path, const char *headers, int status)
{
    char head[2048];

    (void)snprintf(head, sizeof(head), "%s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n%s\r\n",
                   method_and_path, headers);
    return answers(head, strlen(head), status);
}

static void has(const char *answer, const char *part)
{
    if (!strstr(answer, part))
        fail_msg("no '%s' in: %s", part, answer);
}

/* ---- routes ---- */

static void a_handler_sees_path_header_and_query(void **state)
{
    const char *answer = asks("GET /echo?q=a%20b", "X-Test: t\r\n", 200);

    (void)state;
    has(answer, "\r\nX-Extra: yes\r\n");
    has(answer, "Content-Type: text/plain");
    has(answer, "\r\n\r\n/echo|-|t|a b|");
}

static void a_handler_sees_the_whole_body(void **state)
{
    static const char request[] =
            "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello";

    (void)state;
    has(answers(request, sizeof(request) - 1, 200), "|hello");
}

static void a_chunked_body_is_joined(void **state)
{
    static const char request[] =
            "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nConnection: "
            "close\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n";

    (void)state;
    has(answers(request, sizeof(request) - 1, 200), "|hello");
}

static void a_star_matches_the_rest_and_only_behind_it(void **state)
{
    (void)state;
    has(asks("GET /wild/a/b", "", 200), "/wild/a/b|a/b|");
    has(asks("GET /wild/", "", 200), "/wild/||");
    (void)asks("GET /wild", "", 404);
}

static void an_exact_route_behind_a_star_of_another_method_has_no_rest(void **state)
{
    (void)state;
    has(asks("GET /tree/exact", "", 200), "/tree/exact|-|");
}

static void an_unknown_path_is_not_found_as_a_problem(void **state)
{
    const char *answer = asks("GET /nothing/%22here", "", 404);

    (void)state;
    has(answer, "Content-Type: application/problem+json");
    has(answer, "\"status\":404,\"detail\":\"no such resource: '/nothing/\\\"here'\"}");
}

static void a_wrong_method_names_those_allowed(void **state)
{
    (void)state;
    has(asks("DELETE /echo", "", 405), "\r\nAllow: GET, HEAD, POST\r\n");
    has(asks("GET /tree/x", "", 405), "\r\nAllow: PUT\r\n");
}

static void head_is_get_without_the_body(void **state)
{
    const char *answer = asks("HEAD /echo", "", 200);

    (void)state;
    has(answer, "Content-Length: 12\r\n");
    assert_string_equal(strstr(answer, "\r\n\r\n"), "\r\n\r\n");
    answer = asks("HEAD /file", "", 200);
    has(answer, "Content-Length: 16\r\n");
    assert_string_equal(strstr(answer, "\r\n\r\n"), "\r\n\r\n");
    (void)asks("HEAD /nothing", "", 404);
}

/* ---- replies ---- */

static void a_failure_is_a_problem_with_its_status(void **state)
{
    (void)state;
    has(asks("GET /failure", "", 409), "{\"type\":\"about:blank\",\"title\":\"Conflict\","
                                       "\"status\":409,\"detail\":\"a \\\"quoted\\\" reason\"}");
}

static void a_file_is_sent_whole(void **state)
{
    (void)state;
    has(asks("GET /file", "", 200), "\r\n\r\nthe file's bytes");
}

static void the_state_of_a_request_is_released_once(void **state)
{
    (void)state;
    for (int i = 0; i < 10; i++)
        (void)asks("GET /state", "", 200);
    (void)stop(NULL);
    assert_int_equal(atomic_load(&shelf.releases), 10);
    (void)start(NULL);
}

static void two_requests_share_a_connection(void **state)
{
    static const char request[] = "GET /echo HTTP/1.1\r\nHost: x\r\n\r\n";
    char answer[RAW_ANSWER_SIZE];
    int fd = dial();

    (void)state;
    for (int i = 0; i < 2; i++) {
        raw_send(fd, request, sizeof(request) - 1);
        raw_read_until(fd, answer, "|-|-|-|");
        assert_int_equal(raw_status(answer), 200);
    }
    (void)close(fd);
}

/* ---- bodies ---- */

static void a_claimed_length_over_the_limit_is_refused_before_the_body(void **state)
{
    (void)state;
    has(asks("POST /echo", "Content-Length: 65537\r\n", 413), "larger than 65536 bytes");
    (void)asks("POST /echo", "Content-Length: 18446744073709551615\r\n", 413);
    assert_int_equal(atomic_load(&shelf.handled), 0);
}

static void a_length_that_is_none_is_refused(void **state)
{
    (void)state;
    (void)asks("POST /echo", "Content-Length: -1\r\n", 400);
    (void)asks("POST /echo", "Content-Length: five\r\n", 400);
    assert_int_equal(atomic_load(&shelf.handled), 0);
}

/* A request with a body of `len` bytes 'x' in pieces; `chunked` names no length. */
static const char *uploads(const char *method_and_path, size_t len, bool chunked, int status)
{
    static char answer[RAW_ANSWER_SIZE];
    char head[512], piece[4096 + 16];
    int fd = dial();

    (void)snprintf(
            head, sizeof(head),
            chunked ? "%s HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: "
                      "chunked\r\n\r\n"
                    : "%s HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: %zu\r\n\r\n",
            method_and_path, len);
    raw_send(fd, head, strlen(head));
    while (len > 0) {
        size_t now = len < 4096 ? len : 4096;
        int before = chunked ? snprintf(piece, sizeof(piece), "%zx\r\n", now) : 0;

        memset(piece + before, 'x', now);
        memcpy(piece + before + now, "\r\n", 2);
        raw_send(fd, piece, (size_t)before + now + (chunked ? 2 : 0));
        len -= now;
    }
    if (chunked)
        raw_send(fd, "0\r\n\r\n", 5);
    raw_read_answer(fd, answer);
    (void)close(fd);
    if (raw_status(answer) != status)
        fail_msg("wanted %d, got: %.200s", status, answer);
    return answer;
}

static void an_unannounced_body_over_the_limit_is_refused(void **state)
{
    (void)state;
    has(uploads("POST /echo", BODY_MAX + 1, true, 413), "larger than 65536 bytes");
    assert_int_equal(atomic_load(&shelf.handled), 0);
}

static void a_body_of_exactly_the_limit_is_taken(void **state)
{
    (void)state;
    (void)uploads("POST /echo", BODY_MAX, true, 200);
    (void)uploads("POST /echo", BODY_MAX, false, 200);
}

static void a_streamed_body_comes_in_pieces(void **state)
{
    (void)state;
    (void)uploads("PUT /tree/x", UPLOAD_MAX, false, 201);
    assert_int_equal(atomic_load(&shelf.uploaded), UPLOAD_MAX);
}

static void what_the_reader_of_pieces_refuses_is_answered_and_not_handled(void **state)
{
    static const char request[] =
            "PUT /tree/x HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nConnection: close\r\n\r\na!";

    (void)state;
    has(answers(request, sizeof(request) - 1, 400), "no exclamation marks");
}

static void a_torn_body_is_never_handled(void **state)
{
    static const char request[] =
            "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhalf";
    int fd = dial();

    (void)state;
    raw_send(fd, request, sizeof(request) - 1);
    (void)close(fd);
    (void)asks("GET /state", "", 200);
    mu_httpd_stop(shelf.server, 0);
    assert_int_equal(atomic_load(&shelf.handled), 0);
    (void)start(NULL);
}

static void endless_headers_are_refused(void **state)
{
    MU_AUTO_FREE char *head = mu_xcalloc(1, 70000);

    (void)state;
    (void)strncat(head, "GET /echo HTTP/1.1\r\nHost: x\r\nX-Long: ", 60);
    memset(head + strlen(head), 'x', 60000);
    (void)strncat(head, "\r\n\r\n", 5);
    (void)answers(head, strlen(head), 431);
}

static void what_is_no_http_is_refused(void **state)
{
    static const char bytes[] = "\x16\x03\x01 garbage\r\n\r\n";

    (void)state;
    (void)answers(bytes, sizeof(bytes) - 1, 400);
}

/* ---- slow clients ---- */

static void a_client_that_says_nothing_is_closed(void **state)
{
    char answer[RAW_ANSWER_SIZE];
    int fd;

    (void)state;
    (void)stop(NULL);
    start_with(1, 1000);
    fd = dial();
    raw_send(fd, "GET /ec", 7);
    raw_read_answer(fd, answer); /* ends at the close */
    (void)close(fd);
}

/* Bytes that come just before each idle timeout keep a connection open, but not for ever. */
static void a_body_that_trickles_is_cut_off_with_408(void **state)
{
    static const char head[] = "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 60000\r\n\r\n";
    char answer[RAW_ANSWER_SIZE];
    int fd;

    (void)state;
    (void)stop(NULL);
    start_with(1, 100);
    fd = dial();
    raw_send(fd, head, sizeof(head) - 1);
    raw_trickle(fd, "x", answer);
    (void)close(fd);
    assert_int_equal(raw_status(answer), 408);
    assert_int_equal(atomic_load(&shelf.handled), 0);
}

static void a_refused_body_that_never_ends_is_cut_off_with_its_refusal(void **state)
{
    char answer[RAW_ANSWER_SIZE];
    static const char head[] =
            "PUT /tree/x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n!\r\n";
    int fd;

    (void)state;
    (void)stop(NULL);
    start_with(1, 100);
    fd = dial();
    raw_send(fd, head, sizeof(head) - 1);
    raw_trickle(fd, "1\r\nx\r\n", answer);
    (void)close(fd);
    assert_int_equal(raw_status(answer), 400);
}

/* ---- replies from other threads ---- */

static void *reply_all(void *opaque)
{
    (void)opaque;
    (void)pthread_mutex_lock(&shelf.lock);
    for (size_t i = 0; i < shelf.later_count; i++)
        mu_httpd_reply(shelf.later[i], 202, NULL, "{\"later\":true}", 14, NULL);
    shelf.later_count = 0;
    (void)pthread_mutex_unlock(&shelf.lock);
    return NULL;
}

static void reply_from_another_thread(void)
{
    pthread_t thread;

    assert_int_equal(pthread_create(&thread, NULL, reply_all, NULL), 0);
    (void)pthread_join(thread, NULL);
}

static void send_later(int *fds, size_t count)
{
    static const char request[] = "GET /later HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";

    for (size_t i = 0; i < count; i++) {
        fds[i] = dial();
        raw_send(fds[i], request, sizeof(request) - 1);
    }
    RAW_WAIT(later_count() == count);
}

static void a_reply_may_come_later_from_another_thread(void **state)
{
    char answer[RAW_ANSWER_SIZE];
    int fds[LATER_MAX];

    (void)state;
    send_later(fds, LATER_MAX);
    (void)asks("GET /echo", "", 200); /* nobody is held up meanwhile */
    reply_from_another_thread();
    for (size_t i = 0; i < LATER_MAX; i++) {
        raw_read_answer(fds[i], answer);
        assert_int_equal(raw_status(answer), 202);
        has(answer, "{\"later\":true}");
        (void)close(fds[i]);
    }
}

/* The reply races with the suspension of the connection: both orders must end in an answer. */
static void replies_that_race_with_their_handlers_all_arrive(void **state)
{
    static const char request[] = "GET /later HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    char answer[RAW_ANSWER_SIZE];

    (void)state;
    for (int i = 0; i < 300; i++) {
        int fd = dial();

        raw_send(fd, request, sizeof(request) - 1);
        RAW_WAIT(later_count() == 1);
        (void)reply_all(NULL);
        raw_read_answer(fd, answer);
        assert_int_equal(raw_status(answer), 202);
        (void)close(fd);
    }
}

static void a_client_that_left_before_its_reply_is_no_matter(void **state)
{
    int fds[4];

    (void)state;
    send_later(fds, 4);
    for (int i = 0; i < 4; i++)
        (void)close(fds[i]);
    reply_from_another_thread();
    (void)asks("GET /echo", "", 200);
}

/* ---- stopping ---- */

struct stopper {
    pthread_t thread;
    int64_t grace_ms;
};

static void *run_stop(void *opaque)
{
    mu_httpd_stop(shelf.server, ((struct stopper *)opaque)->grace_ms);
    return NULL;
}

static void begin_stop(struct stopper *stopper, int64_t grace_ms)
{
    stopper->grace_ms = grace_ms;
    assert_int_equal(pthread_create(&stopper->thread, NULL, run_stop, stopper), 0);
}

static void a_stop_waits_for_the_replies_under_way(void **state)
{
    char answer[RAW_ANSWER_SIZE];
    struct stopper stopper;
    uint16_t port = mu_httpd_port(shelf.server);
    int fd;

    (void)state;
    send_later(&fd, 1);
    begin_stop(&stopper, 30000);
    RAW_WAIT(!raw_can_connect(port));
    reply_from_another_thread();
    raw_read_answer(fd, answer);
    (void)close(fd);
    assert_int_equal(raw_status(answer), 202);
    has(answer, "Connection: close");
    (void)pthread_join(stopper.thread, NULL);
    (void)start(NULL);
}

static void a_stop_gives_503_to_those_that_wait_too_long_and_late_replies_are_fine(void **state)
{
    char answer[RAW_ANSWER_SIZE];
    int fds[8];

    (void)state;
    send_later(fds, 8);
    mu_httpd_stop(shelf.server, 50);
    for (int i = 0; i < 8; i++) {
        raw_read_answer(fds[i], answer);
        (void)close(fds[i]);
        assert_int_equal(raw_status(answer), 503);
        has(answer, "the service is stopping");
    }
    reply_from_another_thread();
    (void)start(NULL);
}

static void a_body_that_is_still_coming_does_not_hold_up_a_stop(void **state)
{
    static const char head[] = "POST /later HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhalf";
    int fd = dial();

    (void)state;
    raw_send(fd, head, sizeof(head) - 1);
    (void)asks("GET /echo", "", 200);
    mu_httpd_stop(shelf.server, 50);
    (void)close(fd);
    (void)start(NULL);
}

struct asker {
    pthread_t thread;
    atomic_bool enough;
    uint16_t port;
};

/* Asks for later replies again and again until nobody listens. */
static void *ask_on(void *opaque)
{
    static const char request[] =
            "POST /later HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{";
    struct asker *asker = opaque;

    while (!atomic_load(&asker->enough)) {
        char answer[RAW_ANSWER_SIZE];
        int fd = raw_try_connect(asker->port);

        if (fd < 0)
            break;
        (void)send(fd, request, sizeof(request) - 1, MSG_NOSIGNAL);
        (void)send(fd, "}", 1, MSG_NOSIGNAL);
        (void)shutdown(fd, SHUT_WR);
        raw_read_answer(fd, answer);
        (void)close(fd);
    }
    return NULL;
}

/* libmicrohttpd ends the process when it stops with a suspended connection. */
static void requests_that_come_while_it_stops_never_end_the_process(void **state)
{
    (void)state;
    for (int round = 0; round < 10; round++) {
        struct asker askers[3];

        for (int i = 0; i < 3; i++) {
            askers[i].port = mu_httpd_port(shelf.server);
            atomic_init(&askers[i].enough, false);
            assert_int_equal(pthread_create(&askers[i].thread, NULL, ask_on, &askers[i]), 0);
        }
        RAW_WAIT(later_count() > 0);
        mu_httpd_stop(shelf.server, 0);
        for (int i = 0; i < 3; i++)
            atomic_store(&askers[i].enough, true);
        for (int i = 0; i < 3; i++)
            (void)pthread_join(askers[i].thread, NULL);
        reply_from_another_thread();
        (void)start(NULL);
    }
}

static void stopping_nothing_is_fine(void **state)
{
    (void)state;
    mu_httpd_stop(NULL, 0);
}

/* ---- starting ---- */

static void not_started(const char *listen, enum mu_status status, const char *part)
{
    struct mu_httpd_config config = {.listen = listen, .routes = routes, .route_count = 1};
    struct mu_httpd *server = NULL;
    struct mu_error err;

    if (mu_httpd_start(&config, &server, &err) != status || !strstr(err.message, part))
        fail_msg("%s: %s", listen, err.message);
    assert_null(server);
}

static void what_is_no_address_is_invalid(void **state)
{
    (void)state;
    not_started("nowhere", MU_E_INVALID, "host:port");
    not_started("127.0.0.1:", MU_E_INVALID, "host:port");
    not_started("127.0.0.1:http-like", MU_E_INVALID, "127.0.0.1:http-like");
    not_started("name.invalid:80", MU_E_INVALID, "name.invalid");
}

static void a_port_that_is_taken_is_unavailable_by_name(void **state)
{
    char listen[32];

    (void)state;
    (void)snprintf(listen, sizeof(listen), "127.0.0.1:%u", mu_httpd_port(shelf.server));
    not_started(listen, MU_E_UNAVAILABLE, listen);
}

static void it_listens_on_every_form_of_an_address(void **state)
{
    static const char *const forms[] = {":0", "localhost:0", "0.0.0.0:0"};

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct mu_httpd_config config = {
                .listen = forms[i], .routes = routes, .route_count = 1, .opaque = &shelf};
        struct mu_httpd *server = NULL;
        struct mu_error err;

        assert_int_equal(mu_httpd_start(&config, &server, &err), MU_OK);
        assert_true(mu_httpd_port(server) > 0);
        mu_httpd_stop(server, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test_setup_teardown(a_handler_sees_path_header_and_query, start, stop),
            cmocka_unit_test_setup_teardown(a_handler_sees_the_whole_body, start, stop),
            cmocka_unit_test_setup_teardown(a_chunked_body_is_joined, start, stop),
            cmocka_unit_test_setup_teardown(a_star_matches_the_rest_and_only_behind_it, start,
                                            stop),
            cmocka_unit_test_setup_teardown(
                    an_exact_route_behind_a_star_of_another_method_has_no_rest, start, stop),
            cmocka_unit_test_setup_teardown(an_unknown_path_is_not_found_as_a_problem, start, stop),
            cmocka_unit_test_setup_teardown(a_wrong_method_names_those_allowed, start, stop),
            cmocka_unit_test_setup_teardown(head_is_get_without_the_body, start, stop),
            cmocka_unit_test_setup_teardown(a_failure_is_a_problem_with_its_status, start, stop),
            cmocka_unit_test_setup_teardown(a_file_is_sent_whole, start, stop),
            cmocka_unit_test_setup_teardown(the_state_of_a_request_is_released_once, start, stop),
            cmocka_unit_test_setup_teardown(two_requests_share_a_connection, start, stop),
            cmocka_unit_test_setup_teardown(
                    a_claimed_length_over_the_limit_is_refused_before_the_body, start, stop),
            cmocka_unit_test_setup_teardown(a_length_that_is_none_is_refused, start, stop),
            cmocka_unit_test_setup_teardown(an_unannounced_body_over_the_limit_is_refused, start,
                                            stop),
            cmocka_unit_test_setup_teardown(a_body_of_exactly_the_limit_is_taken, start, stop),
            cmocka_unit_test_setup_teardown(a_streamed_body_comes_in_pieces, start, stop),
            cmocka_unit_test_setup_teardown(
                    what_the_reader_of_pieces_refuses_is_answered_and_not_handled, start, stop),
            cmocka_unit_test_setup_teardown(a_torn_body_is_never_handled, start, stop),
            cmocka_unit_test_setup_teardown(endless_headers_are_refused, start, stop),
            cmocka_unit_test_setup_teardown(what_is_no_http_is_refused, start, stop),
            cmocka_unit_test_setup_teardown(a_client_that_says_nothing_is_closed, start, stop),
            cmocka_unit_test_setup_teardown(a_body_that_trickles_is_cut_off_with_408, start, stop),
            cmocka_unit_test_setup_teardown(
                    a_refused_body_that_never_ends_is_cut_off_with_its_refusal, start, stop),
            cmocka_unit_test_setup_teardown(a_reply_may_come_later_from_another_thread, start,
                                            stop),
            cmocka_unit_test_setup_teardown(replies_that_race_with_their_handlers_all_arrive, start,
                                            stop),
            cmocka_unit_test_setup_teardown(a_client_that_left_before_its_reply_is_no_matter, start,
                                            stop),
            cmocka_unit_test_setup_teardown(a_stop_waits_for_the_replies_under_way, start, stop),
            cmocka_unit_test_setup_teardown(
                    a_stop_gives_503_to_those_that_wait_too_long_and_late_replies_are_fine, start,
                    stop),
            cmocka_unit_test_setup_teardown(a_body_that_is_still_coming_does_not_hold_up_a_stop,
                                            start, stop),
            cmocka_unit_test_setup_teardown(requests_that_come_while_it_stops_never_end_the_process,
                                            start, stop),
            cmocka_unit_test_setup_teardown(stopping_nothing_is_fine, start, stop),
            cmocka_unit_test_setup_teardown(what_is_no_address_is_invalid, start, stop),
            cmocka_unit_test_setup_teardown(a_port_that_is_taken_is_unavailable_by_name, start,
                                            stop),
            cmocka_unit_test_setup_teardown(it_listens_on_every_form_of_an_address, start, stop),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
