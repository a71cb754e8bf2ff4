#include "apply/effects.h"
#include "one_world.h"
#include "store/metrics.h"

#include "base/stop.h"

#define LEDGER_EQUATION                                                                        \
    "SELECT (SELECT sum(received) FROM positions) = (SELECT count(*) FROM ledger WHERE state " \
    "IN ('applied', 'quarantined')) + (SELECT sum(duplicates) FROM positions)"

/* ---- registry events ---- */

static void a_push_makes_repository_asset_tag_and_job(void **state)
{
    (void)state;
    add_push(&w, "e1", "1.0", digest_of('a'), T(0));
    world_apply(&w);
    assert_sql(&w, "SELECT repository FROM repositories", REPO);
    assert_sql(&w, "SELECT uai FROM assets", REPO ":1.0");
    assert_sql(&w, "SELECT digest FROM asset_digests", digest_of('a'));
    assert_sql(&w, "SELECT tag || ' ' || digest FROM tag_history",
               "1.0 sha256:"
               "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
    assert_sql(&w, "SELECT state FROM registry_digests", "pushed");
    assert_sql(&w, "SELECT state || ' ' || priority || ' ' || reason FROM scan_jobs",
               "pending 2 new_digest");
}

static void a_push_of_an_attestation_is_recorded_and_never_scanned(void **state)
{
    struct mu_registry_event e = registry_event(MU_REGISTRY_PUSH, NULL, digest_of('a'), T(0));

    (void)state;
    e.digest_kind = MU_DIGEST_KIND_ATTESTATION;
    add_registry(&w, "e1", &e);
    world_apply(&w);
    assert_sql(&w, "SELECT kind FROM digests", "attestation");
    assert_sql(&w, "SELECT count(*) FROM scan_jobs", "0");
    assert_sql(&w, "SELECT count(*) FROM assets", "0");
}

static void a_delete_by_digest_ends_every_tag_on_it(void **state)
{
    (void)state;
    add_push(&w, "e1", "1.0", digest_of('a'), T(0));
    add_push(&w, "e2", "1.1", digest_of('a'), T(1));
    add_delete(&w, "e3", NULL, digest_of('a'), T(2));
    world_apply(&w);
    assert_sql(&w, "SELECT count(*) FROM tag_history WHERE valid_to = '2026-11-01T00:02:00Z'", "2");
    assert_sql(&w, "SELECT state FROM registry_digests", "deleted");
}

static void a_delete_of_a_tag_ends_that_tag_only(void **state)
{
    (void)state;
    add_push(&w, "e1", "1.0", digest_of('a'), T(0));
    add_push(&w, "e2", "1.1", digest_of('a'), T(1));
    add_delete(&w, "e3", "1.0", NULL, T(2));
    world_apply(&w);
    assert_sql(&w, "SELECT string_agg(tag, ' ') FROM tag_history WHERE valid_to IS NULL", "1.1");
    assert_sql(&w, "SELECT state FROM registry_digests", "pushed");
}

static void a_version_tag_pushed_again_raises_a_warning(void **state)
{
    (void)state;
    add_push(&w, "e1", "1.0", digest_of('a'), T(0));
    world_apply(&w);
    add_push(&w, "e2", "1.0", digest_of('b'), T(1));
    world_apply(&w);
    assert_sql(&w, "SELECT kind || ' ' || severity || ' ' || subject FROM notifications",
               "tag_moved warning " REPO ":1.0");
    assert_sql(&w, "SELECT count(*) FROM outbox WHERE topic = 'muster.notifications'", "1");
    assert_sql(&w, "SELECT count(*) FROM asset_digests", "2");
}

static void a_tag_that_moves_there_and_back_tells_of_every_move(void **state)
{
    (void)state;
    add_push(&w, "e1", "latest", digest_of('a'), T(0));
    add_push(&w, "e2", "latest", digest_of('b'), T(1));
    add_push(&w, "e3", "latest", digest_of('a'), T(2));
    add_push(&w, "e4", "latest", digest_of('b'), T(3));
    world_apply(&w);
    assert_sql(&w, "SELECT count(*) FROM notifications WHERE severity = 'info'", "3");
    assert_sql(&w, "SELECT count(DISTINCT ce_id) FROM outbox", "3");
}

/* ---- a push told by its registry and by a listing ---- */

static void add_listed(const char *id, const char *tag, const char *digest, int64_t at)
{
    struct mu_registry_event e = registry_event(MU_REGISTRY_PUSH, tag, digest, at);

    e.reconcile = true;
    add_registry(&w, id, &e);
}

static void assert_history(const char *expected)
{
    assert_sql(&w,
               "SELECT string_agg(substr(digest, 8, 1) || to_char(valid_from, ' MI-') || "
               "COALESCE(to_char(valid_to, 'MI'), ''), ', ' ORDER BY valid_from) FROM tag_history",
               expected);
}

static void a_push_told_again_by_a_listing_changes_nothing(void **state)
{
    (void)state;
    add_push(&w, "e1", "1.0", digest_of('a'), T(0));
    add_push(&w, "e2", "1.0", digest_of('b'), T(10));
    world_apply(&w);
    add_listed("l1", "1.0", digest_of('b'), T(20));
    world_apply(&w);
    add_push(&w, "e3", "1.0", digest_of('c'), T(30));
    world_apply(&w);
    assert_history("a 00-10, b 10-30, c 30-");
    assert_sql(&w, "SELECT count(*) FROM notifications", "2");
    assert_sql(&w, "SELECT count(*) FROM asset_digests", "3");
    assert_sql(&w, "SELECT count(*) FROM scan_jobs", "3");
}

static void a_push_told_late_after_a_listing_is_one_move(void **state)
{
    (void)state;
    add_push(&w, "e1", "1.0", digest_of('a'), T(0));
    world_apply(&w);
    add_listed("l1", "1.0", digest_of('b'), T(20));
    world_apply(&w);
    assert_history("a 00-20, b 20-");
    add_push(&w, "e2", "1.0", digest_of('b'), T(10));
    world_apply(&w);
    assert_history("a 00-10, b 10-");
    assert_sql(&w, "SELECT count(*) FROM notifications", "1");
}

static void both_in_one_batch_are_one_move(void **state)
{
    (void)state;
    add_push(&w, "e1", "1.0", digest_of('a'), T(0));
    add_listed("l1", "1.0", digest_of('b'), T(20));
    add_push(&w, "e2", "1.0", digest_of('b'), T(10));
    world_apply(&w);
    assert_history("a 00-10, b 10-");
    assert_sql(&w, "SELECT count(*) FROM notifications", "1");
}

static void a_push_after_its_manifest_was_deleted_begins_anew(void **state)
{
    (void)state;
    add_push(&w, "e1", "1.0", digest_of('a'), T(0));
    add_delete(&w, "e2", NULL, digest_of('a'), T(10));
    add_push(&w, "e3", "1.0", digest_of('a'), T(20));
    add_listed("l1", "1.0", digest_of('a'), T(25));
    add_delete(&w, "e4", "1.0", NULL, T(30));
    add_listed("l2", "1.0", digest_of('a'), T(40));
    world_apply(&w);
    assert_history("a 00-10, a 20-30, a 40-");
    assert_sql(&w, "SELECT count(*) FROM notifications", "0");
}

static void a_digest_that_a_listing_finds_completes_a_push_without(void **state)
{
    (void)state;
    add_push(&w, "e1", "1.0", NULL, T(0));
    world_apply(&w);
    assert_sql(&w, "SELECT count(*) FROM scan_jobs", "0");
    add_listed("l1", "1.0", digest_of('a'), T(1));
    world_apply(&w);
    assert_history("a 01-");
    assert_sql(&w, "SELECT count(*) FROM assets", "1");
    assert_sql(&w, "SELECT count(*) FROM scan_jobs", "1");
}

/* ---- workload events ---- */

static void a_pod_makes_instance_run_asset_and_an_urgent_job(void **state)
{
    (void)state;
    add_pod(&w, "e1",
            (struct pod){.uid = "p1",
                         .tag = "1.0",
                         .digest = digest_of('a'),
                         .container_id = "c1",
                         .started = T(0),
                         .at = T(1)});
    world_apply(&w);
    assert_sql(&w, "SELECT pod || ' ' || namespace FROM pods", "p1 default");
    assert_sql(&w, "SELECT container || ' ' || kind FROM instances", "main regular");
    assert_sql(&w, "SELECT run_key || ' ' || tag FROM runs", "c1 1.0");
    assert_sql(&w, "SELECT uai FROM assets", REPO ":1.0");
    assert_sql(&w, "SELECT priority || ' ' || reason FROM scan_jobs", "1 running_unscanned");
}

static void a_waiting_container_is_an_instance_without_a_run(void **state)
{
    (void)state;
    add_pod(&w, "e1", (struct pod){.uid = "p1", .tag = "1.0", .waiting = true, .at = T(1)});
    world_apply(&w);
    assert_sql(&w, "SELECT count(*) FROM instances", "1");
    assert_sql(&w, "SELECT count(*) FROM runs", "0");
    assert_sql(&w, "SELECT count(*) FROM assets", "0");
}

static void a_pod_that_is_running_makes_a_waiting_job_more_urgent(void **state)
{
    (void)state;
    add_push(&w, "e1", "1.0", digest_of('a'), T(0));
    world_apply(&w);
    add_pod(&w, "e2",
            (struct pod){.uid = "p1",
                         .tag = "1.0",
                         .digest = digest_of('a'),
                         .started = T(0),
                         .at = T(1)});
    world_apply(&w);
    assert_sql(&w, "SELECT priority FROM scan_jobs", "1");
}

/* A process that has just asked for an image does not ask again with every container of it. */
static void a_wish_that_was_written_is_not_written_again_at_once(void **state)
{
    struct pod pod = {.uid = "p1", .tag = "1.0", .digest = digest_of('a'), .started = T(1)};

    (void)state;
    if (mu_now_us() / 1000 % WISH_REPEATS_MS > WISH_REPEATS_MS / 2) /* not over the edge */
        (void)mu_stop_wait(WISH_REPEATS_MS / 2);
    add_pod(&w, "e1", pod);
    world_apply(&w);
    free(world_sql(&w, "UPDATE scan_jobs SET priority = 3"));
    pod.uid = "p2";
    add_pod(&w, "e2", pod);
    world_apply(&w);
    assert_sql(&w, "SELECT priority FROM scan_jobs", "3");
    batch_applier_free(w.applier);
    w.applier = batch_applier_new(w.evidence, 0);
    pod.uid = "p3";
    add_pod(&w, "e3", pod);
    world_apply(&w);
    assert_sql(&w, "SELECT priority FROM scan_jobs", "1");
}

static void what_is_named_twice_in_a_batch_is_one_job_as_urgent_as_any_word(void **state)
{
    (void)state;
    add_push(&w, "e1", "1.0", digest_of('a'), T(0));
    add_pod(&w, "e2",
            (struct pod){.uid = "p1", .tag = "1.0", .digest = digest_of('a'), .at = T(1)});
    add_push(&w, "e3", "1.1", digest_of('a'), T(2));
    world_apply(&w);
    assert_sql(&w, "SELECT count(*) || ' ' || min(priority) || ' ' || min(reason) FROM scan_jobs",
               "1 1 running_unscanned");
}

/* One container is told of twice with two kinds: the greater word counts, in one batch as in two.
 */
static void two_kinds_of_a_container_in_one_batch_are_the_greater(void **state)
{
    struct pod pod = {.uid = "p1", .tag = "1.0", .digest = digest_of('a'), .at = T(1)};

    (void)state;
    pod.kind = MU_CONTAINER_SIDECAR;
    add_pod(&w, "e1", pod);
    pod.kind = MU_CONTAINER_REGULAR;
    pod.at = T(2);
    add_pod(&w, "e2", pod);
    pod.kind = MU_CONTAINER_INIT;
    add_pod(&w, "e3", pod);
    world_apply(&w);
    assert_sql(&w, "SELECT count(*) || ' ' || min(kind) FROM instances", "1 sidecar");
    assert_sql(&w, "SELECT count(*) FROM ledger WHERE state = 'applied'", "3");
}

/* ---- scan results ---- */

/* One image has packages of several ecosystems; a jar in a jar is found by its place. */
static void a_finding_is_of_the_ecosystem_it_was_looked_up_in(void **state)
{
    const char *evidence = add_evidence(
            &w, digest_of('a'),
            "[{\"id\":\"CVE-2026-1\",\"package\":\"zlib1g\",\"package_version\":\"1\"},"
            "{\"id\":\"CVE-2026-2\",\"package\":\"@a/b\",\"package_version\":\"1\","
            "\"purl\":\"pkg:npm/%40a/b@1\",\"path\":\"x/package.json\","
            "\"reason\":{\"ecosystem\":\"npm\"}},"
            "{\"id\":\"CVE-2026-2\",\"package\":\"@a/b\",\"package_version\":\"1\","
            "\"purl\":\"pkg:npm/%40a/b@1\",\"path\":\"y/package.json\","
            "\"reason\":{\"ecosystem\":\"npm\"}}]");

    (void)state;
    add_push(&w, "e1", "1.0", digest_of('a'), T(0));
    add_scan(&w, "e2",
             (struct scan){.digest = digest_of('a'),
                           .uai = REPO ":1.0",
                           .platform = "linux/amd64",
                           .config = digest_of('f'),
                           .evidence = evidence,
                           .at = T(1)});
    world_apply(&w);
    assert_sql(&w, "SELECT string_agg(package_ecosystem, ' ' ORDER BY ordinal) FROM findings",
               "Debian:12 npm npm");
    assert_sql(&w, "SELECT string_agg(package_purl, ' ' ORDER BY ordinal) FROM findings",
               "pkg:npm/%40a/b@1 pkg:npm/%40a/b@1");
}

static void a_complete_scan_closes_its_job_and_loads_its_findings(void **state)
{
    const char *evidence =
            add_evidence(&w, digest_of('a'),
                         "[{\"id\":\"CVE-2026-1\",\"package\":\"zlib\",\"package_version\":\"1\","
                         "\"severity\":\"high\",\"fixed_version\":\"2\"},"
                         "{\"id\":\"CVE-2026-2\",\"package\":\"zlib\",\"package_version\":\"1\"}]");

    (void)state;
    add_push(&w, "e1", "1.0", digest_of('a'), T(0));
    add_scan(&w, "e2",
             (struct scan){.digest = digest_of('a'),
                           .uai = REPO ":1.0",
                           .platform = "linux/amd64",
                           .config = digest_of('f'),
                           .evidence = evidence,
                           .at = T(1)});
    world_apply(&w);
    assert_sql(&w, "SELECT state FROM scan_jobs", "complete");
    assert_sql(&w, "SELECT outcome FROM scans", "complete");
    assert_sql(&w, "SELECT uai FROM scan_uais", REPO ":1.0");
    assert_sql(&w, "SELECT string_agg(severity, ' ' ORDER BY ordinal) FROM findings",
               "high unknown");
    assert_sql(&w, "SELECT findings FROM evidence_loads", "2");
    assert_sql(&w, "SELECT platform FROM digests WHERE kind = 'manifest'", "linux/amd64");
    assert_sql(&w, "SELECT count(*) FROM digests WHERE kind = 'config'", "1");
    assert_sql(&w, "SELECT count(*) FROM registry_facts WHERE state = 'pulled'", "1");
}

static void a_complete_scan_without_its_evidence_counts_as_failed(void **state)
{
    (void)state;
    add_scan(&w, "e1",
             (struct scan){.digest = digest_of('a'), .evidence = digest_of('e'), .at = T(1)});
    world_apply(&w);
    assert_sql(&w, "SELECT outcome || ' ' || failure_code || ' ' || retryable FROM scans",
               "failed evidence_missing true");
    assert_sql(&w, "SELECT state FROM ledger", "applied");
}

static void evidence_of_another_image_is_quarantined(void **state)
{
    const char *evidence = add_evidence(&w, digest_of('b'), "[]");

    (void)state;
    add_scan(&w, "e1", (struct scan){.digest = digest_of('a'), .evidence = evidence, .at = T(1)});
    world_apply(&w);
    assert_sql(&w, "SELECT state || ' ' || reason_code FROM ledger", "quarantined invalid");
    assert_sql(&w, "SELECT count(*) FROM ledger WHERE reason LIKE '%is of sha256:bbb%'", "1");
    assert_sql(&w, "SELECT count(*) FROM scans", "0");
}

static void a_resolved_index_makes_edges_and_jobs_of_its_images(void **state)
{
    const struct mu_scan_child children[] = {
            {digest_of('1'), MU_DIGEST_KIND_MANIFEST, "m", 10, "linux/amd64"},
            {digest_of('2'), MU_DIGEST_KIND_ATTESTATION, "m", 10, NULL}};

    (void)state;
    add_scan(&w, "e1",
             (struct scan){.digest = digest_of('a'),
                           .outcome = MU_SCAN_RESOLVED,
                           .at = T(1),
                           .children = children,
                           .child_count = 2});
    world_apply(&w);
    assert_sql(&w, "SELECT count(*) FROM digest_edges", "2");
    assert_sql(&w, "SELECT kind FROM digests WHERE digest LIKE 'sha256:a%'", "index");
    assert_sql(&w,
               "SELECT string_agg(substr(digest, 8, 1) || ' ' || state, ', ' ORDER BY digest) "
               "FROM scan_jobs",
               "1 pending, a complete");
}

static void a_missing_manifest_is_a_fact_about_the_registry(void **state)
{
    (void)state;
    add_scan(&w, "e1",
             (struct scan){.digest = digest_of('a'),
                           .outcome = MU_SCAN_FAILED,
                           .failure = "manifest_missing",
                           .at = T(1)});
    world_apply(&w);
    assert_sql(&w, "SELECT state FROM registry_digests", "missing");
}

/* ---- once and only once ---- */

static void the_same_batch_twice_changes_nothing_but_the_duplicates(void **state)
{
    struct mu_incoming again[WORLD_EVENTS];
    size_t count;
    char *before, *after;

    (void)state;
    add_push(&w, "e1", "1.0", digest_of('a'), T(0));
    add_pod(&w, "e2", (struct pod){.uid = "p1", .digest = digest_of('a'), .at = T(1)});
    add_scan(&w, "e3", (struct scan){.digest = digest_of('a'), .uai = REPO ":1.0", .at = T(2)});
    memcpy(again, w.events, sizeof(again));
    count = w.count;
    world_apply(&w);
    before =
            world_sql(&w, "SELECT md5(string_agg(t::text, '' ORDER BY t::text)) FROM ("
                          "SELECT l::text FROM ledger l UNION ALL SELECT j::text FROM scan_jobs j "
                          "UNION ALL SELECT f::text FROM run_facts f UNION ALL SELECT i::text FROM "
                          "run_image_facts i UNION ALL SELECT o::text "
                          "FROM outbox o UNION ALL SELECT s::text FROM scans s) t");
    memcpy(w.events, again, sizeof(again));
    w.count = count;
    world_apply(&w);
    after = world_sql(&w, "SELECT md5(string_agg(t::text, '' ORDER BY t::text)) FROM ("
                          "SELECT l::text FROM ledger l UNION ALL SELECT j::text FROM scan_jobs j "
                          "UNION ALL SELECT f::text FROM run_facts f UNION ALL SELECT i::text FROM "
                          "run_image_facts i UNION ALL SELECT o::text "
                          "FROM outbox o UNION ALL SELECT s::text FROM scans s) t");
    assert_string_equal(before, after);
    assert_sql(&w, "SELECT sum(received) || ' ' || sum(duplicates) FROM positions", "6 3");
    assert_sql(&w, LEDGER_EQUATION, "t");
    free(before);
    free(after);
}

/* A process that just started remembers nothing of what is there. */
static void what_another_process_has_written_is_left_out(void **state)
{
    static const char *const tables[] = {"assets",          "asset_digests", "digest_facts",
                                         "pod_facts",       "instances",     "run_facts",
                                         "run_image_facts", "evidence_loads"};
    struct pod pod = {.uid = "p1", .tag = "1.0", .digest = digest_of('a'), .started = T(1)};
    struct scan scan = {.digest = digest_of('a'), .uai = REPO ":1.0", .at = T(2)};
    char sql[64];

    (void)state;
    scan.evidence = add_evidence(&w, digest_of('a'), "[{\"id\":\"CVE-2026-1\"}]");
    for (int process = 0; process < 2; process++) {
        add_push(&w, process ? "e1" : "e4", "1.0", digest_of('a'), T(0));
        add_pod(&w, process ? "e2" : "e5", pod);
        add_scan(&w, process ? "e3" : "e6", scan);
        world_apply(&w);
        batch_applier_free(w.applier);
        w.applier = batch_applier_new(w.evidence, 0);
    }
    for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
        (void)snprintf(sql, sizeof(sql), "SELECT count(*) FROM %s", tables[i]);
        assert_sql(&w, sql, strcmp(tables[i], "digest_facts") == 0 ? "2" : "1");
    }
    assert_sql(&w, "SELECT count(*) FROM findings", "1");
    assert_sql(&w, "SELECT count(*) FROM ledger WHERE state = 'applied'", "6");
}

