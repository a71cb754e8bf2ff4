/* An engine that says exactly what a test tells it to, and the mock Kafka behind. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "stream_fixture.h"

static int group_setup(void **state)
{
    source = (struct source_config){
            .name = "engine", .kind = source_kind_find("docker"), .cluster = "edge"};
    delivery_group_setup(&fixture);
    *state = &fixture;
    return 0;
}

/* Times: 2026-11-24T12:00:0N is AT(N). */
#define AT(second)   "179552160" second "000000000"
#define TIME(second) "2026-11-24T12:00:0" second "Z"
#define NEVER        "0001-01-01T00:00:00Z"

#define EVENT(action, id, at)                                                             \
    "{\"Type\":\"container\",\"Action\":\"" action "\",\"Actor\":{\"ID\":\"" id           \
    "\",\"Attributes\":{\"image\":\"registry.example/box:1\",\"name\":\"" id "-name\"}}," \
    "\"scope\":\"local\",\"timeNano\":" at "}\n"
#define INSPECT(id, running, started, finished)                               \
    "{\"Id\":\"" id "\",\"Name\":\"/" id "-name\",\"Image\":\"sha256:" CONFIG \
    "\",\"State\":{\"Running\":" running ",\"StartedAt\":\"" started          \
    "\",\"FinishedAt\":\"" finished                                           \
    "\"},\"Config\":{\"Image\":\"registry.example/box:1\",\"Labels\":{}}}"
#define CONFIG "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"
#define IMAGE                                                                  \
    "{\"Id\":\"sha256:" CONFIG "\",\"RepoTags\":[\"registry.example/box:1\"]," \
    "\"RepoDigests\":[],\"Os\":\"linux\",\"Architecture\":\"amd64\"}"
#define VERSION      "{\"ApiVersion\":\"1.41\",\"MinAPIVersion\":\"1.12\"}"
#define INFO(second) "{\"Name\":\"node-1\",\"SystemTime\":\"" TIME(second) "\"}"
#define LISTED(id)   "[{\"Id\":\"" id "\"}]"

enum { R_VERSION, R_INFO, R_LIST, R_EVENTS, R_A, R_B, R_IMAGES };

/* Routes of an engine of API 1.41 with nothing in it. */
#define ENGINE                                                                            \
    [R_VERSION] = {"/version ", {{VERSION}}}, [R_INFO] = {"/v1.41/info ", {{INFO("1")}}}, \
    [R_LIST] = {"/v1.41/containers/json?all=true ", {{"[]"}}},                            \
    [R_EVENTS] = {"/v1.41/events?", {{"", .hold = true}}},                                \
    [R_A] = {"/v1.41/containers/a/json ", {{"{}", 404}}},                                 \
    [R_B] = {"/v1.41/containers/b/json ", {{"{}", 404}}},                                 \
    [R_IMAGES] = {"/v1.41/images/sha256%3A" CONFIG "/json ", {{IMAGE}}}

static void set(struct world *world, size_t route, size_t answer, const char *body)
{
    world->peer.routes[route].answers[answer] = (struct api_peer_answer){.body = body};
}

static void hold(struct world *world, size_t answer, const char *body)
{
    world->peer.routes[R_EVENTS].answers[answer] =
            (struct api_peer_answer){.body = body, .hold = true};
}

/* ---- tests ---- */

static void what_runs_is_listed_before_events_are_followed(void **state)
{
    static struct world world;

    (void)state;
    world = (struct world){.peer.routes = {ENGINE}};
    set(&world, R_LIST, 0, LISTED("a"));
    set(&world, R_A, 0, INSPECT("a", "true", TIME("0"), NEVER));
    world_start(&world);
    assert_events(1, "observed a-name running a@" AT("0") " (found)\n");
    world_stop(&world, R_EVENTS, 1);
    assert_asked(&world, R_EVENTS,
                 "?since=1795521601.000000000&until=1795521901.000000000&filters=");
    assert_asked(&world, R_EVENTS, "%22event%22%3A%5B%22start%22%2C%22die%22%2C%22destroy%22%5D");
}

