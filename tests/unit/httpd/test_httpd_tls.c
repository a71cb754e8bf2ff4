#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http/http_client.h"
#include "httpd/httpd.h"
#include "raw_client.h"
#include "test_keys.h"

#include "base/file.h"

#include <sys/stat.h>

enum { PATH_SIZE = 128, PATHS = 32 };

static struct {
    EVP_PKEY *ca, *server, *client;
    char folder[64];
} fixture;

static const char *path_of(const char *name)
{
    static char paths[PATHS][PATH_SIZE];
    static int next;

    next = (next + 1) % PATHS;
    (void)snprintf(paths[next], PATH_SIZE, "%s/%s", fixture.folder, name);
    return paths[next];
}

static void write_certificate(const char *name, const struct test_certificate *certificate)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf pem;
    struct mu_error err;

    mu_buf_init(&pem, TEST_TEXT_MAX);
    test_certificate_pem(certificate, &pem);
    assert_int_equal(mu_file_write_atomic(path_of(name), pem.data, pem.len, &err), MU_OK);
}

static void write_key(const char *name, EVP_PKEY *key)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf pem;
    struct mu_error err;

    mu_buf_init(&pem, TEST_TEXT_MAX);
    test_key_pem(key, &pem);
    assert_int_equal(mu_file_write_atomic(path_of(name), pem.data, pem.len, &err), MU_OK);
}

static int group_setup(void **state)
{
    struct test_certificate client = {
            .issuer = "test CA", .organisation = "example, inc", .name = "apiserver"};

    (void)state;
    (void)snprintf(fixture.folder, sizeof(fixture.folder), "/tmp/test_httpd_tls.%d", (int)getpid());
    assert_int_equal(mkdir(fixture.folder, 0700), 0);
    fixture.ca = test_rsa_key(2048);
    fixture.server = test_p256_key();
    fixture.client = test_p256_key();
    write_key("server.key", fixture.server);
    write_key("client.key", fixture.client);
    write_certificate("ca.pem",
                      &(struct test_certificate){.key = fixture.ca, .name = "test CA", .ca = true});
    write_certificate("server.pem", &(struct test_certificate){.key = fixture.server,
                                                               .issuer_key = fixture.ca,
                                                               .issuer = "test CA",
                                                               .name = "server",
                                                               .alternative = "IP:127.0.0.1"});
    client.key = fixture.client;
    client.issuer_key = fixture.ca;
    write_certificate("client.pem", &client);
    client.issuer_key = fixture.client;
    write_certificate("stranger.pem", &client);
    client.issuer_key = fixture.ca;
    client.from_s = -7200, client.until_s = -3600;
    write_certificate("expired.pem", &client);
    return 0;
}

static int group_teardown(void **state)
{
    static const char *const names[] = {"ca.pem",     "server.pem",   "server.key",  "client.key",
                                        "client.pem", "stranger.pem", "expired.pem", "live.pem",
                                        "live.key",   "other.pem"};

    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        (void)unlink(path_of(names[i]));
    (void)rmdir(fixture.folder);
    EVP_PKEY_free(fixture.ca);
    EVP_PKEY_free(fixture.server);
    EVP_PKEY_free(fixture.client);
    return 0;
}

static void say_subject(void *opaque, struct mu_request *request)
{
    const char *subject = mu_request_client_subject(request);

    (void)opaque;
    subject = subject ? subject : "nobody";
    mu_httpd_reply(request, 200, "text/plain", subject, strlen(subject), NULL);
}

static enum mu_status start(const char *cert, const char *key, const char *client_ca,
                            struct mu_httpd **ret_server, struct mu_error *err)
{
    static const struct mu_route routes[] = {{"GET", "/who", say_subject, NULL, 0},
                                             {"POST", "/who", say_subject, NULL, 1 << 20}};
    const struct mu_httpd_config config = {.listen = "127.0.0.1:0",
                                           .routes = routes,
                                           .route_count = 2,
                                           .tls_cert_file = cert,
                                           .tls_key_file = key,
                                           .tls_client_ca_file = client_ca};

