#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bundle_build.h"

#include "numbers/numbers_json.h"

#include "base/clock.h"

#define DAY_US INT64_C(86400000000)

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

static enum mu_status compute(struct world *world, const struct snapshot *snapshot,
                              const char *previous, struct numbers *ret_numbers,
                              struct mu_error *err)
{
    struct numbers_request request = {
            .snapshot = snapshot, .system = &world->system, .month = world->month};

    if (numbers_files_split(previous, world->arena, &request.previous, err) != MU_OK)
        return err->status;
    return numbers_compute(&request, world->arena, ret_numbers, err);
}

static struct numbers computed(struct world *world, const struct snapshot *snapshot)
{
    struct numbers numbers;
    struct mu_error err;

    if (compute(world, snapshot, NULL, &numbers, &err) != MU_OK)
        fail_msg("%s", err.message);
    return numbers;
}

static struct numbers of_world(struct world *world)
{
    MU_AUTO(snapshot) struct snapshot *snapshot = world_snapshot(world);

    return computed(world, snapshot);
}

/* ---- the small world ---- */

static void vulnerabilities_are_counted_three_ways_and_false_positives_in_none(void **state)
{
    const struct numbers numbers = of_world(*state);

    assert_int_equal(numbers.all.unique, 3);
    assert_int_equal(numbers.all.items, 4); /* one vulnerability under two items */
    assert_int_equal(numbers.all.per_asset, 4);
    assert_int_equal(numbers.all.per_instance, 8);
    assert_int_equal(numbers.false_positives, 1);
    assert_int_equal(numbers.all.states[ITEM_FALSE_POSITIVE], 1);
    assert_int_equal(numbers.ratings[RATING_LOW].items, 0);
    assert_int_equal(numbers.ratings[RATING_MODERATE].unique, 1);
    assert_int_equal(numbers.ratings[RATING_MODERATE].items, 2);
}

static void an_item_is_in_one_state(void **state)
{
    const struct numbers numbers = of_world(*state);

    assert_int_equal(numbers.all.states[ITEM_LATE], 1);
    assert_int_equal(numbers.all.states[ITEM_DUE], 3); /* the next submission is of 31 December */
    assert_int_equal(numbers.all.states[ITEM_OPEN] + numbers.all.states[ITEM_HELD], 0);
    assert_int_equal(numbers.late_kev, 1);
    assert_int_equal(numbers.late_30, 0); /* it is late by KEV */
    assert_int_equal(numbers.kev, 1);
    assert_int_equal(numbers.kev_per_instance, 2);
}

static void coverage_closing_and_failures_are_counted(void **state)
{
    const struct numbers numbers = of_world(*state);

    assert_int_equal(numbers.containers, 4);
    assert_int_equal(numbers.containers_in[COVERAGE_COVERED], 3);
    assert_int_equal(numbers.images_in[COVERAGE_NEVER], 1);
    assert_int_equal(numbers.raw_scans, 3);
    assert_int_equal(numbers.closed_items, 1);
    assert_int_equal(numbers.new_items, 1);
    assert_int_equal(numbers.failures_open, 1);
    assert_int_equal(numbers.deviations_approved, 2);
    assert_int_equal(numbers.check_ins_due, 1);
    assert_int_equal(numbers.deviation_count, 2);
    assert_string_equal(numbers.deviations[0].kind, "false_positive");
}

static void the_next_submission_is_the_end_of_the_following_month(void **state)
{
    char text[MU_TIME_TEXT_SIZE];

    mu_time_format(of_world(*state).next_us, text);
    assert_string_equal(text, "2026-12-31T23:59:59.999999Z");
}

/* ---- the baseline ---- */

static void the_baseline_may_grow_by_a_fifth_or_by_ten_whichever_is_greater(void **state)
{
    static const struct {
        const char *baseline;
        int64_t limit;
    } cases[] = {{"0", 10}, {"10", 20}, {"50", 60}, {"51", 62}, {"1000", 1200}, {"", -1}};
    struct world *world = *state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        world->system.unique_vulnerability_baseline = cases[i].baseline;
        assert_int_equal(of_world(world).baseline_limit, cases[i].limit);
        assert_int_equal(of_world(world).triggers[TRIGGER_UNIQUE].limit, cases[i].limit);
    }
}

static void a_baseline_that_is_no_number_is_refused(void **state)
{
    struct world *world = *state;
    MU_AUTO(snapshot) struct snapshot *snapshot = world_snapshot(world);
    struct numbers numbers = {.containers = 77};
    struct mu_error err;

    world->system.unique_vulnerability_baseline = "many";
    assert_int_equal(compute(world, snapshot, NULL, &numbers, &err), MU_E_INVALID);
    assert_non_null(strstr(err.message, "unique_vulnerability_baseline"));
    assert_int_equal(numbers.containers, 77);
}

