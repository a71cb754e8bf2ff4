/* Every route over a real socket, byte for byte. */
#include "world.h"

#include "api/api.h"

#include <arpa/inet.h>
#include <stdatomic.h>
#include <sys/socket.h>

enum { REPLY_SIZE = 256 * 1024, DEADLINE_MS = 15000 };

static struct world w;
static struct api *api;
static atomic_bool writing_side_works;
static char reply[REPLY_SIZE];

static bool is_ready(void *opaque)
{
    (void)opaque;
    return atomic_load(&writing_side_works);
}

static void start(const char *conninfo, const char *token)
{
    struct api_config config = {.listen = "127.0.0.1:0",
                                .conninfo = conninfo,
                                .evidence_token = token,
                                .evidence = w.evidence,
                                .ready = is_ready};
    struct mu_error err;

    if (api_start(&config, &api, &err) != MU_OK)
        fail_msg("%s", err.message);
}

static int open_api(void **state)
{
    (void)state;
    world_open(&w);
    atomic_store(&writing_side_works, true);
    start(w.conninfo, NULL);
    return 0;
}

static int close_api(void **state)
{
    (void)state;
    api_stop(api);
    world_close(&w);
    return 0;
}

static int connect_api(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons(api_port(api)),
                                  .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_int_equal(connect(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
    return fd;
}

/* Sends the bytes, reads the reply until the server closes; gives the status. The body is in
 * body(). */
static int exchange(const char *request)
{
    int fd = connect_api();
    size_t len = 0;
    ssize_t got;

    assert_int_equal(send(fd, request, strlen(request), MSG_NOSIGNAL), strlen(request));
    while ((got = recv(fd, reply + len, sizeof(reply) - 1 - len, 0)) > 0)
        len += (size_t)got;
    reply[len] = '\0';
    (void)close(fd);
    assert_true(strncmp(reply, "HTTP/1.1 ", 9) == 0);
    return (int)strtol(reply + 9, NULL, 10);
}

static const char *body(void)
{
    const char *end = strstr(reply, "\r\n\r\n");

    return end ? end + 4 : "";
}

static int ask(const char *method, const char *target, const char *headers, const char *text)
{
    static char request[16384];
    char length[64] = "";

    if (text)
        (void)snprintf(length, sizeof(length), "Content-Length: %zu\r\n", strlen(text));
    assert_true(snprintf(request, sizeof(request),
                         "%s %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n%s%s\r\n%s", method,
                         target, length, headers, text ? text : "") < (int)sizeof(request));
    return exchange(request);
}

static int get(const char *target)
{
    return ask("GET", target, "", NULL);
}

static void assert_says(const char *text)
{
    if (!strstr(body(), text))
        fail_msg("'%s' is not in: %s", text, body());
}

static size_t occurrences(const char *text)
{
    size_t count = 0;

    for (const char *at = strstr(body(), text); at; at = strstr(at + 1, text))
        count++;
    return count;
}

/* ---- health ---- */

static void health_needs_nothing(void **state)
{
    (void)state;
    atomic_store(&writing_side_works, false);
    assert_int_equal(get("/healthz"), 200);
}

static void readiness_needs_the_writing_side(void **state)
{
    (void)state;
    assert_int_equal(get("/readyz"), 200);
    atomic_store(&writing_side_works, false);
    assert_int_equal(get("/readyz"), 503);
    assert_says("Kafka");
}

static void without_a_database_everything_that_needs_it_is_503(void **state)
{
    static const char *const targets[] = {"/readyz", "/v1/assets", "/v1/coverage", "/v1/instances"};

    (void)state;
    api_stop(api);
    start("host=/nonexistent port=1 dbname=x connect_timeout=1", NULL);
    for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++)
        assert_int_equal(get(targets[i]), 503);
    assert_int_equal(get("/healthz"), 200);
}

static void a_restarted_database_costs_no_request(void **state)
{
    (void)state;
    assert_int_equal(get("/v1/coverage"), 200);
    free(world_sql(&w, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                       "WHERE application_name = 'muster-inventory api'"));
    assert_int_equal(get("/v1/coverage"), 200);
}

static void metrics_are_prometheus_text(void **state)
{
    (void)state;
    assert_int_equal(get("/metrics"), 200);
    assert_non_null(strstr(reply, "text/plain; version=0.0.4"));
    assert_says("\nmuster_inventory_events_total{outcome=\"applied\"} ");
    assert_says("# TYPE muster_inventory_outbox_waiting gauge");
}

static void unknown_paths_and_methods_are_told_apart(void **state)
{
    (void)state;
    assert_int_equal(get("/v1/nothing"), 404);
    assert_int_equal(ask("DELETE", "/v1/assets", "", NULL), 405);
    assert_int_equal(ask("DELETE", "/v1/evidence/sha256:0", "", NULL), 405);
}

/* ---- assets and digests ---- */

static void push_three(void)
{
    add_push(&w, "e1", "1.0", digest_of('a'), T(0));
    add_push(&w, "e2", "1.1", digest_of('b'), T(1));
    add_push(&w, "e3", "1.2", digest_of('c'), T(2));
    world_apply(&w);
}

static void an_empty_database_has_empty_lists(void **state)
{
    (void)state;
    assert_int_equal(get("/v1/assets"), 200);
    assert_string_equal(body(), "[]");
    assert_int_equal(get("/v1/instances"), 200);
    assert_string_equal(body(), "[]");
}

static void assets_page_by_key(void **state)
{
    (void)state;
    push_three();
    assert_int_equal(get("/v1/assets?limit=2"), 200);
    assert_says(REPO ":1.0");
    assert_says(REPO ":1.1");
    assert_null(strstr(body(), REPO ":1.2"));
    assert_int_equal(get("/v1/assets?limit=2&after=registry.example/app%3A1.1"), 200);
    assert_says(REPO ":1.2");
    assert_null(strstr(body(), REPO ":1.1"));
}

static void limits_out_of_range_are_400(void **state)
{
    static const char *const limits[] = {
            "0", "1001", "-1", "x", "", "1.5", "99999999999999999999", "1%20"};
    char target[128];

    (void)state;
    for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
        (void)snprintf(target, sizeof(target), "/v1/assets?limit=%s", limits[i]);
        assert_int_equal(get(target), 400);
        (void)snprintf(target, sizeof(target), "/v1/instances?limit=%s", limits[i]);
        assert_int_equal(get(target), 400);
    }
    assert_non_null(strstr(reply, "application/problem+json"));
}