    return mu_httpd_start(&config, ret_server, err);
}

/* What GET /who says to a client with a certificate, or none. */
static void ask(const struct mu_httpd *server, const char *cert, struct mu_buf *answer)
{
    const struct mu_http_client_config config = {.user_agent = "test",
                                                 .ca_file = path_of("ca.pem"),
                                                 .client_cert_file = cert ? path_of(cert) : NULL,
                                                 .client_key_file =
                                                         cert ? path_of("client.key") : NULL};
    MU_AUTO(http_client) struct mu_http_client *client = NULL;
    struct mu_http_response response;
    char url[64];
    const struct mu_http_request request = {.method = "GET", .url = url};
    struct mu_error err;

    (void)snprintf(url, sizeof(url), "https://127.0.0.1:%u/who", mu_httpd_port(server));
    assert_int_equal(mu_http_client_new(&config, &client, &err), MU_OK);
    for (int i = 0; i < 2; i++) /* on one connection */
        if (mu_http_fetch(client, &request, answer, &response, &err) != MU_OK)
            fail_msg("%s", err.message);
}

static void a_client_is_who_its_ca_says_and_nobody_otherwise(void **state)
{
    static const struct {
        const char *cert, *subject;
    } cases[] = {{NULL, "nobody"},
                 {"client.pem", "CN=apiserver,O=example\\, inc"},
                 {"stranger.pem", "nobody"},
                 {"expired.pem", "nobody"}};
    struct mu_httpd *server = NULL;
    struct mu_error err;

    (void)state;
    if (start(path_of("server.pem"), path_of("server.key"), path_of("ca.pem"), &server, &err) !=
        MU_OK)
        fail_msg("%s", err.message);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        MU_AUTO_DONE(mu_buf_done) struct mu_buf answer;

        mu_buf_init(&answer, 4096);
        ask(server, cases[i].cert, &answer);
        assert_string_equal(answer.data, cases[i].subject);
    }
    mu_httpd_stop(server, 1000);
}

static void without_a_client_ca_a_certificate_says_nothing(void **state)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf answer;
    struct mu_httpd *server = NULL;
    struct mu_error err;

    (void)state;
    assert_int_equal(start(path_of("server.pem"), path_of("server.key"), NULL, &server, &err),
                     MU_OK);
    mu_buf_init(&answer, 4096);
    ask(server, "client.pem", &answer);
    assert_string_equal(answer.data, "nobody");
    mu_httpd_stop(server, 1000);
}

static void plain_http_gets_no_answer_on_a_port_of_https(void **state)
{
    static const char request[] = "GET /who HTTP/1.1\r\nHost: h\r\n\r\n";
    struct mu_httpd *server = NULL;
    char answer[RAW_ANSWER_SIZE];
    struct mu_error err;
    int fd;

    (void)state;
    assert_int_equal(start(path_of("server.pem"), path_of("server.key"), NULL, &server, &err),
                     MU_OK);
    fd = raw_connect(mu_httpd_port(server));
    raw_send(fd, request, strlen(request));
    raw_read_answer(fd, answer);
    assert_null(strstr(answer, "HTTP/"));
    (void)close(fd);
    mu_httpd_stop(server, 1000);
}

