/*
 * stream_fixture: a stream of a kind against a scripted API, the mock Kafka behind it, and what
 * came of each workload. Include after cmocka.h.
 */
#ifndef MU_TEST_STREAM_FIXTURE_H
#define MU_TEST_STREAM_FIXTURE_H

#include "delivery_fixture.h"

#include "api_peer.h"
#include "source/source.h"
#include "stream/stream.h"

static struct delivery_fixture fixture;
static struct source_config source;

static inline int stream_group_teardown(void **state)
{
    delivery_group_teardown(*state);
    return 0;
}

static inline int stream_setup(void **state)
{
    struct outcome outcome = {0};

    delivery_setup(*state);
    assert_int_equal(send_one(fixture.producer, "first", &outcome, &fixture.err), MU_OK);
    assert_int_equal(mu_producer_flush(fixture.producer, WAIT_MS, &fixture.err), MU_OK);
    assert_true(wait_connected(fixture.producer, true));
    return 0;
}

static inline int stream_teardown(void **state)
{
    delivery_teardown(*state);
    return 0;
}

struct world {
    struct api_peer peer;
    struct stream *stream;
    char url[256];
};

static inline void world_start(struct world *world)
{
    const struct stream_config config = {.source = &source,
                                         .delivery = fixture.delivery,
                                         .state_folder = fixture.folder.path,
                                         .retry_min_ms = 10};

    api_peer_start(&world->peer);
    (void)snprintf(world->url, sizeof(world->url), "http://127.0.0.1:%d", world->peer.port);
    if (world->peer.unix_path)
        (void)snprintf(world->url, sizeof(world->url), "unix://%s", world->peer.unix_path);
    source.url = world->url;
    if (stream_start(&config, &world->stream, &fixture.err) != MU_OK)
        fail_msg("%s", fixture.err.message);
}

/* Waits until a route was asked so often, then ends both. */
static inline void world_stop(struct world *world, size_t route, size_t asked)
{
    WAIT_FOR(api_peer_asked(&world->peer, route) >= asked);
    api_peer_stop(&world->peer);
    stream_stop(world->stream);
}

static inline void assert_asked(const struct world *world, size_t route, const char *expected)
{
    if (!strstr(world->peer.routes[route].last, expected))
        fail_msg("not asked for '%s' but:\n%s", expected, world->peer.routes[route].last);
}

static const char *const action_words[] = {"", "observed", "removed", "declared"};
static const char *const state_words[] = {"", "waiting", "running", "ended"};

struct trails {
    struct mu_buf of[26];
};

/* "observed web running c1@17 1.0@sha256:ab.. ": microseconds since the epoch are in container ids.
 */
static void note_event(void *opaque, rd_kafka_message_t *message)
{
    MU_AUTO(arena) struct mu_arena *arena = mu_arena_new(1 << 20);
    struct trails *trails = opaque;
    struct mu_workload_event event;
    const struct mu_workload_container *containers;
    struct mu_error err;
    struct mu_buf *out;

    if (mu_msg_decode(MU_MSG_WORKLOAD_EVENT, message->payload, message->len, arena, &event, &err) !=
        MU_OK)
        fail_msg("%s", err.message);
    containers = event.containers.items;
    assert_string_equal(event.cluster, "edge");
    assert_in_range(event.pod[0], 'a', 'z');
    out = &trails->of[event.pod[0] - 'a'];
    mu_buf_printf(out, "%s %s", action_words[event.action], event.pod);
    for (size_t i = 0; i < event.containers.count; i++)
        mu_buf_printf(out, " %s %s", state_words[containers[i].state],
                      containers[i].container_id ? containers[i].container_id
                                                 : containers[i].image);
    mu_buf_puts(out, event.reconcile ? " (found)\n" : "\n");
}

/* By the first letter of the workload's name, then as they came. */
static inline void assert_events(size_t count, const char *expected)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf events;
    struct trails trails;

    mu_buf_init(&events, 1 << 16);
    for (int i = 0; i < 26; i++)
        mu_buf_init(&trails.of[i], 1 << 16);
    read_messages(&fixture.reader, MU_TOPIC_WORKLOAD_EVENTS, count, note_event, &trails);
    for (int i = 0; i < 26; i++) {
        mu_buf_append(&events, trails.of[i].data, trails.of[i].len);
        mu_buf_done(&trails.of[i]);
    }
    assert_string_equal(events.data, expected);
    kafka_reader_mark(&fixture.reader, MU_TOPIC_WORKLOAD_EVENTS);
}

/* Whether no more came than what was read. */
static inline void assert_no_more_events(void)
{
    int64_t low, high;

    for (int32_t i = 0; i < PARTITIONS; i++) {
        assert_int_equal(rd_kafka_query_watermark_offsets(fixture.reader.handle,
                                                          mu_topic_name(MU_TOPIC_WORKLOAD_EVENTS),
                                                          i, &low, &high, WAIT_MS),
                         RD_KAFKA_RESP_ERR_NO_ERROR);
        assert_int_equal(high, fixture.reader.from[MU_TOPIC_WORKLOAD_EVENTS][i]);
    }
}

#endif