static void each_start_is_a_run_and_each_die_ends_the_one_that_began(void **state)
{
    static struct world world;

    (void)state;
    world = (struct world){.peer.routes = {ENGINE}};
    set(&world, R_A, 0, INSPECT("a", "true", TIME("1"), NEVER));
    hold(&world, 0,
         EVENT("start", "a", AT("2")) EVENT("kill", "a", AT("3")) EVENT("die", "a", AT("3"))
                 EVENT("start", "a", AT("4")) EVENT("die", "a", AT("5"))
                         EVENT("destroy", "a", AT("6")));
    world_start(&world);
    assert_events(4,
                  "observed a-name running a@" AT(
                          "2") "\n"
                               "observed a-name ended a@" AT(
                                       "2") "\n"
                                            "observed a-name running a@" AT(
                                                    "4") "\n"
                                                         "observed a-name ended a@" AT("4") "\n");
    world_stop(&world, R_EVENTS, 1);
    assert_no_more_events();
}

/* Old engines write nothing between events, new ones a record separator before each. */
static void events_are_parted_however_the_engine_does_it(void **state)
{
    static char concatenated[4096];
    static struct world world;
    char *to = concatenated;
    const char *const events = EVENT("start", "a", AT("2")) EVENT("die", "a", AT("3")) "\x1e" EVENT(
            "start", "a", AT("4")) "{\"Type\":\"container\",\"Act";

    (void)state;
    for (const char *at = events; *at; at++)
        if (*at != '\n')
            *to++ = *at;
    world = (struct world){.peer.routes = {ENGINE}};
    hold(&world, 0, concatenated);
    world_start(&world);
    assert_events(3, "observed a-name running a@" AT(
                             "2") "\n"
                                  "observed a-name ended a@" AT(
                                          "2") "\n"
                                               "observed a-name running a@" AT("4") "\n");
    world_stop(&world, R_EVENTS, 1);
}

/* 1795521602000000001 and ...003 are one double. */
static void times_are_whole_to_the_nanosecond(void **state)
{
    static struct world world;

    (void)state;
    world = (struct world){.peer.routes = {ENGINE}};
    hold(&world, 0,
         EVENT("start", "a", "1795521602000000001") EVENT("die", "a", "1795521602000000002")
                 EVENT("start", "a", "1795521602000000003"));
    world_start(&world);
    assert_events(3, "observed a-name running a@1795521602000000001\n"
                     "observed a-name ended a@1795521602000000001\n"
                     "observed a-name running a@1795521602000000003\n");
    world_stop(&world, R_EVENTS, 1);
}

static void the_start_of_what_a_listing_found_is_not_another_run(void **state)
{
    static struct world world;

    (void)state;
    world = (struct world){.peer.routes = {ENGINE}};
    set(&world, R_LIST, 0, LISTED("a"));
    set(&world, R_A, 0, INSPECT("a", "true", TIME("2"), NEVER));
    hold(&world, 0, EVENT("start", "a", "1795521602000000777") EVENT("die", "a", AT("5")));
    world_start(&world);
    assert_events(2, "observed a-name running a@" AT("2") " (found)\n"
                                                          "observed a-name ended a@" AT("2") "\n");
    world_stop(&world, R_EVENTS, 1);
    assert_no_more_events();
}

/* It started, died and started again while the list was made, which saw the last start only. */
static void a_run_that_a_listing_was_too_late_for_is_told_from_its_events(void **state)
{
    static struct world world;

    (void)state;
    world = (struct world){.peer.routes = {ENGINE}};
    set(&world, R_LIST, 0, LISTED("a"));
    set(&world, R_A, 0, INSPECT("a", "true", TIME("4"), TIME("3")));
    hold(&world, 0,
         EVENT("start", "a", AT("2")) EVENT("die", "a", AT("3"))
                 EVENT("start", "a", "1795521604000000001") EVENT("die", "a", AT("6")));
    world_start(&world);
    assert_events(4,
                  "observed a-name running a@" AT(
                          "4") " (found)\n"
                               "observed a-name running a@" AT(
                                       "2") "\n"
                                            "observed a-name ended a@" AT(
                                                    "2") "\n"
                                                         "observed a-name ended a@" AT("4") "\n");
    world_stop(&world, R_EVENTS, 1);
    assert_no_more_events();
}

