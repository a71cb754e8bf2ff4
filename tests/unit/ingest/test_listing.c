/* Listings and look-ups against a scripted registry, with librdkafka's mock cluster behind. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "delivery_fixture.h"
#include "registry_peer.h"

#include "listing/known_tags.h"
#include "listing/listing.h"
#include "listing/listing_run.h"
#include "listing/tag_events.h"
#include "metrics/metrics.h"
#include "source/source.h"

static struct delivery_fixture fixture;
static struct source_config source;
static struct ingest_config config = {.sources = &source, .source_count = 1};
static struct registry_peer peer;
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
    source = (struct source_config){.name = "all",
                                    .kind = source_kind_find("registry"),
                                    .registry = "registry.example",
                                    .url = url,
                                    .page_limit = 100,
                                    .interval_ms = 3600000};
    return 0;
}

static int teardown(void **state)
{
    registry_peer_clear(&peer);
    delivery_teardown(*state);
    return 0;
}

/* ---- the registry ---- */

static void says(const char *path, const char *body)
{
    (void)registry_peer_route(&peer, path, body, strlen(body));
}

static void leads_to(struct peer_route *route, char digit)
{
    char hex[65] = "";

    memset(hex, digit, 64);
    (void)snprintf(route->headers, sizeof(route->headers),
                   "Docker-Content-Digest: sha256:%s\r\n"
                   "Content-Type: application/vnd.oci.image.index.v1+json\r\n",
                   hex);
}

static struct peer_route *has_tag(const char *path, char digit)
{
    struct peer_route *route = registry_peer_route(&peer, path, "", 0);

    leads_to(route, digit);
    return route;
}

/* "app" with the tags "1" and "2". */
static struct peer_route *has_app(void)
{
    says("/v2/_catalog?n=100", "{\"repositories\":[\"app\"]}");
    says("/v2/app/tags/list?n=100", "{\"tags\":[\"1\",\"2\"]}");
    (void)has_tag("/v2/app/manifests/2", 'b');
    return has_tag("/v2/app/manifests/1", 'a');
}

/* ---- one listing ---- */

static enum mu_status list_with(struct delivery *delivery, struct listing_result *ret_result)
{
    static const atomic_bool never = false;
    struct tag_events *events = tag_events_new(&source, delivery);
    const struct listing_run run = {.source = &source,
                                    .folder = fixture.folder.path,
                                    .stopping = &never,
                                    .retry_min_ms = 1,
                                    .events = events};
    enum mu_status st;

    registry_peer_start(&peer);
    st = listing_run(&run, ret_result, &fixture.err);
    if (write(peer.stop, &(uint64_t){1}, sizeof(uint64_t)) != sizeof(uint64_t))
        abort();
    (void)pthread_join(peer.thread, NULL);
    (void)!read(peer.stop, &(uint64_t){0}, sizeof(uint64_t));
    tag_events_free(events);
    return st;
}

static void list(size_t new_tags, size_t moved, size_t gone)
{
    struct listing_result result;

    if (list_with(fixture.delivery, &result) != MU_OK)
        fail_msg("%s", fixture.err.message);
    assert_int_equal(result.new_tags, new_tags);
    assert_int_equal(result.moved, moved);
    assert_int_equal(result.gone, gone);
}

static void close_peer(void)
{
    (void)close(peer.listener);
    (void)close(peer.stop);
}

static void state_path(char path[SPOOL_PATH_SIZE])
{
    (void)snprintf(path, SPOOL_PATH_SIZE, "%s/listed-all.tsv", fixture.folder.path);
}

/* ---- what arrived ---- */

struct arrived {
    struct mu_buf text, ids;
};

static void note_event(void *opaque, rd_kafka_message_t *message)
{
    MU_AUTO(arena) struct mu_arena *arena = mu_arena_new(1 << 20);
    struct arrived *arrived = opaque;
    struct mu_registry_event event;
    struct mu_error err;

    if (mu_msg_decode(MU_MSG_REGISTRY_EVENT, message->payload, message->len, arena, &event, &err) !=
        MU_OK)
        fail_msg("%s", err.message);
    mu_buf_printf(&arrived->text, "%s %s:%s%s%.1s%s%s ",
                  event.action == MU_REGISTRY_PUSH ? "push" : "delete", event.repository, event.tag,
                  event.digest ? "=" : "", event.digest ? event.digest + 7 : "",
                  event.digest_kind == MU_DIGEST_KIND_INDEX ? " index" : "",
                  event.reconcile ? " (reconcile)" : "");
    mu_buf_printf(&arrived->ids, "%s ", arrived_header(message, "ce_id"));
}

