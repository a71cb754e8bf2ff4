#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/stop.h"
#include "http/http_client.h"

#include "api_peer.h"
#include "http_peer.h"

#define OK_HELLO "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"

struct fixture {
    struct http_peer peer, other;
    struct mu_http_client *client;
    struct mu_http_response response;
    struct mu_error err;
    struct mu_buf body;
    char url[128], text[1024];
};

static int start(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    assert_non_null(f);
    http_peer_start(&f->peer);
    http_peer_start(&f->other);
    assert_int_equal(mu_http_client_new(&(struct mu_http_client_config){.user_agent = "test/1"},
                                        &f->client, &f->err),
                     MU_OK);
    mu_buf_init(&f->body, 1024);
    snprintf(f->url, sizeof(f->url), "http://127.0.0.1:%d/v2/", f->peer.port);
    f->response.status = -7; /* "untouched" */
    *state = f;
    return 0;
}

static void stop_peers(struct fixture *f)
{
    if (f->peer.port != 0)
        http_peer_stop(&f->peer);
    if (f->other.port != 0)
        http_peer_stop(&f->other);
    f->peer.port = f->other.port = 0;
}

static int stop(void **state)
{
    struct fixture *f = *state;

    mu_http_client_free(f->client);
    mu_buf_done(&f->body);
    stop_peers(f);
    free(f);
    return 0;
}

static void renew_client(struct fixture *f, const struct mu_http_client_config *config)
{
    mu_http_client_free(f->client);
    assert_int_equal(mu_http_client_new(config, &f->client, &f->err), MU_OK);
}

static enum mu_status fetch(struct fixture *f, const struct mu_http_request *request)
{
    return mu_http_fetch(f->client, request, &f->body, &f->response, &f->err);
}

static enum mu_status get(struct fixture *f)
{
    return fetch(f, &(struct mu_http_request){.method = "GET", .url = f->url});
}

static const char *redirect_to(struct fixture *f, int status, int port, const char *path)
{
    snprintf(f->text, sizeof(f->text),
             "HTTP/1.1 %d Moved\r\nLocation: http://127.0.0.1:%d%s\r\nContent-Length: 0\r\n\r\n",
             status, port, path);
    return f->text;
}

static void a_body_and_the_headers_we_use_are_returned(void **state)
{
    struct fixture *f = *state;

    f->peer.replies[0].bytes = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                               "Docker-Content-Digest: sha256:ab\r\nContent-Length: 5\r\n"
                               "Link: </v2/_catalog?n=2>; rel=\"next\"\r\n\r\nhello";
    assert_int_equal(get(f), MU_OK);
    assert_int_equal(f->response.status, 200);
    assert_string_equal(f->body.data, "hello");
    assert_string_equal(f->response.content_type, "application/json");
    assert_string_equal(f->response.docker_content_digest, "sha256:ab");
    assert_int_equal(f->response.content_length, 5);
    assert_int_equal(f->response.retry_after_ms, -1);
    snprintf(f->text, sizeof(f->text), "http://127.0.0.1:%d/v2/_catalog?n=2", f->peer.port);
    assert_string_equal(f->response.link_next, f->text);
}

static void a_chunked_body_is_joined(void **state)
{
    struct fixture *f = *state;

    f->peer.replies[0].bytes = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                               "3\r\nhel\r\n2\r\nlo\r\n0\r\nContent-Type: text/evil\r\n\r\n";
    assert_int_equal(get(f), MU_OK);
    assert_string_equal(f->body.data, "hello");
    assert_int_equal(f->response.content_length, -1);
    assert_string_equal(f->response.content_type, ""); /* a trailer is no head */
}

static void two_requests_share_one_connection(void **state)
{
    struct fixture *f = *state;

    f->peer.replies[0].bytes = f->peer.replies[1].bytes = OK_HELLO;
    assert_int_equal(get(f), MU_OK);
    assert_int_equal(get(f), MU_OK);
    assert_string_equal(f->body.data, "hello"); /* not "hellohello" */
    stop_peers(f);
    assert_int_equal(f->peer.request_count, 2);
    assert_int_equal(f->peer.connections, 1);
}

