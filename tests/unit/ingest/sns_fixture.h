/*
 * sns_fixture: a little SNS: a TLS server that is https://sns.us-east-1.amazonaws.com for whoever
 * goes by its proxy and trusts its CA, with the certificates of two signing keys (one expired), and
 * messages signed by them. Include after cmocka.h.
 */
#ifndef MU_TEST_SNS_FIXTURE_H
#define MU_TEST_SNS_FIXTURE_H

#include "connect_proxy.h"
#include "key_fixture.h"

#include "httpd/httpd.h"

#include <stdatomic.h>
#include <sys/stat.h>

#define SNS_HOST        "https://sns.us-east-1.amazonaws.com/"
#define SNS_CERTIFICATE SNS_HOST "SimpleNotificationService-1.pem"
#define SNS_EXPIRED     SNS_HOST "SimpleNotificationService-0.pem"
#define SNS_VISIT       SNS_HOST "?Action=ConfirmSubscription&Token=t0ken"

struct sns_fixture {
    EVP_PKEY *ca, *server_key, *key;
    char folder[64];                                        /* ca.pem, server.pem, server.key */
    char ca_file[96], server_file[96], server_key_file[96]; /* of it */
    struct mu_buf certificate, expired;
    struct mu_httpd *server;
    struct connect_proxy proxy;
    atomic_int visits;
};

static inline void sns_say(struct mu_request *request, const struct mu_buf *body)
{
    mu_httpd_reply(request, 200, "application/x-pem-file", body->data, body->len, NULL);
}

static inline void sns_get_certificate(void *opaque, struct mu_request *request)
{
    sns_say(request, &((struct sns_fixture *)opaque)->certificate);
}

static inline void sns_get_expired(void *opaque, struct mu_request *request)
{
    sns_say(request, &((struct sns_fixture *)opaque)->expired);
}

static inline void sns_get_root(void *opaque, struct mu_request *request)
{
    const char *action = mu_request_query(request, "Action");
    const char *token = mu_request_query(request, "Token");

    if (action && token && strcmp(action, "ConfirmSubscription") == 0 &&
        strcmp(token, "t0ken") == 0)
        atomic_fetch_add(&((struct sns_fixture *)opaque)->visits, 1);
    mu_httpd_reply(request, 200, "text/xml", "<ok/>", 5, NULL);
}

static inline void sns_write(const struct mu_buf *text, const char *folder, const char *name,
                             char ret_path[96])
{
    (void)snprintf(ret_path, 96, "%s/%s", folder, name);
    key_file_write(ret_path, text->data, text->len);
}

static inline void sns_make_files(struct sns_fixture *sns)
{
    const struct test_certificate ca = {.key = sns->ca, .name = "test CA", .ca = true};
    const struct test_certificate server = {.key = sns->server_key,
                                            .issuer_key = sns->ca,
                                            .issuer = "test CA",
                                            .name = "server",
                                            .alternative =
                                                    "DNS:sns.us-east-1.amazonaws.com,IP:127.0.0.1"};
    MU_AUTO_DONE(mu_buf_done) struct mu_buf text;

    mu_buf_init(&text, TEST_TEXT_MAX);
    test_certificate_pem(&ca, &text);
    sns_write(&text, sns->folder, "ca.pem", sns->ca_file);
    mu_buf_reset(&text);
    test_certificate_pem(&server, &text);
    sns_write(&text, sns->folder, "server.pem", sns->server_file);
    mu_buf_reset(&text);
    test_key_pem(sns->server_key, &text);
    sns_write(&text, sns->folder, "server.key", sns->server_key_file);
}

