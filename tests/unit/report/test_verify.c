#include "verify_look.h"

/* ---- files ---- */

static void a_missing_folder_is_not_found(void **state)
{
    MU_AUTO(table) struct mu_table *differences = mu_table_new(verify_columns, VERIFY_COLUMN_COUNT);
    MU_AUTO(table)
    struct mu_table *gaps = mu_table_new(verify_gap_columns, VERIFY_GAP_COLUMN_COUNT);
    struct verify_summary summary = {.rows = 77};
    struct mu_error err;

    (void)state;
    assert_int_equal(verify_bundle("/nonexistent", differences, gaps, &summary, &err),
                     MU_E_NOT_FOUND);
    assert_int_equal(summary.rows, 77);
    assert_int_equal(mu_table_row_count(differences), 0);
}

static void the_summary_counts_what_is_there(void **state)
{
    char *text = NULL;
    struct verify_summary summary = look(*state, &text);

    assert_int_equal(summary.files, 9);
    assert_int_equal(summary.rows, 3);
    assert_int_equal(summary.raw_scans, 3);
    assert_int_equal(summary.targets, 4);
    assert_int_equal(summary.gaps, 1);
    assert_int_equal(summary.differences, 0);
    free(text);
}

static void a_tampered_file_is_named(void **state)
{
    world_put(*state, BUNDLE_CONTAINERS, "cluster\n", 8);
    assert_found(*state, "files", BUNDLE_CONTAINERS, "SHA-256 is sha256:");
}

static void a_missing_file_is_named(void **state)
{
    (void)unlink(world_path(*state, BUNDLE_CONTAINERS));
    assert_found(*state, "files", BUNDLE_CONTAINERS, "cannot be read: No such file");
}

static void a_file_missing_from_folder_and_manifest_is_named(void **state)
{
    (void)unlink(world_path(*state, BUNDLE_CONTAINERS));
    world_unlist(*state, BUNDLE_CONTAINERS);
    assert_found(*state, "files", BUNDLE_CONTAINERS, "is not in the manifest");
}

static void an_extra_file_is_named(void **state)
{
    world_put(*state, "raw-scans/more.json", "{}", 2);
    assert_found(*state, "files", "raw-scans/more.json", "in the folder but not in the manifest");
}

static void an_extra_folder_is_named(void **state)
{
    assert_int_equal(mkdir(world_path(*state, "notes"), 0700), 0);
    assert_found(*state, "files", "notes", "in the folder but not in the manifest");
}

static void another_size_is_named(void **state)
{
    json_t *manifest = world_json(*state, BUNDLE_MANIFEST);

    json_object_set_new(json_object_get(json_object_get(manifest, "files"), BUNDLE_GAPS),
                        "size_bytes", json_integer(1));
    world_put_json(*state, BUNDLE_MANIFEST, manifest);
    assert_found(*state, "files", BUNDLE_GAPS, "another size");
}

static void a_link_is_not_followed(void **state)
{
    char target[2 * WORLD_PATH_SIZE];

    (void)snprintf(target, sizeof(target), "%s/elsewhere", ((struct world *)*state)->root);
    assert_int_equal(rename(world_path(*state, BUNDLE_GAPS), target), 0);
    assert_int_equal(symlink(target, world_path(*state, BUNDLE_GAPS)), 0);
    assert_found(*state, "files", BUNDLE_GAPS, "is no plain file");
}

static void a_pipe_does_not_hang(void **state)
{
    (void)unlink(world_path(*state, BUNDLE_WORKBOOK));
    assert_int_equal(mkfifo(world_path(*state, BUNDLE_WORKBOOK), 0600), 0);
    assert_found(*state, "files", BUNDLE_WORKBOOK, "is no plain file");
}

