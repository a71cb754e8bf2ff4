/* Webhooks over a real HTTP round trip, with librdkafka's mock cluster behind. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "delivery_fixture.h"

#include "auth/auth.h"
#include "health/health.h"
#include "limit/rate_limit.h"
#include "metrics/metrics.h"
#include "receiver/receiver.h"
#include "source/source.h"

#include "http/http_client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sys/socket.h>

#define DIGEST "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define PUSH                                                                                   \
    "{\"events\":[{\"id\":\"e-1\",\"action\":\"push\",\"timestamp\":\"2026-11-24T10:00:00Z\"," \
    "\"target\":{\"repository\":\"team/app\",\"tag\":\"v1\",\"digest\":\"" DIGEST "\"},"       \
    "\"request\":{\"host\":\"registry.example\"}}]}"
#define PULL "{\"events\":[{\"id\":\"e-2\",\"action\":\"pull\"}]}"

enum { MAX_BODY_BYTES = 8192 };

static struct delivery_fixture fixture;
static struct auth_rule rules[] = {{.kind = SOURCE_AUTH_BEARER, .secret = "new-secret"},
                                   {.kind = SOURCE_AUTH_BEARER, .secret = "old-secret"}};
static struct source_config sources[3];
static struct ingest_config config = {.sources = sources, .source_count = 3};
static struct receiver *receiver;

static void start_receiver(void)
{
    struct receiver_config receiver_config = {.listen = "127.0.0.1:0",
                                              .max_body_bytes = MAX_BODY_BYTES,
                                              .sources = &config,
                                              .delivery = fixture.delivery,
                                              .producer = fixture.producer,
                                              .spool = fixture.spool};

    if (receiver_start(&receiver_config, &receiver, &fixture.err) != MU_OK)
        fail_msg("%s", fixture.err.message);
}

static int group_setup(void **state)
{
    sources[0] = (struct source_config){.name = "main",
                                        .kind = source_kind_find("distribution"),
                                        .path = "/v1/sources/main",
                                        .rules = rules,
                                        .rule_count = 2};
    sources[1] = (struct source_config){
            .name = "open", .kind = source_kind_find("cloudevents"), .path = "/v1/sources/open"};
    sources[2] = (struct source_config){.name = "cluster",
                                        .kind = source_kind_find("kubernetes"),
                                        .cluster = "c",
                                        .url = "http://h"};
    delivery_group_setup(&fixture);
    *state = &fixture;
    return 0;
}

static int group_teardown(void **state)
{
    delivery_group_teardown(*state);
    return 0;
}

static int setup(void **state)
{
    struct outcome outcome = {0};

    delivery_setup(*state);
    assert_int_equal(send_one(fixture.producer, "first", &outcome, &fixture.err), MU_OK);
    assert_int_equal(mu_producer_flush(fixture.producer, WAIT_MS, &fixture.err), MU_OK);
    assert_true(wait_connected(fixture.producer, true));
    start_receiver();
    return 0;
}

static int teardown(void **state)
{
    receiver_stop(receiver);
    receiver = NULL;
    delivery_teardown(*state);
    return 0;
}

/* ---- requests ---- */

struct ask {
    const char *method, *path, *authorization, *body;
    const char *headers[6];
};

static int ask(const struct ask *ask, struct mu_http_response *response)
{
    MU_AUTO(http_client) struct mu_http_client *client = NULL;
    const struct mu_http_client_config client_config = {.user_agent = "test"};
    char url[256];
    const struct mu_http_request request = {.method = ask->method ? ask->method : "POST",
                                            .url = url,
                                            .headers = ask->headers,
                                            .authorization = ask->authorization,
                                            .body = ask->body,
                                            .body_len = ask->body ? strlen(ask->body) : 0};

    (void)snprintf(url, sizeof(url), "http://127.0.0.1:%u%s", receiver_port(receiver),
                   ask->path ? ask->path : "/v1/sources/main");
    assert_int_equal(mu_http_client_new(&client_config, &client, &fixture.err), MU_OK);
    if (mu_http_request(client, &request, response, &fixture.err) != MU_OK)
        fail_msg("%s", fixture.err.message);
    return response->status;
}

