#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bundle_build.h"

#include "html/html_report.h"

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

/* The page of the world as it is, read back. */
static const char *page_of(struct world *world, size_t max_rows)
{
    static const struct html_report_files files = {
            "numbers.json",  "findings.csv", "closed-findings.csv", "deviations.csv",
            "failures.csv",  "assets.csv",   "containers.csv",      "coverage-gaps.json",
            "manifest.json", "raw-scans"};
    MU_AUTO(snapshot) struct snapshot *snapshot = world_snapshot(world);
    MU_AUTO_DONE(mu_buf_done) struct mu_buf bytes;
    const struct numbers_request asked = {snapshot, &world->system, world->month, {NULL, 0}};
    struct numbers numbers;
    struct html_report_request request = {snapshot, &world->system, &numbers, files, max_rows};
    char path[WORLD_PATH_SIZE];
    struct mu_error err;

    (void)snprintf(path, sizeof(path), "%s/report.html", world->root);
    (void)unlink(path);
    if (numbers_compute(&asked, world->arena, &numbers, &err) != MU_OK ||
        html_report_write(&request, path, &err) != MU_OK)
        fail_msg("%s", err.message);
    mu_buf_init(&bytes, 1 << 20);
    if (mu_file_read(path, &bytes, &err) != MU_OK)
        fail_msg("%s", err.message);
    return mu_arena_strdup(world->arena, bytes.data);
}

static size_t count_of(const char *page, const char *text)
{
    size_t count = 0;

    for (const char *at = page; (at = strstr(at, text)); at++)
        count++;
    return count;
}

static void says(const char *page, const char *text)
{
    if (!strstr(page, text))
        fail_msg("the page does not say '%s'", text);
}

static void every_item_has_one_row_of_its_own(void **state)
{
    struct world *world = *state;
    const char *page = page_of(world, HTML_REPORT_ROWS);

    for (size_t i = 0; i < 5; i++) {
        const char *id =
                mu_arena_printf(world->arena, "<span id=\"i-%s\">", world->findings[i].item);

        assert_int_equal(count_of(page, id), 1);
    }
    says(page, "FR0000000000");
    says(page, "A length is not checked");
    says(page, "the registry refused the credentials");
    says(page, "no scan of it under this name yet");
}

static void a_long_table_says_how_much_is_only_in_the_file(void **state)
{
    const char *page = page_of(*state, 1);

    /* Three are due: one is shown. */
    says(page, "2 more in <code>findings.csv</code>: this page shows the first 1.");
    says(page, "2 more in <code>assets.csv</code>");
    says(page, "1 more in <code>deviations.csv</code>");
}

static void an_empty_month_says_that_nothing_needs_action(void **state)
{
    struct world *world = *state;
    const struct snapshot_instants instants = {INT64_C(1796083199999999), INT64_C(1796083199999999),
                                               INT64_C(1793491200000000)};
    MU_AUTO(snapshot) struct snapshot *snapshot = NULL;
    const struct numbers_request asked = {NULL, &world->system, world->month, {NULL, 0}};
    struct numbers_request request = asked;
    struct numbers numbers;
    struct html_report_request page = {NULL, &world->system, &numbers, {.findings = "f"}, 10};
    MU_AUTO_DONE(mu_buf_done) struct mu_buf bytes;
    char path[WORLD_PATH_SIZE];
    struct mu_error err;

    mu_buf_init(&bytes, 1 << 20);
    (void)snprintf(path, sizeof(path), "%s/empty.html", world->root);
    assert_int_equal(snapshot_new(&instants, &snapshot, &err), MU_OK);
    request.snapshot = page.snapshot = snapshot;
    assert_int_equal(numbers_compute(&request, world->arena, &numbers, &err), MU_OK);
    assert_int_equal(html_report_write(&page, path, &err), MU_OK);
    assert_int_equal(mu_file_read(path, &bytes, &err), MU_OK);
    says(bytes.data, "Nothing that this package can tell needs action.");
    says(bytes.data, "None.");
}

static void hostile_text_is_text_wherever_it_stands(void **state)
{
    static const char hostile[] = "</style><script>x</script>\" onload='x'\xe2\x80\xae";
    struct world *world = *state;
    const char *page;

    world->system.name = world->system.fedramp_id = world->system.point_of_contact = hostile;
    world->system.configuration_checksum = hostile;
    for (size_t i = 0; i < 4; i++) {
        world->inventory[i].uai = world->inventory[i].reason = hostile;
        world->inventory[i].scanner_name = world->inventory[i].configuration_checksum = hostile;
        world->inventory[i].manifest_digest = world->inventory[i].state = hostile;
    }
    for (size_t i = 0; i < 5; i++) {
        struct finding_row *row = &world->findings[i];

        row->uai = row->packages = row->fixed_versions = row->severity = hostile;
        row->vulnerability = row->cvss = row->severity_source = row->deviations = hostile;
        row->kev_added = row->kev_due = row->pending = row->scanner_name = hostile;
        row->item = mu_arena_printf(world->arena, "%s%zu", hostile, i);
    }
    for (size_t i = 0; i < 2; i++) {
        struct deviation_row *row = &world->deviations[i];

        row->deviation = row->kind = row->state = row->rationale = row->evidence = hostile;
        row->asset = row->package = row->decided_by = row->decided_role = hostile;
        row->adjusted_severity = row->vulnerability = hostile;
    }
    world->closed[0].item = world->closed[0].uai = world->closed[0].severity = hostile;
    world->failures[0].failure = world->failures[0].code = world->failures[0].message = hostile;
    world->failures[0].repository = world->failures[0].digest = hostile;
    page = page_of(world, HTML_REPORT_ROWS);
    assert_null(strstr(page, "<script"));
    assert_null(strstr(page, "\xe2\x80\xae"));
    assert_null(strstr(page, "\" onload"));
    assert_int_equal(count_of(page, "</style>"), 1);
    says(page, "&lt;/style&gt;&lt;script&gt;x&lt;/script&gt;&quot; onload=&#39;x&#39;[U+202E]");
}

static void the_page_forbids_scripts_and_asks_for_nothing(void **state)
{
    const char *page = page_of(*state, HTML_REPORT_ROWS);

    says(page, "content=\"default-src 'none'; style-src 'sha256-");
    assert_null(strstr(page, " src="));
    assert_null(strstr(page, "@import"));
    assert_null(strstr(page, "url("));
    assert_null(strstr(page, " style="));
    assert_int_equal(count_of(page, "href=\"#"), count_of(page, "href="));
}

static void the_same_rows_give_the_same_bytes(void **state)
{
    const char *one = page_of(*state, HTML_REPORT_ROWS);

    assert_string_equal(one, page_of(*state, HTML_REPORT_ROWS));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test_setup_teardown(every_item_has_one_row_of_its_own, set_up, tear_down),
            cmocka_unit_test_setup_teardown(a_long_table_says_how_much_is_only_in_the_file, set_up,
                                            tear_down),
            cmocka_unit_test_setup_teardown(an_empty_month_says_that_nothing_needs_action, set_up,
                                            tear_down),
            cmocka_unit_test_setup_teardown(hostile_text_is_text_wherever_it_stands, set_up,
                                            tear_down),
            cmocka_unit_test_setup_teardown(the_page_forbids_scripts_and_asks_for_nothing, set_up,
                                            tear_down),
            cmocka_unit_test_setup_teardown(the_same_rows_give_the_same_bytes, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