static void a_put_sends_its_body_headers_and_authorization(void **state)
{
    struct fixture *f = *state;
    const char *const headers[] = {"X-One: 1", "Content-Type: application/json", NULL};

    f->peer.replies[0].bytes = "HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n";
    assert_int_equal(fetch(f, &(struct mu_http_request){.method = "PUT",
                                                        .url = f->url,
                                                        .headers = headers,
                                                        .authorization = "Bearer secret",
                                                        .body = "{}\n",
                                                        .body_len = 3}),
                     MU_OK);
    assert_int_equal(f->response.status, 201);
    stop_peers(f);
    assert_ptr_equal(strstr(f->peer.requests[0], "PUT /v2/ HTTP/1.1\r\n"), f->peer.requests[0]);
    assert_non_null(strstr(f->peer.requests[0], "\r\nX-One: 1\r\n"));
    assert_non_null(strstr(f->peer.requests[0], "\r\nContent-Type: application/json\r\n"));
    assert_non_null(strstr(f->peer.requests[0], "\r\nAuthorization: Bearer secret\r\n"));
    assert_non_null(strstr(f->peer.requests[0], "\r\nUser-Agent: test/1\r\n"));
    assert_non_null(strstr(f->peer.requests[0], "\r\nContent-Length: 3\r\n"));
    assert_null(strcasestr(f->peer.requests[0], "Expect:"));
    assert_non_null(strstr(f->peer.requests[0], "\r\n\r\n{}\n"));
}

static void a_post_without_a_type_claims_none(void **state)
{
    struct fixture *f = *state;

    f->peer.replies[0].bytes = "HTTP/1.1 204 No Content\r\n\r\n";
    assert_int_equal(fetch(f,
                           &(struct mu_http_request){
                                   .method = "POST", .url = f->url, .body = "x", .body_len = 1}),
                     MU_OK);
    stop_peers(f);
    assert_null(strcasestr(f->peer.requests[0], "Content-Type"));
}

static void a_head_request_returns_the_length_of_a_body_it_does_not_read(void **state)
{
    struct fixture *f = *state;

    f->peer.replies[0].bytes = "HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n";
    assert_int_equal(fetch(f, &(struct mu_http_request){.method = "HEAD", .url = f->url}), MU_OK);
    assert_int_equal(f->response.content_length, 99999999);
    assert_int_equal(f->body.len, 0);
}

static void a_torn_body_is_unavailable_and_leaves_the_response_untouched(void **state)
{
    struct fixture *f = *state;

    f->peer.replies[0] = (struct http_peer_reply){
            "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhello", PEER_CLOSE};
    assert_int_equal(get(f), MU_E_UNAVAILABLE);
    assert_non_null(strstr(f->err.message, f->url));
    assert_int_equal(f->response.status, -7);
}

