#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bundle_build.h"

#include "items/rating.h"
#include "poam/lines.h"
#include "poam/poam_item_reader.h"
#include "poam/rating.h"
#include "workbook/cell_text.h"
#include "workbook/form.h"
#include "workbook/told.h"

#include "base/text.h"

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

/* "ID=ASSETS IN LINES;" of every row of the sheet, in the world's arena. */
static const char *rows_of(struct world *world, struct snapshot *snapshot, enum poam_sheet sheet)
{
    MU_AUTO(poam_item_reader)
    struct poam_item_reader *reader = poam_item_reader_new(snapshot, &world->system, sheet);
    struct poam_item_row row;
    bool found = true;
    const char *text = "";
    struct mu_error err;

    for (;;) {
        size_t lines = 1;

        assert_int_equal(poam_item_reader_next(reader, &row, &found, &err), MU_OK);
        if (!found)
            return text;
        for (const char *at = row.assets; (at = strchr(at, '\n')); at++)
            lines++;
        assert_in_range(cell_text_length(row.assets), 1, FORM_CELL_MAX);
        text = mu_arena_printf(world->arena, "%s%s=%zu%s;", text, row.id, lines,
                               row.continues ? "+" : "");
    }
}

static void each_sheet_has_its_items(void **state)
{
    MU_AUTO(snapshot) struct snapshot *snapshot = world_snapshot(*state);

    assert_string_equal(rows_of(*state, snapshot, ITEMS_OPEN),
                        "V-CVE-2026-0001=1;V-CVE-2026-0002=1;V-CVE-2026-0002-DR-2=1;V-GHSA-none=1;"
                        "V-CM-6=2;");
    assert_string_equal(rows_of(*state, snapshot, ITEMS_CLOSED),
                        "V-CVE-2026-0003-DR-1=1;V-CVE-2025-9999=1;");
    assert_string_equal(rows_of(*state, snapshot, ITEMS_CONFIGURATION), "V-CM-6-CIS-DI-0001=2;");
}

static void only_late_ones_and_deviations_when_asked_for(void **state)
{
    struct world *world = *state;
    MU_AUTO(snapshot) struct snapshot *snapshot = world_snapshot(world);

    world->system.poam_items = "late";
    assert_string_equal(rows_of(world, snapshot, ITEMS_OPEN),
                        "V-CVE-2026-0001=1;V-CVE-2026-0002-DR-2=1;V-CM-6=2;");
    assert_string_equal(rows_of(world, snapshot, ITEMS_CLOSED),
                        "V-CVE-2026-0003-DR-1=1;V-CVE-2025-9999=1;");
}

static void negligible_findings_need_no_item(void **state)
{
    struct world *world = *state;
    MU_AUTO(snapshot) struct snapshot *snapshot = NULL;

    world->findings[0].severity = world->findings[0].effective_severity = "negligible";
    snapshot = world_snapshot(world);
    assert_null(strstr(rows_of(world, snapshot, ITEMS_OPEN), "V-CVE-2026-0001"));
}

static void assets_that_do_not_fit_a_cell_go_on_in_a_row_of_their_own(void **state)
{
    enum { ASSETS = 1500 };
    struct world *world = *state;
    MU_AUTO(snapshot) struct snapshot *snapshot = world_snapshot(world);
    struct finding_row row = world->findings[4];
    char uai[128];
    struct mu_error err;

    row.item = "V-many";
    for (int i = 0; i < ASSETS; i++) {
        (void)snprintf(uai, sizeof(uai), "registry.example/a-team/with/a/long/path/app-%05d:1.0",
                       i);
        row.uai = uai;
        assert_int_equal(snapshot_add(snapshot, SNAPSHOT_FINDINGS, &row, &err), MU_OK);
    }
    /* 32767 / (54 + 1) assets a cell */
    assert_non_null(strstr(rows_of(world, snapshot, ITEMS_OPEN),
                           "V-many=595+;V-many-part-2=595+;V-many-part-3=310;"));
}

static void an_item_says_what_its_rows_say(void **state)
{
    struct world *world = *state;
    MU_AUTO(snapshot) struct snapshot *snapshot = world_snapshot(world);
    struct poam_item item;
    struct mu_error err;

    assert_int_equal(poam_item_of_finding(snapshot, &world->findings[0], world->arena, &item, &err),
                     MU_OK);
    assert_string_equal(item.original, "High");
    assert_null(item.adjusted);
    assert_string_equal(item.name, "A length is not checked");
    assert_non_null(strstr(item.comments, "Rated Critical by NVD, CVSS v3"));
    assert_non_null(strstr(item.description, "Advisory: DSA-1-1\nhttps://example.com/1"));
    assert_true(item.is_kev && item.is_late && !item.has_deviation);
    assert_int_equal((int)item.kev_due, 46317);  /* 2026-10-22 */
    assert_int_equal((int)item.detected, 46285); /* 2026-09-20 */
    assert_int_equal((int)poam_item_due(&item), 46285 + 30);
    assert_string_equal(item.cves, "CVE-2026-0001");
}