/* ---- triggers ---- */

static const char *time_of(struct world *world, int64_t at_us)
{
    char text[MU_TIME_TEXT_SIZE];

    mu_time_format(at_us, text);
    return mu_arena_strdup(world->arena, text);
}

/* A snapshot of `count` items of a rating, each that old; due by the rating's days. */
static struct snapshot *aged(struct world *world, const char *severity, int64_t days, int count,
                             int64_t old_days, const char *due_by)
{
    const struct snapshot_instants instants = {INT64_C(1796083199999999), INT64_C(1796083199999999),
                                               INT64_C(1793491200000000)};
    struct finding_row row = world->findings[0];
    struct snapshot *snapshot = NULL;
    struct mu_error err;

    if (snapshot_new(&instants, &snapshot, &err) != MU_OK)
        abort();
    row.severity = row.effective_severity = severity;
    row.kev_added = row.kev_due = row.kev_due_at = NULL;
    row.item_detected_at = time_of(world, instants.as_of_us - old_days * DAY_US);
    row.rev5_due_at = time_of(world, instants.as_of_us + (days - old_days) * DAY_US);
    row.due_at = strcmp(due_by, "vendor_check_in") == 0
                         ? time_of(world, instants.as_of_us + 10 * DAY_US)
                         : row.rev5_due_at;
    row.due_by = due_by;
    row.status = strcmp(due_by, "rev5") != 0 ? "vendor_dependency"
                 : old_days >= days          ? "late"
                                             : "open";
    for (int i = 0; i < count; i++) {
        row.vulnerability = mu_arena_printf(world->arena, "CVE-2026-%04d", i);
        row.item = mu_arena_printf(world->arena, "V-%s", row.vulnerability);
        if (snapshot_add(snapshot, SNAPSHOT_FINDINGS, &row, &err) != MU_OK)
            abort();
    }
    return snapshot;
}

static void a_trigger_is_reached_at_its_count_and_beyond_its_age(void **state)
{
    static const struct {
        const char *severity;
        int64_t days;
        int count;
        int64_t old_days;
        enum trigger trigger;
        bool now, next;
    } cases[] = {
            /* 31 days lie between the two instants. */
            {"high", 30, 5, 31, TRIGGER_HIGH_30, true, true},
            {"critical", 30, 5, 31, TRIGGER_HIGH_30, true, true},
            {"unknown", 30, 5, 31, TRIGGER_HIGH_30, true, true},
            {"high", 30, 4, 31, TRIGGER_HIGH_30, false, false},
            {"high", 30, 5, 30, TRIGGER_HIGH_30, false, true},
            {"high", 30, 5, 0, TRIGGER_HIGH_30, false, true},
            {"high", 30, 5, 61, TRIGGER_HIGH_60, true, true},
            {"high", 30, 5, 60, TRIGGER_HIGH_60, false, true},
            {"high", 30, 5, 29, TRIGGER_HIGH_60, false, false},
            {"moderate", 90, 5, 200, TRIGGER_HIGH_30, false, false},
            {"moderate", 90, 10, 91, TRIGGER_MODERATE_90, true, true},
            {"moderate", 90, 9, 91, TRIGGER_MODERATE_90, false, false},
            {"moderate", 90, 10, 90, TRIGGER_MODERATE_90, false, true},
            {"moderate", 90, 10, 59, TRIGGER_MODERATE_90, false, false},
            {"moderate", 90, 10, 121, TRIGGER_MODERATE_120, true, true},
            {"moderate", 90, 10, 120, TRIGGER_MODERATE_120, false, true},
            {"low", 180, 50, 400, TRIGGER_MODERATE_90, false, false},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        MU_AUTO(snapshot)
        struct snapshot *snapshot = aged(*state, cases[i].severity, cases[i].days, cases[i].count,
                                         cases[i].old_days, "rev5");
        const struct numbers numbers = computed(*state, snapshot);
        const struct trigger_result *result = &numbers.triggers[cases[i].trigger];

        if (result->reached_now != cases[i].now || result->reached_next != cases[i].next)
            fail_msg("case %zu: now %d, next %d", i, result->reached_now, result->reached_next);
    }
}

static void a_vendor_dependency_is_held_now_and_forecast_as_if_nobody_asks_again(void **state)
{
    MU_AUTO(snapshot)
    struct snapshot *snapshot = aged(*state, "moderate", 90, 10, 100, "vendor_check_in");
    const struct numbers numbers = computed(*state, snapshot);
    const struct trigger_result *result = &numbers.triggers[TRIGGER_MODERATE_90];

    assert_int_equal(result->now, 0);
    assert_int_equal(result->next, 10);
    assert_false(result->reached_now);
    assert_true(result->reached_next);
}

