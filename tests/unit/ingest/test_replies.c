/* What senders are told that want to read more than 202, and who may send after a handshake. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "delivery_fixture.h"
#include "raw_client.h"

#include "auth/auth.h"
#include "receiver/receiver.h"

#include "http/http_client.h"

#define REVIEW                                                                                  \
    "{\"apiVersion\":\"admission.k8s.io/v1beta1\",\"kind\":\"AdmissionReview\",\"request\":{"   \
    "\"uid\":\"u-1\",\"kind\":{\"kind\":\"Pod\"},\"operation\":\"CREATE\",\"namespace\":\"n\"," \
    "\"object\":{\"metadata\":{\"name\":\"p\"},\"spec\":{\"containers\":[{\"name\":\"c\","      \
    "\"image\":\"registry.example/app:v1\"}]}}}}"

static struct delivery_fixture fixture;
static struct auth_rule rules[] = {{.kind = SOURCE_AUTH_URL, .secret = "s", .parameter = "secret"}};
static struct source_config sources[4];
static struct ingest_config config = {.sources = sources, .source_count = 4};
static struct receiver *receiver;

static int group_setup(void **state)
{
    struct receiver_config receiver_config = {
            .listen = "127.0.0.1:0", .max_body_bytes = 1 << 20, .sources = &config};

    (void)state;
    sources[0] = (struct source_config){.name = "acr",
                                        .kind = source_kind_find("acr"),
                                        .path = "/acr",
                                        .rules = rules,
                                        .rule_count = 1,
                                        .origins = {"eventgrid.azure.net"},
                                        .origin_count = 1};
    sources[1] =
            (struct source_config){.name = "eks", .kind = source_kind_find("eks"), .path = "/eks"};
    sources[2] = (struct source_config){.name = "admission",
                                        .kind = source_kind_find("kubernetes-admission"),
                                        .cluster = "c",
                                        .path = "/admission"};
    sources[3] = (struct source_config){
            .name = "events", .kind = source_kind_find("cloudevents"), .path = "/events"};
    delivery_group_setup(&fixture);
    delivery_setup(&fixture);
    receiver_config.delivery = fixture.delivery;
    receiver_config.producer = fixture.producer;
    receiver_config.spool = fixture.spool;
    if (receiver_start(&receiver_config, &receiver, &fixture.err) != MU_OK)
        fail_msg("%s", fixture.err.message);
    return 0;
}

static int group_teardown(void **state)
{
    (void)state;
    receiver_stop(receiver);
    delivery_teardown(&fixture);
    delivery_group_teardown(&fixture);
    return 0;
}

static int post(const char *path, const char *body, struct mu_buf *answer)
{
    const struct mu_http_client_config client_config = {.user_agent = "test"};
    MU_AUTO(http_client) struct mu_http_client *client = NULL;
    const char *const headers[] = {"Content-Type: application/json", NULL};
    struct mu_http_response response;
    char url[256];
    const struct mu_http_request request = {.method = "POST",
                                            .url = url,
                                            .headers = headers,
                                            .body = body,
                                            .body_len = strlen(body)};

    (void)snprintf(url, sizeof(url), "http://127.0.0.1:%u%s", receiver_port(receiver), path);
    assert_int_equal(mu_http_client_new(&client_config, &client, &fixture.err), MU_OK);
    if (mu_http_fetch(client, &request, answer, &response, &fixture.err) != MU_OK)
        fail_msg("%s", fixture.err.message);
    if (response.status == 200)
        assert_string_equal(response.content_type, "application/json");
    return response.status;
}

struct exchange {
    const char *path, *body;
    int status;
    const char *answer;
};

static void check_exchanges(const struct exchange *exchanges, size_t count)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf answer;

    mu_buf_init(&answer, 1 << 20);
    for (size_t i = 0; i < count; i++) {
        int status = post(exchanges[i].path, exchanges[i].body, &answer);

        if (status != exchanges[i].status ||
            (status / 100 == 2 && strcmp(answer.data, exchanges[i].answer) != 0))
            fail_msg("%s: %d '%s'", exchanges[i].body, status, answer.data);
    }
}

#define VALIDATION(data)                                                                \
    "[{\"id\":\"1\",\"eventType\":\"Microsoft.EventGrid.SubscriptionValidationEvent\"," \
    "\"eventTime\":\"2026-11-24T10:00:00Z\",\"data\":" data "}]"

static void event_grid_reads_its_code_back_once_it_has_the_secret(void **state)
{
    static const struct exchange exchanges[] = {
            {"/acr?secret=s", VALIDATION("{\"validationCode\":\"c-1\"}"), 200,
             "{\"validationResponse\":\"c-1\"}"},
            {"/acr?secret=s", VALIDATION("{\"validationCode\":\"\\\"<b>\"}"), 200,
             "{\"validationResponse\":\"\\\"<b>\"}"},
            {"/acr", VALIDATION("{\"validationCode\":\"c-1\"}"), 401, ""},
            {"/acr?secret=t", VALIDATION("{\"validationCode\":\"c-1\"}"), 401, ""},
            {"/acr?secret=s", VALIDATION("{\"validationUrl\":\"http://127.0.0.1:1/\"}"), 202, ""},
            {"/acr?secret=s",
             "{\"action\":\"ping\",\"id\":\"7\",\"timestamp\":"
             "\"2026-11-24T10:00:00Z\"}",
             202, ""},
    };

    (void)state;
    check_exchanges(exchanges, sizeof(exchanges) / sizeof(exchanges[0]));
}

static void firehose_reads_its_request_id_and_a_time(void **state)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf answer;
    static const char head[] = "{\"requestId\":\"r-1\",\"timestamp\":";
    static const struct exchange others[] = {{"/eks", "{\"records\":[]}", 202, ""},
                                             {"/eks", "{torn", 202, ""}};
    char *end;

    (void)state;
    mu_buf_init(&answer, 1 << 20);
    assert_int_equal(
            post("/eks", "{\"requestId\":\"r-1\",\"timestamp\":1,\"records\":[]}", &answer), 200);
    assert_memory_equal(answer.data, head, strlen(head));
    assert_true(strtoll(answer.data + strlen(head), &end, 10) > 1600000000000); /* milliseconds */
    assert_string_equal(end, "}");
    check_exchanges(others, 2);
}