static void one_asset_comes_with_the_history_of_its_tag(void **state)
{
    (void)state;
    push_three();
    assert_int_equal(get("/v1/assets?uai=registry.example/app:1.0"), 200);
    assert_says("\"tag_history\":[{\"digest\" : \"sha256:aaa");
    assert_int_equal(get("/v1/assets?uai=registry.example/app:9"), 404);
}

static void lists_within_an_answer_end(void **state)
{
    char target[128];

    (void)state;
    push_three();
    free(world_sql(&w, "INSERT INTO tag_observations SELECT gen_random_uuid(), repository, tag, "
                       "CASE n % 2 WHEN 0 THEN digest ELSE 'sha256:' || n END, "
                       "valid_from + n * interval '1 hour', known_at "
                       "FROM tag_observations, generate_series(1, 150) n WHERE tag = '1.0'"));
    free(world_sql(&w, "INSERT INTO asset_digests SELECT asset_id, 'sha256:' || n, NULL, known_at "
                       "FROM asset_digests, generate_series(1, 150) n"));
    free(world_sql(&w, "INSERT INTO digest_edges SELECT 'sha256:' || n, 'sha256:' || repeat('a', "
                       "64), '', NULL, now() FROM generate_series(1, 150) n"));
    assert_int_equal(get("/v1/assets?uai=registry.example/app:1.0"), 200);
    assert_int_equal(occurrences("valid_from"), 100);
    assert_says("2026-11-07T06:00:00+00:00");
    assert_int_equal(occurrences("\"sha256:"), 200);
    (void)snprintf(target, sizeof(target), "/v1/digests/%.80s", digest_of('a'));
    assert_int_equal(get(target), 200);
    assert_int_equal(occurrences("\"sha256:"), 101);
}