/* A scan whose evidence is another image's: we refuse it, not the database. */
static void add_poison(const char *id)
{
    add_scan(&w, id,
             (struct scan){.digest = digest_of('a'),
                           .evidence = add_evidence(&w, digest_of('b'), "[]"),
                           .at = T(1)});
}

/* One message, by a process that remembers nothing of ours. */
static void apply_elsewhere(const struct mu_incoming *message)
{
    MU_AUTO(batch_applier) struct batch_applier *other = batch_applier_new(w.evidence, 0);
    struct mu_error err;

    if (batch_apply(other, w.pg, message, 1, &err) != MU_OK)
        fail_msg("%s", err.message);
}

/* ---- more than one transaction ---- */

enum { MANY = 5000 };

/* Pods of their own, told in this order. */
static struct mu_incoming *many_pods(void)
{
    struct mu_incoming *many = mu_xcalloc(MANY, sizeof(*many));

    for (int i = 0; i < MANY; i++) {
        char name[16];

        (void)snprintf(name, sizeof(name), "pod-%d", i);
        add_pod(&w, name,
                (struct pod){.uid = name, .tag = "1.0", .digest = digest_of('a'), .at = T(1)});
        many[i] = w.events[--w.count];
        many[i].offset = i;
        many[i].envelope.id = mu_arena_strdup(w.arena, name);
    }
    return many;
}

