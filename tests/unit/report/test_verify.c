#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bundle_build.h"

#include "verify/verify.h"

#include <zip.h>

static int set_up(void **state)
{
    struct world *world = mu_xcalloc(1, sizeof(*world));
    struct bundle_counts counts;
    struct mu_error err;

    world_init(world);
    *state = world;
    return world_write(world, 0, &counts, &err) == MU_OK ? 0 : -1;
}

static int tear_down(void **state)
{
    world_done(*state);
    free(*state);
    return 0;
}

/* What verify says of the bundle, as text. */
static struct verify_summary look(const struct world *world, char **ret_text)
{
    MU_AUTO(table) struct mu_table *differences = mu_table_new(verify_columns, VERIFY_COLUMN_COUNT);
    MU_AUTO(table)
    struct mu_table *gaps = mu_table_new(verify_gap_columns, VERIFY_GAP_COLUMN_COUNT);
    struct verify_summary summary;
    struct mu_error err;
    size_t size;
    FILE *out = open_memstream(ret_text, &size);

    assert_non_null(out);
    assert_int_equal(verify_bundle(world->folder, differences, gaps, &summary, &err), MU_OK);
    mu_table_print(differences, MU_FORMAT_JSON, 0, out);
    (void)fclose(out);
    return summary;
}

/* A difference of this check and subject whose text holds `says`. */
static void assert_found(const struct world *world, const char *check, const char *subject,
                         const char *says)
{
    char *text = NULL;
    struct verify_summary summary = look(world, &text);
    json_t *differences = json_loads(text, 0, NULL), *difference;
    bool found = false;
    size_t index;

    json_array_foreach (differences, index, difference) {
        found |= strcmp(mu_json_text_at(difference, "check"), check) == 0 &&
                 strcmp(mu_json_text_at(difference, "subject"), subject) == 0 &&
                 strstr(mu_json_text_at(difference, "difference"), says) != NULL;
    }
    if (!found)
        fail_msg("no '%s' of '%s' says '%s' in\n%s", check, subject, says, text);
    assert_int_equal(summary.differences, json_array_size(differences));
    json_decref(differences);
    free(text);
}

static void assert_clean(const struct world *world)
{
    char *text = NULL;
    struct verify_summary summary = look(world, &text);

    if (summary.differences > 0)
        fail_msg("%s", text);
    free(text);
}

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

    assert_int_equal(summary.files, 7);
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

/* ---- rows to forge ---- */

static const struct inventory_workbook_properties properties = {
        "Example Cloud", "2026-11", "2026-11-30T23:59:59.999999Z", 1796083199999999, 0};

/* The rows that the bundle has, for tests to spoil. */
static void good_rows(struct inventory_workbook_row rows[3])
{
    static const struct inventory_workbook_row row = {{[COLUMN_VIRTUAL] = "Yes",
                                                       [COLUMN_PUBLIC] = "No",
                                                       [COLUMN_AUTHENTICATED] = "Yes",
                                                       [COLUMN_BASELINE] = "CIS Level 2",
                                                       [COLUMN_OS] = "Debian",
                                                       [COLUMN_ASSET_TYPE] = "Container",
                                                       [COLUMN_IN_LATEST_SCAN] = "Yes",
                                                       [COLUMN_VENDOR] = "Open Source",
                                                       [COLUMN_SOFTWARE] = "a 1",
                                                       [COLUMN_DIAGRAM_LABEL] = "Cluster",
                                                       [COLUMN_FUNCTION] = "Application"}};

    for (size_t i = 0; i < 3; i++)
        rows[i] = row;
    rows[0].cells[COLUMN_UAI] = UAI_A;
    rows[0].cells[COLUMN_ADDRESS] = DIGEST("1") "\n" DIGEST("2");
    rows[1].cells[COLUMN_UAI] = UAI_B;
    rows[1].cells[COLUMN_ADDRESS] = DIGEST("3");
    rows[2].cells[COLUMN_UAI] = UAI_C;
    rows[2].cells[COLUMN_ADDRESS] = DIGEST("4");
    rows[2].cells[COLUMN_IN_LATEST_SCAN] = "No";
}

static void put_workbook(const struct world *world, const struct inventory_workbook_row *rows,
                         size_t count)
{
    struct inventory_workbook *workbook;
    struct mu_error err;

    assert_int_equal(inventory_workbook_open(world_path(world, BUNDLE_WORKBOOK), &properties,
                                             &workbook, &err),
                     MU_OK);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(inventory_workbook_add(workbook, &rows[i], &err), MU_OK);
    assert_int_equal(inventory_workbook_close(workbook, &err), MU_OK);
    world_list(world, BUNDLE_WORKBOOK);
}

/* ---- running containers ---- */