static void a_digest_tells_its_names_and_registries(void **state)
{
    char target[128];

    (void)state;
    push_three();
    (void)snprintf(target, sizeof(target), "/v1/digests/%.80s", digest_of('a'));
    assert_int_equal(get(target), 200);
    assert_says("\"uais\":[\"" REPO ":1.0\"]");
    assert_says("\"pushed\"");
    assert_int_equal(get("/v1/digests/sha256:0"), 404);
}

static void sql_in_a_question_is_only_text(void **state)
{
    (void)state;
    push_three();
    assert_int_equal(get("/v1/assets?uai='%20OR%20'1'='1"), 404);
    assert_int_equal(get("/v1/digests/';DROP%20TABLE%20ledger;--"), 404);
    assert_int_equal(get("/v1/instances?uai=%27%29%3B--"), 200);
    assert_string_equal(body(), "[]");
    assert_sql(&w, "SELECT count(*) FROM ledger", "3");
}

static void bytes_that_are_no_text_are_400(void **state)
{
    (void)state;
    assert_int_equal(get("/v1/assets?uai=%ff%fe"), 400);
    assert_int_equal(get("/v1/digests/%c3"), 400);
}

/* ---- instances and coverage ---- */

/* Two containers of an index with two images each, as no node tells its platform. */
static void run_two(void)
{
    const struct mu_scan_child children[] = {
            {digest_of('a'), MU_DIGEST_KIND_MANIFEST, "m", 10, "linux/amd64"},
            {digest_of('b'), MU_DIGEST_KIND_MANIFEST, "m", 10, "linux/arm64"}};

    add_scan(&w, "s1",
             (struct scan){.digest = digest_of('1'),
                           .outcome = MU_SCAN_RESOLVED,
                           .at = T(1),
                           .children = children,
                           .child_count = 2});
    for (int i = 0; i < 2; i++)
        add_pod(&w, (const char *[]){"e1", "e2"}[i],
                (struct pod){.uid = (const char *[]){"p1", "p2"}[i],
                             .tag = "1.0",
                             .digest = digest_of('1'),
                             .started = T(1),
                             .at = T(1)});
    world_apply(&w);
}

static void a_page_of_instances_never_cuts_one_in_two(void **state)
{
    char target[256], first[40];

    (void)state;
    run_two();
    assert_int_equal(get("/v1/instances"), 200);
    assert_int_equal(occurrences("\"instance_id\""), 4);
    assert_int_equal(get("/v1/instances?limit=1"), 200);
    assert_int_equal(occurrences("\"instance_id\""), 2);
    assert_int_equal(occurrences("\"manifest_digest\":\"sha256:a"), 1);
    assert_int_equal(occurrences("\"manifest_digest\":\"sha256:b"), 1);
    (void)snprintf(first, sizeof(first), "%.36s",
                   strstr(body(), "\"instance_id\":\"") + strlen("\"instance_id\":\""));
    (void)snprintf(target, sizeof(target), "/v1/instances?limit=1&after=%s", first);
    assert_int_equal(get(target), 200);
    assert_int_equal(occurrences("\"instance_id\""), 2);
    assert_int_equal(occurrences(first), 0);
}