static void apply_many(struct mu_incoming *many)
{
    struct mu_error err;

    if (batch_apply(w.applier, w.pg, many, MANY, &err) != MU_OK)
        fail_msg("%s", err.message);
    assert_sql(&w, "SELECT count(*) FROM ledger", "5000");
    assert_sql(&w, "SELECT count(*) > 1 FROM (SELECT DISTINCT known_at FROM ledger) k", "t");
    assert_sql(&w, LEDGER_EQUATION, "t");
}

/* What one of them taught the next need not say again. */
static void many_messages_are_few_transactions(void **state)
{
    struct mu_incoming *many = many_pods();

    (void)state;
    apply_many(many);
    assert_sql(&w, "SELECT count(*) FROM instances", "5000");
    assert_sql(&w, "SELECT count(*) || ' ' || max(priority) FROM scan_jobs", "1 1");
    assert_sql(&w, "SELECT next_offset || ' ' || received FROM positions", "5000 5000");
    free(many);
}

/* Nor is anything lost that was made in the belief that the one before would be committed. */
static void what_was_made_behind_a_transaction_that_failed_is_made_again(void **state)
{
    struct mu_incoming *many = many_pods();

    (void)state;
    apply_elsewhere(many + MANY / 2);
    many[MANY - 1] = many[MANY / 2 + 1]; /* the same pod, told by another event in the last one */
    many[MANY - 1].offset = MANY - 1;
    many[MANY - 1].envelope.id = "again";
    apply_many(many);
    assert_sql(&w, "SELECT count(*) FROM instances", "4999");
    assert_sql(&w, "SELECT count(*) FROM run_facts", "4999");
    assert_sql(&w, "SELECT received || ' ' || duplicates FROM positions", "5001 1");
    free(many);
}