static void a_linked_folder_of_raw_scans_is_not_followed(void **state)
{
    char target[2 * WORLD_PATH_SIZE];

    (void)snprintf(target, sizeof(target), "%s/elsewhere", ((struct world *)*state)->root);
    assert_int_equal(rename(world_path(*state, BUNDLE_RAW_SCANS), target), 0);
    assert_int_equal(symlink(target, world_path(*state, BUNDLE_RAW_SCANS)), 0);
    assert_found(*state, "files", BUNDLE_RAW_SCANS, "is no folder");
}

static void a_name_that_leads_out_of_the_folder_is_not_followed(void **state)
{
    json_t *manifest = world_json(*state, BUNDLE_MANIFEST);

    json_object_set_new(json_object_get(manifest, "files"), "raw-scans/../../../etc/passwd",
                        json_pack("{s:s}", "sha256", DIGEST("0")));
    world_put_json(*state, BUNDLE_MANIFEST, manifest);
    assert_found(*state, "files", "raw-scans/../../../etc/passwd", "entry is not usable");
}

/* ---- the manifest itself ---- */

static void a_malformed_manifest_is_named(void **state)
{
    world_put(*state, BUNDLE_MANIFEST, "{\"schema\":", 10);
    assert_found(*state, "files", BUNDLE_MANIFEST, "cannot be read");
}

static void a_deep_manifest_is_named(void **state)
{
    char deep[20001];

    memset(deep, '[', 10000);
    memset(deep + 10000, ']', 10000);
    world_put(*state, BUNDLE_MANIFEST, deep, 20000);
    assert_found(*state, "files", BUNDLE_MANIFEST, "cannot be read");
}

static void a_huge_manifest_is_refused_before_it_is_parsed(void **state)
{
    int rc = truncate(world_path(*state, BUNDLE_MANIFEST), (off_t)BUNDLE_MAX_JSON_BYTES + 1);

    assert_int_equal(rc, 0); /* sparse: takes no room on the disk */
    assert_found(*state, "files", BUNDLE_MANIFEST, "268435456");
}

static void a_manifest_of_another_schema_is_named(void **state)
{
    json_t *manifest = world_json(*state, BUNDLE_MANIFEST);

    json_object_set_new(manifest, "schema", json_string("muster.bundle-manifest.v2"));
    world_put_json(*state, BUNDLE_MANIFEST, manifest);
    assert_found(*state, "files", BUNDLE_MANIFEST, "is not of schema " BUNDLE_SCHEMA);
}

static void a_manifest_without_files_is_named(void **state)
{
    world_put_json(*state, BUNDLE_MANIFEST,
                   json_pack("{s:s, s:[]}", "schema", BUNDLE_SCHEMA, "files"));
    assert_found(*state, "files", BUNDLE_MANIFEST, "is not of schema");
}

static void an_entry_without_a_digest_is_named(void **state)
{
    json_t *manifest = world_json(*state, BUNDLE_MANIFEST);

    json_object_set_new(json_object_get(manifest, "files"), BUNDLE_GAPS, json_integer(7));
    world_put_json(*state, BUNDLE_MANIFEST, manifest);
    assert_found(*state, "files", BUNDLE_GAPS, "entry is not usable");
}

static void wrong_counts_are_named(void **state)
{
    world_count(*state, "rows", 4);
    assert_found(*state, "files", BUNDLE_MANIFEST, "counts 4 rows, found 3");
    world_count(*state, "raw_scans", 2);
    assert_found(*state, "files", BUNDLE_MANIFEST, "counts 2 raw_scans, found 3");
    world_count(*state, "gaps", 0);
    assert_found(*state, "files", BUNDLE_MANIFEST, "counts 0 gaps, found 1");
}