static void instances_are_of_an_instant_and_an_asset(void **state)
{
    (void)state;
    run_two();
    assert_int_equal(get("/v1/instances?as_of=2026-11-01T00:00:59Z"), 200);
    assert_string_equal(body(), "[]");
    assert_int_equal(get("/v1/instances?as_of=2026-11-01T02:01:00%2B02:00"), 200);
    assert_int_equal(occurrences("\"instance_id\""), 4);
    assert_int_equal(get("/v1/instances?uai=registry.example/app:2.0"), 200);
    assert_string_equal(body(), "[]");
}

static void an_instant_that_is_none_is_400(void **state)
{
    static const char *const instants[] = {"now", "2026-13-01T00:00:00Z", "2026-11-01", "infinity",
                                           "2026-11-01T00:00:00"};
    char target[128];

    (void)state;
    for (size_t i = 0; i < sizeof(instants) / sizeof(instants[0]); i++) {
        (void)snprintf(target, sizeof(target), "/v1/coverage?as_of=%s", instants[i]);
        assert_int_equal(get(target), 400);
        (void)snprintf(target, sizeof(target), "/v1/instances?as_of=%s", instants[i]);
        assert_int_equal(get(target), 400);
    }
}

static void a_key_that_is_none_is_400(void **state)
{
    (void)state;
    assert_int_equal(get("/v1/instances?after=x"), 400);
}

static void coverage_adds_up(void **state)
{
    (void)state;
    run_two();
    assert_int_equal(get("/v1/coverage?as_of=2026-11-02T00:00:00Z"), 200);
    assert_int_equal(occurrences("\"state\""), 7);
    assert_says("{\"state\":\"never_scanned\",\"containers\":2}");
}

/* ---- evidence ---- */

static const char *evidence_of(const char *text)
{
    static char target[128];
    char digest[MU_DIGEST_TEXT_SIZE];

    mu_sha256_text(text, strlen(text), digest);
    (void)snprintf(target, sizeof(target), "/v1/evidence/%s", digest);
    return target;
}

static void evidence_is_stored_once_and_given_back(void **state)
{
    (void)state;
    assert_int_equal(get(evidence_of("hello")), 404);
    assert_int_equal(ask("PUT", evidence_of("hello"), "", "hello"), 201);
    assert_int_equal(ask("PUT", evidence_of("hello"), "", "hello"), 200);
    assert_int_equal(get(evidence_of("hello")), 200);
    assert_string_equal(body(), "hello");
    assert_int_equal(ask("HEAD", evidence_of("hello"), "", NULL), 200);
    assert_string_equal(body(), "");
    assert_non_null(strstr(reply, "Content-Length: 5"));
}

static void empty_evidence_is_evidence(void **state)
{
    (void)state;
    assert_int_equal(ask("PUT", evidence_of(""), "", ""), 201);
    assert_int_equal(get(evidence_of("")), 200);
}

static void evidence_under_a_wrong_name_is_400_and_not_kept(void **state)
{
    (void)state;
    assert_int_equal(ask("PUT", evidence_of("hello"), "", "other"), 400);
    assert_says("hash to");
    assert_int_equal(get(evidence_of("hello")), 404);
    assert_int_equal(get(evidence_of("other")), 404);
}

static void names_that_are_no_digest_are_400(void **state)
{
    static const char *const names[] = {"x", "sha256:..%2f..%2f..%2fetc%2fpasswd",
                                        "sha256:%2e%2e/%2e%2e/etc/passwd",
                                        "..%2f..%2fetc%2fpasswd"};
    char target[256];

    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        (void)snprintf(target, sizeof(target), "/v1/evidence/%s", names[i]);
        assert_int_equal(get(target), 400);
        assert_int_equal(ask("PUT", target, "", "x"), 400);
    }
}