static void a_poison_message_far_behind_takes_nothing_with_it(void **state)
{
    struct mu_incoming *many = many_pods();

    (void)state;
    add_poison("poison");
    many[MANY - 9] = w.events[--w.count];
    many[MANY - 9].offset = 0;
    apply_many(many);
    assert_sql(&w, "SELECT ce_id FROM ledger WHERE state = 'quarantined'", "poison");
    assert_sql(&w, "SELECT count(*) FROM instances", "4999");
    free(many);
}

/* Another event before it whose row was there is no reason to ask for that table's rows again. */
static void a_poison_message_is_not_taken_for_a_row_that_was_there(void **state)
{
    int64_t failed;

    (void)state;
    add_push(&w, "e1", "1.0", digest_of('a'), T(0));
    apply_elsewhere(w.events);
    add_push(&w, "e2", "1.1", digest_of('a'), T(1)); /* the digest's rows are there */
    world_apply(&w);
    failed = metric_batches_failed.value;
    add_poison("poison");
    world_apply(&w);
    assert_int_equal(metric_batches_failed.value - failed, 1);
    assert_sql(&w, "SELECT ce_id FROM ledger WHERE state = 'quarantined'", "poison");
}

/* What was committed before stays, and says so. */
static void a_connection_lost_between_two_transactions_loses_nothing(void **state)
{
    struct mu_incoming *many = many_pods();
    struct mu_error err;

    (void)state;
    free(world_sql(&w,
                   "CREATE FUNCTION cut_later() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN IF "
                   "NEW.next_offset > 2000 THEN PERFORM pg_terminate_backend(pg_backend_pid()); "
                   "END IF; RETURN NEW; END'; CREATE TRIGGER cut BEFORE UPDATE ON positions FOR "
                   "EACH ROW EXECUTE FUNCTION cut_later()"));
    assert_int_equal(batch_apply(w.applier, w.pg, many, MANY, &err), MU_E_UNAVAILABLE);
    assert_false(mu_pg_alive(w.pg));
    assert_sql(&w,
               "SELECT p.next_offset = l.count AND l.count BETWEEN 1 AND 2000 FROM positions p, "
               "(SELECT count(*) FROM ledger) l",
               "t");
    free(world_sql(&w, "DROP TRIGGER cut ON positions"));
    world_connect(&w);
    apply_many(many);
    assert_sql(&w, "SELECT count(*) FROM instances", "5000");
    free(many);
}

