#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "items/item_deviations.h"
#include "items/item_reader.h"

#include "base/clock.h"
#include "bundle_build.h"

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

static void items_come_once_with_all_their_assets(void **state)
{
    static const char *const expected[] = {"V-CVE-2026-0001", "V-CVE-2026-0002",
                                           "V-CVE-2026-0002-DR-2", "V-CVE-2026-0003-DR-1",
                                           "V-GHSA-none"};
    MU_AUTO(snapshot) struct snapshot *snapshot = world_snapshot(*state);
    MU_AUTO(item_reader) struct item_reader *reader = NULL;
    struct item item;
    struct mu_error err;
    bool found;

    assert_int_equal(item_reader_open(snapshot, ITEM_ORDER_SNAPSHOT, MU_TIME_NONE, &reader, &err),
                     MU_OK);
    for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
        assert_int_equal(item_next(reader, &item, &found, &err), MU_OK);
        assert_true(found);
        assert_string_equal(item.item, expected[i]);
        assert_int_equal(item.assets, 1);
    }
    assert_int_equal(item_next(reader, &item, &found, &err), MU_OK);
    assert_false(found);
    assert_int_equal(item_next(reader, &item, &found, &err), MU_OK);
    assert_false(found);
}

static void of_several_assets_the_worst_counts(void **state)
{
    struct world *world = *state;
    struct finding_row *rows = world->findings;
    MU_AUTO(snapshot) struct snapshot *snapshot = NULL;
    MU_AUTO(item_reader) struct item_reader *reader = NULL;
    struct item item;
    struct mu_error err;
    bool found;

    for (size_t i = 0; i < 3; i++)
        rows[i].item = "V-1";
    rows[0].severity = "low";
    rows[1].severity = "unknown";
    rows[2].severity = "high"; /* goes before what nobody rated */
    rows[0].is_public = NULL;
    rows[1].is_public = "no";
    rows[2].is_public = "yes";
    rows[1].item_detected_at = "2026-09-19T10:00:00.000000Z";
    rows[0].fixed_versions = NULL;
    rows[0].due_at = "2026-12-01T00:00:00Z";
    rows[1].due_at = "2026-11-01T00:00:00Z";
    rows[1].due_by = "rev5";
    rows[1].status = "late";
    rows[2].due_at = NULL;
    rows[2].status = "late";
    rows[0].status = "open";
    snapshot = world_snapshot(world);
    assert_int_equal(item_reader_open(snapshot, ITEM_ORDER_SNAPSHOT, MU_TIME_NONE, &reader, &err),
                     MU_OK);
    assert_int_equal(item_next(reader, &item, &found, &err), MU_OK);
    assert_int_equal(item.assets, 3);
    assert_int_equal(item.instances, 6);
    assert_int_equal(item.original, RATING_HIGH);
    assert_int_equal(item.exposed, 1);
    assert_int_equal(item.not_exposed, 1);
    assert_int_equal(item.state, ITEM_LATE);
    assert_string_equal(item.fixed_versions, "openssl 3.0.2");
    assert_string_equal(item.due_by, "rev5");
    assert_string_equal(item.status, "late");
    assert_true(item.detected_at_us == INT64_C(1789812000000000));
    assert_true(item.due_at_us == INT64_C(1793491200000000));
}

static void a_time_that_is_none_is_named_with_its_item(void **state)
{
    struct world *world = *state;
    MU_AUTO(snapshot) struct snapshot *snapshot = NULL;
    MU_AUTO(item_reader) struct item_reader *reader = NULL;
    struct item item;
    struct mu_error err;
    bool found;

    world->findings[0].item_detected_at = "yesterday";
    world->findings[1].item_detected_at = NULL;
    snapshot = world_snapshot(world);
    assert_int_equal(item_reader_open(snapshot, ITEM_ORDER_SNAPSHOT, MU_TIME_NONE, &reader, &err),
                     MU_OK);
    assert_int_equal(item_next(reader, &item, &found, &err), MU_E_INVALID);
    assert_non_null(strstr(err.message, "item V-CVE-2026-0001"));
}

static enum mu_status note(void *opaque, const struct deviation_row *row, struct mu_error *err)
{
    struct mu_buf *seen = opaque;

    (void)err;
    mu_buf_printf(seen, "%s:%s;", row->deviation, row->kind);
    return MU_OK;
}

static void deviations_are_those_of_the_numbers(void **state)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf seen;
    MU_AUTO(snapshot) struct snapshot *snapshot = world_snapshot(*state);
    struct mu_error err;

    mu_buf_init(&seen, 1 << 16);
    assert_int_equal(item_deviations_each(snapshot, "DR-2\nDR-77\nDR-1", note, &seen, &err), MU_OK);
    assert_string_equal(seen.data, "DR-2:vendor_dependency;DR-1:false_positive;");
    mu_buf_reset(&seen);
    assert_int_equal(item_deviations_each(snapshot, NULL, note, &seen, &err), MU_OK);
    assert_string_equal(seen.data, "");
}

static void more_deviations_than_the_limit_are_refused(void **state)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf numbers, seen;
    MU_AUTO(snapshot) struct snapshot *snapshot = world_snapshot(*state);
    struct mu_error err;

    mu_buf_init(&numbers, 1 << 16);
    mu_buf_init(&seen, 1 << 16);
    for (size_t i = 0; i <= ITEM_MAX_DEVIATIONS; i++)
        mu_buf_printf(&numbers, "%sDR-%zu", i ? "\n" : "", i);
    assert_int_equal(item_deviations_each(snapshot, numbers.data, note, &seen, &err), MU_E_LIMIT);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
            TEST(items_come_once_with_all_their_assets),
            TEST(of_several_assets_the_worst_counts),
            TEST(a_time_that_is_none_is_named_with_its_item),
            TEST(deviations_are_those_of_the_numbers),
            TEST(more_deviations_than_the_limit_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
