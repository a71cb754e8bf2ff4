/* Digest graph and UAI: what a runtime reports, and how it is called. */
#include "one_world.h"

/* Index 1 holds amd64 a (config c) and arm64 b (config d) and attestation e. */
static void apply_index(void)
{
    const struct mu_scan_child children[] = {
            {digest_of('a'), MU_DIGEST_KIND_MANIFEST, "m", 10, "linux/amd64"},
            {digest_of('b'), MU_DIGEST_KIND_MANIFEST, "m", 10, "linux/arm64/v8"},
            {digest_of('e'), MU_DIGEST_KIND_ATTESTATION, "m", 10, NULL}};

    add_push(&w, "push", "1.0", digest_of('1'), T(0));
    add_scan(&w, "index",
             (struct scan){.digest = digest_of('1'),
                           .outcome = MU_SCAN_RESOLVED,
                           .at = T(1),
                           .children = children,
                           .child_count = 3});
    add_scan(&w, "amd64",
             (struct scan){.digest = digest_of('a'),
                           .uai = REPO ":1.0",
                           .config = digest_of('c'),
                           .platform = "linux/amd64",
                           .at = T(2)});
    world_apply(&w);
}

static void apply_arm(void)
{
    add_scan(&w, "arm64",
             (struct scan){.digest = digest_of('b'),
                           .uai = REPO ":1.0",
                           .config = digest_of('d'),
                           .platform = "linux/arm64/v8",
                           .at = T(2)});
    world_apply(&w);
}

static void run_pod(const char *digest, const char *platform)
{
    add_pod(&w, "pod",
            (struct pod){.uid = "p1",
                         .tag = "1.0",
                         .digest = digest,
                         .platform = platform,
                         .started = T(3),
                         .at = T(4)});
    world_apply(&w);
}

static void assert_manifests(const char *expected)
{
    assert_sql(&w,
               "SELECT string_agg(substr(manifest_digest, 8, 1), ' ' ORDER BY manifest_digest) "
               "FROM coverage_images('2026-11-02T00:00:00Z', 'infinity')",
               expected);
}

/* A scanner looks at an attestation only when it was named before its index was resolved. */
static void what_is_no_image_is_judged_the_same_whether_it_was_looked_at_or_not(void **state)
{
    (void)state;
    add_push(&w, "attestation", NULL, digest_of('e'), T(0));
    add_delete(&w, "gone", NULL, digest_of('e'), T(1));
    apply_index();
    run_pod(digest_of('e'), "linux/amd64");
    assert_state(&w, "p1", T(60), "not_in_registry");
    add_scan(&w, "look",
             (struct scan){.digest = digest_of('e'), .outcome = MU_SCAN_NOT_SCANNABLE, .at = T(5)});
    world_apply(&w);
    assert_state(&w, "p1", T(60), "not_in_registry");
}

static void a_reported_manifest_is_that_manifest(void **state)
{
    (void)state;
    apply_index();
    run_pod(digest_of('a'), "linux/amd64");
    assert_manifests("a");
    assert_state(&w, "p1", T(60), "covered");
}

static void a_reported_config_is_the_manifest_that_has_it(void **state)
{
    (void)state;
    apply_index();
    run_pod(digest_of('c'), "linux/amd64");
    assert_manifests("a");
    assert_state(&w, "p1", T(60), "covered");
}

static void a_reported_index_is_the_manifest_of_the_nodes_platform(void **state)
{
    (void)state;
    apply_index();
    run_pod(digest_of('1'), "linux/amd64");
    assert_manifests("a");
    assert_state(&w, "p1", T(60), "covered");
}

static void a_platform_without_its_variant_fits_the_one_with_it(void **state)
{
    (void)state;
    apply_index();
    run_pod(digest_of('1'), "linux/arm64");
    assert_manifests("b");
    assert_state(&w, "p1", T(60), "never_scanned");
}

static void an_index_on_an_unknown_node_counts_its_worst_image(void **state)
{
    (void)state;
    apply_index();
    run_pod(digest_of('1'), NULL);
    assert_manifests("a b");
    assert_state(&w, "p1", T(60), "never_scanned");
    apply_arm();
    assert_state(&w, "p1", T(60), "covered");
}

static void a_platform_the_index_does_not_have_counts_every_image(void **state)
{
    (void)state;
    apply_index();
    run_pod(digest_of('1'), "linux/s390x");
    assert_manifests("a b");
}