static void files_that_do_not_fit_stop_the_start(void **state)
{
    const struct {
        const char *cert, *key, *client_ca;
        enum mu_status status;
        const char *says;
    } cases[] = {
            {path_of("server.pem"), NULL, NULL, MU_E_INVALID, "both"},
            {NULL, path_of("server.key"), NULL, MU_E_INVALID, "both"},
            {NULL, NULL, path_of("ca.pem"), MU_E_INVALID, "both"},
            {path_of("none.pem"), path_of("server.key"), NULL, MU_E_NOT_FOUND, "none.pem"},
            {path_of("server.key"), path_of("server.key"), NULL, MU_E_INVALID, "server.key"},
            {path_of("server.pem"), path_of("client.key"), NULL, MU_E_INVALID, "server.pem"},
            {path_of("server.pem"), path_of("server.key"), path_of("server.key"), MU_E_INVALID,
             "client CA"},
            {"/dev/zero", path_of("server.key"), NULL, MU_E_LIMIT, ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct mu_httpd *server = NULL;
        struct mu_error err;

        assert_int_equal(start(cases[i].cert, cases[i].key, cases[i].client_ca, &server, &err),
                         cases[i].status);
        if (!strstr(err.message, cases[i].says))
            fail_msg("%s", err.message);
        assert_null(server);
    }
}

/* ---- another certificate while it runs ---- */

static enum mu_status fetch(const struct mu_httpd *server, struct mu_http_client *client)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf answer;
    struct mu_http_response response;
    char url[64];
    const struct mu_http_request request = {.method = "GET", .url = url};
    struct mu_error err;

    mu_buf_init(&answer, 4096);
    (void)snprintf(url, sizeof(url), "https://127.0.0.1:%u/who", mu_httpd_port(server));
    return mu_http_fetch(client, &request, &answer, &response, &err);
}

static struct mu_http_client *client_that_trusts(const char *ca)
{
    const struct mu_http_client_config config = {.user_agent = "test", .ca_file = path_of(ca)};
    struct mu_http_client *client = NULL;
    struct mu_error err;

    assert_int_equal(mu_http_client_new(&config, &client, &err), MU_OK);
    return client;
}

static void assert_shown(const struct mu_httpd *server, const char *trusted, const char *stranger)
{
    MU_AUTO(http_client) struct mu_http_client *first = client_that_trusts(trusted);
    MU_AUTO(http_client) struct mu_http_client *second = client_that_trusts(stranger);

    assert_int_equal(fetch(server, first), MU_OK);
    assert_int_not_equal(fetch(server, second), MU_OK);
}

/* The files that the server reads. */
static void write_live(EVP_PKEY *ca, const char *ca_name, EVP_PKEY *key)
{
    write_certificate("live.pem", &(struct test_certificate){.key = fixture.server,
                                                             .issuer_key = ca,
                                                             .issuer = ca_name,
                                                             .name = "server",
                                                             .alternative = "IP:127.0.0.1"});
    write_key("live.key", key);
}

static void new_connections_get_the_certificate_that_was_read_again(void **state)
{
    MU_AUTO(http_client) struct mu_http_client *old = client_that_trusts("ca.pem");
    char cert[PATH_SIZE], key[PATH_SIZE];
    struct mu_httpd *server = NULL;
    struct mu_error err;

    (void)state;
    (void)snprintf(cert, sizeof(cert), "%s", path_of("live.pem"));
    (void)snprintf(key, sizeof(key), "%s", path_of("live.key"));
    write_certificate("other.pem", &(struct test_certificate){
                                           .key = fixture.client, .name = "other", .ca = true});
    write_live(fixture.ca, "test CA", fixture.server);
    assert_int_equal(start(cert, key, NULL, &server, &err), MU_OK);
    assert_shown(server, "ca.pem", "other.pem");
    assert_int_equal(fetch(server, old), MU_OK);

    write_live(fixture.client, "other", fixture.server);
    assert_shown(server, "ca.pem", "other.pem");
    assert_int_equal(mu_httpd_reload_tls(server, &err), MU_OK);
    assert_shown(server, "other.pem", "ca.pem");
    assert_int_equal(fetch(server, old), MU_OK); /* its connection goes on */

    write_live(fixture.ca, "test CA", fixture.client);
    assert_int_equal(mu_httpd_reload_tls(server, &err), MU_E_INVALID);
    assert_shown(server, "other.pem", "ca.pem");
    mu_httpd_stop(server, 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(a_client_is_who_its_ca_says_and_nobody_otherwise),
            cmocka_unit_test(without_a_client_ca_a_certificate_says_nothing),
            cmocka_unit_test(plain_http_gets_no_answer_on_a_port_of_https),
            cmocka_unit_test(files_that_do_not_fit_stop_the_start),
            cmocka_unit_test(new_connections_get_the_certificate_that_was_read_again),
    };

    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