static void an_event_twice_in_one_batch_is_applied_once(void **state)
{
    (void)state;
    add_push(&w, "e1", "1.0", digest_of('a'), T(0));
    add_push(&w, "e1", "1.0", digest_of('a'), T(0));
    world_apply(&w);
    assert_sql(&w, "SELECT count(*) FROM ledger", "1");
    assert_sql(&w, "SELECT received || ' ' || duplicates || ' ' || next_offset FROM positions",
               "2 1 2");
}

static void ids_of_two_sources_are_two_events(void **state)
{
    (void)state;
    add_push(&w, "e1", "1.0", digest_of('a'), T(0));
    add_push(&w, "e1", "1.1", digest_of('a'), T(0));
    w.events[1].envelope.source = "/other";
    world_apply(&w);
    assert_sql(&w, "SELECT count(*) FROM ledger WHERE state = 'applied'", "2");
}

static void a_poison_message_is_quarantined_and_the_rest_applied(void **state)
{
    (void)state;
    add_push(&w, "e1", "1.0", digest_of('a'), T(0));
    (void)add_raw(&w, MU_TOPIC_REGISTRY_EVENTS, "muster.registry-event.v1", "e2", "{\"no\":1}");
    add_push(&w, "e3", "1.1", digest_of('b'), T(0));
    world_apply(&w);
    assert_sql(&w, "SELECT string_agg(state, ' ' ORDER BY ce_id) FROM ledger",
               "applied quarantined applied");
    assert_sql(&w, "SELECT count(*) FROM assets", "2");
    assert_sql(&w,
               "SELECT payload::jsonb->>'reason_code' || ' ' || (payload::jsonb->>'stage') "
               "FROM outbox WHERE topic = 'muster.quarantine'",
               "invalid inventory");
    assert_sql(&w,
               "SELECT convert_from(decode(payload::jsonb->>'payload_base64', 'base64'), 'UTF8') "
               "FROM outbox",
               "{\"no\":1}");
    assert_sql(&w, LEDGER_EQUATION, "t");
}