static void what_happened_unseen_is_closed_by_the_next_list(void **state)
{
    static struct world before, after;

    (void)state;
    before = (struct world){.peer.routes = {ENGINE}};
    set(&before, R_LIST, 0, "[{\"Id\":\"a\"},{\"Id\":\"b\"}]");
    set(&before, R_A, 0, INSPECT("a", "true", TIME("0"), NEVER));
    set(&before, R_B, 0, INSPECT("b", "true", TIME("0"), NEVER));
    world_start(&before);
    assert_events(2, "observed a-name running a@" AT("0") " (found)\n"
                                                          "observed b-name running b@" AT(
                                                                  "0") " (found)\n");
    world_stop(&before, R_EVENTS, 1);
    /* a was restarted, b removed, and the engine forgot it all. */
    after = (struct world){.peer.routes = {ENGINE}};
    set(&after, R_INFO, 0, INFO("9"));
    set(&after, R_LIST, 0, LISTED("a"));
    set(&after, R_A, 0, INSPECT("a", "true", TIME("6"), TIME("5")));
    set(&after, R_EVENTS, 0, "");
    hold(&after, 1, "");
    world_start(&after);
    assert_events(3, "observed a-name ended a@" AT("0") " (found)\n"
                                                        "observed a-name running a@" AT(
                                                                "6") " (found)\n"
                                                                     "removed b-name ended b@" AT(
                                                                             "0") " (found)\n");
    world_stop(&after, R_EVENTS, 2);
    assert_no_more_events();
}

/* Its end and the list that had it no more crossed. */
static void the_last_events_of_what_a_list_had_no_more_tell_nothing_new(void **state)
{
    static struct world world;

    (void)state;
    world = (struct world){.peer.routes = {ENGINE}};
    set(&world, R_LIST, 0, LISTED("a"));
    set(&world, R_LIST, 1, "[]");
    set(&world, R_A, 0, INSPECT("a", "true", TIME("0"), NEVER));
    world.peer.routes[R_A].answers[1] = (struct api_peer_answer){"{}", 404, false};
    set(&world, R_INFO, 1, INFO("5"));
    set(&world, R_EVENTS, 0, "");
    set(&world, R_EVENTS, 1, "");
    hold(&world, 2, EVENT("die", "a", AT("6")) EVENT("destroy", "a", AT("6")));
    world_start(&world);
    assert_events(
            2, "observed a-name running a@" AT("0") " (found)\n"
                                                    "removed a-name ended a@" AT("0") " (found)\n");
    world_stop(&world, R_EVENTS, 3);
    assert_no_more_events();
}

static void a_stream_that_ends_goes_on_where_it_was_and_replays_nothing(void **state)
{
    static struct world world;

    (void)state;
    world = (struct world){.peer.routes = {ENGINE}};
    set(&world, R_INFO, 1, INFO("7"));
    set(&world, R_LIST, 1, LISTED("a"));
    set(&world, R_A, 0, INSPECT("a", "true", TIME("2"), NEVER));
    set(&world, R_EVENTS, 0, EVENT("start", "a", AT("2")));
    set(&world, R_EVENTS, 1,
        EVENT("start", "a", AT("2")) EVENT("die", "a", AT("4")) EVENT("start", "a", AT("5")));
    hold(&world, 2, EVENT("die", "a", AT("8")));
    world_start(&world);
    assert_events(4,
                  "observed a-name running a@" AT(
                          "2") "\n"
                               "observed a-name ended a@" AT(
                                       "2") "\n"
                                            "observed a-name running a@" AT(
                                                    "5") "\n"
                                                         "observed a-name ended a@" AT("5") "\n");
    world_stop(&world, R_EVENTS, 3);
    assert_asked(&world, R_EVENTS, "?since=1795521607.000000000&");
    assert_no_more_events();
}

static void the_end_of_a_container_nobody_knew_is_told_with_what_is_left_of_it(void **state)
{
    static struct world world;

    (void)state;
    world = (struct world){.peer.routes = {ENGINE}};
    set(&world, R_A, 0, INSPECT("a", "false", TIME("0"), TIME("2")));
    hold(&world, 0, EVENT("die", "a", AT("2")) EVENT("die", "b", AT("3")));
    world_start(&world);
    assert_events(2, "observed a-name ended a@" AT("0") "\nobserved b-name ended b@unknown\n");
    world_stop(&world, R_EVENTS, 1);
}

static void a_restart_that_waits_is_no_run(void **state)
{
    static struct world world;

    (void)state;
    world = (struct world){.peer.routes = {ENGINE}};
    set(&world, R_LIST, 0, LISTED("a"));
    set(&world, R_A, 0, INSPECT("a", "true,\"Restarting\":true", TIME("0"), TIME("1")));
    world_start(&world);
    assert_events(1, "observed a-name ended a@" AT("0") " (found)\n");
    world_stop(&world, R_EVENTS, 1);
}