static void the_items_of_a_trigger_are_named_up_to_a_bound(void **state)
{
    MU_AUTO(snapshot)
    struct snapshot *snapshot = aged(*state, "high", 30, NUMBERS_MAX_ITEMS + 7, 50, "rev5");
    const struct numbers numbers = computed(*state, snapshot);
    const struct trigger_result *result = &numbers.triggers[TRIGGER_HIGH_30];

    assert_int_equal(result->now, NUMBERS_MAX_ITEMS + 7);
    assert_int_equal(result->item_count, NUMBERS_MAX_ITEMS);
    assert_string_equal(result->items[1].item, "V-CVE-2026-0001");
    assert_true(result->items[1].now);
}

/* ---- scans ---- */

static void scan_of(struct snapshot *snapshot, const char *digest, const char *status,
                    const char *authorized)
{
    const struct scan_row row = {.evidence_digest = digest,
                                 .status = status,
                                 .authentication = "bearer",
                                 .authorized = authorized};
    struct mu_error err;

    if (snapshot_add(snapshot, SNAPSHOT_SCANS, &row, &err) != MU_OK)
        abort();
}

static void scan_that_says(struct snapshot *snapshot, const char *digest, const char *authorized)
{
    scan_of(snapshot, digest, "complete", authorized);
}

static void unauthenticated_scans_count_from_ten_percent_on(void **state)
{
    MU_AUTO(snapshot) struct snapshot *snapshot = world_snapshot(*state);
    struct numbers numbers = computed(*state, snapshot);

    assert_int_equal(numbers.unauthenticated_per_mille, NUMBERS_UNKNOWN);
    assert_false(numbers.triggers[TRIGGER_UNAUTHENTICATED].reached_now);
    for (int i = 0; i < 9; i++) {
        char digest[16];

        (void)snprintf(digest, sizeof(digest), "sha256:a%d", i);
        scan_that_says(snapshot, digest, "yes");
    }
    scan_that_says(snapshot, "sha256:b", "no");
    scan_of(snapshot, "sha256:f", "failed", "no"); /* saw nothing: no scan without credentials */
    numbers = computed(*state, snapshot);
    assert_int_equal(numbers.unauthenticated_per_mille, 100);
    assert_true(numbers.triggers[TRIGGER_UNAUTHENTICATED].reached_now);
    scan_that_says(snapshot, "sha256:c", "yes");
    numbers = computed(*state, snapshot);
    assert_int_equal(numbers.unauthenticated_per_mille, 90);
    assert_false(numbers.triggers[TRIGGER_UNAUTHENTICATED].reached_now);
}

static void a_stale_database_and_another_configuration_are_counted_once_a_scan(void **state)
{
    struct world *world = *state;

    world->system.configuration_checksum = "sha256:validated";
    world->inventory[1].evidence_digest = world->inventory[0].evidence_digest;
    for (size_t i = 0; i < 2; i++) {
        world->inventory[i].scan_finished_at = "2026-11-20T10:00:00.000000Z";
        world->inventory[i].database_built_at = "2026-11-19T09:59:59.000000Z";
        world->inventory[i].configuration_checksum = "sha256:other";
    }
    world->inventory[2].scan_finished_at = "2026-11-20T10:00:00.000000Z";
    world->inventory[2].database_built_at = "2026-11-19T10:00:00.000000Z";
    world->inventory[2].configuration_checksum = "sha256:validated";

    const struct numbers numbers = of_world(world);

    assert_int_equal(numbers.raw_scans, 2);
    assert_int_equal(numbers.databases_stale, 1);
    assert_int_equal(numbers.configuration_differs, 1);
    assert_int_equal(numbers.configurations, 2);
    assert_int_equal(numbers.window_ends, 3);
    assert_int_equal(numbers.scan_ages[2], 3); /* 8 to 14 days */
}

/* ---- numbers.json ---- */

static const char *document(struct world *world, const struct numbers *numbers)
{
    struct mu_error err;
    json_t *root = NULL;
    char *text, *kept;

    if (numbers_to_json(numbers, &root, &err) != MU_OK)
        fail_msg("%s", err.message);
    text = json_dumps(root, JSON_COMPACT | JSON_SORT_KEYS);
    kept = mu_arena_strdup(world->arena, text);
    free(text);
    json_decref(root);
    return kept;
}

static void every_figure_comes_back_from_the_document(void **state)
{
    const struct numbers numbers = of_world(*state);
    const char *text = document(*state, &numbers);
    json_t *root = NULL;
    struct mu_error err;

    assert_int_equal(numbers_json_parse("n", text, strlen(text), &root, &err), MU_OK);
    for (size_t i = 0; i < figure_count; i++)
        if (numbers_json_figure(root, figures[i].path) != figure_value(&numbers, i))
            fail_msg("%s", figures[i].path);
    assert_non_null(numbers_json_trigger(root, "high_over_60_days"));
    assert_null(numbers_json_trigger(root, "no such"));
    json_decref(root);
}