/* What only the database or the evidence finds wrong: the batch is halved down to it. */
static void a_poison_message_deep_in_a_batch_takes_nothing_with_it(void **state)
{
    char ids[40][8];

    (void)state;
    for (int i = 0; i < 40; i++) {
        (void)snprintf(ids[i], sizeof(ids[i]), "e%d", i);
        if (i == 23)
            add_poison(ids[i]);
        else
            add_push(&w, ids[i], ids[i], digest_of('a'), T(i));
    }
    world_apply(&w);
    assert_sql(&w, "SELECT count(*) FROM ledger WHERE state = 'applied'", "39");
    assert_sql(&w, "SELECT ce_id FROM ledger WHERE state = 'quarantined'", "e23");
    assert_sql(&w, "SELECT sum(next_offset) FROM positions", "64"); /* 40, and 24 of the results */
    assert_sql(&w, LEDGER_EQUATION, "t");
}

static void a_quarantined_event_that_comes_again_whole_is_applied(void **state)
{
    (void)state;
    (void)add_raw(&w, MU_TOPIC_REGISTRY_EVENTS, "muster.registry-event.v1", "e1", "{");
    world_apply(&w);
    add_push(&w, "e1", "1.0", digest_of('a'), T(5));
    world_apply(&w);
    assert_sql(&w, "SELECT state || ' ' || COALESCE(reason, 'fine') FROM ledger", "applied fine");
    assert_sql(&w, "SELECT occurred_at FROM ledger", "2026-11-01 00:05:00+00");
    assert_sql(&w, "SELECT count(*) FROM assets", "1");
    assert_sql(&w, LEDGER_EQUATION, "t");
}