static void writing_evidence_needs_the_token_reading_does_not(void **state)
{
    (void)state;
    api_stop(api);
    start(w.conninfo, "secret");
    assert_int_equal(ask("PUT", evidence_of("hello"), "", "hello"), 401);
    assert_int_equal(ask("PUT", evidence_of("hello"), "Authorization: Bearer secre\r\n", "hello"),
                     401);
    assert_int_equal(ask("PUT", evidence_of("hello"), "Authorization: secret\r\n", "hello"), 401);
    assert_int_equal(ask("PUT", evidence_of(""), "", ""), 401);
    assert_int_equal(ask("PUT", evidence_of("hello"), "Authorization: Bearer secret\r\n", "hello"),
                     201);
    assert_int_equal(get(evidence_of("hello")), 200);
}

static void evidence_announced_too_large_is_413(void **state)
{
    char request[512];

    (void)state;
    (void)snprintf(
            request, sizeof(request),
            "PUT %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: %lld\r\n\r\n",
            evidence_of("x"), (long long)EVIDENCE_MAX_BYTES + 1);
    assert_int_equal(exchange(request), 413);
}

static int leftovers;

static int count_entry(const char *path, const struct stat *status, int kind, struct FTW *place)
{
    (void)path, (void)status, (void)place;
    leftovers += kind == FTW_F;
    return 0;
}

static void a_torn_upload_leaves_nothing(void **state)
{
    uint64_t deadline = mu_monotonic_ms() + DEADLINE_MS;
    char request[512];
    int fd = connect_api();

    (void)state;
    (void)snprintf(request, sizeof(request),
                   "PUT %s HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhello",
                   evidence_of("hello"));
    assert_int_equal(send(fd, request, strlen(request), MSG_NOSIGNAL), strlen(request));
    do {
        leftovers = 0;
        (void)nftw(w.folder, count_entry, 8, FTW_PHYS);
    } while (leftovers == 0 && mu_monotonic_ms() < deadline);
    assert_int_equal(leftovers, 1);
    (void)close(fd);
    do {
        leftovers = 0;
        (void)nftw(w.folder, count_entry, 8, FTW_PHYS);
    } while (leftovers > 0 && mu_monotonic_ms() < deadline);
    assert_int_equal(leftovers, 0);
    assert_int_equal(get(evidence_of("hello")), 404);
}

#define API_TEST(name) cmocka_unit_test_setup_teardown(name, open_api, close_api)

int main(void)
{
    const struct CMUnitTest tests[] = {
            API_TEST(health_needs_nothing),
            API_TEST(readiness_needs_the_writing_side),
            API_TEST(without_a_database_everything_that_needs_it_is_503),
            API_TEST(a_restarted_database_costs_no_request),
            API_TEST(metrics_are_prometheus_text),
            API_TEST(unknown_paths_and_methods_are_told_apart),
            API_TEST(an_empty_database_has_empty_lists),
            API_TEST(assets_page_by_key),
            API_TEST(limits_out_of_range_are_400),
            API_TEST(one_asset_comes_with_the_history_of_its_tag),
            API_TEST(lists_within_an_answer_end),
            API_TEST(a_digest_tells_its_names_and_registries),
            API_TEST(sql_in_a_question_is_only_text),
            API_TEST(bytes_that_are_no_text_are_400),
            API_TEST(a_page_of_instances_never_cuts_one_in_two),
            API_TEST(instances_are_of_an_instant_and_an_asset),
            API_TEST(an_instant_that_is_none_is_400),
            API_TEST(a_key_that_is_none_is_400),
            API_TEST(coverage_adds_up),
            API_TEST(evidence_is_stored_once_and_given_back),
            API_TEST(empty_evidence_is_evidence),
            API_TEST(evidence_under_a_wrong_name_is_400_and_not_kept),
            API_TEST(names_that_are_no_digest_are_400),
            API_TEST(writing_evidence_needs_the_token_reading_does_not),
            API_TEST(evidence_announced_too_large_is_413),
            API_TEST(a_torn_upload_leaves_nothing),
    };

    return pg_server_group(&world_server, tests);
}
