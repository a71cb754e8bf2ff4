#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http/http_client.h"
#include "http_peer.h"
#include "result/evidence_client.h"

struct fixture {
    struct http_peer peer;
    struct mu_http_client *client;
    struct evidence_target target;
    struct raw_file file;
    char url[64];
    struct mu_error err;
};

static int set_up(void **state)
{
    const struct mu_http_client_config config = {.user_agent = "test", .deadline_ms = 10000};
    struct fixture *f = calloc(1, sizeof(*f));
    FILE *file = tmpfile();

    assert_non_null(file);
    assert_int_equal(fputs("{}\n", file) >= 0, 1);
    (void)fflush(file);
    f->file.fd = dup(fileno(file));
    (void)fclose(file);
    f->file.size_bytes = 3;
    mu_sha256_text("{}\n", 3, f->file.digest);
    assert_int_equal(mu_http_client_new(&config, &f->client, &f->err), MU_OK);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    mu_http_client_free(f->client);
    (void)close(f->file.fd);
    free(f);
    return 0;
}

static enum mu_status put(struct fixture *f, const char *reply, const char *path)
{
    enum mu_status st;

    f->peer.replies[0].bytes = reply;
    http_peer_start(&f->peer);
    (void)snprintf(f->url, sizeof(f->url), "http://127.0.0.1:%d%s", f->peer.port, path);
    f->target.inventory_url = f->url;
    st = evidence_put(f->client, &f->target, &f->file, &f->err);
    http_peer_stop(&f->peer);
    return st;
}

static void the_bytes_go_under_their_digest(void **state)
{
    struct fixture *f = *state;
    char line[128];

    assert_int_equal(put(f, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "/base//"), MU_OK);
    (void)snprintf(line, sizeof(line), "PUT /base/v1/evidence/%s HTTP/1.1\r\n", f->file.digest);
    assert_memory_equal(f->peer.requests[0], line, strlen(line));
    assert_string_equal(strstr(f->peer.requests[0], "\r\n\r\n") + 4, "{}\n");
    assert_null(strcasestr(f->peer.requests[0], "Authorization"));
}

static void answers_say_what_to_do_next(void **state)
{
    static const struct {
        const char *reply;
        enum mu_status status;
    } rows[] = {{"HTTP/1.1 413 Large\r\nContent-Length: 0\r\n\r\n", MU_E_LIMIT},
                {"HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n", MU_E_DENIED},
                {"HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n", MU_E_NOT_FOUND},
                {"HTTP/1.1 400 No\r\nContent-Length: 0\r\n\r\n", MU_E_INVALID},
                {"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n", MU_E_UNAVAILABLE}};

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        void *own = NULL;

        (void)set_up(&own);
        assert_int_equal(put(own, rows[i].reply, ""), rows[i].status);
        assert_int_equal(((struct fixture *)own)->err.status, rows[i].status);
        (void)tear_down(&own);
    }
}

static void a_target_that_cannot_be_one_is_named(void **state)
{
    struct fixture *f = *state;
    static char token[5000];

    f->target.inventory_url = "inventory:8080";
    assert_int_equal(evidence_target_check(&f->target, &f->err), MU_E_INVALID);
    assert_non_null(strstr(f->err.message, "--inventory-url 'inventory:8080'"));
    f->target.inventory_url = "https://inventory:8080/";
    assert_int_equal(evidence_target_check(&f->target, &f->err), MU_OK);
    memset(token, 't', sizeof(token) - 1);
    f->target.token = token;
    assert_int_equal(evidence_target_check(&f->target, &f->err), MU_E_INVALID);
    assert_non_null(strstr(f->err.message, "evidence-token"));
    assert_null(strstr(f->err.message, "ttt"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
            TEST(the_bytes_go_under_their_digest),
            cmocka_unit_test(answers_say_what_to_do_next),
            TEST(a_target_that_cannot_be_one_is_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
