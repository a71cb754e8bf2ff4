/* Roles by client certificate, over TLS. */
#include "api_world.h"

#include "http/http_client.h"
#include "key_fixture.h"

enum { PATH_SIZE = 96 };

static EVP_PKEY *ca_key, *server_key, *client_key;
static char paths[4][PATH_SIZE]; /* server's certificate, its key, client CA, access file */
static struct mu_buf ca_pem, key_pem;

static void certificate(const struct test_certificate *wanted, struct mu_buf *out)
{
    mu_buf_init(out, TEST_TEXT_MAX);
    test_certificate_pem(wanted, out);
}

static void write_files(void)
{
    static const char access[] = "subject scanner CN=scanner-*\n"
                                 "subject viewer,assessor CN=ann,O=example\n"
                                 "token bob operator 0123456789abcdef\n";
    struct mu_buf pem;

    for (size_t i = 0; i < 4; i++)
        (void)snprintf(paths[i], PATH_SIZE, "/tmp/test_api_tls.%d.%zu", (int)getpid(), i);
    certificate(&(struct test_certificate){.key = server_key,
                                           .issuer_key = ca_key,
                                           .issuer = "test CA",
                                           .name = "server",
                                           .alternative = "IP:127.0.0.1"},
                &pem);
    key_file_write(paths[0], pem.data, pem.len);
    mu_buf_reset(&pem);
    test_key_pem(server_key, &pem);
    key_file_write(paths[1], pem.data, pem.len);
    mu_buf_done(&pem);
    certificate(&(struct test_certificate){.key = ca_key, .name = "test CA", .ca = true}, &ca_pem);
    key_file_write(paths[2], ca_pem.data, ca_pem.len);
    key_file_write(paths[3], access, strlen(access));
    mu_buf_init(&key_pem, TEST_TEXT_MAX);
    test_key_pem(client_key, &key_pem);
}

static int open_tls(void **state)
{
    (void)state;
    ca_key = test_rsa_key(2048);
    server_key = test_p256_key();
    client_key = test_p256_key();
    write_files();
    world_open(&w);
    tls_cert_file = paths[0];
    tls_key_file = paths[1];
    tls_client_ca_file = paths[2];
    start_with(w.conninfo,
               &(struct access_config){
                       .mode = "required", .access_file = paths[3], .certificates = true},
               0);
    return 0;
}

static int close_tls(void **state)
{
    for (size_t i = 0; i < 4; i++)
        (void)unlink(paths[i]);
    mu_buf_done(&ca_pem);
    mu_buf_done(&key_pem);
    EVP_PKEY_free(ca_key);
    EVP_PKEY_free(server_key);
    EVP_PKEY_free(client_key);
    return close_api(state);
}

/* The status for who shows a certificate with this name; NULL: none. `signer` NULL: himself. */
static int get_as(const char *name, const char *organisation, EVP_PKEY *signer, const char *token,
                  const char *target)
{
    MU_AUTO(http_client) struct mu_http_client *client = NULL;
    MU_AUTO_DONE(mu_buf_done) struct mu_buf pem;
    MU_AUTO_DONE(mu_buf_done) struct mu_buf body;
    struct mu_http_client_config config = {
            .user_agent = "test", .deadline_ms = DEADLINE_MS, .ca_pem = ca_pem.data};
    struct mu_http_response response = {0};
    struct mu_http_request request = {.method = "GET", .authorization = token};
    char url[128];
    struct mu_error err;

    mu_buf_init(&body, REPLY_SIZE);
    certificate(&(struct test_certificate){.key = client_key,
                                           .issuer_key = signer ? signer : client_key,
                                           .issuer = "test CA",
                                           .organisation = organisation,
                                           .name = name ? name : "nobody"},
                &pem);
    if (name) {
        config.client_cert_pem = pem.data;
        config.client_key_pem = key_pem.data;
    }
    (void)snprintf(url, sizeof(url), "https://127.0.0.1:%u%s", api_port(api), target);
    request.url = url;
    if (mu_http_client_new(&config, &client, &err) != MU_OK ||
        mu_http_fetch(client, &request, &body, &response, &err) != MU_OK)
        fail_msg("%s", err.message);
    return response.status;
}

static void a_certificate_has_the_roles_of_its_subject(void **state)
{
    (void)state;
    assert_int_equal(get_as("ann", "example", ca_key, NULL, "/v1/assets"), 200);
    assert_int_equal(get_as("ann", "example", ca_key, NULL, "/v1/ledger"), 200);
    assert_int_equal(get_as("scanner-7", NULL, ca_key, NULL, "/v1/assets"), 403);
    assert_int_equal(get_as("scanner-7", NULL, ca_key, NULL, "/v1/evidence/x"), 400);
    assert_int_equal(get_as("ann", "other", ca_key, NULL, "/v1/assets"), 403);
}

static void a_certificate_that_nobody_vouches_for_is_none(void **state)
{
    (void)state;
    assert_int_equal(get_as("ann", "example", NULL, NULL, "/v1/assets"), 401);
    assert_int_equal(get_as(NULL, NULL, NULL, NULL, "/v1/assets"), 401);
    assert_int_equal(get_as(NULL, NULL, NULL, NULL, "/healthz"), 200);
}

static void a_token_goes_before_a_certificate(void **state)
{
    (void)state;
    assert_int_equal(get_as("scanner-7", NULL, ca_key, "Bearer 0123456789abcdef", "/v1/assets"),
                     200);
    assert_int_equal(get_as("ann", "example", ca_key, "Bearer wrong", "/v1/assets"), 401);
}

#define TLS_TEST(name) cmocka_unit_test_setup_teardown(name, open_tls, close_tls)

int main(void)
{
    const struct CMUnitTest tests[] = {
            TLS_TEST(a_certificate_has_the_roles_of_its_subject),
            TLS_TEST(a_certificate_that_nobody_vouches_for_is_none),
            TLS_TEST(a_token_goes_before_a_certificate),
    };

    return pg_server_group(&world_server, tests);
}