static int post(const char *authorization, const char *body)
{
    struct mu_http_response response;

    return ask(&(struct ask){.authorization = authorization, .body = body}, &response);
}

/* ---- what arrived ---- */

static void check_push_only(void *opaque, rd_kafka_message_t *message)
{
    (void)opaque;
    assert_string_equal(arrived_header(message, "ce_type"), "muster.registry-event.v1");
}

static void check_reason(void *opaque, rd_kafka_message_t *message)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf value;
    const char *reason = opaque;

    mu_buf_init(&value, 1 << 20);
    mu_buf_append(&value, message->payload, message->len);
    if (!strstr(value.data, reason))
        fail_msg("'%s' does not say '%s'", value.data, reason);
}

/* Messages on a topic since the mark. */
static int64_t count_arrived(enum mu_topic topic)
{
    struct kafka_reader now = fixture.reader;
    int64_t count = 0;

    kafka_reader_mark(&now, topic);
    for (int i = 0; i < PARTITIONS; i++)
        count += now.from[topic][i] - fixture.reader.from[topic][i];
    return count;
}

/* ---- tests ---- */

static void check_arrival(void *opaque, rd_kafka_message_t *message)
{
    (void)opaque;
    assert_string_equal(arrived_header(message, "ce_type"), "muster.registry-event.v1");
    assert_string_equal(arrived_header(message, "ce_source"), "/muster/ingest/main");
    assert_string_equal(arrived_header(message, "ce_time"), "2026-11-24T10:00:00.000000Z");
    assert_memory_equal(arrived_header(message, "traceparent"),
                        "00-0af7651916cd43dd8448eb211c80319c-", 36);
    assert_int_equal(message->key_len, strlen("registry.example/team/app"));
}

static void a_push_is_answered_202_and_is_in_kafka(void **state)
{
    struct mu_http_response response;

    (void)state;
    kafka_reader_mark(&fixture.reader, MU_TOPIC_REGISTRY_EVENTS);
    assert_int_equal(
            ask(&(struct ask){.authorization = "Bearer new-secret",
                              .body = PUSH,
                              .headers = {"traceparent: "
                                          "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-"
                                          "01"}},
                &response),
            202);
    assert_int_equal(response.content_length, 0);
    read_messages(&fixture.reader, MU_TOPIC_REGISTRY_EVENTS, 1, check_arrival, NULL);
}

static void both_secrets_are_right_while_they_rotate(void **state)
{
    (void)state;
    assert_int_equal(post("Bearer new-secret", PULL), 202);
    assert_int_equal(post("Bearer old-secret", PULL), 202);
    assert_int_equal(post("bearer old-secret", PULL), 202);  /* RFC 9110, section 11.1 */
    assert_int_equal(post("Bearer  old-secret", PULL), 202); /* section 11.4 */
}

static void wrong_credentials_are_401_and_nothing_is_kept(void **state)
{
    static const char *const wrong[] = {NULL,
                                        "Bearer ",
                                        "Bearer new-secre",
                                        "Bearer new-secret2",
                                        "Bearer New-secret",
                                        "Basic new-secret",
                                        "new-secret"};

    (void)state;
    kafka_reader_mark(&fixture.reader, MU_TOPIC_REGISTRY_EVENTS);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct mu_http_response response;

        assert_int_equal(ask(&(struct ask){.authorization = wrong[i], .body = PUSH}, &response),
                         401);
        assert_string_equal(response.www_authenticate, "Bearer");
        assert_null(strstr(response.error_body, "secret"));
    }
    assert_int_equal(count_arrived(MU_TOPIC_REGISTRY_EVENTS), 0);
}

static void a_source_without_secrets_is_open(void **state)
{
    struct mu_http_response response;

    (void)state;
    assert_int_equal(ask(&(struct ask){.path = "/v1/sources/open",
                                       .body = "[]",
                                       .headers = {"Content-Type: "
                                                   "application/cloudevents-batch+json"}},
                         &response),
                     202);
}

