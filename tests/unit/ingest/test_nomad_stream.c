/* A Nomad server that says exactly what a test tells it to, and the mock Kafka behind. The shapes
 * are those of the API's documentation. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "stream_fixture.h"

static int group_setup(void **state)
{
    source = (struct source_config){
            .name = "nomad", .kind = source_kind_find("nomad"), .cluster = "edge"};
    delivery_group_setup(&fixture);
    *state = &fixture;
    return 0;
}

/* Times: 2026-11-24T12:00:0N, in ns NS(N). */
#define NS(second)   "179552160" second "000000000"
#define TIME(second) "2026-11-24T12:00:0" second "Z"
#define NEVER        "0001-01-01T00:00:00Z"

#define JOB(name, image, version, at)                                                           \
    "{\"ID\":\"" name "\",\"Name\":\"" name "\",\"Namespace\":\"default\",\"Version\":" version \
    ",\"Status\":\"running\",\"ModifyIndex\":" at ",\"JobModifyIndex\":" at                     \
    ",\"TaskGroups\":[{\"Name\":\"g\",\"Tasks\":[{\"Name\":\"web\",\"Driver\":\"docker\","      \
    "\"Config\":{\"image\":\"" image "\"}},{\"Name\":\"log\",\"Driver\":\"exec\",\"Config\":{"  \
    "\"command\":\"/bin/log\"}}]}]}"
#define STATE(state, started, finished)                                                 \
    "{\"State\":\"" state "\",\"StartedAt\":\"" started "\",\"FinishedAt\":\"" finished \
    "\",\"Events\":[{\"Type\":\"Terminated\",\"Time\":" NS("3") "}]}"
/* With members `more`: the job's version in lists, the job itself in answers. */
#define ALLOC(id, job, status, index, web, more)                                                  \
    "{\"ID\":\"" id "\",\"Name\":\"" job ".g[0]\",\"Namespace\":\"default\",\"NodeID\":\"n1\","   \
    "\"NodeName\":\"node-1\",\"JobID\":\"" job "\"," more "\"TaskGroup\":\"g\",\"ClientStatus\":" \
    "\"" status "\",\"CreateIndex\":50,\"ModifyIndex\":" index                                    \
    ",\"ModifyTime\":" NS("8") ",\"TaskStates\":{\"web\":" web                                    \
                               ",\"log\":" STATE("running", TIME("1"), NEVER) "}}"
#define EVENT(topic, type, key, payload)                            \
    "{\"Topic\":\"" topic "\",\"Type\":\"" type "\",\"Key\":\"" key \
    "\",\"Namespace\":\"default\",\"Index\":60,\"Payload\":{\"" topic "\":" payload "}}"
#define FRAME(index, events) "{\"Index\":" index ",\"Events\":[" events "]}\n"
#define ALLOC_FRAME(index, id, job, status, web)              \
    FRAME(index, EVENT("Allocation", "AllocationUpdated", id, \
                       ALLOC(id, job, status, index, web, "\"Job\":null,")))

enum { R_JOBS, R_ALLOCS, R_EVENTS, R_JOB, R_ALLOC, R_ANY };

#define CLUSTER                                                               \
    [R_JOBS] = {"/v1/jobs?namespace=* ", {{"[]"}}},                           \
    [R_ALLOCS] = {"/v1/allocations?namespace=*&task_states=true ", {{"[]"}}}, \
    [R_EVENTS] = {"/v1/event/stream?", {{"", .hold = true}}},                 \
    [R_JOB] = {"/v1/job/shop?namespace=default ", {{"{}", 404}}},             \
    [R_ALLOC] = {"/v1/allocation/a1 ", {{"{}", 404}}}

static void set(struct world *world, size_t route, size_t answer, const char *body)
{
    world->peer.routes[route].answers[answer] = (struct api_peer_answer){.body = body};
}

static void hold(struct world *world, size_t answer, const char *body)
{
    world->peer.routes[R_EVENTS].answers[answer] =
            (struct api_peer_answer){.body = body, .hold = true};
}