static void a_container_of_many_images_is_counted_once(void **state)
{
    (void)state;
    apply_index();
    run_pod(digest_of('1'), NULL);
    assert_sql(&w, "SELECT sum(containers) FROM report_v1.totals('2026-11-02', 'infinity')", "1");
    assert_sql(&w,
               "SELECT string_agg(running_containers::text, ' ') FROM "
               "report_v1.inventory('2026-11-02', 'infinity')",
               "1 1");
}

static void attestations_never_stand_for_an_image(void **state)
{
    (void)state;
    apply_index();
    assert_sql(&w, "SELECT count(*) FROM scan_jobs WHERE digest LIKE 'sha256:e%'", "0");
    assert_sql(
            &w,
            "SELECT count(*) FROM digest_manifests('sha256:' || repeat('e', 64), NULL, 'infinity')",
            "0");
}

/* ---- names ---- */

static void a_pod_by_tag_is_called_by_that_tag(void **state)
{
    (void)state;
    run_pod(digest_of('a'), NULL);
    assert_uai(&w, "p1", T(60), REPO ":1.0");
}

static void run_pinned(const char *id, const char *uid, const char *digest, int64_t started)
{
    add_pod(&w, id, (struct pod){.uid = uid, .digest = digest, .started = started, .at = started});
}

static void a_pod_by_digest_is_called_by_the_tag_that_pointed_there_then(void **state)
{
    (void)state;
    add_push(&w, "e1", "1.0", digest_of('a'), T(0));
    add_push(&w, "e2", "1.0", digest_of('b'), T(10));
    add_push(&w, "e3", "1.1", digest_of('a'), T(20));
    run_pinned("e4", "p1", digest_of('a'), T(5));
    run_pinned("e5", "p2", digest_of('a'), T(25));
    world_apply(&w);
    assert_uai(&w, "p1", T(60), REPO ":1.0");
    assert_uai(&w, "p2", T(60), REPO ":1.1");
}

static void a_version_wins_over_a_floating_tag(void **state)
{
    (void)state;
    add_push(&w, "e1", "1.0", digest_of('a'), T(0));
    add_push(&w, "e2", "latest", digest_of('a'), T(1));
    run_pinned("e3", "p1", digest_of('a'), T(5));
    world_apply(&w);
    assert_uai(&w, "p1", T(60), REPO ":1.0");
    assert_sql(&w, "SELECT string_agg(tag, ' ') FROM assets WHERE floating", "latest");
}

static void a_floating_tag_is_better_than_a_digest(void **state)
{
    (void)state;
    add_push(&w, "e1", "latest", digest_of('a'), T(0));
    run_pinned("e2", "p1", digest_of('a'), T(5));
    world_apply(&w);
    assert_uai(&w, "p1", T(60), REPO ":latest");
}

static void the_tag_of_an_index_names_what_runs_of_it(void **state)
{
    (void)state;
    apply_index();
    run_pinned("e1", "p1", digest_of('a'), T(5));
    run_pinned("e2", "p2", digest_of('c'), T(5));
    world_apply(&w);
    assert_uai(&w, "p1", T(60), REPO ":1.0");
    assert_uai(&w, "p2", T(60), REPO ":1.0");
    assert_state(&w, "p1", T(60), "covered");
}

static void a_digest_no_tag_reaches_is_called_by_itself(void **state)
{
    char expected[256];

    (void)state;
    (void)snprintf(expected, sizeof(expected), REPO "@%.80s", digest_of('a'));
    add_push(&w, "e1", "1.0", digest_of('b'), T(0));
    run_pinned("e2", "p1", digest_of('a'), T(5));
    world_apply(&w);
    assert_uai(&w, "p1", T(60), expected);
    assert_sql(&w, "SELECT count(*) FROM live_assets WHERE digest IS NOT NULL", "1");
}

static void a_tag_of_the_future_names_nothing_today(void **state)
{
    char expected[256];

    (void)state;
    (void)snprintf(expected, sizeof(expected), REPO "@%.80s", digest_of('a'));
    run_pinned("e1", "p1", digest_of('a'), T(5));
    add_push(&w, "e2", "1.0", digest_of('a'), T(30));
    world_apply(&w);
    assert_uai(&w, "p1", T(20), expected);
    assert_uai(&w, "p1", T(40), REPO ":1.0");
}

static void a_pushed_again_tag_keeps_one_asset_with_both_digests(void **state)
{
    (void)state;
    add_push(&w, "e1", "1.0", digest_of('a'), T(0));
    add_push(&w, "e2", "1.0", digest_of('b'), T(10));
    world_apply(&w);
    assert_sql(&w, "SELECT count(*) FROM assets", "1");
    assert_sql(&w, "SELECT count(*) FROM asset_digests", "2");
    assert_sql(&w, "SELECT count(*) FROM tag_history WHERE valid_to IS NULL", "1");
}