static inline void sns_start(struct sns_fixture *sns)
{
    static const struct mu_route routes[] = {
            {"GET", "/SimpleNotificationService-1.pem", sns_get_certificate, NULL, 0},
            {"GET", "/SimpleNotificationService-0.pem", sns_get_expired, NULL, 0},
            {"GET", "/", sns_get_root, NULL, 0},
    };
    struct mu_httpd_config config = {.listen = "127.0.0.1:0",
                                     .routes = routes,
                                     .route_count = 3,
                                     .opaque = sns,
                                     .tls_cert_file = sns->server_file,
                                     .tls_key_file = sns->server_key_file};
    struct mu_error err;
    char url[64];

    sns->ca = test_rsa_key(2048);
    sns->server_key = test_p256_key();
    sns->key = test_rsa_key(2048);
    (void)snprintf(sns->folder, sizeof(sns->folder), "/tmp/sns_fixture.%d", (int)getpid());
    (void)mkdir(sns->folder, 0700);
    sns_make_files(sns);
    mu_buf_init(&sns->certificate, TEST_TEXT_MAX);
    mu_buf_init(&sns->expired, TEST_TEXT_MAX);
    test_certificate_pem(&(struct test_certificate){.key = sns->key, .name = "sns.amazonaws.com"},
                         &sns->certificate);
    test_certificate_pem(&(struct test_certificate){.key = sns->key,
                                                    .name = "sns.amazonaws.com",
                                                    .from_s = -7200,
                                                    .until_s = -3600},
                         &sns->expired);
    if (mu_httpd_start(&config, &sns->server, &err) != MU_OK)
        fail_msg("%s", err.message);
    connect_proxy_start(&sns->proxy, mu_httpd_port(sns->server));
    (void)snprintf(url, sizeof(url), "http://127.0.0.1:%u", sns->proxy.port);
    assert_int_equal(setenv("https_proxy", url, 1), 0);
    assert_int_equal(setenv("no_proxy", "127.0.0.1", 1), 0);
}

static inline void sns_stop(struct sns_fixture *sns)
{
    connect_proxy_stop(&sns->proxy);
    mu_httpd_stop(sns->server, 1000);
    (void)unlink(sns->ca_file);
    (void)unlink(sns->server_file);
    (void)unlink(sns->server_key_file);
    (void)rmdir(sns->folder);
    mu_buf_done(&sns->certificate);
    mu_buf_done(&sns->expired);
    EVP_PKEY_free(sns->ca);
    EVP_PKEY_free(sns->server_key);
    EVP_PKEY_free(sns->key);
}

/* ---- messages ---- */

struct sns_message {
    const char *type, *topic, *message, *subject; /* subject: NULL when there is none */
    const char *version, *certificate_url;
    const char *visit;        /* SubscribeURL; NULL: a notification */
    const char *signed_topic; /* NULL: `topic` */
};

static inline void sns_member(struct mu_buf *out, const char *name, const char *value)
{
    if (value)
        mu_buf_printf(out, "%s\n%s\n", name, value);
}

/* "Verifying the signatures of Amazon SNS messages": the members in this order. */
static inline void sns_signed_text(const struct sns_message *message, struct mu_buf *out)
{
    sns_member(out, "Message", message->message);
    sns_member(out, "MessageId", "11111111-2222-3333-4444-555555555555");
    sns_member(out, "Subject", message->visit ? NULL : message->subject);
    sns_member(out, "SubscribeURL", message->visit);
    sns_member(out, "Timestamp", "2026-11-24T10:00:00.000Z");
    sns_member(out, "Token", message->visit ? "t0ken" : NULL);
    sns_member(out, "TopicArn", message->signed_topic ? message->signed_topic : message->topic);
    sns_member(out, "Type", message->type);
}

static inline void sns_json_member(struct mu_buf *out, const char *name, const char *value)
{
    if (!value)
        return;
    mu_buf_printf(out, "%s\"%s\":", out->len > 1 ? "," : "", name);
    mu_text_to_json(value, strlen(value), out);
}

static inline void sns_make(EVP_PKEY *key, const struct sns_message *message, struct mu_buf *out)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf text;
    MU_AUTO_DONE(mu_buf_done) struct mu_buf signature;
    MU_AUTO_DONE(mu_buf_done) struct mu_buf base64;

    mu_buf_init(&text, TEST_TEXT_MAX);
    mu_buf_init(&signature, 1024);
    mu_buf_init(&base64, 4096);
    sns_signed_text(message, &text);
    test_sign(key, strcmp(message->version, "1") == 0 ? EVP_sha1() : EVP_sha256(), text.data,
              text.len, &signature);
    mu_base64_encode(signature.data, signature.len, &base64);
    mu_buf_puts(out, "{");
    sns_json_member(out, "Type", message->type);
    sns_json_member(out, "MessageId", "11111111-2222-3333-4444-555555555555");
    sns_json_member(out, "Token", message->visit ? "t0ken" : NULL);
    sns_json_member(out, "TopicArn", message->topic);
    sns_json_member(out, "Subject", message->subject);
    sns_json_member(out, "Message", message->message);
    sns_json_member(out, "SubscribeURL", message->visit);
    sns_json_member(out, "Timestamp", "2026-11-24T10:00:00.000Z");
    sns_json_member(out, "SignatureVersion", message->version);
    sns_json_member(out, "Signature", base64.data);
    sns_json_member(out, "SigningCertURL", message->certificate_url);
    mu_buf_puts(out, "}");
}

#endif