static void what_is_of_no_interest_is_202_and_nothing_is_sent(void **state)
{
    (void)state;
    kafka_reader_mark(&fixture.reader, MU_TOPIC_REGISTRY_EVENTS);
    assert_int_equal(post("Bearer new-secret", PULL), 202);
    assert_int_equal(post("Bearer new-secret", "{\"events\":[]}"), 202);
    assert_int_equal(count_arrived(MU_TOPIC_REGISTRY_EVENTS), 0);
    assert_int_equal(count_arrived(MU_TOPIC_QUARANTINE), 0);
}

static void what_is_not_understood_is_202_and_quarantined_with_the_reason(void **state)
{
    static const struct {
        const char *body, *reason;
    } cases[] = {
            {"", "JSON"},
            {"{torn", "JSON"},
            {"\"text\"", "JSON"},
            {"{\"hello\":1}", "no member 'events'"},
            {"{\"events\":[{\"id\":\"e\",\"action\":\"explode\"}]}", "'explode' is unknown"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        kafka_reader_mark(&fixture.reader, MU_TOPIC_QUARANTINE);
        assert_int_equal(post("Bearer new-secret", cases[i].body), 202);
        read_messages(&fixture.reader, MU_TOPIC_QUARANTINE, 1, check_reason,
                      (void *)(uintptr_t)cases[i].reason);
    }
}

static void a_cloudevent_in_binary_mode_is_read_from_its_headers(void **state)
{
    struct mu_http_response response;

    (void)state;
    kafka_reader_mark(&fixture.reader, MU_TOPIC_REGISTRY_EVENTS);
    assert_int_equal(
            ask(&(struct ask){.path = "/v1/sources/open",
                              .body = "{\"source\":\"s\",\"source_kind\":\"k\",\"source_event_id\":"
                                      "\"i\",\"action\":\"push\",\"occurred_at\":"
                                      "\"2026-11-24T10:00:00Z\",\"received_at\":"
                                      "\"2026-11-24T10:00:00Z\",\"repository\":\"r.example/a\","
                                      "\"digest\":\"" DIGEST "\"}",
                              .headers = {"Content-Type: application/json", "ce-specversion: 1.0",
                                          "ce-id: 7", "ce-source: /here",
                                          "ce-type: muster.registry-event.v1"}},
                &response),
            202);
    read_messages(&fixture.reader, MU_TOPIC_REGISTRY_EVENTS, 1, check_push_only, NULL);
}

/* Sends `head` over a bare socket and returns the status line's number. */
static int status_of_head(const char *head)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons(receiver_port(receiver)),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct timeval patience = {10, 0};
    char answer[512] = "";
    int status = 0, fd = socket(AF_INET, SOCK_STREAM, 0);
    ssize_t got;

    assert_true(fd >= 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)), 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(send(fd, head, strlen(head), MSG_NOSIGNAL), (ssize_t)strlen(head));
    got = recv(fd, answer, sizeof(answer) - 1, 0);
    assert_true(got > 0);
    assert_memory_equal(answer, "HTTP/1.1 ", 9);
    status = (int)strtol(answer + 9, NULL, 10);
    (void)close(fd);
    return status;
}

static void a_body_over_the_limit_is_413_before_it_is_read(void **state)
{
    (void)state;
    /* Not one byte of the body is sent. */
    assert_int_equal(status_of_head("POST /v1/sources/main HTTP/1.1\r\nHost: h\r\n"
                                    "Authorization: Bearer new-secret\r\n"
                                    "Content-Length: 100000000\r\n\r\n"),
                     413);
    assert_int_equal(status_of_head("POST /v1/sources/main HTTP/1.1\r\nHost: h\r\n"
                                    "Content-Length: 99999999999999999999\r\n\r\n"),
                     413);
}

