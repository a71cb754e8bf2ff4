#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "kube_fixture.h"

#include "base/buf.h"
#include "base/text.h"
#include "watch/kube_names.h"

#define NODE(name, arch)                                                                   \
    "{\"metadata\":{\"name\":\"" name "\"},\"status\":{\"nodeInfo\":{\"operatingSystem\":" \
    "\"linux\",\"architecture\":\"" arch "\"}}}"
#define OWNER(kind, name)                                                                \
    "\"ownerReferences\":[{\"kind\":\"Other\",\"name\":\"other\"},{\"controller\":true," \
    "\"kind\":\"" kind "\",\"name\":\"" name "\",\"uid\":\"owner-of-it\"}]"
#define OWNED(uid, kind, name) "{\"metadata\":{\"uid\":\"" uid "\"," OWNER(kind, name) "}}"
#define WATCHED(type, object)  "{\"type\":\"" type "\",\"object\":" object "}\n"
#define ONE(object)            OK_HEAD object
#define POD_OF(node, kind, name, uid)                                                           \
    "{\"type\":\"ADDED\",\"object\":{\"metadata\":{\"namespace\":\"shop\",\"ownerReferences\":" \
    "[{\"controller\":true,\"kind\":\"" kind "\",\"name\":\"" name "\",\"uid\":\"" uid          \
    "\"}]},\"spec\":{\"nodeName\":\"" node "\"}}}"

enum { NODES, REPLICA_SETS, JOBS, ONE_NODE, ONE_REPLICA_SET };

struct world {
    struct kube_peer peer;
    struct source_config source;
    struct kube_names *names;
    char url[64];
};

static struct world world;

static int setup(void **state)
{
    static const char *const paths[] = {"/api/v1/nodes", "/apis/apps/v1/replicasets",
                                        "/apis/batch/v1/jobs", "/api/v1/nodes/n%2F9",
                                        "/apis/apps/v1/namespaces/shop/replicasets/web-9"};

    (void)state;
    world = (struct world){0};
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
        world.peer.routes[i].path = paths[i];
    for (size_t i = 0; i < 3; i++) {
        world.peer.routes[i].replies[0] = (struct http_peer_reply){LIST("10", ""), PEER_CLOSE};
        world.peer.routes[i].replies[1] = (struct http_peer_reply){OK_HEAD, PEER_HOLD};
    }
    return 0;
}

static void reply(size_t route, size_t index, const char *bytes)
{
    world.peer.routes[route].replies[index] =
            (struct http_peer_reply){bytes, index == 1 ? PEER_HOLD : PEER_CLOSE};
}

static void start(void)
{
    struct kube_names_config config = {.source = &world.source, .retry_min_ms = 2};
    struct mu_error err;

    kube_peer_start(&world.peer);
    world.source = kube_source(&world.peer, world.url);
    assert_int_equal(kube_names_start(&config, &world.names, &err), MU_OK);
    kube_names_wait(world.names, KUBE_WAIT_MS);
}

static void stop(void)
{
    kube_names_cancel(world.names);
    kube_peer_stop(&world.peer);
    kube_names_stop(world.names);
}

/* "platform owner_kind/owner_name" of an event, with "-" for what is not known. */
static void context_of(const char *event, char ret_text[256])
{
    json_auto_t *root = json_loads(event, 0, NULL);
    const char *platform, *kind, *name;

    assert_non_null(root);
    kube_names_add(world.names, root);
    platform = mu_json_text_at(root, "context.platform");
    kind = mu_json_text_at(root, "context.owner.kind");
    name = mu_json_text_at(root, "context.owner.name");
    (void)snprintf(ret_text, 256, "%s %s/%s", platform ? platform : "-", kind ? kind : "-",
                   name ? name : "-");
}

static void assert_context(const char *event, const char *expected)
{
    char text[256];

    context_of(event, text);
    assert_string_equal(text, expected);
}

static void wait_context(const char *event, const char *expected)
{
    char text[256];
    uint64_t deadline_ms = mu_monotonic_ms() + KUBE_WAIT_MS;

    context_of(event, text);
    while (!mu_text_equal(text, expected) && mu_monotonic_ms() < deadline_ms) {
        (void)usleep(1000); /* what is not known is asked for each time */
        context_of(event, text);
    }
    assert_string_equal(text, expected);
}

/* ---- tests ---- */

static void a_pod_gets_its_platform_and_the_controller_behind_its_controller(void **state)
{
    (void)state;
    reply(NODES, 0, LIST("10", NODE("n1", "arm64") "," NODE("n2", "amd64")));
    reply(REPLICA_SETS, 0, LIST("10", OWNED("u1", "Deployment", "web")));
    reply(JOBS, 0, LIST("10", OWNED("u2", "CronJob", "nightly")));
    start();
    assert_context(POD_OF("n1", "ReplicaSet", "web-1", "u1"), "linux/arm64 Deployment/web");
    assert_context(POD_OF("n2", "Job", "nightly-1", "u2"), "linux/amd64 CronJob/nightly");
    assert_context(POD_OF("n2", "StatefulSet", "db", "u3"), "linux/amd64 -/-");
    stop();
    assert_asked(&world.peer, NODES, 0, "Accept: application/json\r\n");
    assert_asked(&world.peer, REPLICA_SETS, 0, "as=PartialObjectMetadataList;");
    assert_asked(&world.peer, JOBS, 0, "as=PartialObjectMetadataList;");
}

