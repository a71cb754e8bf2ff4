#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bundle_build.h"

#include "bundle/assets.h"
#include "workbook/cell_text.h"

static int set_up(void **state)
{
    struct world *world = mu_xcalloc(1, sizeof(*world));

    world_init(world);
    *state = world;
    return 0;
}

static int tear_down(void **state)
{
    world_done(*state);
    free(*state);
    return 0;
}

/* The asset that begins at row `index` of the world, as a row of the workbook. */
static struct inventory_workbook_row row_at(struct world *world, size_t index)
{
    MU_AUTO(snapshot) struct snapshot *snapshot = world_snapshot(world);
    MU_AUTO(asset_reader) struct asset_reader *reader = NULL;
    struct inventory_workbook_row row = {0};
    struct asset asset = {0};
    bool found = true;
    struct mu_error err;

    assert_int_equal(asset_reader_open(snapshot, &reader, &err), MU_OK);
    for (size_t at = 0; at <= index; at += asset.row_count) {
        assert_int_equal(asset_next(reader, &asset, &found, &err), MU_OK);
        assert_true(found);
    }
    assert_int_equal(asset_to_row(&asset, &world->system, world->arena, &row, &err), MU_OK);
    for (size_t i = 0; i < COLUMN_COUNT; i++) /* some are the reader's */
        row.cells[i] = row.cells[i] ? mu_arena_strdup(world->arena, row.cells[i]) : NULL;
    return row;
}

static void assets_are_gathered_by_identifier(void **state)
{
    static const size_t sizes[] = {2, 1, 1};
    static const char *const uais[] = {UAI_A, UAI_B, UAI_C};
    MU_AUTO(snapshot) struct snapshot *snapshot = world_snapshot(*state);
    MU_AUTO(asset_reader) struct asset_reader *reader = NULL;
    struct asset asset = {0};
    bool found = true;
    struct mu_error err;

    assert_int_equal(asset_reader_open(snapshot, &reader, &err), MU_OK);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(asset_next(reader, &asset, &found, &err), MU_OK);
        assert_true(found);
        assert_int_equal(asset.row_count, sizes[i]);
        assert_string_equal(asset.rows[0].uai, uais[i]);
    }
    assert_int_equal(asset_next(reader, &asset, &found, &err), MU_OK);
    assert_false(found);
}

static void every_checksum_stands_once_one_a_line(void **state)
{
    struct world *world = *state;
    struct inventory_workbook_row row = row_at(world, 0);

    assert_string_equal(row.cells[COLUMN_ADDRESS], DIGEST("1") "\n" DIGEST("2"));
    world->inventory[1].manifest_digest = DIGEST("1");
    row = row_at(world, 0);
    assert_string_equal(row.cells[COLUMN_ADDRESS], DIGEST("1"));
}

static void an_asset_is_in_the_scan_only_when_all_its_images_are(void **state)
{
    struct world *world = *state;
    struct inventory_workbook_row row = row_at(world, 0);

    assert_string_equal(row.cells[COLUMN_IN_LATEST_SCAN], "Yes");
    assert_null(row.cells[COLUMN_COMMENTS]);
    world->inventory[1].state = "scan_expired";
    world->inventory[1].reason = "the last complete scan is older than 30 days";
    row = row_at(world, 0);
    assert_string_equal(row.cells[COLUMN_IN_LATEST_SCAN], "No");
    assert_string_equal(row.cells[COLUMN_COMMENTS],
                        "scan_expired: the last complete scan is older than 30 days");
}

static void a_floating_tag_is_commented(void **state)
{
    struct world *world = *state;

    world->inventory[3].floating = true;
    assert_string_equal(row_at(world, 3).cells[COLUMN_COMMENTS],
                        "never_scanned: no scan of it under this name yet. The tag floats: it is "
                        "meant to name different images in time.");
}

static void the_baseline_is_the_valid_one_that_was_stated_else_the_systems(void **state)
{
    struct world *world = *state;
    struct inventory_row *row = &world->inventory[2];

    assert_string_equal(row_at(world, 2).cells[COLUMN_BASELINE],
                        world->system.baseline_configuration_name);
    row->baseline = "CIS Docker 1.6.0";
    row->hardening = "CIS Docker 1.5.0: expired, by ann\nCIS Docker 1.6.0: valid, by ann";
    assert_string_equal(row_at(world, 2).cells[COLUMN_BASELINE], "CIS Docker 1.6.0");
}