static void a_body_over_the_limit_in_pieces_is_413(void **state)
{
    static char request[MAX_BODY_BYTES + 1024];
    size_t at;

    (void)state;
    at = (size_t)snprintf(request, sizeof(request),
                          "POST /v1/sources/main HTTP/1.1\r\nHost: h\r\n"
                          "Authorization: Bearer new-secret\r\n"
                          "Transfer-Encoding: chunked\r\n\r\n%x\r\n",
                          MAX_BODY_BYTES + 1);
    memset(request + at, 'x', MAX_BODY_BYTES + 1);
    memcpy(request + at + MAX_BODY_BYTES + 1, "\r\n0\r\n\r\n", 8);
    assert_int_equal(status_of_head(request), 413);
}

static void a_chunked_body_is_taken(void **state)
{
    char request[1024];

    (void)state;
    (void)snprintf(request, sizeof(request),
                   "POST /v1/sources/main HTTP/1.1\r\nHost: h\r\n"
                   "Authorization: Bearer new-secret\r\n"
                   "Content-Type: application/vnd.docker.distribution.events.v1+json\r\n"
                   "Transfer-Encoding: chunked\r\n\r\n3\r\n%.3s\r\n%zx\r\n%s\r\n0\r\n\r\n",
                   PULL, strlen(PULL) - 3, &PULL[3]);
    assert_int_equal(status_of_head(request), 202);
}

static void a_body_of_exactly_the_limit_is_taken(void **state)
{
    static char body[MAX_BODY_BYTES + 1];

    (void)state;
    memset(body, ' ', MAX_BODY_BYTES);
    memcpy(body, PULL, strlen(PULL));
    assert_int_equal(post("Bearer new-secret", body), 202);
}

static void with_kafka_away_the_spool_makes_it_202(void **state)
{
    (void)state;
    broker_down(&fixture);
    assert_int_equal(post("Bearer new-secret", PUSH), 202);
    assert_true(spool_bytes(fixture.spool) > 0);
}

static void with_kafka_away_and_the_spool_full_it_is_503_with_retry_after(void **state)
{
    struct spool_config small = {.folder = fixture.folder.path, .max_bytes = 10};
    struct mu_http_response response;

    (void)state;
    receiver_stop(receiver);
    delivery_close(&fixture);
    assert_int_equal(mu_producer_open(&fixture.kafka.config, &fixture.producer, &fixture.err),
                     MU_OK);
    assert_int_equal(spool_open(&small, &fixture.spool, &fixture.err), MU_OK);
    assert_int_equal(
            delivery_start(fixture.producer, fixture.spool, &fixture.delivery, &fixture.err),
            MU_OK);
    rd_kafka_mock_broker_set_down(fixture.kafka.cluster, 1);
    assert_true(wait_connected(fixture.producer, false));
    start_receiver();
    assert_int_equal(
            ask(&(struct ask){.authorization = "Bearer new-secret", .body = PUSH}, &response), 503);
    assert_int_equal(response.retry_after_ms, 5000);
    assert_int_equal(post("Bearer new-secret", PULL), 202); /* needs no room */
}

static void other_paths_and_methods_are_404_and_405(void **state)
{
    struct mu_http_response response;

    (void)state;
    assert_int_equal(ask(&(struct ask){.path = "/v1/sources/other", .body = PUSH}, &response), 404);
    assert_int_equal(ask(&(struct ask){.path = "/v1/sources/cluster", .body = PUSH}, &response),
                     404); /* a watch has no webhook */
    assert_int_equal(ask(&(struct ask){.method = "GET"}, &response), 405);
}

static void health_and_metrics_answer(void **state)
{
    struct mu_http_response response;

    (void)state;
    assert_int_equal(ask(&(struct ask){.method = "GET", .path = "/healthz"}, &response), 200);
    assert_int_equal(ask(&(struct ask){.method = "GET", .path = "/readyz"}, &response), 200);
    assert_int_equal(ask(&(struct ask){.method = "GET", .path = "/metrics"}, &response), 200);
    assert_true(response.content_length > 100);
}