/* More differences than anybody reads are counted, not kept. */
static void endless_differences_are_counted_and_cut(void **state)
{
    json_t *manifest = world_json(*state, BUNDLE_MANIFEST);
    struct verify_summary summary;
    char name[32], *text = NULL;
    json_t *told;

    for (int i = 0; i < 11000; i++) {
        (void)snprintf(name, sizeof(name), "bogus-%d", i);
        json_object_set_new(json_object_get(manifest, "files"), name, json_null());
    }
    world_put_json(*state, BUNDLE_MANIFEST, manifest);
    summary = look(*state, &text);
    told = json_loads(text, 0, NULL);
    assert_int_equal(summary.differences, 11000);
    assert_int_equal(json_array_size(told), 10000);
    json_decref(told);
    free(text);
}

/* ---- raw scans ---- */

/* Replaces raw scan `index`, under its new name when `renamed`. */
static void forge_raw_scan(const struct world *world, size_t index, const char *bytes, bool renamed)
{
    char name[128], digest[MU_DIGEST_TEXT_SIZE];

    (void)snprintf(name, sizeof(name), "%s", world_raw_name(world, index));
    if (renamed) {
        (void)unlink(world_path(world, name));
        world_unlist(world, name);
        mu_sha256_text(bytes, strlen(bytes), digest);
        (void)snprintf(name, sizeof(name), "%s/%s.json", BUNDLE_RAW_SCANS, digest + 7);
    }
    world_put(world, name, bytes, strlen(bytes));
    world_list(world, name);
}

static void assert_raw_scan_says(const struct world *world, const char *bytes, const char *check,
                                 const char *says)
{
    char name[128], digest[MU_DIGEST_TEXT_SIZE];

    forge_raw_scan(world, 0, bytes, true);
    mu_sha256_text(bytes, strlen(bytes), digest);
    (void)snprintf(name, sizeof(name), "%s/%s.json", BUNDLE_RAW_SCANS, digest + 7);
    assert_found(world, check, name, says);
    assert_found(world, "row -> scan", UAI_A, DIGEST("1") " occurs with it in no raw scan");
}

static void a_malformed_raw_scan_is_named(void **state)
{
    assert_raw_scan_says(*state, "{\"targets\":[", "files", "cannot be read");
}

static void a_raw_scan_that_is_no_object_is_named(void **state)
{
    assert_raw_scan_says(*state, "[1,2]", "raw scans", "names no target");
}

static void a_raw_scan_without_targets_is_named(void **state)
{
    assert_raw_scan_says(*state, "{\"status\":\"complete\",\"targets\":[]}", "raw scans",
                         "names no target");
}

static void a_target_without_a_digest_is_named(void **state)
{
    assert_raw_scan_says(*state,
                         "{\"status\":\"complete\",\"targets\":[{\"uai\":\"" UAI_A
                         "\",\"digest\":\"latest\"}]}",
                         "raw scans", "target without usable uai and digest");
}

static void a_raw_scan_under_another_name_is_named(void **state)
{
    struct world *world = *state;

    forge_raw_scan(world, 0, world->raw[1], false);
    assert_found(world, "files", world_raw_name(world, 0), "is not named by its SHA-256");
}

static void a_deleted_raw_scan_names_its_asset(void **state)
{
    char name[128];

    (void)snprintf(name, sizeof(name), "%s", world_raw_name(*state, 2));
    (void)unlink(world_path(*state, name));
    world_unlist(*state, name);
    world_count(*state, "raw_scans", 2);
    assert_found(*state, "row -> scan", UAI_B, DIGEST("3") " occurs with it in no raw scan");
}

static void a_scan_that_is_not_complete_covers_nothing(void **state)
{
    forge_raw_scan(*state, 0,
                   "{\"status\":\"failed\",\"targets\":[{\"uai\":\"" UAI_A
                   "\",\"digest\":\"" DIGEST("1") "\"}]}",
                   true);
    assert_found(*state, "row -> scan", UAI_A, "the raw scan of " DIGEST("1") " is not complete");
}