static void forge_containers(const struct world *world, const char *from, const char *to)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf csv, forged;
    struct mu_error err;
    const char *at;

    mu_buf_init(&csv, 1 << 16);
    mu_buf_init(&forged, 1 << 16);
    assert_int_equal(mu_file_read(world_path(world, BUNDLE_CONTAINERS), &csv, &err), MU_OK);
    at = strstr(csv.data, from);
    assert_non_null(at);
    mu_buf_append(&forged, csv.data, (size_t)(at - csv.data));
    mu_buf_puts(&forged, to);
    mu_buf_puts(&forged, at + strlen(from));
    world_put(world, BUNDLE_CONTAINERS, forged.data, forged.len);
    world_list(world, BUNDLE_CONTAINERS);
}

static void a_container_without_a_row_is_named(void **state)
{
    forge_containers(*state, "\"" UAI_B "\",\"" DIGEST("3"), "\"r.example/x:1\",\"" DIGEST("3"));
    assert_found(*state, "containers", "r.example/x:1", "runs in pod 'pod-2' but has no row");
    assert_found(*state, "containers", UAI_B,
                 DIGEST("3") " is in the row, but no container runs it");
}

static void a_container_of_another_checksum_is_named(void **state)
{
    forge_containers(*state, DIGEST("3"), DIGEST("7"));
    assert_found(*state, "containers", UAI_B,
                 DIGEST("7") " runs in pod 'pod-2' but is not in the row");
}

static void a_container_that_is_not_covered_under_a_yes_is_named(void **state)
{
    forge_containers(*state, DIGEST("3") "\",\"covered\"", DIGEST("3") "\",\"scan_expired\"");
    assert_found(*state, "containers", UAI_B,
                 "is scan_expired in pod 'pod-2', but its row says Yes");
}

/* The row and its declaration forged together: the list of containers still knows better. */
static void a_running_asset_declared_away_is_named(void **state)
{
    struct world *world = *state;
    const char *targets = "[{\"uai\":\"" UAI_B_OLD
                          "\",\"digest\":\"" DIGEST("3") "\"},"
                                                         "{\"uai\":\"" UAI_B
                                                         "\",\"digest\":\"" DIGEST("3") "\"}]";
    struct inventory_workbook_row rows[3];

    good_rows(rows);
    rows[1] = rows[2];
    put_workbook(world, rows, 2);
    world_put(world, BUNDLE_NOT_RUNNING, targets, strlen(targets));
    world_list(world, BUNDLE_NOT_RUNNING);
    world_count(world, "rows", 2);
    assert_found(world, "containers", UAI_B, "runs in pod 'pod-2' but has no row");
}

static void fewer_containers_than_counted_are_named(void **state)
{
    world_count(*state, "containers", 5);
    assert_found(*state, "containers", BUNDLE_CONTAINERS, "names 4, the manifest counts 5");
}

static void a_malformed_list_of_containers_is_named(void **state)
{
    forge_containers(*state, "namespace", "namespaces");
    assert_found(*state, "containers", BUNDLE_CONTAINERS, "column 2 is headed 'namespaces'");
    world_put(*state, BUNDLE_CONTAINERS, "cluster\n", 8);
    assert_found(*state, "containers", BUNDLE_CONTAINERS, "row 1 has 1 columns, not 12");
    world_put(*state, BUNDLE_CONTAINERS, "\"", 1);
    assert_found(*state, "containers", BUNDLE_CONTAINERS, "row 1 is torn");
}

/* ---- the workbook ---- */

/* A row whose one cell is spoiled. */
static void assert_cell_says(const struct world *world, enum workbook_column column,
                             const char *text, const char *check, const char *says)
{
    struct inventory_workbook_row rows[3];

    good_rows(rows);
    rows[1].cells[column] = text;
    put_workbook(world, rows, 3);
    assert_found(world, check, UAI_B, says);
}

static void a_deleted_row_names_its_asset(void **state)
{
    struct inventory_workbook_row rows[3];

    good_rows(rows);
    put_workbook(*state, rows, 3);
    assert_clean(*state);
    put_workbook(*state, rows, 2);
    assert_found(*state, "gaps", UAI_C, "has no row");
    put_workbook(*state, rows + 1, 2);
    assert_found(*state, "scan -> row", UAI_A, DIGEST("1") " was scanned");
    assert_found(*state, "scan -> row", UAI_A, DIGEST("2") " was scanned");
}

static void a_row_without_a_scan_is_named(void **state)
{
    struct inventory_workbook_row rows[4];

    good_rows(rows);
    rows[3] = rows[1];
    rows[3].cells[COLUMN_UAI] = "r.example/apps/new:1";
    put_workbook(*state, rows, 4);
    assert_found(*state, "row -> scan", "r.example/apps/new:1", "occurs with it in no raw scan");
}