static void the_webhook_handshake_needs_credentials_too(void **state)
{
    struct mu_http_response response;
    struct ask handshake = {.method = "OPTIONS",
                            .headers = {"WebHook-Request-Origin: sender.example"}};

    (void)state;
    assert_int_equal(ask(&handshake, &response), 401);
    handshake.authorization = "Bearer new-secret";
    assert_int_equal(ask(&handshake, &response), 200);
}

struct sender {
    pthread_t thread;
    int status;
};

static void *send_push(void *opaque)
{
    struct sender *sender = opaque;

    sender->status = post("Bearer new-secret", PUSH);
    return NULL;
}

/* A request that waits for Kafka when the receiver stops is answered when Kafka has it. */
static void stopping_waits_for_those_who_wait(void **state)
{
    enum { SENDERS = 8 };
    struct sender senders[SENDERS];
    int64_t before = atomic_load(&metric_events_accepted.value);

    (void)state;
    rd_kafka_mock_broker_set_rtt(fixture.kafka.cluster, 1, 500);
    for (int i = 0; i < SENDERS; i++)
        assert_int_equal(pthread_create(&senders[i].thread, NULL, send_push, &senders[i]), 0);
    WAIT_FOR(atomic_load(&metric_events_accepted.value) == before + SENDERS);
    receiver_stop(receiver);
    receiver = NULL;
    for (int i = 0; i < SENDERS; i++) {
        assert_int_equal(pthread_join(senders[i].thread, NULL), 0);
        assert_int_equal(senders[i].status, 202);
    }
    rd_kafka_mock_broker_set_rtt(fixture.kafka.cluster, 1, 0);
}

static void an_address_in_use_is_named(void **state)
{
    char listen[64];
    struct receiver_config again = {.listen = listen, .sources = &config};
    struct receiver *second = NULL;
    struct mu_error err;

    (void)state;
    (void)snprintf(listen, sizeof(listen), "127.0.0.1:%u", receiver_port(receiver));
    assert_int_equal(receiver_start(&again, &second, &err), MU_E_UNAVAILABLE);
    assert_non_null(strstr(err.message, listen));
    assert_null(second);
    receiver_stop(NULL);
}

/* ---- other sources while it runs ---- */

static atomic_int released;

static void count_release(struct ingest_config *gone)
{
    (void)gone;
    atomic_fetch_add(&released, 1);
}

static void new_sources_are_those_of_new_requests(void **state)
{
    static struct rate_limit rate;
    static struct source_config later_sources[1];
    static struct ingest_config later = {later_sources, 1};
    struct mu_http_response response;
    struct ask big = {.path = "/v1/sources/later", .body = PUSH PUSH PUSH PUSH PUSH};

    (void)state;
    rate = (struct rate_limit){.per_second = 2};
    later_sources[0] = (struct source_config){.name = "later",
                                              .kind = source_kind_find("cloudevents"),
                                              .path = "/v1/sources/later",
                                              .max_body_bytes = 1024,
                                              .rate = &rate};
    assert_int_equal(ask(&(struct ask){.path = "/v1/sources/later", .body = "{}"}, &response), 404);
    receiver_replace(receiver, &later);
    assert_int_equal(post("Bearer new-secret", PULL), 404);
    assert_int_equal(ask(&big, &response), 413);
    assert_int_equal(ask(&(struct ask){.path = "/v1/sources/later", .body = "{}"}, &response), 202);
    assert_int_equal(ask(&(struct ask){.path = "/v1/sources/later", .body = "{}"}, &response), 202);
    assert_int_equal(ask(&(struct ask){.path = "/v1/sources/later", .body = "{}"}, &response), 429);
    assert_int_equal(response.retry_after_ms, 1000);
    assert_int_equal(ask(&(struct ask){.method = "GET", .path = "/healthz"}, &response), 200);
    assert_int_equal(ask(&(struct ask){.method = "GET", .path = "/v1/sources"}, &response), 404);
}