static void an_owner_without_an_owner_is_the_top(void **state)
{
    (void)state;
    reply(REPLICA_SETS, 0, LIST("10", "{\"metadata\":{\"uid\":\"u1\"}}"));
    start();
    assert_context(POD_OF("", "ReplicaSet", "web-1", "u1"), "- ReplicaSet/web-1");
    stop();
}

static void what_the_watch_tells_is_known_and_what_is_deleted_is_not(void **state)
{
    (void)state;
    reply(NODES, 0, LIST("10", NODE("n1", "amd64")));
    reply(NODES, 1,
          OK_HEAD WATCHED("MODIFIED", NODE("n1", "arm64")) WATCHED("ADDED", NODE("n2", "s390x")));
    reply(REPLICA_SETS, 0, LIST("10", OWNED("u1", "Deployment", "web")));
    reply(REPLICA_SETS, 1, OK_HEAD WATCHED("DELETED", OWNED("u1", "Deployment", "web")));
    start();
    wait_context(POD_OF("n1", "", "", ""), "linux/arm64 -/-");
    wait_context(POD_OF("n2", "", "", ""), "linux/s390x -/-");
    wait_context(POD_OF("", "ReplicaSet", "web-1", "u1"), "- -/-"); /* nor is it found by name */
    stop();
}

static void what_is_not_known_yet_is_asked_for_by_name_once(void **state)
{
    (void)state;
    reply(ONE_NODE, 0, ONE(NODE("n/9", "riscv64")));
    reply(ONE_REPLICA_SET, 0, ONE(OWNED("u9", "Deployment", "web")));
    start();
    for (int i = 0; i < 2; i++)
        assert_context(POD_OF("n/9", "ReplicaSet", "web-9", "u9"), "linux/riscv64 Deployment/web");
    stop();
    assert_int_equal(world.peer.routes[ONE_NODE].count, 1);
    assert_int_equal(world.peer.routes[ONE_REPLICA_SET].count, 1);
    assert_asked(&world.peer, ONE_REPLICA_SET, 0, "Accept: application/json;as=PartialObjectMeta");
}

static void another_object_of_that_name_is_not_the_one(void **state)
{
    (void)state;
    reply(ONE_REPLICA_SET, 0, ONE(OWNED("newer", "Deployment", "other")));
    start();
    assert_context(POD_OF("", "ReplicaSet", "web-9", "u9"), "- -/-");
    stop();
}

static void what_may_not_be_listed_is_left_out_and_not_asked_for(void **state)
{
    (void)state;
    reply(NODES, 0, STATUS("403 Forbidden"));
    reply(REPLICA_SETS, 0, STATUS("403 Forbidden"));
    start(); /* and does not wait for ever */
    assert_context(POD_OF("n/9", "ReplicaSet", "web-9", "u9"), "- -/-");
    stop();
    assert_int_equal(world.peer.routes[ONE_NODE].count, 0);
}

static void a_node_that_does_not_say_its_platform_has_none(void **state)
{
    (void)state;
    reply(ONE_NODE, 0, ONE("{\"metadata\":{\"name\":\"n/9\"},\"status\":{}}"));
    start();
    assert_context(POD_OF("n/9", "", "", ""), "- -/-");
    stop();
}

static void what_an_event_says_there_itself_is_replaced(void **state)
{
    (void)state;
    start();
    assert_context("{\"object\":{},\"context\":{\"platform\":\"forged/forged\"}}", "- -/-");
    assert_context("{\"object\":7}", "- -/-");
    stop();
    kube_names_stop(NULL);
}

#define NAMES_TEST(name) cmocka_unit_test_setup(name, setup)

int main(void)
{
    const struct CMUnitTest tests[] = {
            NAMES_TEST(a_pod_gets_its_platform_and_the_controller_behind_its_controller),
            NAMES_TEST(an_owner_without_an_owner_is_the_top),
            NAMES_TEST(what_the_watch_tells_is_known_and_what_is_deleted_is_not),
            NAMES_TEST(what_is_not_known_yet_is_asked_for_by_name_once),
            NAMES_TEST(another_object_of_that_name_is_not_the_one),
            NAMES_TEST(what_may_not_be_listed_is_left_out_and_not_asked_for),
            NAMES_TEST(a_node_that_does_not_say_its_platform_has_none),
            NAMES_TEST(what_an_event_says_there_itself_is_replaced),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