static void a_complete_scan_beside_a_failed_one_covers(void **state)
{
    const char *failed = "{\"status\":\"failed\",\"targets\":[{\"uai\":\"" UAI_A
                         "\",\"digest\":\"" DIGEST("1") "\"}]}";
    char name[128], digest[MU_DIGEST_TEXT_SIZE];

    mu_sha256_text(failed, strlen(failed), digest);
    (void)snprintf(name, sizeof(name), "%s/%s.json", BUNDLE_RAW_SCANS, digest + 7);
    world_put(*state, name, failed, strlen(failed));
    world_list(*state, name);
    world_count(*state, "raw_scans", 4);
    assert_clean(*state);
}

static void a_scan_target_that_is_nowhere_declared_is_named(void **state)
{
    world_put(*state, BUNDLE_NOT_RUNNING, "[]", 2);
    world_list(*state, BUNDLE_NOT_RUNNING);
    assert_found(*state, "scan -> row", UAI_B_OLD, DIGEST("3") " was scanned");
}

static void a_row_declared_as_not_running_is_named(void **state)
{
    const char *targets = "[{\"uai\":\"" UAI_B_OLD
                          "\",\"digest\":\"" DIGEST("3") "\"},"
                                                         "{\"uai\":\"" UAI_B
                                                         "\",\"digest\":\"" DIGEST("3") "\"}]";

    world_put(*state, BUNDLE_NOT_RUNNING, targets, strlen(targets));
    world_list(*state, BUNDLE_NOT_RUNNING);
    assert_found(*state, "not running", UAI_B, DIGEST("3") " is in the row");
}

/* A UAI too long to be compared must not be taken for another one. */
static void a_uai_of_any_length_is_only_itself(void **state)
{
    struct world *world = *state;
    size_t len = (size_t)1024 * 1024;
    MU_AUTO_FREE char *text = malloc(len + 256);
    int head = snprintf(text, 256, "{\"status\":\"complete\",\"targets\":[{\"uai\":\"");

    memset(text + head, 'x', len);
    (void)snprintf(text + head + len, 128, "\",\"digest\":\"" DIGEST("1") "\"}]}");
    assert_raw_scan_says(world, text, "raw scans", "target without usable uai and digest");
}

/* ---- declared gaps ---- */

static void put_gaps(const struct world *world, const char *text)
{
    world_put(world, BUNDLE_GAPS, text, strlen(text));
    world_list(world, BUNDLE_GAPS);
}

#define GAP(uai, digest, state)                                                                   \
    "{\"uai\":\"" uai "\",\"images\":[{\"digest\":\"" digest "\",\"state\":\"" state              \
    "\",\"reason\":\"r\"}],\"containers\":[{\"pod\":\"p\",\"container\":\"c\",\"state\":\"" state \
    "\"}]}"

static void a_gap_that_is_not_declared_is_named(void **state)
{
    put_gaps(*state, "[]");
    assert_found(*state, "row -> scan", UAI_C, "does not explain it");
}

static void gaps_that_are_no_array_are_named(void **state)
{
    put_gaps(*state, "{}");
    assert_found(*state, "files", BUNDLE_GAPS, "is no array");
}

static void a_gap_with_another_checksum_is_named(void **state)
{
    put_gaps(*state, "[" GAP(UAI_C, DIGEST("5"), "never_scanned") "]");
    assert_found(*state, "gaps", UAI_C, DIGEST("5") " is declared but not in the row");
    assert_found(*state, "gaps", UAI_C, DIGEST("4") " is in the row but not declared");
}

static void a_gap_without_a_row_is_named(void **state)
{
    put_gaps(*state, "[" GAP(UAI_C, DIGEST("4"), "never_scanned") "," GAP(
                             "r.example/ghost:1", DIGEST("5"), "unresolved") "]");
    assert_found(*state, "gaps", "r.example/ghost:1", "has no row");
}

static void a_gap_whose_row_says_yes_is_named(void **state)
{
    put_gaps(*state, "[" GAP(UAI_C, DIGEST("4"), "never_scanned") "," GAP(UAI_B, DIGEST("3"),
                                                                          "scan_expired") "]");
    assert_found(*state, "gaps", UAI_B, "its row says Yes");
}