/* Not even the system file's: it would say of the image what no longer holds. */
static void a_baseline_that_holds_no_more_leaves_the_cell_blank_and_is_commented(void **state)
{
    struct world *world = *state;

    world->inventory[2].state = "covered";
    world->inventory[2].hardening = "CIS Docker 1.6.0: drifted, by ann at 2026-11-02T00:00:00Z";
    assert_null(row_at(world, 2).cells[COLUMN_BASELINE]);
    assert_string_equal(row_at(world, 2).cells[COLUMN_COMMENTS],
                        "No valid baseline: CIS Docker 1.6.0: drifted, by ann at "
                        "2026-11-02T00:00:00Z");
}

static void labels_name_the_software_else_the_reference_does(void **state)
{
    struct world *world = *state;

    assert_string_equal(row_at(world, 0).cells[COLUMN_SOFTWARE], "a 1");
    assert_string_equal(row_at(world, 0).cells[COLUMN_VENDOR], "Open Source");
    world->inventory[1].image_title = "Shop";
    world->inventory[1].image_version = "7.1";
    world->inventory[1].image_vendor = "Agency";
    assert_string_equal(row_at(world, 0).cells[COLUMN_SOFTWARE], "Shop 7.1");
    assert_string_equal(row_at(world, 0).cells[COLUMN_VENDOR], "Agency");
    world->inventory[0].repository = world->inventory[1].repository = NULL;
    world->inventory[0].tag = world->inventory[1].tag = NULL;
    world->inventory[1].image_title = world->inventory[1].image_version = NULL;
    assert_string_equal(row_at(world, 0).cells[COLUMN_SOFTWARE], UAI_A);
}

static void labels_that_say_nothing_do_not_count(void **state)
{
    static const char *const nothing[] = {"", "  ", "\t\n", "n/a", "N/A", "NA"};
    struct world *world = *state;

    for (size_t i = 0; i < sizeof(nothing) / sizeof(nothing[0]); i++) {
        struct inventory_workbook_row row;

        world->inventory[2].image_vendor = world->inventory[2].image_title = nothing[i];
        world->inventory[2].image_version = world->inventory[2].os_name = nothing[i];
        row = row_at(world, 2);
        assert_string_equal(row.cells[COLUMN_VENDOR], "Open Source");
        assert_string_equal(row.cells[COLUMN_SOFTWARE], "a 1");
        assert_string_equal(row.cells[COLUMN_OS], "No operating system in image");
    }
}

static void labels_become_one_short_line(void **state)
{
    struct world *world = *state;
    char large[4000];
    const char *vendor;

    memset(large, 'x', sizeof(large));
    memcpy(large, "\x1b[2J\r\n", 6);
    memcpy(large + 254, "é", 2);
    large[sizeof(large) - 1] = '\0';
    world->inventory[2].image_vendor = large;
    vendor = row_at(world, 2).cells[COLUMN_VENDOR];
    assert_memory_equal(vendor, " [2J  xxx", 9);
    assert_string_equal(vendor + 250, "xxxx…"); /* not half of the é */
}

static void reasons_are_told_once_and_never_break_the_row(void **state)
{
    enum { MANY = 400 };
    struct world *world = *state;
    struct inventory_row *rows = mu_arena_alloc(world->arena, MANY * sizeof(*rows));
    struct inventory_workbook_row row;
    struct asset asset;
    struct mu_error err;

    for (size_t i = 0; i < MANY; i++) {
        rows[i] = world->inventory[3];
        rows[i].manifest_digest = mu_arena_printf(world->arena, "sha256:%064zu", i);
        rows[i].state = i % 3 == 0 ? "covered" : i % 3 == 1 ? "scan_failed" : "never_scanned";
        rows[i].reason =
                i % 3 == 1 && i > 200 ? mu_arena_printf(world->arena, "%zu %01000d", i, 0) : "same";
    }
    asset = (struct asset){rows, 100};
    assert_int_equal(asset_to_row(&asset, &world->system, world->arena, &row, &err), MU_OK);
    assert_string_equal(row.cells[COLUMN_COMMENTS], "scan_failed: same; never_scanned: same");
    asset.row_count = MANY;
    assert_int_equal(asset_to_row(&asset, &world->system, world->arena, &row, &err), MU_OK);
    assert_in_range(strlen(row.cells[COLUMN_COMMENTS]), 4000, 9000);
    assert_non_null(strstr(row.cells[COLUMN_COMMENTS], "; more in coverage-gaps.json"));
}