static void a_checksum_that_no_scan_has_is_named(void **state)
{
    assert_cell_says(*state, COLUMN_ADDRESS, DIGEST("3") "\n" DIGEST("9"), "row -> scan",
                     DIGEST("9") " occurs with it in no raw scan");
}

static void a_checksum_taken_out_of_a_row_is_named(void **state)
{
    struct inventory_workbook_row rows[3];

    good_rows(rows);
    rows[0].cells[COLUMN_ADDRESS] = DIGEST("1");
    put_workbook(*state, rows, 3);
    assert_found(*state, "scan -> row", UAI_A, DIGEST("2") " was scanned");
}

static void a_yes_without_checksums_is_named(void **state)
{
    assert_cell_says(*state, COLUMN_ADDRESS, NULL, "row -> scan", "without checksum");
}

static void a_uai_in_two_rows_is_named(void **state)
{
    struct inventory_workbook_row rows[3];

    good_rows(rows);
    rows[2] = rows[1];
    put_workbook(*state, rows, 3);
    assert_found(*state, "workbook", UAI_B, "stands in two rows");
}

static void a_row_without_a_uai_is_named_by_its_number(void **state)
{
    struct inventory_workbook_row rows[3];

    good_rows(rows);
    rows[1].cells[COLUMN_UAI] = NULL;
    put_workbook(*state, rows, 3);
    assert_found(*state, "workbook", "row 4", "'UNIQUE ASSET IDENTIFIER' is mandatory and blank");
}

static void blank_mandatory_cells_are_named(void **state)
{
    static const enum workbook_column columns[] = {
            COLUMN_VIRTUAL,  COLUMN_PUBLIC,        COLUMN_AUTHENTICATED, COLUMN_BASELINE,
            COLUMN_OS,       COLUMN_VENDOR,        COLUMN_ASSET_TYPE,    COLUMN_IN_LATEST_SCAN,
            COLUMN_FUNCTION, COLUMN_DIAGRAM_LABEL, COLUMN_SOFTWARE};

    for (size_t i = 0; i < sizeof(columns) / sizeof(columns[0]); i++) {
        char says[128];

        (void)snprintf(says, sizeof(says), "'%s' is mandatory and blank",
                       inventory_workbook_header(columns[i]));
        assert_cell_says(*state, columns[i], NULL, "workbook", says);
    }
}

static void cells_that_must_be_blank_are_named(void **state)
{
    static const enum workbook_column columns[] = {COLUMN_LOCATION, COLUMN_HARDWARE, COLUMN_SERIAL,
                                                   COLUMN_VLAN, COLUMN_APPLICATION_ADMINISTRATOR};

    for (size_t i = 0; i < sizeof(columns) / sizeof(columns[0]); i++)
        assert_cell_says(*state, columns[i], "x", "workbook", "must be blank for containers");
}

static void a_word_that_is_neither_yes_nor_no_is_named(void **state)
{
    assert_cell_says(*state, COLUMN_PUBLIC, "yes", "workbook", "'Public' says 'yes'");
}

static void not_applicable_is_named(void **state)
{
    assert_cell_says(*state, COLUMN_COMMENTS, "N/A", "workbook", "blanks stay blank");
}

/* Replaces text in a part of the workbook; the part must hold it. */
static void edit_part(const struct world *world, const char *part, const char *from, const char *to)
{
    zip_t *zip = zip_open(world_path(world, BUNDLE_WORKBOOK), 0, NULL);
    zip_file_t *file = zip_fopen(zip, part, 0);
    static char bytes[65536], edited[65536];
    zip_int64_t len = zip_fread(file, bytes, sizeof(bytes) - 1);
    char *at;

    assert_in_range(len, 1, sizeof(bytes) - 2);
    bytes[len] = '\0';
    (void)zip_fclose(file);
    at = strstr(bytes, from);
    assert_non_null(at);
    (void)snprintf(edited, sizeof(edited), "%.*s%s%s", (int)(at - bytes), bytes, to,
                   at + strlen(from));
    assert_true(zip_file_add(zip, part, zip_source_buffer(zip, edited, strlen(edited), 0),
                             ZIP_FL_OVERWRITE) >= 0);
    assert_int_equal(zip_close(zip), 0);
    world_list(world, BUNDLE_WORKBOOK);
}

#define SHEET "xl/worksheets/sheet2.xml"

static void a_changed_header_is_named(void **state)
{
    edit_part(*state, SHEET, "End-of-Life ", "End-of-Life");
    assert_found(*state, "workbook", "End-of-Life ", "column 25 is headed 'End-of-Life'");
}