static void a_review_is_allowed_also_when_it_is_not_understood(void **state)
{
    static const struct exchange exchanges[] = {
            {"/admission?timeout=10s", REVIEW, 200,
             "{\"apiVersion\":\"admission.k8s.io/v1beta1\",\"kind\":\"AdmissionReview\","
             "\"response\":{\"allowed\":true,\"uid\":\"u-1\"}}"},
            {"/admission", "{\"apiVersion\":\"admission.k8s.io/v1\",\"request\":{\"uid\":\"u-2\"}}",
             200,
             "{\"apiVersion\":\"admission.k8s.io/v1\",\"kind\":\"AdmissionReview\","
             "\"response\":{\"allowed\":true,\"uid\":\"u-2\"}}"},
            {"/admission", "{torn", 200,
             "{\"apiVersion\":\"admission.k8s.io/v1\",\"kind\":\"AdmissionReview\","
             "\"response\":{\"allowed\":true,\"uid\":\"\"}}"},
    };

    (void)state;
    check_exchanges(exchanges, sizeof(exchanges) / sizeof(exchanges[0]));
}

/* ---- CloudEvents ---- */

static void ask_options(const char *target, const char *headers, char answer[RAW_ANSWER_SIZE])
{
    int fd = raw_connect(receiver_port(receiver));
    char request[1024];

    (void)snprintf(request, sizeof(request),
                   "OPTIONS %s HTTP/1.1\r\nHost: h\r\n%sConnection: close\r\n\r\n", target,
                   headers);
    raw_send(fd, request, strlen(request));
    raw_read_answer(fd, answer);
    (void)close(fd);
}

static void a_handshake_is_allowed_to_the_origins_of_the_source_alone(void **state)
{
    static const struct {
        const char *target, *headers;
        int status;
        const char *allowed; /* NULL: nobody is */
    } cases[] = {
            {"/acr?secret=s", "WebHook-Request-Origin: eventgrid.azure.net\r\n", 200,
             "WebHook-Allowed-Origin: eventgrid.azure.net\r\n"},
            {"/acr?secret=s", "WebHook-Request-Origin: EventGrid.Azure.net\r\n", 200,
             "WebHook-Allowed-Origin: eventgrid.azure.net\r\n"},
            {"/acr?secret=s",
             "WebHook-Request-Origin: eventgrid.azure.net\r\nWebHook-Request-Rate: 120\r\n", 200,
             "WebHook-Allowed-Rate: *\r\n"},
            {"/acr?secret=s", "WebHook-Request-Origin: evil.example\r\n", 200, NULL},
            {"/acr?secret=s", "WebHook-Request-Origin: eventgrid.azure.net.evil.example\r\n", 200,
             NULL},
            {"/acr?secret=s", "WebHook-Request-Origin: *\r\n", 200, NULL},
            {"/acr?secret=s", "", 200, NULL},
            {"/acr", "WebHook-Request-Origin: eventgrid.azure.net\r\n", 401, NULL},
            {"/events", "WebHook-Request-Origin: sender.example\r\n", 200, NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char answer[RAW_ANSWER_SIZE];

        ask_options(cases[i].target, cases[i].headers, answer);
        assert_int_equal(raw_status(answer), cases[i].status);
        if (cases[i].allowed ? !strstr(answer, cases[i].allowed)
                             : strstr(answer, "WebHook-Allowed") != NULL)
            fail_msg("%s: %s", cases[i].headers, answer);
    }
}

static void a_wrong_secret_is_told_what_is_asked_for(void **state)
{
    char answer[RAW_ANSWER_SIZE];

    (void)state;
    ask_options("/acr?secret=wrong", "", answer);
    assert_int_equal(raw_status(answer), 401);
    assert_non_null(strstr(answer, "\r\nWWW-Authenticate: Muster\r\n"));
    assert_non_null(strstr(answer, "the secret in the URL is wrong"));
    assert_null(strstr(answer, "secret=wrong"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(event_grid_reads_its_code_back_once_it_has_the_secret),
            cmocka_unit_test(firehose_reads_its_request_id_and_a_time),
            cmocka_unit_test(a_review_is_allowed_also_when_it_is_not_understood),
            cmocka_unit_test(a_handshake_is_allowed_to_the_origins_of_the_source_alone),
            cmocka_unit_test(a_wrong_secret_is_told_what_is_asked_for),
    };

    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