static void an_allocation_runs_the_image_of_its_jobs_version(void **state)
{
    static struct world world;

    (void)state;
    world = (struct world){.peer.routes = {CLUSTER}};
    set(&world, R_ALLOC, 0,
        ALLOC("a1", "shop", "running", "61", STATE("running", TIME("1"), NEVER),
              "\"Job\":" JOB("shop", "registry.example/web:1", "3", "40") ","));
    hold(&world, 0,
         "{}\n" ALLOC_FRAME("61", "a1", "shop", "running", STATE("running", TIME("1"), NEVER))
                 ALLOC_FRAME("62", "a1", "shop", "complete", STATE("dead", TIME("1"), TIME("5"))));
    world_start(&world);
    assert_events(2, "observed shop.g[0] running a1/web@" NS(
                             "1") "\n"
                                  "observed shop.g[0] ended a1/web@" NS("1") "\n");
    world_stop(&world, R_EVENTS, 1);
    assert_int_equal(world.peer.routes[R_ALLOC].asked, 1);
    assert_asked(&world, R_EVENTS, "?topic=Job&topic=Allocation&namespace=*&index=0 ");
    assert_no_more_events();
}

static void a_job_heard_of_answers_for_an_allocation_that_is_gone(void **state)
{
    static struct world world;

    (void)state;
    world = (struct world){.peer.routes = {CLUSTER}};
    hold(&world, 0,
         FRAME("40", EVENT("Job", "JobRegistered", "shop",
                           JOB("shop", "registry.example/web:1", "0", "40")))
                 FRAME("55", EVENT("Job", "JobRegistered", "shop",
                                   JOB("shop", "registry.example/web:2", "1", "55")))
                         ALLOC_FRAME("61", "a1", "shop", "running",
                                     STATE("running", TIME("1"), NEVER)));
    world_start(&world);
    assert_events(3, "declared shop waiting registry.example/web:1\n"
                     "declared shop waiting registry.example/web:2\n"
                     "observed shop.g[0] running a1/web@" NS("1") "\n");
    world_stop(&world, R_EVENTS, 1);
    assert_no_more_events();
}

/* The restart count and the last events tell; the start says which run it is. */
static void a_task_that_starts_again_has_another_run(void **state)
{
    static struct world world;

    (void)state;
    world = (struct world){.peer.routes = {CLUSTER}};
    set(&world, R_ALLOC, 0,
        ALLOC("a1", "shop", "running", "61", STATE("running", TIME("1"), NEVER),
              "\"Job\":" JOB("shop", "registry.example/web:1", "3", "40") ","));
    hold(&world, 0,
         ALLOC_FRAME("61", "a1", "shop", "running", STATE("running", TIME("1"), NEVER))
                 ALLOC_FRAME("64", "a1", "shop", "running", STATE("running", TIME("4"), NEVER)));
    world_start(&world);
    assert_events(2, "observed shop.g[0] running a1/web@" NS(
                             "1") "\n"
                                  "observed shop.g[0] ended a1/web@" NS("1") " running a1/web@" NS(
                                          "4") "\n");
    world_stop(&world, R_EVENTS, 1);
}

static void what_is_there_is_listed_first_and_a_gap_is_closed_by_a_list(void **state)
{
    static struct world world;

    (void)state;
    world = (struct world){.peer.routes = {CLUSTER}};
    set(&world, R_JOBS, 0, "[" JOB("shop", "", "3", "40") "]");
    set(&world, R_JOB, 0, JOB("shop", "registry.example/web:1", "3", "40"));
    set(&world, R_ALLOCS, 0,
        "[" ALLOC("a1", "shop", "running", "70", STATE("running", TIME("1"), NEVER),
                  "\"JobVersion\":3,") "]");
    set(&world, R_ALLOCS, 1, "[]");
    set(&world, R_EVENTS, 0, "{}\n");
    hold(&world, 1, "");
    world_start(&world);
    assert_events(3, "declared shop waiting registry.example/web:1 (found)\n"
                     "observed shop.g[0] running a1/web@" NS(
                             "1") " (found)\n"
                                  "removed shop.g[0] ended a1/web@" NS("1") " (found)\n");
    world_stop(&world, R_EVENTS, 2);
    assert_int_equal(world.peer.routes[R_ALLOC].asked, 0);
    assert_int_equal(world.peer.routes[R_JOB].asked, 1);
    assert_asked(&world, R_EVENTS, "&index=71 ");
    assert_no_more_events();
}

