#include "verify_look.h"

#include <zip.h>

/* ---- rows to forge ---- */

static const struct inventory_workbook_properties properties = {
        "Example Cloud", "2026-11", "2026-11-30T23:59:59.999999Z", 1796083199999999, false, 0};

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

static void a_host_that_is_declared_needs_no_scan(void **state)
{
    struct inventory_workbook_row rows[5];

    good_rows(rows);
    rows[3] = rows[1];
    rows[3].cells[COLUMN_UAI] = "sensor-1";
    rows[3].cells[COLUMN_ADDRESS] = "10.0.0.1";
    rows[3].cells[COLUMN_ASSET_TYPE] = "Server";
    rows[3].cells[COLUMN_LOCATION] = "Rack 7";
    rows[4] = rows[3];
    put_workbook(*state, rows, 4);
    world_count(*state, "rows", 4);
    assert_found(*state, "workbook", "sensor-1", "must be blank for containers");
    world_put_json(*state, BUNDLE_OTHER_ASSETS, json_pack("[{s:s}]", "uai", "sensor-1"));
    world_list(*state, BUNDLE_OTHER_ASSETS);
    assert_clean(*state);
    put_workbook(*state, rows, 5);
    assert_found(*state, "workbook", "sensor-1", "stands in two rows");
}

/* Another type alone does not hide a container. */
static void a_container_under_another_type_is_still_one(void **state)
{
    struct inventory_workbook_row rows[3];

    good_rows(rows);
    rows[1].cells[COLUMN_ASSET_TYPE] = "Server";
    rows[1].cells[COLUMN_ADDRESS] = DIGEST("9");
    put_workbook(*state, rows, 3);
    assert_found(*state, "row -> scan", UAI_B, "occurs with it in no raw scan");
    rows[1].cells[COLUMN_ADDRESS] = "10.0.0.1";
    put_workbook(*state, rows, 3);
    assert_found(*state, "scan -> row", UAI_B, DIGEST("3") " was scanned");
}

static void rows_of_a_further_workbook_count(void **state)
{
    struct inventory_workbook_row rows[3];
    char further[2 * WORLD_PATH_SIZE];

    good_rows(rows);
    put_workbook(*state, rows + 1, 2);
    (void)snprintf(further, sizeof(further), "%s", world_path(*state, "inventory-2.xlsx"));
    assert_int_equal(rename(world_path(*state, BUNDLE_WORKBOOK), further), 0);
    world_list(*state, "inventory-2.xlsx");
    put_workbook(*state, rows, 1);
    assert_clean(*state);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
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
            BUNDLE_TEST(a_host_that_is_declared_needs_no_scan),
            BUNDLE_TEST(a_container_under_another_type_is_still_one),
            BUNDLE_TEST(rows_of_a_further_workbook_count),
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