static void sources_are_released_when_nothing_uses_them(void **state)
{
    struct receiver_config own = {.listen = "127.0.0.1:0",
                                  .max_body_bytes = MAX_BODY_BYTES,
                                  .sources = &config,
                                  .release = count_release,
                                  .delivery = fixture.delivery,
                                  .producer = fixture.producer,
                                  .spool = fixture.spool};
    struct receiver *second = NULL;

    (void)state;
    atomic_store(&released, 0);
    assert_int_equal(receiver_start(&own, &second, &fixture.err), MU_OK);
    receiver_replace(second, &config);
    assert_int_equal(atomic_load(&released), 1);
    receiver_stop(second);
    assert_int_equal(atomic_load(&released), 2);
}

static void every_source_has_a_row_of_health(void **state)
{
    MU_AUTO(health) struct health *health = NULL;
    struct receiver_config own = {.listen = "127.0.0.1:0",
                                  .max_body_bytes = MAX_BODY_BYTES,
                                  .sources = &config,
                                  .delivery = fixture.delivery,
                                  .producer = fixture.producer,
                                  .spool = fixture.spool};
    struct mu_http_response response;
    struct receiver *before = receiver;
    struct health_row row;

    (void)state;
    assert_int_equal(health_open(NULL, mu_now_us(), &health, &fixture.err), MU_OK);
    health_watch(health, &config, mu_now_us());
    own.health = health;
    assert_int_equal(receiver_start(&own, &receiver, &fixture.err), MU_OK);
    assert_int_equal(post("Bearer new-secret", PULL), 202);
    assert_true(health_row_at(health, 0, mu_now_us(), &row));
    assert_int_equal(row.state, HEALTH_OK);
    assert_int_equal(row.events_total, 0);
    assert_int_equal(post("Bearer new-secret", PUSH), 202);
    assert_int_equal(post("Bearer new-secret", "no JSON"), 202);
    assert_int_equal(post("Bearer wrong", PUSH), 401);
    assert_int_equal(ask(&(struct ask){.method = "GET", .path = "/v1/sources"}, &response), 200);
    assert_true(health_row_at(health, 0, mu_now_us(), &row));
    assert_int_equal(row.events_total, 1);
    assert_int_equal(row.errors_total, 2);
    assert_string_equal(row.last_error, "the bearer token is wrong");
    receiver_stop(receiver);
    receiver = before;
    for (size_t i = 0; i < config.source_count; i++)
        sources[i].health = NULL;
}

#define RECEIVER_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
            RECEIVER_TEST(a_push_is_answered_202_and_is_in_kafka),
            RECEIVER_TEST(both_secrets_are_right_while_they_rotate),
            RECEIVER_TEST(wrong_credentials_are_401_and_nothing_is_kept),
            RECEIVER_TEST(a_source_without_secrets_is_open),
            RECEIVER_TEST(what_is_of_no_interest_is_202_and_nothing_is_sent),
            RECEIVER_TEST(what_is_not_understood_is_202_and_quarantined_with_the_reason),
            RECEIVER_TEST(a_cloudevent_in_binary_mode_is_read_from_its_headers),
            RECEIVER_TEST(a_body_over_the_limit_is_413_before_it_is_read),
            RECEIVER_TEST(a_body_over_the_limit_in_pieces_is_413),
            RECEIVER_TEST(a_chunked_body_is_taken),
            RECEIVER_TEST(a_body_of_exactly_the_limit_is_taken),
            RECEIVER_TEST(with_kafka_away_the_spool_makes_it_202),
            RECEIVER_TEST(with_kafka_away_and_the_spool_full_it_is_503_with_retry_after),
            RECEIVER_TEST(other_paths_and_methods_are_404_and_405),
            RECEIVER_TEST(health_and_metrics_answer),
            RECEIVER_TEST(the_webhook_handshake_needs_credentials_too),
            RECEIVER_TEST(stopping_waits_for_those_who_wait),
            RECEIVER_TEST(an_address_in_use_is_named),
            RECEIVER_TEST(new_sources_are_those_of_new_requests),
            RECEIVER_TEST(sources_are_released_when_nothing_uses_them),
            RECEIVER_TEST(every_source_has_a_row_of_health),
    };

    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