static void an_applied_event_that_comes_again_broken_is_a_duplicate(void **state)
{
    (void)state;
    add_push(&w, "e1", "1.0", digest_of('a'), T(0));
    world_apply(&w);
    (void)add_raw(&w, MU_TOPIC_REGISTRY_EVENTS, "muster.registry-event.v1", "e1", "{");
    world_apply(&w);
    assert_sql(&w, "SELECT state FROM ledger", "applied");
    assert_sql(&w, "SELECT count(*) FROM outbox", "0");
    assert_sql(&w, LEDGER_EQUATION, "t");
}

static void hostile_text_is_a_value_and_never_sql(void **state)
{
    (void)state;
    add_push(&w, "e'); DROP TABLE ledger; --", "1.0\"},{\"x\\", digest_of('a'), T(0));
    world_apply(&w);
    assert_sql(&w, "SELECT ce_id FROM ledger", "e'); DROP TABLE ledger; --");
    assert_sql(&w, "SELECT tag FROM assets", "1.0\"},{\"x\\");
}

/* ---- faults ---- */

static void a_connection_lost_in_the_middle_applies_nothing_then_all(void **state)
{
    struct mu_incoming again[WORLD_EVENTS];
    struct mu_error err;
    size_t count;

    (void)state;
    add_push(&w, "e1", "1.0", digest_of('a'), T(0));
    add_push(&w, "e2", "1.1", digest_of('b'), T(0));
    memcpy(again, w.events, sizeof(again));
    count = w.count;
    free(world_sql(&w, "CREATE FUNCTION cut() RETURNS trigger LANGUAGE plpgsql AS "
                       "'BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END'; "
                       "CREATE TRIGGER cut BEFORE INSERT ON positions EXECUTE FUNCTION cut()"));
    assert_int_equal(batch_apply(w.applier, w.pg, w.events, w.count, &err), MU_E_UNAVAILABLE);
    assert_false(mu_pg_alive(w.pg));
    assert_sql(&w,
               "SELECT (SELECT count(*) FROM ledger) + (SELECT count(*) FROM assets) "
               "+ (SELECT count(*) FROM positions)",
               "0");
    free(world_sql(&w, "DROP TRIGGER cut ON positions"));
    world_connect(&w);
    memcpy(w.events, again, sizeof(again));
    w.count = count;
    world_apply(&w);
    assert_sql(&w, "SELECT count(*) FROM ledger WHERE state = 'applied'", "2");
    assert_sql(&w, "SELECT sum(duplicates) FROM positions", "0");
}

static void missing_rights_blame_no_message(void **state)
{
    struct mu_error err;

    (void)state;
    add_push(&w, "e1", "1.0", digest_of('a'), T(0));
    free(world_sql(&w, "CREATE FUNCTION deny() RETURNS trigger LANGUAGE plpgsql AS "
                       "'BEGIN RAISE insufficient_privilege; END'; "
                       "CREATE TRIGGER deny BEFORE INSERT ON assets EXECUTE FUNCTION deny()"));
    assert_int_equal(batch_apply(w.applier, w.pg, w.events, w.count, &err), MU_E_UNAVAILABLE);
    assert_sql(&w, "SELECT count(*) FROM ledger", "0");
    free(world_sql(&w, "DROP TRIGGER deny ON assets"));
}