static void another_document_is_refused_by_name(void **state)
{
    static const char *const cases[] = {
            "[]",
            "{\"schema\":\"muster.bundle-manifest.v1\"}",
            "{\"schema\":\"muster.numbers.v1\",\"month\":\"2026-13\",\"figures\":{},\"triggers\":[]"
            "}",
            "{\"schema\":\"muster.numbers.v1\",\"month\":\"2026-10\",\"figures\":[],\"triggers\":[]"
            "}",
            "{\"schema\":\"muster.numbers.v1\",\"month\":\"2026-10\",\"figures\":{}}",
            "{"};

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        json_t *root = NULL;
        struct mu_error err;

        assert_int_equal(numbers_json_parse("a/file", cases[i], strlen(cases[i]), &root, &err),
                         MU_E_INVALID);
        assert_null(root);
        assert_non_null(strstr(err.message, "a/file"));
    }
}

/* ---- earlier months ---- */

static const char *earlier_month(struct world *world, const char *month)
{
    struct numbers numbers = of_world(world);
    const char *path = mu_arena_printf(world->arena, "%s/%s.json", world->root, month);
    const char *text;
    struct mu_error err;

    numbers.month = month;
    numbers.triggers[TRIGGER_HIGH_30].reached_now = true;
    text = document(world, &numbers);
    if (mu_file_write_atomic(path, text, strlen(text), &err) != MU_OK)
        abort();
    return path;
}

static void a_trigger_reached_again_within_six_months_asks_for_a_plan(void **state)
{
    struct world *world = *state;
    const char *june = earlier_month(world, "2026-06"), *may = earlier_month(world, "2026-05");
    MU_AUTO(snapshot) struct snapshot *snapshot = aged(world, "high", 30, 5, 40, "rev5");
    struct numbers numbers;
    struct mu_error err;

    assert_int_equal(compute(world, snapshot, may, &numbers, &err), MU_OK);
    assert_int_equal(numbers.triggers[TRIGGER_HIGH_30].recurrences, 0); /* six months before */
    assert_string_equal(numbers.triggers[TRIGGER_HIGH_30].level, "DFR");
    assert_int_equal(compute(world, snapshot, mu_arena_printf(world->arena, "%s,%s", june, may),
                             &numbers, &err),
                     MU_OK);
    assert_int_equal(numbers.triggers[TRIGGER_HIGH_30].recurrences, 1);
    assert_string_equal(numbers.triggers[TRIGGER_HIGH_30].level, "CAP");
    assert_int_equal(numbers.history_count, 2);
    assert_string_equal(numbers.history[0].month, "2026-05"); /* the oldest first */
    assert_int_equal(numbers.history[0].unique, 3);
}

static void an_earlier_month_that_is_none_is_refused(void **state)
{
    struct world *world = *state;
    MU_AUTO(snapshot) struct snapshot *snapshot = world_snapshot(world);
    const char *october = earlier_month(world, "2026-10"), *same = earlier_month(world, "2026-11");
    const struct {
        const char *previous;
        enum mu_status status;
        const char *says;
    } cases[] = {{same, MU_E_INVALID, "not before 2026-11"},
                 {mu_arena_printf(world->arena, "%s,%s", october, october), MU_E_INVALID,
                  "two files are of 2026-10"},
                 {"/nonexistent/numbers.json", MU_E_NOT_FOUND, "/nonexistent/numbers.json"}};

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct numbers numbers;
        struct mu_error err;

        assert_int_equal(compute(world, snapshot, cases[i].previous, &numbers, &err),
                         cases[i].status);
        if (!strstr(err.message, cases[i].says))
            fail_msg("'%s' does not say '%s'", err.message, cases[i].says);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
            TEST(vulnerabilities_are_counted_three_ways_and_false_positives_in_none),
            TEST(an_item_is_in_one_state),
            TEST(coverage_closing_and_failures_are_counted),
            TEST(the_next_submission_is_the_end_of_the_following_month),
            TEST(the_baseline_may_grow_by_a_fifth_or_by_ten_whichever_is_greater),
            TEST(a_baseline_that_is_no_number_is_refused),
            TEST(a_trigger_is_reached_at_its_count_and_beyond_its_age),
            TEST(a_vendor_dependency_is_held_now_and_forecast_as_if_nobody_asks_again),
            TEST(the_items_of_a_trigger_are_named_up_to_a_bound),
            TEST(unauthenticated_scans_count_from_ten_percent_on),
            TEST(a_stale_database_and_another_configuration_are_counted_once_a_scan),
            TEST(every_figure_comes_back_from_the_document),
            TEST(another_document_is_refused_by_name),
            TEST(a_trigger_reached_again_within_six_months_asks_for_a_plan),
            TEST(an_earlier_month_that_is_none_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