static void moved_columns_are_named(void **state)
{
    edit_part(*state, SHEET, ">Virtual<", ">\001<");
    edit_part(*state, SHEET, ">Public<", ">Virtual<");
    edit_part(*state, SHEET, ">\001<", ">Public<");
    assert_found(*state, "workbook", "Virtual", "column 3 is headed 'Public'");
    assert_found(*state, "workbook", "Public", "column 4 is headed 'Virtual'");
}

static void a_column_too_many_is_named(void **state)
{
    edit_part(*state, SHEET, "<row r=\"2\"", "<row r=\"2\" x=\"\"");
    edit_part(*state, SHEET, "</row><row r=\"3\"",
              "<c r=\"Z2\" t=\"inlineStr\"><is><t>More</t></is></c></row><row r=\"3\"");
    assert_found(*state, "workbook", "More", "column 26 is headed 'More'");
}

static void a_changed_group_header_is_named(void **state)
{
    edit_part(*state, SHEET, "Any Inventory", "Any inventory");
    assert_found(*state, "workbook", "Any Inventory", "column 18 of row 1 says 'Any inventory'");
}

static void a_workbook_without_the_sheet_is_named(void **state)
{
    edit_part(*state, "xl/workbook.xml", "name=\"Inventory\"", "name=\"Inventar\"");
    assert_found(*state, "workbook", BUNDLE_WORKBOOK, "no sheet 'Inventory'");
}

static void an_encrypted_workbook_is_named(void **state)
{
    /* What spreadsheets write under a password: a compound file, not a zip. */
    world_put(*state, BUNDLE_WORKBOOK, "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 encrypted", 18);
    world_list(*state, BUNDLE_WORKBOOK);
    assert_found(*state, "workbook", BUNDLE_WORKBOOK, "is no readable workbook");
}

static void an_encrypted_part_is_named(void **state)
{
    zip_t *zip = zip_open(world_path(*state, BUNDLE_WORKBOOK), 0, NULL);

    assert_int_equal(zip_file_set_encryption(zip, (zip_uint64_t)zip_name_locate(zip, SHEET, 0),
                                             ZIP_EM_AES_256, "secret"),
                     0);
    assert_int_equal(zip_close(zip), 0);
    world_list(*state, BUNDLE_WORKBOOK);
    assert_found(*state, "workbook", BUNDLE_WORKBOOK, "assword");
}

static void a_workbook_with_macros_is_named(void **state)
{
    zip_t *zip = zip_open(world_path(*state, BUNDLE_WORKBOOK), 0, NULL);

    assert_true(zip_file_add(zip, "xl/vbaProject.bin", zip_source_buffer(zip, "x", 1, 0), 0) >= 0);
    assert_int_equal(zip_close(zip), 0);
    world_list(*state, BUNDLE_WORKBOOK);
    assert_found(*state, "workbook", BUNDLE_WORKBOOK, "it holds macros");
}

#define BUNDLE_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

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
            BUNDLE_TEST(a_container_without_a_row_is_named),
            BUNDLE_TEST(a_container_of_another_checksum_is_named),
            BUNDLE_TEST(a_container_that_is_not_covered_under_a_yes_is_named),
            BUNDLE_TEST(a_running_asset_declared_away_is_named),
            BUNDLE_TEST(fewer_containers_than_counted_are_named),
            BUNDLE_TEST(a_malformed_list_of_containers_is_named),
            BUNDLE_TEST(a_deleted_row_names_its_asset),
            BUNDLE_TEST(a_row_without_a_scan_is_named),
            BUNDLE_TEST(a_checksum_that_no_scan_has_is_named),
            BUNDLE_TEST(a_checksum_taken_out_of_a_row_is_named),
            BUNDLE_TEST(a_yes_without_checksums_is_named),
            BUNDLE_TEST(a_uai_in_two_rows_is_named),
            BUNDLE_TEST(a_row_without_a_uai_is_named_by_its_number),
            BUNDLE_TEST(blank_mandatory_cells_are_named),
            BUNDLE_TEST(cells_that_must_be_blank_are_named),
            BUNDLE_TEST(a_word_that_is_neither_yes_nor_no_is_named),
            BUNDLE_TEST(not_applicable_is_named),
            BUNDLE_TEST(a_changed_header_is_named),
            BUNDLE_TEST(moved_columns_are_named),
            BUNDLE_TEST(a_column_too_many_is_named),
            BUNDLE_TEST(a_changed_group_header_is_named),
            BUNDLE_TEST(a_workbook_without_the_sheet_is_named),
            BUNDLE_TEST(an_encrypted_workbook_is_named),
            BUNDLE_TEST(an_encrypted_part_is_named),
            BUNDLE_TEST(a_workbook_with_macros_is_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
