/* What the receiver passes on to listings: wishes for one, and pushes without digest. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "delivery_fixture.h"
#include "registry_peer.h"

#include "auth/auth.h"
#include "listing/listing.h"
#include "receiver/receiver.h"
#include "source/source.h"

#include "http/http_client.h"

#define HUB_PUSH                                                                \
    "{\"push_data\":{\"pushed_at\":1795564800,\"tag\":\"2.0\"},\"repository\":" \
    "{\"repo_name\":\"team/app\"}}"

enum { GUARDED, OPEN, HUB, SOURCES };

static struct delivery_fixture fixture;
static struct registry_peer peer;
static struct auth_rule rule = {.kind = SOURCE_AUTH_BEARER, .secret = "secret"};
static struct source_config sources[SOURCES];
static struct ingest_config config = {.sources = sources, .source_count = SOURCES};
static struct listings *listings;
static struct receiver *receiver;
static char url[64];

static int group_setup(void **state)
{
    delivery_group_setup(&fixture);
    *state = &fixture;
    return 0;
}

static int group_teardown(void **state)
{
    delivery_group_teardown(*state);
    return 0;
}

static struct source_config listed(const char *name, const char *path)
{
    static const char *names[] = {"team/none"};

    return (struct source_config){.name = name,
                                  .kind = source_kind_find("registry"),
                                  .path = path,
                                  .registry = "docker.io",
                                  .url = url,
                                  .page_limit = 100,
                                  .repositories = names,
                                  .repository_count = 1,
                                  .interval_ms = 3600000};
}

static void start(void)
{
    const struct listings_config listings_config = {.sources = &config,
                                                    .delivery = fixture.delivery,
                                                    .state_folder = fixture.folder.path,
                                                    .retry_min_ms = 5};
    struct receiver_config receiver_config = {.listen = "127.0.0.1:0",
                                              .max_body_bytes = 8192,
                                              .sources = &config,
                                              .delivery = fixture.delivery,
                                              .producer = fixture.producer,
                                              .spool = fixture.spool};

    assert_int_equal(listings_start(&listings_config, &listings, &fixture.err), MU_OK);
    receiver_config.listings = listings;
    assert_int_equal(receiver_start(&receiver_config, &receiver, &fixture.err), MU_OK);
}

static int setup(void **state)
{
    struct outcome outcome = {0};

    delivery_setup(*state);
    assert_int_equal(send_one(fixture.producer, "first", &outcome, &fixture.err), MU_OK);
    assert_int_equal(mu_producer_flush(fixture.producer, WAIT_MS, &fixture.err), MU_OK);
    assert_true(wait_connected(fixture.producer, true));
    kafka_reader_mark(&fixture.reader, MU_TOPIC_REGISTRY_EVENTS);
    memset(&peer, 0, sizeof(peer));
    registry_peer_listen(&peer);
    (void)snprintf(url, sizeof(url), "http://127.0.0.1:%d", peer.port);
    sources[GUARDED] = listed("guarded", "/v1/sources/guarded/list");
    sources[GUARDED].rules = &rule;
    sources[GUARDED].rule_count = 1;
    sources[OPEN] = listed("open", "/v1/sources/open/list");
    sources[HUB] = (struct source_config){
            .name = "hub", .kind = source_kind_find("dockerhub"), .path = "/v1/sources/hub"};
    return 0;
}

static int teardown(void **state)
{
    receiver_stop(receiver);
    listings_stop(listings);
    registry_peer_stop(&peer);
    registry_peer_clear(&peer);
    delivery_teardown(*state);
    return 0;
}

static int post(const char *path, const char *authorization, const char *body)
{
    const struct mu_http_client_config client_config = {.user_agent = "test", .deadline_ms = 20000};
    MU_AUTO(http_client) struct mu_http_client *client = NULL;
    const char *headers[] = {"Content-Type: application/json", NULL};
    struct mu_http_response response;
    char target[256];
    struct mu_http_request request = {.method = "POST",
                                      .url = target,
                                      .headers = headers,
                                      .authorization = authorization,
                                      .body = body,
                                      .body_len = strlen(body)};

    (void)snprintf(target, sizeof(target), "http://127.0.0.1:%d%s", receiver_port(receiver), path);
    assert_int_equal(mu_http_client_new(&client_config, &client, &fixture.err), MU_OK);
    assert_int_equal(mu_http_request(client, &request, &response, &fixture.err), MU_OK);
    return response.status;
}

static void who_has_the_sources_secret_may_ask_for_a_listing(void **state)
{
    struct peer_route *route =
            registry_peer_route(&peer, "/v2/team/none/tags/list?n=100", "{\"tags\":[]}", 11);
    unsigned hits;

    (void)state;
    registry_peer_start(&peer);
    start();
    WAIT_FOR(route->hits == 2); /* both sources begin with a listing */
    hits = route->hits;
    assert_int_equal(post("/v1/sources/guarded/list", "Bearer secret", ""), 202);
    WAIT_FOR(route->hits == hits + 1);
    assert_int_equal(post("/v1/sources/guarded/list", "Bearer other", ""), 401);
    assert_int_equal(post("/v1/sources/guarded/list", NULL, ""), 401);
    assert_int_equal(route->hits, hits + 1);
}

static void a_source_without_auth_lets_nobody_ask(void **state)
{
    (void)state;
    registry_peer_start(&peer);
    start();
    assert_int_equal(post("/v1/sources/open/list", "Bearer secret", ""), 403);
    assert_int_equal(post("/v1/sources/hub/list", "Bearer secret", ""), 404);
}

static void note_digest(void *opaque, rd_kafka_message_t *message)
{
    MU_AUTO(arena) struct mu_arena *arena = mu_arena_new(1 << 20);
    struct mu_registry_event event;
    struct mu_error err;

    assert_int_equal(mu_msg_decode(MU_MSG_REGISTRY_EVENT, message->payload, message->len, arena,
                                   &event, &err),
                     MU_OK);
    mu_buf_printf(opaque, "%s %s:%s %s%s, ", event.source, event.repository, event.tag,
                  event.digest ? "digest" : "none", event.reconcile ? " reconcile" : "");
}

static void a_webhook_without_digest_is_followed_by_the_digest(void **state)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf text;
    static const char told[] = "hub docker.io/team/app:2.0 none, ";
    static const char followed[] = "guarded docker.io/team/app:2.0 digest reconcile, ";
    struct peer_route *route = registry_peer_route(&peer, "/v2/team/app/manifests/2.0", "", 0);

    (void)state;
    mu_buf_init(&text, 4096);
    (void)snprintf(route->headers, sizeof(route->headers),
                   "Docker-Content-Digest: sha256:%064d\r\n", 0);
    registry_peer_start(&peer);
    start();
    assert_int_equal(post("/v1/sources/hub", NULL, HUB_PUSH), 202);
    read_messages(&fixture.reader, MU_TOPIC_REGISTRY_EVENTS, 2, note_digest, &text);
    /* Two threads send them: either may be first. */
    assert_non_null(strstr(text.data, told));
    assert_non_null(strstr(text.data, followed));
    assert_int_equal(text.len, strlen(told) + strlen(followed));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
            TEST(who_has_the_sources_secret_may_ask_for_a_listing),
            TEST(a_source_without_auth_lets_nobody_ask),
            TEST(a_webhook_without_digest_is_followed_by_the_digest),
    };

    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