/* All events are of one repository, so that they are in order. */
static void expect_events(size_t count, const char *expected, struct mu_buf *ret_ids)
{
    struct arrived arrived;

    mu_buf_init(&arrived.text, 4096);
    mu_buf_init(&arrived.ids, 4096);
    read_messages(&fixture.reader, MU_TOPIC_REGISTRY_EVENTS, count, note_event, &arrived);
    assert_string_equal(arrived.text.data, expected);
    if (ret_ids)
        mu_buf_append(ret_ids, arrived.ids.data, arrived.ids.len);
    mu_buf_done(&arrived.text);
    mu_buf_done(&arrived.ids);
    kafka_reader_mark(&fixture.reader, MU_TOPIC_REGISTRY_EVENTS);
}

#define BOTH_NEW                                       \
    "push registry.example/app:1=a index (reconcile) " \
    "push registry.example/app:2=b index (reconcile) "

/* ---- listings ---- */

static void only_what_differs_is_told(void **state)
{
    struct peer_route *route = has_app();

    (void)state;
    list(2, 0, 0);
    expect_events(2, BOTH_NEW, NULL);
    list(0, 0, 0);
    leads_to(route, 'c');
    peer.routes[1].len =
            (size_t)snprintf(peer.routes[1].body, peer.routes[1].len, "{\"tags\":[\"1\"]}");
    list(0, 1, 1);
    expect_events(2,
                  "push registry.example/app:1=c index (reconcile) "
                  "delete registry.example/app:2 (reconcile) ",
                  NULL);
    close_peer();
}

/* Killed after telling and before writing what is known: told again, it is the same event. */
static void what_is_told_again_after_a_kill_has_the_same_id(void **state)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf first, again, known;
    char path[SPOOL_PATH_SIZE];

    (void)state;
    mu_buf_init(&first, 4096);
    mu_buf_init(&again, 4096);
    mu_buf_init(&known, 65536);
    state_path(path);
    (void)has_app();
    source.repositories = (const char *[]){"none"};
    source.repository_count = 1;
    list(0, 0, 0);
    source.repository_count = 0;
    assert_int_equal(mu_file_read(path, &known, &fixture.err), MU_OK);
    list(2, 0, 0);
    expect_events(2, BOTH_NEW, &first);
    assert_int_equal(mu_file_write_atomic(path, known.data, known.len, &fixture.err), MU_OK);
    list(2, 0, 0);
    expect_events(2, BOTH_NEW, &again);
    assert_string_equal(first.data, again.data);
    close_peer();
}

/* The very first listing too: the epoch is on disk before anything is told. */
static void a_first_listing_that_is_killed_tells_the_same_again(void **state)
{
    MU_AUTO(known_tags) struct known_tags *known = NULL;
    MU_AUTO_DONE(mu_buf_done) struct mu_buf first, again;
    MU_AUTO(known_tags_writer) struct known_tags_writer *writer = NULL;
    struct known_tags_head head;
    char path[SPOOL_PATH_SIZE];

    (void)state;
    mu_buf_init(&first, 4096);
    mu_buf_init(&again, 4096);
    state_path(path);
    (void)has_app();
    list(2, 0, 0);
    expect_events(2, BOTH_NEW, &first);
    assert_int_equal(known_tags_open(path, &known, &fixture.err), MU_OK);
    head = *known_tags_head(known);
    assert_int_equal(head.generation, 1);
    head.generation = 0;
    assert_int_equal(known_tags_write(path, &head, &writer, &fixture.err), MU_OK);
    assert_int_equal(known_tags_commit(writer, &fixture.err), MU_OK);
    list(2, 0, 0);
    expect_events(2, BOTH_NEW, &again);
    assert_string_equal(first.data, again.data);
    close_peer();
}

static void the_same_move_made_again_is_another_event(void **state)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf first, again, back;
    struct peer_route *route = has_app();

    (void)state;
    mu_buf_init(&first, 4096);
    mu_buf_init(&again, 4096);
    mu_buf_init(&back, 4096);
    list(2, 0, 0);
    expect_events(2, BOTH_NEW, NULL);
    leads_to(route, 'c');
    list(0, 1, 0);
    expect_events(1, "push registry.example/app:1=c index (reconcile) ", &first);
    leads_to(route, 'a');
    list(0, 1, 0);
    expect_events(1, "push registry.example/app:1=a index (reconcile) ", &back);
    leads_to(route, 'c');
    list(0, 1, 0);
    expect_events(1, "push registry.example/app:1=c index (reconcile) ", &again);
    assert_string_not_equal(first.data, again.data);
    close_peer();
}