static void a_gap_declared_twice_is_named(void **state)
{
    put_gaps(*state, "[" GAP(UAI_C, DIGEST("4"), "never_scanned") "," GAP(UAI_C, DIGEST("4"),
                                                                          "never_scanned") "]");
    assert_found(*state, "gaps", UAI_C, "is declared twice");
}

static void a_gap_that_explains_nothing_is_named(void **state)
{
    put_gaps(*state, "[" GAP(UAI_C, DIGEST("4"), "covered") "]");
    assert_found(*state, "gaps", UAI_C, "without an image that is not covered");
    assert_found(*state, "row -> scan", UAI_C, DIGEST("4") " occurs with it in no raw scan");
}

static void a_gap_without_containers_is_named(void **state)
{
    put_gaps(*state, "[{\"uai\":\"" UAI_C "\",\"images\":[{\"digest\":\"" DIGEST("4") "\"}]}]");
    assert_found(*state, "gaps", UAI_C, "without naming a container");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            BUNDLE_TEST(a_missing_folder_is_not_found),
            BUNDLE_TEST(the_summary_counts_what_is_there),
            BUNDLE_TEST(a_tampered_file_is_named),
            BUNDLE_TEST(a_missing_file_is_named),
            BUNDLE_TEST(a_file_missing_from_folder_and_manifest_is_named),
            BUNDLE_TEST(an_extra_file_is_named),
            BUNDLE_TEST(an_extra_folder_is_named),
            BUNDLE_TEST(another_size_is_named),
            BUNDLE_TEST(a_link_is_not_followed),
            BUNDLE_TEST(a_pipe_does_not_hang),
            BUNDLE_TEST(a_linked_folder_of_raw_scans_is_not_followed),
            BUNDLE_TEST(a_name_that_leads_out_of_the_folder_is_not_followed),
            BUNDLE_TEST(a_malformed_manifest_is_named),
            BUNDLE_TEST(a_deep_manifest_is_named),
            BUNDLE_TEST(a_huge_manifest_is_refused_before_it_is_parsed),
            BUNDLE_TEST(a_manifest_of_another_schema_is_named),
            BUNDLE_TEST(a_manifest_without_files_is_named),
            BUNDLE_TEST(an_entry_without_a_digest_is_named),
            BUNDLE_TEST(wrong_counts_are_named),
            BUNDLE_TEST(endless_differences_are_counted_and_cut),
            BUNDLE_TEST(a_malformed_raw_scan_is_named),
            BUNDLE_TEST(a_raw_scan_that_is_no_object_is_named),
            BUNDLE_TEST(a_raw_scan_without_targets_is_named),
            BUNDLE_TEST(a_target_without_a_digest_is_named),
            BUNDLE_TEST(a_raw_scan_under_another_name_is_named),
            BUNDLE_TEST(a_deleted_raw_scan_names_its_asset),
            BUNDLE_TEST(a_scan_that_is_not_complete_covers_nothing),
            BUNDLE_TEST(a_complete_scan_beside_a_failed_one_covers),
            BUNDLE_TEST(a_scan_target_that_is_nowhere_declared_is_named),
            BUNDLE_TEST(a_row_declared_as_not_running_is_named),
            BUNDLE_TEST(a_uai_of_any_length_is_only_itself),
            BUNDLE_TEST(a_gap_that_is_not_declared_is_named),
            BUNDLE_TEST(gaps_that_are_no_array_are_named),
            BUNDLE_TEST(a_gap_with_another_checksum_is_named),
            BUNDLE_TEST(a_gap_without_a_row_is_named),
            BUNDLE_TEST(a_gap_whose_row_says_yes_is_named),
            BUNDLE_TEST(a_gap_declared_twice_is_named),
            BUNDLE_TEST(a_gap_that_explains_nothing_is_named),
            BUNDLE_TEST(a_gap_without_containers_is_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