/* A list that fails in the middle closes nobody, and is made again. */
static void half_a_list_closes_nobody(void **state)
{
    static struct world world;

    (void)state;
    world = (struct world){.peer.routes = {ENGINE}};
    set(&world, R_LIST, 0, "[{\"Id\":\"a\"},{\"Id\":\"b\"}]");
    set(&world, R_A, 0, INSPECT("a", "true", TIME("0"), NEVER));
    world.peer.routes[R_B].answers[0] = (struct api_peer_answer){"{}", 500, false};
    set(&world, R_B, 1, INSPECT("b", "true", TIME("0"), NEVER));
    world_start(&world);
    assert_events(2, "observed a-name running a@" AT("0") " (found)\n"
                                                          "observed b-name running b@" AT(
                                                                  "0") " (found)\n");
    world_stop(&world, R_EVENTS, 1);
    assert_int_equal(world.peer.routes[R_LIST].asked, 2);
}

static void what_is_not_understood_is_quarantined_and_the_stream_goes_on(void **state)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf ids;
    static struct world world;

    (void)state;
    mu_buf_init(&ids, 1024);
    world = (struct world){.peer.routes = {ENGINE}};
    hold(&world, 0, "no json\n{\"Type\":}\n" EVENT("start", "a", AT("2")));
    world_start(&world);
    assert_events(1, "observed a-name running a@" AT("2") "\n");
    read_ids(&fixture, MU_TOPIC_QUARANTINE, 2, &ids);
    world_stop(&world, R_EVENTS, 1);
}

static void the_version_is_one_that_both_speak(void **state)
{
    static const struct {
        const char *answer, *prefix;
    } cases[] = {{"{\"ApiVersion\":\"1.30\"}", "/v1.30/"},
                 {"{\"ApiVersion\":\"1.52\",\"MinAPIVersion\":\"1.24\"}", "/v1.41/"},
                 {"{\"ApiVersion\":\"1.52\",\"MinAPIVersion\":\"1.44\"}", "/v1.44/"}};

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        static struct world world;

        world = (struct world){.peer.routes = {{"/version ", {{cases[i].answer}}},
                                               {cases[i].prefix, {{"{}", 500}}}}};
        world_start(&world);
        world_stop(&world, 1, 1);
    }
}

static void what_is_no_engine_or_too_old_is_asked_again_and_nothing_else(void **state)
{
    static const char *const answers[] = {"{\"ApiVersion\":\"1.23\"}",
                                          "{\"ApiVersion\":\"1\"}",
                                          "{\"ApiVersion\":\"one.two\"}",
                                          "{}",
                                          "[]",
                                          "no json"};

    (void)state;
    for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
        static struct world world;

        world = (struct world){.peer.routes = {{"/version ", {{answers[i]}}}, {"/", {{"{}"}}}}};
        world_start(&world);
        world_stop(&world, 0, 2);
        assert_int_equal(world.peer.routes[1].asked, 0);
    }
}

static void an_engine_is_reached_over_its_socket(void **state)
{
    static struct world world;
    static char path[128];

    (void)state;
    (void)snprintf(path, sizeof(path), "%s/docker.sock", fixture.folder.path);
    world = (struct world){.peer = {.routes = {ENGINE}, .unix_path = path}};
    hold(&world, 0, EVENT("start", "a", AT("2")));
    world_start(&world);
    assert_events(1, "observed a-name running a@" AT("2") "\n");
    world_stop(&world, R_EVENTS, 1);
}

/* Kafka away and the spool full: what was told is taken back, and told when it can be. */
static void what_was_not_durable_is_told_again(void **state)
{
    struct spool_config small = {.folder = fixture.folder.path, .max_bytes = 10};
    static struct world world;

    (void)state;
    delivery_close(&fixture);
    assert_int_equal(mu_producer_open(&fixture.kafka.config, &fixture.producer, &fixture.err),
                     MU_OK);
    assert_int_equal(spool_open(&small, &fixture.spool, &fixture.err), MU_OK);
    assert_int_equal(
            delivery_start(fixture.producer, fixture.spool, &fixture.delivery, &fixture.err),
            MU_OK);
    broker_down(&fixture);
    world = (struct world){.peer.routes = {ENGINE}};
    set(&world, R_LIST, 0, LISTED("a"));
    set(&world, R_A, 0, INSPECT("a", "true", TIME("0"), NEVER));
    world_start(&world);
    WAIT_FOR(api_peer_asked(&world.peer, R_LIST) >= 2);
    assert_int_equal(api_peer_asked(&world.peer, R_EVENTS), 0);
    rd_kafka_mock_broker_set_up(fixture.kafka.cluster, 1);
    assert_events(1, "observed a-name running a@" AT("0") " (found)\n");
    world_stop(&world, R_EVENTS, 1);
    assert_no_more_events();
}

/* ---- swarm ---- */