static void a_listing_that_fails_half_way_deletes_nothing(void **state)
{
    struct listing_result result;
    char path[SPOOL_PATH_SIZE];
    int64_t listed_at_us;

    (void)state;
    (void)has_app();
    state_path(path);
    list(2, 0, 0);
    expect_events(2, BOTH_NEW, NULL);
    listed_at_us = listing_last_at_us(fixture.folder.path, &source);
    peer.routes[0].status = 500;
    assert_int_equal(list_with(fixture.delivery, &result), MU_E_UNAVAILABLE);
    assert_int_equal(result.gone, 0);
    assert_true(listing_last_at_us(fixture.folder.path, &source) == listed_at_us);
    peer.routes[0].status = 200;
    list(0, 0, 0);
    assert_true(listing_last_at_us(fixture.folder.path, &source) > listed_at_us);
    close_peer();
}

/* Neither Kafka nor the spool took it: it is not known, and told by the next listing. */
static void what_was_not_durable_is_told_again(void **state)
{
    const struct spool_config full = {.folder = fixture.folder.path, .max_bytes = 100};
    struct listing_result result;

    (void)state;
    (void)has_app();
    delivery_close(&fixture);
    assert_int_equal(mu_producer_open(&fixture.kafka.config, &fixture.producer, &fixture.err),
                     MU_OK);
    assert_int_equal(spool_open(&full, &fixture.spool, &fixture.err), MU_OK);
    assert_int_equal(
            delivery_start(fixture.producer, fixture.spool, &fixture.delivery, &fixture.err),
            MU_OK);
    broker_down(&fixture);
    assert_int_equal(list_with(fixture.delivery, &result), MU_E_UNAVAILABLE);
    assert_non_null(strstr(fixture.err.message, "durable"));
    assert_int_equal(result.new_tags, 2);
    delivery_close(&fixture);
    mock_kafka_heal(&fixture.kafka);
    delivery_open(&fixture);
    list(2, 0, 0);
    close_peer();
}

static void a_damaged_state_is_put_aside_and_deletes_nothing(void **state)
{
    char path[SPOOL_PATH_SIZE];
    struct listing_result result;

    (void)state;
    (void)has_app();
    state_path(path);
    list(2, 0, 0);
    expect_events(2, BOTH_NEW, NULL);
    assert_int_equal(truncate(path, 150), 0);
    assert_int_equal(list_with(fixture.delivery, &result), MU_OK);
    assert_int_equal(result.new_tags, 2);
    assert_int_equal(result.gone, 0);
    expect_events(2, BOTH_NEW, NULL);
    assert_int_equal(folder_count(&fixture.folder, ".damaged", NULL), 1);
    close_peer();
}

/* ---- on schedule, on demand ---- */

static struct listings *start(void)
{
    const struct listings_config listings = {.sources = &config,
                                             .delivery = fixture.delivery,
                                             .state_folder = fixture.folder.path,
                                             .retry_min_ms = 5};
    struct listings *started = NULL;

    assert_int_equal(listings_start(&listings, &started, &fixture.err), MU_OK);
    return started;
}

static void a_new_source_is_listed_at_once_and_again_on_demand(void **state)
{
    struct peer_route *moved;
    struct listings *listings;

    (void)state;
    (void)has_app();
    moved = has_tag("/v2/app/manifests/1", 'c');
    moved->off = true;
    registry_peer_start(&peer);
    listings = start();
    expect_events(2, BOTH_NEW, NULL);
    moved->off = false;
    assert_true(listings_request(listings, "all"));
    assert_false(listings_request(listings, "other"));
    expect_events(1, "push registry.example/app:1=c index (reconcile) ", NULL);
    listings_stop(listings);
    registry_peer_stop(&peer);
}

static void a_registry_listed_within_the_interval_is_not_asked(void **state)
{
    struct listings *listings;
    unsigned hits;

    (void)state;
    (void)has_app();
    list(2, 0, 0);
    expect_events(2, BOTH_NEW, NULL);
    hits = peer.routes[0].hits;
    registry_peer_start(&peer);
    listings = start();
    listings_look_up(listings, &(struct mu_registry_event){.action = MU_REGISTRY_PUSH,
                                                           .repository = "registry.example/app",
                                                           .tag = "1"});
    expect_events(1, "push registry.example/app:1=a index (reconcile) ", NULL);
    listings_stop(listings);
    registry_peer_stop(&peer);
    assert_int_equal(peer.routes[0].hits, hits);
}

