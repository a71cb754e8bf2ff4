#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bundle_build.h"

#include <signal.h>
#include <sys/resource.h>

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

static void a_row_comes_back_as_it_was_added(void **state)
{
    struct world *world = *state;
    struct inventory_row row;
    bool found = false;
    struct mu_error err;

    world->inventory[1].floating = 1;
    world->inventory[1].running_containers = INT64_MAX;
    world->inventory[1].reason = "";
    MU_AUTO(snapshot) struct snapshot *snapshot = world_snapshot(world);
    MU_AUTO(snapshot_cursor) struct snapshot_cursor *cursor = NULL;

    assert_int_equal(snapshot_list(snapshot, SNAPSHOT_LIST_INVENTORY, NULL, &cursor, &err), MU_OK);
    for (int i = 0; i < 2; i++)
        assert_int_equal(snapshot_next(cursor, &row, &found, &err), MU_OK);
    assert_true(found);
    assert_string_equal(row.uai, UAI_A);
    assert_string_equal(row.manifest_digest, DIGEST("2"));
    assert_string_equal(row.evidence_digest, world->digest[1]);
    assert_string_equal(row.reason, ""); /* is not NULL */
    assert_null(row.image_title);
    assert_int_equal(row.running_containers, INT64_MAX);
    assert_int_equal(row.floating, 1);
}

static void the_end_of_a_list_stays_the_end(void **state)
{
    MU_AUTO(snapshot) struct snapshot *snapshot = world_snapshot(*state);
    MU_AUTO(snapshot_cursor) struct snapshot_cursor *cursor = NULL;
    struct total_row row;
    bool found = true;
    struct mu_error err;

    assert_int_equal(snapshot_list(snapshot, SNAPSHOT_LIST_TOTALS, NULL, &cursor, &err), MU_OK);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(snapshot_next(cursor, &row, &found, &err), MU_OK);
        assert_int_equal(found, i < 2);
    }
}

static void evidence_comes_sorted_and_what_has_none_is_left_out(void **state)
{
    struct world *world = *state;
    struct inventory_row row;
    char before[MU_DIGEST_TEXT_SIZE] = "";
    size_t count = 0, different = 0;
    bool found = true;
    struct mu_error err;

    world->inventory[2].evidence_digest = world->digest[0]; /* one scan for two assets */
    MU_AUTO(snapshot) struct snapshot *snapshot = world_snapshot(world);
    MU_AUTO(snapshot_cursor) struct snapshot_cursor *cursor = NULL;

    assert_int_equal(snapshot_list(snapshot, SNAPSHOT_LIST_EVIDENCE, NULL, &cursor, &err), MU_OK);
    while (snapshot_next(cursor, &row, &found, &err) == MU_OK && found) {
        assert_true(strcmp(before, row.evidence_digest) <= 0);
        (void)snprintf(before, sizeof(before), "%s", row.evidence_digest);
        count++;
    }
    assert_int_equal(count, 3);
    assert_int_equal(snapshot_count_evidence(snapshot, &different, &err), MU_OK);
    assert_int_equal(different, 2);
}

static void containers_of_one_asset_are_found(void **state)
{
    MU_AUTO(snapshot) struct snapshot *snapshot = world_snapshot(*state);
    MU_AUTO(snapshot_cursor) struct snapshot_cursor *cursor = NULL;
    struct instance_row row;
    size_t count = 0;
    bool found = true;
    struct mu_error err;

    assert_int_equal(snapshot_list(snapshot, SNAPSHOT_LIST_INSTANCES_OF_UAI, UAI_A, &cursor, &err),
                     MU_OK);
    while (snapshot_next(cursor, &row, &found, &err) == MU_OK && found) {
        assert_string_equal(row.uai, UAI_A);
        assert_string_equal(row.namespace_name, "prod");
        count++;
    }
    assert_int_equal(count, 2);
}

static void a_disk_that_cannot_be_written_is_an_error(void **state)
{
    enum { MANY = 200000 };
    struct world *world = *state;
    MU_AUTO(snapshot) struct snapshot *snapshot = world_snapshot(world);
    struct rlimit before, limit;
    struct mu_error err = {.status = MU_OK};
    enum mu_status st = MU_OK;

    (void)signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    limit = before;
    limit.rlim_cur = 1 << 20;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    for (int i = 0; st == MU_OK && i < MANY; i++)
        st = snapshot_add(snapshot, SNAPSHOT_INVENTORY, &world->inventory[0], &err);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(st, MU_E_UNAVAILABLE);
    assert_non_null(strstr(err.message, "snapshot: inventory: "));
}

#define WORLD_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
            WORLD_TEST(a_row_comes_back_as_it_was_added),
            WORLD_TEST(the_end_of_a_list_stays_the_end),
            WORLD_TEST(evidence_comes_sorted_and_what_has_none_is_left_out),
            WORLD_TEST(containers_of_one_asset_are_found),
            WORLD_TEST(a_disk_that_cannot_be_written_is_an_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