static void what_was_told_is_not_told_again_by_the_next_process(void **state)
{
    static struct world before, after;

    (void)state;
    before = (struct world){.peer.routes = {CLUSTER}};
    set(&before, R_ALLOC, 0,
        ALLOC("a1", "shop", "running", "61", STATE("running", TIME("1"), NEVER),
              "\"Job\":" JOB("shop", "registry.example/web:1", "3", "40") ","));
    hold(&before, 0,
         ALLOC_FRAME("61", "a1", "shop", "running", STATE("running", TIME("1"), NEVER)));
    world_start(&before);
    assert_events(1, "observed shop.g[0] running a1/web@" NS("1") "\n");
    world_stop(&before, R_EVENTS, 1);
    after = (struct world){.peer.routes = {CLUSTER}};
    set(&after, R_ALLOCS, 0,
        "[" ALLOC("a1", "shop", "lost", "90", STATE("running", TIME("1"), NEVER),
                  "\"JobVersion\":3,") "]");
    hold(&after, 0, ALLOC_FRAME("61", "a1", "shop", "running", STATE("running", TIME("1"), NEVER)));
    world_start(&after);
    assert_events(1, "observed shop.g[0] ended a1/web@" NS("1") " (found)\n");
    world_stop(&after, R_EVENTS, 1);
    assert_asked(&after, R_EVENTS, "&index=91 ");
    assert_no_more_events();
}

/* Both end the round; the next one lists and goes on. */
static void an_error_in_the_stream_and_a_torn_frame_go_on_behind_what_was_whole(void **state)
{
    static struct world world;

    (void)state;
    world = (struct world){.peer.routes = {CLUSTER}};
    set(&world, R_EVENTS, 0,
        FRAME("70", EVENT("Node", "NodeRegistration", "n1", "{}")) "{\"Index\":71,\"Ev");
    set(&world, R_EVENTS, 1, "{\"Error\":{\"Code\":403,\"Message\":\"ACL token expired\"}}\n");
    hold(&world, 2,
         FRAME("80", EVENT("Job", "JobRegistered", "shop",
                           JOB("shop", "registry.example/web:1", "0", "40"))));
    world_start(&world);
    assert_events(1, "declared shop waiting registry.example/web:1\n");
    world_stop(&world, R_EVENTS, 3);
    assert_asked(&world, R_EVENTS, "&index=71 ");
}

static void the_token_is_sent_and_read_again_each_time(void **state)
{
    static struct world world;
    static char token[SPOOL_PATH_SIZE];

    (void)state;
    (void)snprintf(token, sizeof(token), "%s/token", fixture.folder.path);
    assert_int_equal(mu_file_write_atomic(token, "first\n", 6, &fixture.err), MU_OK);
    source.token_file = token;
    world = (struct world){.peer.routes = {CLUSTER}};
    set(&world, R_EVENTS, 0, "{}");
    world_start(&world);
    WAIT_FOR(api_peer_asked(&world.peer, R_EVENTS) >= 1);
    assert_int_equal(mu_file_write_atomic(token, "second", 6, &fixture.err), MU_OK);
    size_t asked = api_peer_asked(&world.peer, R_EVENTS);
    world_stop(&world, R_EVENTS, asked + 2);
    source.token_file = NULL;
    assert_asked(&world, R_EVENTS, "X-Nomad-Token: second\r\n");
}

static void a_namespace_and_a_job_are_escaped_in_urls(void **state)
{
    static struct world world;

    (void)state;
    world = (struct world){.peer.routes = {CLUSTER, [R_ANY] = {"/v1/job/", {{"{}", 404}}}}};
    set(&world, R_JOBS, 0, "[" JOB("a/b?c&d", "", "0", "40") "]");
    world_start(&world);
    world_stop(&world, R_ANY, 1);
    assert_asked(&world, R_ANY, "GET /v1/job/a%2Fb%3Fc%26d?namespace=default HTTP");
}

#define STREAM_TEST(name) cmocka_unit_test_setup_teardown(name, stream_setup, stream_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
            STREAM_TEST(an_allocation_runs_the_image_of_its_jobs_version),
            STREAM_TEST(a_job_heard_of_answers_for_an_allocation_that_is_gone),
            STREAM_TEST(a_task_that_starts_again_has_another_run),
            STREAM_TEST(what_is_there_is_listed_first_and_a_gap_is_closed_by_a_list),
            STREAM_TEST(what_was_told_is_not_told_again_by_the_next_process),
            STREAM_TEST(an_error_in_the_stream_and_a_torn_frame_go_on_behind_what_was_whole),
            STREAM_TEST(the_token_is_sent_and_read_again_each_time),
            STREAM_TEST(a_namespace_and_a_job_are_escaped_in_urls),
    };

    return cmocka_run_group_tests(tests, group_setup, stream_group_teardown);
}