static void a_registry_that_was_down_is_listed_when_it_is_back(void **state)
{
    struct listings *listings;

    (void)state;
    (void)has_app();
    peer.routes[0].status = 503;
    registry_peer_start(&peer);
    listings = start();
    WAIT_FOR(peer.routes[0].hits >= 4); /* more than one listing asks */
    peer.routes[0].status = 200;
    expect_events(2, BOTH_NEW, NULL);
    listings_stop(listings);
    registry_peer_stop(&peer);
}

/* ---- pushes without digest ---- */

static void a_push_without_digest_is_looked_up(void **state)
{
    struct mu_registry_event event = {
            .action = MU_REGISTRY_PUSH, .repository = "registry.example/app", .tag = "1"};
    struct listings *listings;

    (void)state;
    (void)has_tag("/v2/app/manifests/1", 'a');
    registry_peer_start(&peer);
    listings = start();
    listings_look_up(listings, &event);
    expect_events(1, "push registry.example/app:1=a index (reconcile) ", NULL);
    listings_stop(listings);
    registry_peer_stop(&peer);
}

static void what_needs_no_look_up_gets_none(void **state)
{
    static const struct mu_registry_event events[] = {
            {.action = MU_REGISTRY_PUSH, .repository = "other.example/app", .tag = "1"},
            {.action = MU_REGISTRY_PUSH, .repository = "registry.example2/app", .tag = "1"},
            {.action = MU_REGISTRY_DELETE, .repository = "registry.example/app", .tag = "1"},
            {.action = MU_REGISTRY_PUSH,
             .repository = "registry.example/app",
             .tag = "1",
             .digest = "sha256:known"},
            {.action = MU_REGISTRY_PUSH, .repository = "registry.example/app", .digest = NULL},
    };
    struct peer_route *one = has_tag("/v2/app/manifests/1", 'a');
    struct listings *listings;

    (void)state;
    (void)has_tag("/v2/app/manifests/2", 'b');
    registry_peer_start(&peer);
    listings = start();
    for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++)
        listings_look_up(listings, &events[i]);
    listings_look_up(NULL, &events[0]);
    listings_look_up(listings, &(struct mu_registry_event){.action = MU_REGISTRY_PUSH,
                                                           .repository = "registry.example/app",
                                                           .tag = "2"});
    expect_events(1, "push registry.example/app:2=b index (reconcile) ", NULL);
    listings_stop(listings);
    registry_peer_stop(&peer);
    assert_int_equal(one->hits, 0);
}

/* A webhook may be faster than the registry's own store. */
static void a_tag_that_is_not_there_yet_is_asked_for_again(void **state)
{
    struct peer_route *route = has_tag("/v2/app/manifests/1", 'a');
    struct mu_registry_event event = {
            .action = MU_REGISTRY_PUSH, .repository = "registry.example/app", .tag = "1"};
    struct listings *listings;

    (void)state;
    route->status = 404;
    registry_peer_start(&peer);
    listings = start();
    listings_look_up(listings, &event);
    WAIT_FOR(route->hits >= 1);
    route->status = 200;
    expect_events(1, "push registry.example/app:1=a index (reconcile) ", NULL);
    listings_stop(listings);
    registry_peer_stop(&peer);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
            TEST(only_what_differs_is_told),
            TEST(what_is_told_again_after_a_kill_has_the_same_id),
            TEST(a_first_listing_that_is_killed_tells_the_same_again),
            TEST(the_same_move_made_again_is_another_event),
            TEST(a_listing_that_fails_half_way_deletes_nothing),
            TEST(what_was_not_durable_is_told_again),
            TEST(a_damaged_state_is_put_aside_and_deletes_nothing),
            TEST(a_new_source_is_listed_at_once_and_again_on_demand),
            TEST(a_registry_listed_within_the_interval_is_not_asked),
            TEST(a_registry_that_was_down_is_listed_when_it_is_back),
            TEST(a_push_without_digest_is_looked_up),
            TEST(what_needs_no_look_up_gets_none),
            TEST(a_tag_that_is_not_there_yet_is_asked_for_again),
    };

    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