#define SERVICE(image, version)                                                        \
    "{\"ID\":\"s1\",\"Version\":{\"Index\":" version                                   \
    "},\"UpdatedAt\":\"" TIME("1") "\",\"Spec\":{\"Name\":\"cart\",\"TaskTemplate\":{" \
                                   "\"ContainerSpec\":{\"Image\":\"" image "\"}}}}"
#define SERVICE_EVENT(action, at)                                                               \
    "{\"Type\":\"service\",\"Action\":\"" action "\",\"Actor\":{\"ID\":\"s1\",\"Attributes\":{" \
    "\"name\":\"cart\"}},\"scope\":\"swarm\",\"timeNano\":" at "}\n"
#define PINNED(x) "registry.example/cart:" x "@sha256:" CONFIG

static void a_manager_tells_what_its_services_want_when_that_changes(void **state)
{
    static struct world world;

    (void)state;
    source.kind = source_kind_find("swarm");
    world = (struct world){
            .peer.routes = {ENGINE,
                            {"/v1.41/services ", {{"[" SERVICE(PINNED("1"), "5") "]"}}},
                            {"/v1.41/services/s1 ",
                             {{SERVICE(PINNED("1"), "6")}, {SERVICE(PINNED("2"), "7")}}},
                            {"/v1.41/tasks?",
                             {{"[]"},
                              {"[]"},
                              {"[{\"ServiceID\":\"s1\",\"Spec\":{\"ContainerSpec\":{\"Image\":"
                               "\"" PINNED("1") "\"}}}]"}}}}};
    set(&world, R_INFO, 0,
        "{\"Name\":\"node-1\",\"SystemTime\":\"" TIME(
                "1") "\",\"Swarm\":{\"ControlAvailable\":true}}");
    hold(&world, 0,
         SERVICE_EVENT("update", AT("2")) SERVICE_EVENT("update", AT("3"))
                 SERVICE_EVENT("remove", AT("4")));
    world_start(&world);
    assert_events(2,
                  "declared cart waiting " PINNED("1") " (found)\n"
                                                       "declared cart waiting " PINNED(
                                                               "2") " waiting " PINNED("1") "\n");
    world_stop(&world, R_EVENTS, 1);
    assert_no_more_events();
    assert_asked(&world, R_EVENTS, "%22service%22");
    source.kind = source_kind_find("docker");
}

static void a_kind_that_is_no_stream_is_refused(void **state)
{
    struct source_config other = {
            .name = "x", .kind = source_kind_find("harbor"), .url = "tcp://h:1"};
    const struct stream_config config = {.source = &other, .delivery = fixture.delivery};
    struct stream *stream = NULL;

    (void)state;
    assert_int_equal(stream_start(&config, &stream, &fixture.err), MU_E_INVALID);
    assert_null(stream);
}

#define STREAM_TEST(name) cmocka_unit_test_setup_teardown(name, stream_setup, stream_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
            STREAM_TEST(what_runs_is_listed_before_events_are_followed),
            STREAM_TEST(each_start_is_a_run_and_each_die_ends_the_one_that_began),
            STREAM_TEST(events_are_parted_however_the_engine_does_it),
            STREAM_TEST(times_are_whole_to_the_nanosecond),
            STREAM_TEST(the_start_of_what_a_listing_found_is_not_another_run),
            STREAM_TEST(a_run_that_a_listing_was_too_late_for_is_told_from_its_events),
            STREAM_TEST(what_happened_unseen_is_closed_by_the_next_list),
            STREAM_TEST(the_last_events_of_what_a_list_had_no_more_tell_nothing_new),
            STREAM_TEST(a_stream_that_ends_goes_on_where_it_was_and_replays_nothing),
            STREAM_TEST(the_end_of_a_container_nobody_knew_is_told_with_what_is_left_of_it),
            STREAM_TEST(a_restart_that_waits_is_no_run),
            STREAM_TEST(half_a_list_closes_nobody),
            STREAM_TEST(what_is_not_understood_is_quarantined_and_the_stream_goes_on),
            STREAM_TEST(the_version_is_one_that_both_speak),
            STREAM_TEST(what_is_no_engine_or_too_old_is_asked_again_and_nothing_else),
            STREAM_TEST(an_engine_is_reached_over_its_socket),
            STREAM_TEST(what_was_not_durable_is_told_again),
            STREAM_TEST(a_manager_tells_what_its_services_want_when_that_changes),
            STREAM_TEST(a_kind_that_is_no_stream_is_refused),
    };

    return cmocka_run_group_tests(tests, group_setup, stream_group_teardown);
}