static void an_adjusted_rating_counts_once_it_is_approved(void **state)
{
    struct world *world = *state;
    MU_AUTO(snapshot) struct snapshot *snapshot = NULL;
    struct poam_item item;
    struct mu_error err;

    world->deviations[1].kind = "risk_adjustment";
    world->deviations[1].adjusted_severity = "low";
    world->deviations[1].state = "pending";
    snapshot = world_snapshot(world);
    assert_int_equal(poam_item_of_finding(snapshot, &world->findings[2], world->arena, &item, &err),
                     MU_OK);
    assert_string_equal(item.answers[ITEM_RISK_ADJUSTMENT], "Pending");
    assert_string_equal(item.adjusted, "Low");
    assert_int_equal((int)(poam_item_due(&item) - item.detected), 90);
    snapshot_free(snapshot);
    world->deviations[1].state = "approved";
    world->findings[2].effective_severity = "low";
    snapshot = world_snapshot(world);
    assert_int_equal(poam_item_of_finding(snapshot, &world->findings[2], world->arena, &item, &err),
                     MU_OK);
    assert_string_equal(item.answers[ITEM_RISK_ADJUSTMENT], "Yes");
    assert_int_equal((int)(poam_item_due(&item) - item.detected), 180);
}

static void ratings_are_those_of_the_list(void **state)
{
    (void)state;
    assert_string_equal(poam_rating_of("critical"), "High");
    assert_string_equal(poam_rating_of("unknown"), "High");
    assert_string_equal(poam_rating_of("moderate"), "Moderate");
    assert_null(poam_rating_of("negligible"));
    assert_null(poam_rating_of(NULL));
    assert_true(rating_of("critical") < rating_of("high"));
    assert_true(rating_of("high") < rating_of("unknown"));
    assert_true(rating_of("unknown") < rating_of("moderate"));
    assert_int_equal(rating_of(NULL), RATING_UNKNOWN);
    assert_int_equal(form_rating_days("High"), 30);
    assert_int_equal(form_rating_days("Critical"), 0);
}

static void texts_are_made_fit_for_cells(void **state)
{
    struct world *world = *state;
    struct lines lines = {.count = 0};

    assert_string_equal(told_line("a\tb\nc\x7f", 100, world->arena), "a b c ");
    assert_string_equal(told_text("a\x01\nb", 100, world->arena), "a \nb");
    assert_string_equal(told_line("x\xe2\x80\xaey\xd8\x9cz", 100, world->arena),
                        "x\xef\xbf\xbdy\xc2\xb7z");
    assert_string_equal(told_line("\xc3\xa4\xc3\xa4", 3, world->arena), "\xc3\xa4…");
    assert_false(told_is(" \n"));
    assert_false(told_is("N/A"));
    lines_add(&lines, "b\na\nb", world->arena);
    lines_add(&lines, NULL, world->arena);
    assert_string_equal(lines_join(&lines, "; ", world->arena), "b; a");
    for (int i = 0; i < LINES_MAX; i++)
        lines_add(&lines, mu_arena_printf(world->arena, "%d", i), world->arena);
    assert_true(mu_text_ends(lines_join(&lines, "; ", world->arena), "; and more"));
}

static void days_and_columns_are_those_of_spreadsheets(void **state)
{
    static const struct {
        size_t column;
        const char *letters;
    } cases[] = {{0, "A"},    {25, "Z"},    {26, "AA"},    {27, "AB"},
                 {701, "ZZ"}, {702, "AAA"}, {16383, "XFD"}};
    char letters[FORM_LETTERS_SIZE];

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        form_column_letters(cases[i].column, letters);
        assert_string_equal(letters, cases[i].letters);
    }
    assert_int_equal((int)form_day("1970-01-02"), 25570);
    assert_int_equal((int)form_day("2026-09-20T23:59:59.999999Z"), 46285);
    assert_int_equal((int)form_day("soon"), 0);
    assert_int_equal((int)form_day(NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test_setup_teardown(each_sheet_has_its_items, set_up, tear_down),
            cmocka_unit_test_setup_teardown(only_late_ones_and_deviations_when_asked_for, set_up,
                                            tear_down),
            cmocka_unit_test_setup_teardown(negligible_findings_need_no_item, set_up, tear_down),
            cmocka_unit_test_setup_teardown(
                    assets_that_do_not_fit_a_cell_go_on_in_a_row_of_their_own, set_up, tear_down),
            cmocka_unit_test_setup_teardown(an_item_says_what_its_rows_say, set_up, tear_down),
            cmocka_unit_test_setup_teardown(an_adjusted_rating_counts_once_it_is_approved, set_up,
                                            tear_down),
            cmocka_unit_test(ratings_are_those_of_the_list),
            cmocka_unit_test_setup_teardown(texts_are_made_fit_for_cells, set_up, tear_down),
            cmocka_unit_test(days_and_columns_are_those_of_spreadsheets),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
