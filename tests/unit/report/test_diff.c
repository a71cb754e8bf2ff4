/* Two months side by side: each difference once, with one cause, and the sums. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bundle_build.h"
#include "diff/diff.h"

enum { TEXT_BYTES = 64 * 1024 };

struct months {
    struct world before, after;
    struct mu_buf told; /* "subject change cause uai vulnerability before>after\n" */
    struct diff_sums sums;
};

static int set_up(void **state)
{
    struct months *months = mu_xcalloc(1, sizeof(*months));

    world_init(&months->before);
    world_init(&months->after);
    mu_buf_init(&months->told, TEXT_BYTES);
    *state = months;
    return 0;
}

static int tear_down(void **state)
{
    struct months *months = *state;

    world_done(&months->before);
    world_done(&months->after);
    mu_buf_done(&months->told);
    free(months);
    return 0;
}

static enum mu_status note(void *opaque, const struct diff_line *line, struct mu_error *err)
{
    struct mu_buf *told = opaque;

    mu_buf_printf(told, "%s %s %s %s", diff_subjects[line->subject], diff_changes[line->change],
                  diff_causes[line->cause], line->uai);
    if (line->vulnerability)
        mu_buf_printf(told, " %s %s>%s", line->vulnerability, line->before ? line->before : "",
                      line->after ? line->after : "");
    mu_buf_puts(told, "\n");
    return mu_buf_status(told, "told", err);
}

/* The raw scans of a world lie in its root, by digest. */
static enum mu_status path_in(const void *opaque, const char *digest, char *ret_path, size_t size,
                              struct mu_error *err)
{
    const struct world *world = opaque;

    (void)err;
    (void)snprintf(ret_path, size, "%s/%s", world->root, digest);
    return MU_OK;
}

static void put_raw_scan(struct world *world, size_t evidence, const char *packages,
                         const char *suppressed)
{
    char path[WORLD_PATH_SIZE], text[1024];
    struct mu_error err;

    (void)snprintf(text, sizeof(text), "{\"number\":%zu,\"packages\":[%s],\"suppressed\":[%s]}",
                   evidence, packages, suppressed);
    mu_sha256_text(text, strlen(text), world->digest[evidence]); /* the rows point to it */
    (void)path_in(world, world->digest[evidence], path, sizeof(path), &err);
    assert_int_equal(mu_file_write_atomic(path, text, strlen(text), &err), MU_OK);
}

static void put_raw_scans(struct world *world, const char *packages, const char *suppressed)
{
    for (size_t i = 0; i < WORLD_EVIDENCE; i++)
        put_raw_scan(world, i, packages, suppressed);
}

static void compare(struct months *months, bool with_scans)
{
    MU_AUTO(snapshot) struct snapshot *before = world_snapshot(&months->before);
    MU_AUTO(snapshot) struct snapshot *after = world_snapshot(&months->after);
    const struct diff_month first = {before, with_scans ? path_in : NULL, &months->before};
    const struct diff_month second = {after, with_scans ? path_in : NULL, &months->after};
    struct mu_error err;

    mu_buf_reset(&months->told);
    assert_int_equal(diff_months(&first, &second, note, &months->told, &months->sums, &err), MU_OK);
    for (int subject = 0; subject < DIFF_SUBJECT_COUNT; subject++)
        assert_true(diff_reconciles(&months->sums, (enum diff_subject)subject));
}

static void equal_months_have_no_difference(void **state)
{
    struct months *months = *state;

    compare(months, false);
    assert_string_equal(months->told.data, "");
    assert_int_equal(months->sums.before[DIFF_ASSET], 3);
    assert_int_equal(months->sums.after[DIFF_FINDING], 5);
}

/* Only the first rows count; what is behind them is not in the snapshot. */
static void drop_asset_c(struct world *world)
{
    world->inventory_count = world->instance_count = 3;
}

static void an_image_that_came_is_new_and_one_that_went_is_retired(void **state)
{
    struct months *months = *state;

    drop_asset_c(&months->before);
    compare(months, false);
    assert_string_equal(months->told.data, "asset added new_image " UAI_C "\n");
    drop_asset_c(&months->after);
    months->before.inventory_count = months->before.instance_count = 4;
    compare(months, false);
    assert_string_equal(months->told.data, "asset removed retired " UAI_C "\n");
}

static void findings_of_a_new_image_came_with_it(void **state)
{
    struct months *months = *state;

    months->before.findings[4].uai = months->after.findings[4].uai = UAI_C;
    months->before.finding_count = 4;
    drop_asset_c(&months->before);
    compare(months, false);
    assert_string_equal(months->told.data,
                        "asset added new_image " UAI_C "\n"
                        "finding added new_image " UAI_C " GHSA-none >V-GHSA-none\n");
}

static void other_manifests_are_a_rebuild(void **state)
{
    struct months *months = *state;

    months->after.inventory[1].manifest_digest = DIGEST("5");
    months->after.findings[0] = months->after.findings[1];
    months->after.findings[0].vulnerability = "CVE-2026-7777";
    months->after.findings[0].item = "V-CVE-2026-7777";
    compare(months, false);
    assert_string_equal(months->told.data,
                        "asset changed rebuilt " UAI_A "\n"
                        "finding removed rebuilt " UAI_A " CVE-2026-0001 V-CVE-2026-0001>\n"
                        "finding added rebuilt " UAI_A " CVE-2026-7777 >V-CVE-2026-7777\n");
}