static void more_checksums_than_a_cell_holds_are_refused_by_name(void **state)
{
    enum { MANY = 456 };
    struct world *world = *state;
    struct inventory_row *rows = mu_arena_alloc(world->arena, MANY * sizeof(*rows));
    struct inventory_workbook_row row = {{[COLUMN_UAI] = "untouched"}};
    struct asset asset = {rows, MANY - 1};
    struct mu_error err;

    for (size_t i = 0; i < MANY; i++) {
        rows[i] = world->inventory[0];
        rows[i].manifest_digest = mu_arena_printf(world->arena, "sha256:%064zu", i);
    }
    assert_int_equal(asset_to_row(&asset, &world->system, world->arena, &row, &err), MU_OK);
    row.cells[COLUMN_UAI] = "untouched";
    asset.row_count = MANY;
    assert_int_equal(asset_to_row(&asset, &world->system, world->arena, &row, &err), MU_E_LIMIT);
    assert_non_null(strstr(err.message, "asset '" UAI_A "'"));
    assert_string_equal(row.cells[COLUMN_UAI], "untouched");
}

static void public_repositories_are_public(void **state)
{
    struct world *world = *state;

    world->system.public_assets[0] = "r.example/apps/a";
    world->system.public_asset_count = 1;
    assert_string_equal(row_at(world, 0).cells[COLUMN_PUBLIC], "Yes");
    world->system.public_assets[0] = "r.example/apps/ab";
    assert_string_equal(row_at(world, 0).cells[COLUMN_PUBLIC], "No");
}

static json_t *gaps_of(const struct world *world, size_t expected)
{
    MU_AUTO(snapshot) struct snapshot *snapshot = world_snapshot(world);
    json_t *gaps = NULL;
    size_t count = 0;
    struct mu_error err;

    assert_int_equal(mkdir(world->folder, 0700), 0);
    assert_int_equal(assets_write_gaps(snapshot, world_path(world, BUNDLE_GAPS), &count, &err),
                     MU_OK);
    assert_int_equal(count, expected);
    gaps = world_json(world, BUNDLE_GAPS);
    assert_int_equal(json_array_size(gaps), expected);
    return gaps;
}

static void gaps_name_images_and_the_containers_they_concern(void **state)
{
    struct world *world = *state;
    json_auto_t *gaps = NULL;

    world->instances[1].uai = UAI_C; /* covered: none of the gap's business */
    gaps = gaps_of(world, 1);
    assert_string_equal(mu_json_text_at(gaps, "0.uai"), UAI_C);
    assert_string_equal(mu_json_text_at(gaps, "0.images.0.digest"), DIGEST("4"));
    assert_string_equal(mu_json_text_at(gaps, "0.images.0.state"), "never_scanned");
    assert_int_equal(json_array_size(mu_json_at(gaps, "0.containers")), 1);
    assert_string_equal(mu_json_text_at(gaps, "0.containers.0.pod"), "pod-3");
}

static void gaps_of_several_containers_and_of_none(void **state)
{
    struct world *world = *state;
    json_auto_t *gaps = NULL;

    world->inventory[2].state = "scan_expired"; /* its container is still called covered */
    world->instances[0].uai = UAI_C;
    world->instances[0].state = "scan_failed";
    gaps = gaps_of(world, 2);
    assert_int_equal(json_array_size(mu_json_at(gaps, "0.containers")), 0);
    assert_int_equal(json_array_size(mu_json_at(gaps, "1.containers")), 2);
}

#define WORLD_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
            WORLD_TEST(assets_are_gathered_by_identifier),
            WORLD_TEST(every_checksum_stands_once_one_a_line),
            WORLD_TEST(an_asset_is_in_the_scan_only_when_all_its_images_are),
            WORLD_TEST(a_floating_tag_is_commented),
            WORLD_TEST(the_baseline_is_the_valid_one_that_was_stated_else_the_systems),
            WORLD_TEST(a_baseline_that_holds_no_more_leaves_the_cell_blank_and_is_commented),
            WORLD_TEST(labels_name_the_software_else_the_reference_does),
            WORLD_TEST(labels_that_say_nothing_do_not_count),
            WORLD_TEST(labels_become_one_short_line),
            WORLD_TEST(reasons_are_told_once_and_never_break_the_row),
            WORLD_TEST(more_checksums_than_a_cell_holds_are_refused_by_name),
            WORLD_TEST(public_repositories_are_public),
            WORLD_TEST(gaps_name_images_and_the_containers_they_concern),
            WORLD_TEST(gaps_of_several_containers_and_of_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