/* What was asked last month is answered the same after late events. */
static void what_was_known_then_does_not_change(void **state)
{
    char *known, sql[256];

    (void)state;
    run_pinned("e1", "p1", digest_of('a'), T(5));
    world_apply(&w);
    known = world_sql(&w, "SELECT max(known_at) FROM ledger");
    add_push(&w, "e2", "1.0", digest_of('a'), T(0));
    world_apply(&w);
    (void)snprintf(sql, sizeof(sql),
                   "SELECT uai LIKE '%%@sha256:%%' FROM coverage_images('2026-11-02', '%s')",
                   known);
    assert_sql(&w, sql, "t");
    assert_uai(&w, "p1", T(60), REPO ":1.0");
    free(known);
}

/* Its index has no tag, so this name is the only one it has. */
static void what_runs_by_digest_is_listed_although_it_is_part_of_an_index(void **state)
{
    const struct mu_scan_child child = {digest_of('a'), MU_DIGEST_KIND_MANIFEST, "m", 10,
                                        "linux/amd64"};

    (void)state;
    add_push(&w, "push", NULL, digest_of('1'), T(0));
    add_scan(&w, "index",
             (struct scan){.digest = digest_of('1'),
                           .outcome = MU_SCAN_RESOLVED,
                           .at = T(1),
                           .children = &child,
                           .child_count = 1});
    run_pinned("e1", "p1", digest_of('a'), T(5));
    world_apply(&w);
    assert_sql(&w,
               "SELECT count(*) FROM live_assets WHERE uai IN (SELECT uai FROM "
               "coverage_images('2026-11-02', 'infinity'))",
               "1");
}

static void an_asset_is_not_listed_before_it_is_known(void **state)
{
    (void)state;
    add_push(&w, "e1", "1.0", digest_of('a'), T(0));
    world_apply(&w);
    assert_sql(&w, "SELECT count(*) FROM live_assets_known('2026-10-01')", "0");
    assert_sql(&w, "SELECT count(*) FROM live_assets_known('infinity')", "1");
}

static void a_job_asks_for_the_names_of_every_tag_that_reaches_it(void **state)
{
    (void)state;
    apply_index();
    add_push(&w, "e9", "1.0-amd64", digest_of('a'), T(3));
    world_apply(&w);
    assert_sql(&w,
               "SELECT array_to_string(job_uais('" REPO "', 'sha256:' || repeat('a', 64)), ' ')",
               REPO ":1.0 " REPO ":1.0-amd64");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            WORLD_TEST(a_reported_manifest_is_that_manifest),
            WORLD_TEST(a_reported_config_is_the_manifest_that_has_it),
            WORLD_TEST(a_reported_index_is_the_manifest_of_the_nodes_platform),
            WORLD_TEST(a_platform_without_its_variant_fits_the_one_with_it),
            WORLD_TEST(an_index_on_an_unknown_node_counts_its_worst_image),
            WORLD_TEST(a_platform_the_index_does_not_have_counts_every_image),
            WORLD_TEST(a_container_of_many_images_is_counted_once),
            WORLD_TEST(attestations_never_stand_for_an_image),
            WORLD_TEST(a_pod_by_tag_is_called_by_that_tag),
            WORLD_TEST(a_pod_by_digest_is_called_by_the_tag_that_pointed_there_then),
            WORLD_TEST(what_is_no_image_is_judged_the_same_whether_it_was_looked_at_or_not),
            WORLD_TEST(a_version_wins_over_a_floating_tag),
            WORLD_TEST(a_floating_tag_is_better_than_a_digest),
            WORLD_TEST(the_tag_of_an_index_names_what_runs_of_it),
            WORLD_TEST(a_digest_no_tag_reaches_is_called_by_itself),
            WORLD_TEST(a_tag_of_the_future_names_nothing_today),
            WORLD_TEST(a_pushed_again_tag_keeps_one_asset_with_both_digests),
            WORLD_TEST(what_was_known_then_does_not_change),
            WORLD_TEST(what_runs_by_digest_is_listed_although_it_is_part_of_an_index),
            WORLD_TEST(an_asset_is_not_listed_before_it_is_known),
            WORLD_TEST(a_job_asks_for_the_names_of_every_tag_that_reaches_it),
    };

    return pg_server_group(&world_server, tests);
}