/* Two processes that both believe a partition is theirs, as after a rebalance. */
static void two_processes_on_one_partition_double_nothing(void **state)
{
    MU_AUTO(pg) struct mu_pg *second = NULL;
    struct mu_error err;

    (void)state;
    assert_int_equal(inventory_pg_open(w.conninfo, "second", &second, &err), MU_OK);
    for (int i = 0; i < 4; i++)
        add_push(&w, (const char *[]){"e0", "e1", "e2", "e3"}[i], "1.0", digest_of('a'), T(i));
    assert_int_equal(batch_apply(w.applier, w.pg, w.events, 3, &err), MU_OK);
    assert_int_equal(batch_apply(w.applier, second, w.events, 2, &err), MU_OK);
    assert_sql(&w, "SELECT next_offset || ' ' || received || ' ' || duplicates FROM positions",
               "3 5 2");
    assert_int_equal(batch_apply(w.applier, second, w.events, 4, &err), MU_OK);
    assert_sql(&w, "SELECT count(*) FROM tag_observations", "4");
    assert_sql(&w, LEDGER_EQUATION, "t");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            WORLD_TEST(a_push_makes_repository_asset_tag_and_job),
            WORLD_TEST(a_push_of_an_attestation_is_recorded_and_never_scanned),
            WORLD_TEST(a_delete_by_digest_ends_every_tag_on_it),
            WORLD_TEST(a_delete_of_a_tag_ends_that_tag_only),
            WORLD_TEST(a_version_tag_pushed_again_raises_a_warning),
            WORLD_TEST(a_tag_that_moves_there_and_back_tells_of_every_move),
            WORLD_TEST(a_push_told_again_by_a_listing_changes_nothing),
            WORLD_TEST(a_push_told_late_after_a_listing_is_one_move),
            WORLD_TEST(both_in_one_batch_are_one_move),
            WORLD_TEST(a_push_after_its_manifest_was_deleted_begins_anew),
            WORLD_TEST(a_digest_that_a_listing_finds_completes_a_push_without),
            WORLD_TEST(a_pod_makes_instance_run_asset_and_an_urgent_job),
            WORLD_TEST(a_waiting_container_is_an_instance_without_a_run),
            WORLD_TEST(a_pod_that_is_running_makes_a_waiting_job_more_urgent),
            WORLD_TEST(a_complete_scan_closes_its_job_and_loads_its_findings),
            WORLD_TEST(a_finding_is_of_the_ecosystem_it_was_looked_up_in),
            WORLD_TEST(a_complete_scan_without_its_evidence_counts_as_failed),
            WORLD_TEST(evidence_of_another_image_is_quarantined),
            WORLD_TEST(a_resolved_index_makes_edges_and_jobs_of_its_images),
            WORLD_TEST(a_missing_manifest_is_a_fact_about_the_registry),
            WORLD_TEST(the_same_batch_twice_changes_nothing_but_the_duplicates),
            WORLD_TEST(a_wish_that_was_written_is_not_written_again_at_once),
            WORLD_TEST(what_is_named_twice_in_a_batch_is_one_job_as_urgent_as_any_word),
            WORLD_TEST(two_kinds_of_a_container_in_one_batch_are_the_greater),
            WORLD_TEST(what_another_process_has_written_is_left_out),
            WORLD_TEST(many_messages_are_few_transactions),
            WORLD_TEST(what_was_made_behind_a_transaction_that_failed_is_made_again),
            WORLD_TEST(a_poison_message_far_behind_takes_nothing_with_it),
            WORLD_TEST(a_poison_message_is_not_taken_for_a_row_that_was_there),
            WORLD_TEST(a_connection_lost_between_two_transactions_loses_nothing),
            WORLD_TEST(an_event_twice_in_one_batch_is_applied_once),
            WORLD_TEST(ids_of_two_sources_are_two_events),
            WORLD_TEST(a_poison_message_is_quarantined_and_the_rest_applied),
            WORLD_TEST(a_poison_message_deep_in_a_batch_takes_nothing_with_it),
            WORLD_TEST(a_quarantined_event_that_comes_again_whole_is_applied),
            WORLD_TEST(an_applied_event_that_comes_again_broken_is_a_duplicate),
            WORLD_TEST(hostile_text_is_a_value_and_never_sql),
            WORLD_TEST(a_connection_lost_in_the_middle_applies_nothing_then_all),
            WORLD_TEST(missing_rights_blame_no_message),
            WORLD_TEST(two_processes_on_one_partition_double_nothing),
    };

    return pg_server_group(&world_server, tests);
}
