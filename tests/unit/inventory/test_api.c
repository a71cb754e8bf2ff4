/* Every route over a real socket, byte for byte. */
#include "api_world.h"

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
    stop();
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

static void an_empty_database_has_empty_lists(void **state)
{
    (void)state;
    assert_int_equal(get("/v1/assets"), 200);
    assert_says("{\"items\":[],\n\"next_cursor\":null");
    assert_int_equal(get("/v1/instances"), 200);
    assert_says("{\"items\":[],\n\"next_cursor\":null");
}

static void one_asset_comes_with_the_history_of_its_tag(void **state)
{
    (void)state;
    push_three();
    assert_int_equal(get("/v1/assets/registry.example/app:1.0"), 200);
    assert_says("\"tag_history\":[{\"digest\" : \"sha256:aaa");
    assert_int_equal(get("/v1/assets/registry.example%2Fapp:9"), 404);
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
                       "64), '', NULL, (SELECT ledger_tick()) FROM generate_series(1, 150) n"));
    assert_int_equal(get("/v1/assets/registry.example/app:1.0"), 200);
    assert_int_equal(occurrences("valid_from"), 100);
    assert_says("2026-11-07T06:00:00+00:00");
    assert_int_equal(occurrences("\"sha256:"), 201);
    (void)snprintf(target, sizeof(target), "/v1/digests/%.80s", digest_of('a'));
    assert_int_equal(get(target), 200);
    assert_int_equal(occurrences("\"sha256:"), 101);
}

static void of_the_registries_of_a_digest_the_newest_are_told(void **state)
{
    char target[128];

    (void)state;
    push_three();
    free(world_sql(&w, "INSERT INTO registry_facts (event_id, repository, digest, state, at, "
                       "known_at) SELECT gen_random_uuid(), 'r' || lpad(n::text, 3, '0'), digest, "
                       "'pushed', at + n * interval '1 minute', known_at FROM registry_facts, "
                       "generate_series(1, 150) n WHERE digest = 'sha256:' || repeat('a', 64)"));
    (void)snprintf(target, sizeof(target), "/v1/digests/%.80s", digest_of('a'));
    assert_int_equal(get(target), 200);
    assert_int_equal(occurrences("\"first_pushed_at\""), 100);
    assert_null(strstr(body(), "\"r050\""));
    assert_null(strstr(body(), "\"" REPO "\""));
    assert_non_null(strstr(body(), "\"r051\""));
    assert_true(strstr(body(), "\"r051\"") < strstr(body(), "\"r150\""));
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

static void a_scan_of_a_digest_tells_who_scanned(void **state)
{
    char target[128];

    (void)state;
    push_three();
    add_scan(&w, "s1", (struct scan){.digest = digest_of('a'), .uai = REPO ":1.0", .at = T(4)});
    world_apply(&w);
    (void)snprintf(target, sizeof(target), "/v1/digests/%.80s", digest_of('a'));
    assert_int_equal(get(target), 200);
    assert_says("\"database_version\" : null, \"database_built_at\" : null");
    free(world_sql(&w, "UPDATE scans SET scanner_version = '1.2', database_version = 'db-7', "
                       "database_built_at = '2026-10-31', configuration_checksum = 'sha256:cc'"));
    assert_int_equal(get(target), 200);
    assert_says("\"scanner_name\" : \"muster-scanner\", \"scanner_version\" : \"1.2\", "
                "\"database_version\" : \"db-7\", \"database_built_at\" : "
                "\"2026-10-31T00:00:00+00:00\", \"configuration_checksum\" : \"sha256:cc\"");
}

static void sql_in_a_question_is_only_text(void **state)
{
    (void)state;
    push_three();
    assert_int_equal(get("/v1/assets/'%20OR%20'1'='1"), 404);
    assert_int_equal(get("/v1/digests/';DROP%20TABLE%20ledger;--"), 404);
    assert_int_equal(get("/v1/instances?uai=%27%29%3B--"), 200);
    assert_says("{\"items\":[],\n\"next_cursor\":null");
    assert_sql(&w, "SELECT count(*) FROM ledger", "3");
}

static void bytes_that_are_no_text_are_400(void **state)
{
    (void)state;
    assert_int_equal(get("/v1/assets?uai=%ff%fe"), 400);
    assert_int_equal(get("/v1/digests/%c3"), 400);
}

/* ---- instances and coverage ---- */

static void coverage_adds_up(void **state)
{
    (void)state;
    run_two();
    assert_int_equal(get("/v1/coverage?valid_at=2026-11-02T00:00:00Z"), 200);
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
    stop();
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
            API_TEST(one_asset_comes_with_the_history_of_its_tag),
            API_TEST(lists_within_an_answer_end),
            API_TEST(of_the_registries_of_a_digest_the_newest_are_told),
            API_TEST(a_digest_tells_its_names_and_registries),
            API_TEST(a_scan_of_a_digest_tells_who_scanned),
            API_TEST(sql_in_a_question_is_only_text),
            API_TEST(bytes_that_are_no_text_are_400),
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