static void only_the_coverage_is_another(void **state)
{
    struct months *months = *state;

    months->after.inventory[2].state = "scan_expired";
    compare(months, false);
    assert_string_equal(months->told.data, "asset changed coverage " UAI_B "\n");
}

#define OPENSSL "{\"name\":\"libssl3\",\"source_name\":\"openssl\"}"

static void in_the_same_image_the_raw_scans_tell_why(void **state)
{
    struct months *months = *state;

    /* On b, the last row by uai: came. */
    months->before.finding_count = 4;
    put_raw_scans(&months->before, OPENSSL, "");
    put_raw_scans(&months->after, OPENSSL, "");
    compare(months, true);
    assert_string_equal(months->told.data,
                        "finding added cve_published " UAI_B " GHSA-none >V-GHSA-none\n");

    months->before.closed[0].vulnerability = "GHSA-none"; /* it was known then */
    compare(months, true);
    assert_string_equal(months->told.data,
                        "finding added database_correction " UAI_B " GHSA-none >V-GHSA-none\n");

    put_raw_scans(&months->before, "{\"name\":\"other\"}", "");
    compare(months, true);
    assert_string_equal(months->told.data,
                        "finding added analyzer_change " UAI_B " GHSA-none >V-GHSA-none\n");

    put_raw_scans(&months->before, OPENSSL, "{\"id\":\"GHSA-none\",\"suppressed_reason\":\"vex\"}");
    compare(months, true);
    assert_string_equal(months->told.data, "finding added vex " UAI_B " GHSA-none >V-GHSA-none\n");
}

static void what_went_from_the_same_image(void **state)
{
    struct months *months = *state;

    months->after.finding_count = 4;
    put_raw_scans(&months->before, OPENSSL, "");
    put_raw_scans(&months->after, OPENSSL, "");
    compare(months, true);
    assert_string_equal(months->told.data,
                        "finding removed database_correction " UAI_B " GHSA-none V-GHSA-none>\n");
    put_raw_scans(&months->after, OPENSSL, "{\"id\":\"GHSA-none\",\"suppressed_reason\":\"vex\"}");
    compare(months, true);
    assert_string_equal(months->told.data,
                        "finding removed vex " UAI_B " GHSA-none V-GHSA-none>\n");
    put_raw_scans(&months->after, "", "");
    compare(months, true);
    assert_string_equal(months->told.data,
                        "finding removed analyzer_change " UAI_B " GHSA-none V-GHSA-none>\n");
}

static void another_deviation_or_another_episode_is_another_item(void **state)
{
    struct months *months = *state;

    months->before.findings[3].item = "V-CVE-2026-0003";
    months->before.findings[3].deviations = NULL;
    months->after.findings[4].item = "V-GHSA-none.2";
    compare(months, false);
    assert_string_equal(months->told.data,
                        "finding changed deviation " UAI_B
                        " CVE-2026-0003 V-CVE-2026-0003>V-CVE-2026-0003-DR-1\n"
                        "finding changed reopened " UAI_B " GHSA-none V-GHSA-none>V-GHSA-none.2\n");
}

static void a_raw_scan_that_is_not_there_is_told(void **state)
{
    struct months *months = *state;
    struct mu_error err;

    months->before.finding_count = 4;
    MU_AUTO(snapshot) struct snapshot *before = world_snapshot(&months->before);
    MU_AUTO(snapshot) struct snapshot *after = world_snapshot(&months->after);
    const struct diff_month first = {before, path_in, &months->before};
    const struct diff_month second = {after, path_in, &months->after};

    assert_int_equal(diff_months(&first, &second, note, &months->told, &months->sums, &err),
                     MU_E_NOT_FOUND);
    assert_non_null(strstr(err.message, UAI_B));
}

static void a_raw_scan_that_was_changed_is_told(void **state)
{
    struct months *months = *state;
    char path[WORLD_PATH_SIZE];
    struct mu_error err;

    months->before.finding_count = 4;
    put_raw_scans(&months->before, OPENSSL, "");
    (void)path_in(&months->before, months->before.digest[2], path, sizeof(path), &err);
    assert_int_equal(mu_file_write_atomic(path, "{}", 2, &err), MU_OK);
    MU_AUTO(snapshot) struct snapshot *before = world_snapshot(&months->before);
    MU_AUTO(snapshot) struct snapshot *after = world_snapshot(&months->after);
    const struct diff_month first = {before, path_in, &months->before};
    const struct diff_month second = {after, NULL, NULL};

    assert_int_equal(diff_months(&first, &second, note, &months->told, &months->sums, &err),
                     MU_E_CONFLICT);
    assert_non_null(strstr(err.message, path));
}

#define CASE(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
            CASE(equal_months_have_no_difference),
            CASE(an_image_that_came_is_new_and_one_that_went_is_retired),
            CASE(findings_of_a_new_image_came_with_it),
            CASE(other_manifests_are_a_rebuild),
            CASE(only_the_coverage_is_another),
            CASE(in_the_same_image_the_raw_scans_tell_why),
            CASE(what_went_from_the_same_image),
            CASE(another_deviation_or_another_episode_is_another_item),
            CASE(a_raw_scan_that_is_not_there_is_told),
            CASE(a_raw_scan_that_was_changed_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