static void a_torn_chunk_is_unavailable(void **state)
{
    struct fixture *f = *state;

    f->peer.replies[0] = (struct http_peer_reply){
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel", PEER_CLOSE};
    assert_int_equal(get(f), MU_E_UNAVAILABLE);
}

static void a_claimed_length_over_the_limit_is_refused_before_the_body(void **state)
{
    struct fixture *f = *state;

    f->peer.replies[0] = (struct http_peer_reply){
            "HTTP/1.1 200 OK\r\nContent-Length: 10737418240\r\n\r\n", PEER_HOLD};
    assert_int_equal(get(f), MU_E_LIMIT);
    assert_non_null(strstr(f->err.message, "body over 1024 bytes"));
    assert_int_equal(f->body.len, 0);
}

static void an_unannounced_body_over_the_limit_is_cut_off(void **state)
{
    struct fixture *f = *state;
    char reply[2048];

    snprintf(reply, sizeof(reply), "HTTP/1.1 200 OK\r\n\r\n%01500d", 7);
    f->peer.replies[0] = (struct http_peer_reply){reply, PEER_HOLD};
    assert_int_equal(get(f), MU_E_LIMIT);
    assert_int_equal(f->response.status, -7);
}

static void an_endless_head_is_refused(void **state)
{
    struct fixture *f = *state;
    enum { LINES = 20000, LINE = 16 };
    char *reply = calloc(1, 64 + LINES * LINE);
    size_t len;

    assert_non_null(reply);
    len = (size_t)snprintf(reply, 64, "HTTP/1.1 200 OK\r\n");
    for (int i = 0; i < LINES; i++)
        len += (size_t)snprintf(reply + len, LINE + 1, "X-Header: %04d\r\n", i % 10000);
    f->peer.replies[0] = (struct http_peer_reply){reply, PEER_HOLD};
    assert_int_equal(get(f), MU_E_LIMIT);
    assert_non_null(strstr(f->err.message, "head over"));
    stop_peers(f);
    free(reply);
}

static enum mu_status refuse(void *opaque, const void *bytes, size_t len, struct mu_error *err)
{
    (void)bytes, (void)len;
    ++*(int *)opaque;
    return mu_fail(err, MU_E_CONFLICT, "not this one");
}

static void what_the_body_callback_returns_ends_the_request(void **state)
{
    struct fixture *f = *state;
    int calls = 0;

    f->peer.replies[0].bytes = OK_HELLO;
    assert_int_equal(mu_http_request(f->client,
                                     &(struct mu_http_request){.method = "GET",
                                                               .url = f->url,
                                                               .on_body = refuse,
                                                               .opaque = &calls},
                                     &f->response, &f->err),
                     MU_E_CONFLICT);
    assert_int_equal(calls, 1);
    assert_non_null(strstr(f->err.message, "not this one"));
}

static void an_error_answer_keeps_the_head_of_its_body_and_its_hints(void **state)
{
    struct fixture *f = *state;
    struct mu_http_request request = {.method = "GET", .url = f->url};

    f->peer.replies[0].bytes = "HTTP/1.1 503 Busy\r\nRetry-After: 7\r\nContent-Length: 10\r\n\r\n"
                               "over\x01load\n";
    assert_int_equal(fetch(f, &request), MU_OK);
    assert_int_equal(f->response.status, 503);
    assert_int_equal(f->response.retry_after_ms, 7000);
    assert_string_equal(f->response.error_body, "over?load ");
    assert_int_equal(f->body.len, 0);
    assert_int_equal(mu_http_status_error(&request, &f->response, &f->err), MU_E_UNAVAILABLE);
    snprintf(f->text, sizeof(f->text), "GET %s answered 503: over?load", f->url);
    assert_string_equal(f->err.message, f->text);
}

static void an_error_body_larger_than_we_keep_is_cut(void **state)
{
    struct fixture *f = *state;
    enum { SIZE = 300000 };
    char *reply = malloc(SIZE);
    int n;

    assert_non_null(reply);
    n = snprintf(reply, SIZE, "HTTP/1.1 500 Oh\r\n\r\n");
    memset(reply + n, 'x', SIZE - 1 - (size_t)n);
    reply[SIZE - 1] = '\0';
    f->peer.replies[0] = (struct http_peer_reply){reply, PEER_HOLD};
    assert_int_equal(get(f), MU_OK);
    assert_int_equal(f->response.status, 500);
    assert_int_equal(strlen(f->response.error_body), MU_HTTP_ERROR_BODY_MAX - 1);
    stop_peers(f);
    free(reply);
}

static void each_answer_has_the_status_to_act_on(void **state)
{
    static const struct {
        int answer;
        enum mu_status status;
    } rows[] = {{401, MU_E_DENIED},      {403, MU_E_DENIED},      {404, MU_E_NOT_FOUND},
                {408, MU_E_UNAVAILABLE}, {429, MU_E_UNAVAILABLE}, {500, MU_E_UNAVAILABLE},
                {503, MU_E_UNAVAILABLE}, {400, MU_E_INVALID},     {302, MU_E_INVALID}};
    const struct mu_http_request request = {.method = "GET", .url = "http://x/"};
    struct mu_error err;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_int_equal(mu_http_status_error(&request,
                                              &(struct mu_http_response){.status = rows[i].answer},
                                              &err),
                         rows[i].status);
}

static void a_redirect_within_the_origin_keeps_authorization(void **state)
{
    struct fixture *f = *state;

    f->peer.replies[0].bytes =
            "HTTP/1.1 307 Elsewhere\r\nLocation: ../blob?x=1\r\nContent-Length: 4\r\n\r\nbody";
    f->peer.replies[1].bytes = OK_HELLO;
    assert_int_equal(fetch(f, &(struct mu_http_request){.method = "GET",
                                                        .url = f->url,
                                                        .authorization = "Bearer secret"}),
                     MU_OK);
    assert_string_equal(f->body.data, "hello");
    stop_peers(f);
    assert_non_null(strstr(f->peer.requests[1], "GET /blob?x=1 "));
    assert_non_null(strstr(f->peer.requests[1], "Authorization: Bearer secret\r\n"));
}

static void a_redirect_to_another_port_loses_credentials_for_good(void **state)
{
    struct fixture *f = *state;
    const char *const headers[] = {"Cookie: a=b", "Accept: x/y", "authorization: Basic abc", NULL};
    char back[256];

    snprintf(back, sizeof(back),
             "HTTP/1.1 302 Back\r\nLocation: http://127.0.0.1:%d/back\r\nContent-Length: 0\r\n\r\n",
             f->peer.port);
    f->peer.replies[0].bytes = redirect_to(f, 302, f->other.port, "/blob");
    f->other.replies[0].bytes = back;
    f->peer.replies[1].bytes = OK_HELLO;
    assert_int_equal(fetch(f, &(struct mu_http_request){.method = "GET",
                                                        .url = f->url,
                                                        .headers = headers,
                                                        .authorization = "Bearer secret"}),
                     MU_OK);
    stop_peers(f);
    assert_non_null(strcasestr(f->peer.requests[0], "Authorization: Bearer"));
    assert_non_null(strstr(f->other.requests[0], "GET /blob "));
    assert_non_null(strstr(f->other.requests[0], "Accept: x/y"));
    assert_null(strcasestr(f->other.requests[0], "authorization"));
    assert_null(strcasestr(f->other.requests[0], "cookie"));
    assert_non_null(strstr(f->peer.requests[1], "GET /back "));
    assert_null(strcasestr(f->peer.requests[1], "authorization"));
}

static void a_redirect_to_another_host_name_loses_authorization(void **state)
{
    struct fixture *f = *state;

    snprintf(f->text, sizeof(f->text),
             "HTTP/1.1 307 X\r\nLocation: http://localhost:%d/\r\nContent-Length: 0\r\n\r\n",
             f->peer.port);
    f->peer.replies[0] = (struct http_peer_reply){f->text, PEER_CLOSE};
    f->peer.replies[1].bytes = OK_HELLO;
    assert_int_equal(fetch(f, &(struct mu_http_request){.method = "GET",
                                                        .url = f->url,
                                                        .authorization = "Bearer secret"}),
                     MU_OK);
    stop_peers(f);
    assert_int_equal(f->peer.request_count, 2);
    assert_null(strcasestr(f->peer.requests[1], "authorization"));
}

static void a_redirect_to_a_private_host_is_refused_where_it_must_be_public(void **state)
{
    struct fixture *f = *state;

    renew_client(f, &(struct mu_http_client_config){.public_redirects = true});
    snprintf(f->text, sizeof(f->text),
             "HTTP/1.1 307 X\r\nLocation: http://localhost:%d/\r\nContent-Length: 0\r\n\r\n",
             f->peer.port);
    f->peer.replies[0] = (struct http_peer_reply){f->text, PEER_CLOSE};
    f->peer.replies[1].bytes = OK_HELLO;
    assert_int_equal(get(f), MU_E_INVALID);
    assert_non_null(strstr(f->err.message, "address is private"));
    stop_peers(f);
    assert_int_equal(f->peer.request_count, 1);
}

/* The host itself may have any address, and another port is not another host. */
static void a_redirect_to_another_port_of_the_host_needs_no_public_address(void **state)
{
    struct fixture *f = *state;

    renew_client(f, &(struct mu_http_client_config){.public_redirects = true});
    f->peer.replies[0].bytes = redirect_to(f, 302, f->other.port, "/blob");
    f->other.replies[0].bytes = OK_HELLO;
    assert_int_equal(get(f), MU_OK);
}

static void a_private_host_on_the_word_of_a_public_one_is_refused(void **state)
{
    struct fixture *f = *state;

    renew_client(f, &(struct mu_http_client_config){.public_redirects = true});
    f->peer.replies[0].bytes = OK_HELLO;
    assert_int_equal(fetch(f, &(struct mu_http_request){.method = "GET",
                                                        .url = f->url,
                                                        .home = "https://registry.example/"}),
                     MU_E_INVALID);
    stop_peers(f);
    assert_int_equal(f->peer.request_count, 0);
}

static void a_proxy_of_the_environment_is_used(void **state)
{
    struct fixture *f = *state;
    char proxy[64];

    (void)snprintf(proxy, sizeof(proxy), "http://127.0.0.1:%d", f->peer.port);
    (void)setenv("http_proxy", proxy, 1);
    renew_client(f, &(struct mu_http_client_config){.public_redirects = true});
    f->peer.replies[0].bytes = OK_HELLO;
    assert_int_equal(fetch(f, &(struct mu_http_request){.method = "GET",
                                                        .url = "http://registry.example/v2/"}),
                     MU_OK);
    (void)unsetenv("http_proxy");
    stop_peers(f);
    assert_non_null(strstr(f->peer.requests[0], "GET http://registry.example/v2/ HTTP/1.1\r\n"));
}

static enum mu_status refuse_head(void *opaque, const struct mu_http_response *response,
                                  struct mu_error *err)
{
    int64_t *range_start = opaque;

    *range_start = response->range_start;
    return mu_fail(err, MU_E_CONFLICT, "not this");
}

static enum mu_status count_bytes(void *opaque, const void *bytes, size_t len, struct mu_error *err)
{
    (void)bytes, (void)err;
    *(int64_t *)opaque = (int64_t)len;
    return MU_OK;
}

static void the_head_can_be_refused_before_the_body(void **state)
{
    struct fixture *f = *state;
    int64_t seen = -2;

    f->peer.replies[0].bytes = "HTTP/1.1 206 Part\r\nContent-Length: 5\r\n"
                               "Content-Range: bytes 17-21/22\r\n\r\nhello";
    assert_int_equal(mu_http_request(f->client,
                                     &(struct mu_http_request){.method = "GET",
                                                               .url = f->url,
                                                               .on_head = refuse_head,
                                                               .on_body = count_bytes,
                                                               .opaque = &seen},
                                     &f->response, &f->err),
                     MU_E_CONFLICT);
    assert_int_equal(seen, 17);
}

static void a_303_after_a_post_becomes_a_get_without_body(void **state)
{
    struct fixture *f = *state;
    const char *const headers[] = {"Content-Type: a/b", NULL};

    f->peer.replies[0].bytes = redirect_to(f, 303, f->peer.port, "/seen");
    f->peer.replies[1].bytes = OK_HELLO;
    assert_int_equal(fetch(f, &(struct mu_http_request){.method = "POST",
                                                        .url = f->url,
                                                        .headers = headers,
                                                        .body = "x",
                                                        .body_len = 1}),
                     MU_OK);
    stop_peers(f);
    assert_non_null(strstr(f->peer.requests[1], "GET /seen "));
    assert_null(strcasestr(f->peer.requests[1], "Content-"));
}

static void a_307_after_a_put_sends_the_body_again(void **state)
{
    struct fixture *f = *state;

    f->peer.replies[0].bytes = redirect_to(f, 307, f->peer.port, "/there");
    f->peer.replies[1].bytes = OK_HELLO;
    assert_int_equal(fetch(f, &(struct mu_http_request){.method = "PUT",
                                                        .url = f->url,
                                                        .body = "payload",
                                                        .body_len = 7}),
                     MU_OK);
    stop_peers(f);
    assert_non_null(strstr(f->peer.requests[1], "PUT /there "));
    assert_non_null(strstr(f->peer.requests[1], "\r\n\r\npayload"));
}

static void a_redirect_loop_ends_after_five(void **state)
{
    struct fixture *f = *state;
    const char *again = redirect_to(f, 302, f->peer.port, "/v2/");

    for (int i = 0; i < HTTP_PEER_MAX_REPLIES; i++)
        f->peer.replies[i].bytes = again;
    assert_int_equal(get(f), MU_E_LIMIT);
    assert_non_null(strstr(f->err.message, "more than 5 redirects"));
    stop_peers(f);
    assert_int_equal(f->peer.request_count, 6);
}

static void a_redirect_to_a_file_is_refused(void **state)
{
    struct fixture *f = *state;

    f->peer.replies[0].bytes =
            "HTTP/1.1 302 X\r\nLocation: file:///etc/passwd\r\nContent-Length: 0\r\n\r\n";
    assert_int_equal(get(f), MU_E_INVALID);
    assert_int_equal(f->body.len, 0);
}

static void a_redirect_with_a_user_name_is_refused(void **state)
{
    struct fixture *f = *state;

    snprintf(f->text, sizeof(f->text),
             "HTTP/1.1 302 X\r\nLocation: http://me:pw@127.0.0.1:%d/\r\nContent-Length: 0\r\n\r\n",
             f->peer.port);
    f->peer.replies[0].bytes = f->text;
    assert_int_equal(get(f), MU_E_INVALID);
}

static void a_redirect_status_without_location_is_an_answer(void **state)
{
    struct fixture *f = *state;

    f->peer.replies[0].bytes = "HTTP/1.1 302 X\r\nContent-Length: 0\r\n\r\n";
    assert_int_equal(get(f), MU_OK);
    assert_int_equal(f->response.status, 302);
}

static void only_http_and_https_are_spoken(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(
            fetch(f, &(struct mu_http_request){.method = "GET", .url = "file:///etc/passwd"}),
            MU_E_INVALID);
    assert_int_equal(fetch(f, &(struct mu_http_request){.method = "GET", .url = "http://a:b@x/"}),
                     MU_E_INVALID);
    assert_int_equal(fetch(f, &(struct mu_http_request){.method = "GET", .url = ""}), MU_E_INVALID);
}

static void a_line_break_in_a_credential_never_leaves(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(fetch(f, &(struct mu_http_request){.method = "GET",
                                                        .url = f->url,
                                                        .authorization = "Bearer a\r\nX-Evil: 1"}),
                     MU_E_INVALID);
    stop_peers(f);
    assert_int_equal(f->peer.request_count, 0);
}

static void a_peer_that_says_nothing_hits_the_deadline(void **state)
{
    struct fixture *f = *state;
    uint64_t began_ms = mu_monotonic_ms();

    renew_client(f, &(struct mu_http_client_config){.deadline_ms = 150});
    f->peer.replies[0].then = PEER_HOLD;
    assert_int_equal(get(f), MU_E_UNAVAILABLE);
    assert_in_range(mu_monotonic_ms() - began_ms, 100, 2000);
}

static void redirects_share_one_deadline(void **state)
{
    struct fixture *f = *state;

    renew_client(f, &(struct mu_http_client_config){.deadline_ms = 150});
    f->peer.replies[0].bytes = redirect_to(f, 302, f->other.port, "/");
    f->other.replies[0].then = PEER_HOLD;
    assert_int_equal(get(f), MU_E_UNAVAILABLE);
    stop_peers(f);
    assert_int_equal(f->other.request_count, 1);
}

static void a_closed_port_is_unavailable(void **state)
{
    struct fixture *f = *state;

    stop_peers(f); /* its port answers no more */
    assert_int_equal(get(f), MU_E_UNAVAILABLE);
}

static void tls_to_a_plain_port_is_unavailable(void **state)
{
    struct fixture *f = *state;

    snprintf(f->url, sizeof(f->url), "https://127.0.0.1:%d/", f->peer.port);
    f->peer.replies[0] = (struct http_peer_reply){OK_HELLO, PEER_CLOSE};
    renew_client(f, &(struct mu_http_client_config){.deadline_ms = 500});
    assert_int_equal(get(f), MU_E_UNAVAILABLE);
}

/* Last: a requested stop stays requested. */
static void a_stop_aborts_the_transfer(void **state)
{
    struct fixture *f = *state;

    f->peer.replies[0].then = PEER_HOLD;
    mu_stop_request();
    assert_int_equal(get(f), MU_E_UNAVAILABLE);
    assert_non_null(strstr(f->err.message, "stopping"));
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, start, stop)

static void a_socket_is_asked_whatever_host_the_url_names(void **state)
{
    struct fixture *f = *state;
    MU_AUTO(http_client) struct mu_http_client *client = NULL;
    static struct api_peer peer;
    char path[64];

    (void)snprintf(path, sizeof(path), "/tmp/muster_http.%d.sock", (int)getpid());
    peer = (struct api_peer){.routes = {{"/v2/ ", {{"hello"}}}}, .unix_path = path};
    api_peer_start(&peer);
    assert_int_equal(mu_http_client_new(&(struct mu_http_client_config){.unix_socket = path},
                                        &client, &f->err),
                     MU_OK);
    assert_int_equal(mu_http_fetch(client,
                                   &(struct mu_http_request){.method = "GET",
                                                             .url = "http://registry.invalid/v2/"},
                                   &f->body, &f->response, &f->err),
                     MU_OK);
    api_peer_stop(&peer);
    assert_int_equal(f->response.status, 200);
    assert_string_equal(f->body.data, "hello");
}

static void a_socket_that_is_not_there_is_unavailable(void **state)
{
    struct fixture *f = *state;
    MU_AUTO(http_client) struct mu_http_client *client = NULL;

    assert_int_equal(
            mu_http_client_new(&(struct mu_http_client_config){.unix_socket = "/nonexistent/s"},
                               &client, &f->err),
            MU_OK);
    assert_int_equal(mu_http_fetch(client,
                                   &(struct mu_http_request){.method = "GET", .url = f->url},
                                   &f->body, &f->response, &f->err),
                     MU_E_UNAVAILABLE);
    assert_int_equal(f->response.status, -7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            CASE(a_body_and_the_headers_we_use_are_returned),
            CASE(a_socket_is_asked_whatever_host_the_url_names),
            CASE(a_socket_that_is_not_there_is_unavailable),
            CASE(a_chunked_body_is_joined),
            CASE(two_requests_share_one_connection),
            CASE(a_put_sends_its_body_headers_and_authorization),
            CASE(a_post_without_a_type_claims_none),
            CASE(a_head_request_returns_the_length_of_a_body_it_does_not_read),
            CASE(a_torn_body_is_unavailable_and_leaves_the_response_untouched),
            CASE(a_torn_chunk_is_unavailable),
            CASE(a_claimed_length_over_the_limit_is_refused_before_the_body),
            CASE(an_unannounced_body_over_the_limit_is_cut_off),
            CASE(an_endless_head_is_refused),
            CASE(what_the_body_callback_returns_ends_the_request),
            CASE(an_error_answer_keeps_the_head_of_its_body_and_its_hints),
            CASE(an_error_body_larger_than_we_keep_is_cut),
            cmocka_unit_test(each_answer_has_the_status_to_act_on),
            CASE(a_redirect_within_the_origin_keeps_authorization),
            CASE(a_redirect_to_another_port_loses_credentials_for_good),
            CASE(a_redirect_to_another_host_name_loses_authorization),
            CASE(a_redirect_to_a_private_host_is_refused_where_it_must_be_public),
            CASE(a_redirect_to_another_port_of_the_host_needs_no_public_address),
            CASE(a_private_host_on_the_word_of_a_public_one_is_refused),
            CASE(a_proxy_of_the_environment_is_used),
            CASE(the_head_can_be_refused_before_the_body),
            CASE(a_303_after_a_post_becomes_a_get_without_body),
            CASE(a_307_after_a_put_sends_the_body_again),
            CASE(a_redirect_loop_ends_after_five),
            CASE(a_redirect_to_a_file_is_refused),
            CASE(a_redirect_with_a_user_name_is_refused),
            CASE(a_redirect_status_without_location_is_an_answer),
            CASE(only_http_and_https_are_spoken),
            CASE(a_line_break_in_a_credential_never_leaves),
            CASE(a_peer_that_says_nothing_hits_the_deadline),
            CASE(redirects_share_one_deadline),
            CASE(a_closed_port_is_unavailable),
            CASE(tls_to_a_plain_port_is_unavailable),
            CASE(a_stop_aborts_the_transfer),
    };

    (void)unsetenv("http_proxy"); /* the peers are here */
    (void)unsetenv("all_proxy");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
