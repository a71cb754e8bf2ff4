#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bundle_build.h"

#include "snapshot/snapshot_file.h"

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

/* The bytes of the file, in the world's arena. */
static const char *save(struct world *world, const struct snapshot *snapshot, const char *name)
{
    char path[WORLD_PATH_SIZE];
    MU_AUTO_DONE(mu_buf_done) struct mu_buf bytes;
    struct mu_error err;

    mu_buf_init(&bytes, 1 << 20);
    (void)snprintf(path, sizeof(path), "%s/%s", world->root, name);
    assert_int_equal(snapshot_save(snapshot, path, &err), MU_OK);
    assert_int_equal(mu_file_read(path, &bytes, &err), MU_OK);
    return mu_arena_strndup(world->arena, bytes.data, bytes.len);
}

static enum mu_status load(const char *text, struct snapshot **ret_snapshot, struct mu_error *err)
{
    FILE *in = fmemopen((void *)(uintptr_t)text, strlen(text) + (*text ? 0 : 1), "r");
    enum mu_status st;

    assert_non_null(in);
    if (!*text)
        (void)fseek(in, 0, SEEK_END);
    st = snapshot_load(in, ret_snapshot, err);
    (void)fclose(in);
    return st;
}

/* `text` with the first `from` replaced. */
static const char *spoilt(struct world *world, const char *text, const char *from, const char *to)
{
    const char *at = strstr(text, from);

    assert_non_null(at);
    return mu_arena_printf(world->arena, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
}

static void what_is_loaded_and_saved_again_has_the_same_bytes(void **state)
{
    struct world *world = *state;

    world->inventory[0].reason = "quotes \" and \\, a line\nfeed, \xe2\x80\xae and \x01";
    world->inventory[1].running_containers = INT64_MAX;
    MU_AUTO(snapshot) struct snapshot *snapshot = world_snapshot(world);
    MU_AUTO(snapshot) struct snapshot *again = NULL;
    const char *first = save(world, snapshot, "first"), *second;
    struct mu_error err;

    assert_int_equal(load(first, &again, &err), MU_OK);
    second = save(world, again, "second");
    assert_string_equal(first, second);
    assert_int_equal(snapshot_instants(again)->as_of_us, snapshot_instants(snapshot)->as_of_us);
    assert_int_equal(snapshot_instants(again)->known_at_us,
                     snapshot_instants(snapshot)->known_at_us);
    assert_int_equal(snapshot_instants(again)->month_begin_us,
                     snapshot_instants(snapshot)->month_begin_us);
}

static void a_loaded_row_is_the_row_that_was_saved(void **state)
{
    struct world *world = *state;
    MU_AUTO(snapshot) struct snapshot *snapshot = world_snapshot(world);
    MU_AUTO(snapshot) struct snapshot *again = NULL;
    MU_AUTO(snapshot_cursor) struct snapshot_cursor *cursor = NULL;
    struct finding_row row;
    bool found = false;
    struct mu_error err;

    assert_int_equal(load(save(world, snapshot, "file"), &again, &err), MU_OK);
    assert_int_equal(snapshot_list(again, SNAPSHOT_LIST_FINDINGS, NULL, &cursor, &err), MU_OK);
    assert_int_equal(snapshot_next(cursor, &row, &found, &err), MU_OK);
    assert_true(found);
    assert_string_equal(row.item, world->findings[0].item);
    assert_string_equal(row.due_by, "kev");
    assert_null(row.deviations);
    assert_int_equal(row.instances, 2);
}

static void a_column_that_an_older_file_lacks_is_null(void **state)
{
    static const char text[] =
            "{\"as_of\":\"2026-11-30T23:59:59.999999Z\",\"known_at\":\"2026-12-01T00:00:00Z\","
            "\"month_begin\":\"2026-11-01T00:00:00Z\",\"schema\":\"muster.snapshot.v1\"}\n"
            "{\"columns\":[\"containers\"],\"rows\":\"totals\"}\n[7]\n{\"end\":1}\n";
    MU_AUTO(snapshot) struct snapshot *snapshot = NULL;
    MU_AUTO(snapshot_cursor) struct snapshot_cursor *cursor = NULL;
    struct total_row row;
    bool found = false;
    struct mu_error err;

    (void)state;
    assert_int_equal(load(text, &snapshot, &err), MU_OK);
    assert_int_equal(snapshot_list(snapshot, SNAPSHOT_LIST_TOTALS, NULL, &cursor, &err), MU_OK);
    assert_int_equal(snapshot_next(cursor, &row, &found, &err), MU_OK);
    assert_null(row.state);
    assert_int_equal(row.containers, 7);
}

static void a_file_of_another_form_is_refused_with_its_line(void **state)
{
    static const struct {
        const char *from, *to, *says;
    } cases[] = {
            {"muster.snapshot.v1", "muster.snapshot.v2", "line 1: is not the head of a snapshot"},
            {"\"as_of\"", "\"as_off\"", "line 1: has no time 'as_of'"},
            {"\"rows\":\"inventory\"", "\"rows\":\"inventories\"",
             "line 2: has rows 'inventories' that this version does not know"},
            {"\"uai\"", "\"uaj\"", "line 2: has a column 'uaj' of 'inventory'"},
            {"\"tag\"", "\"uai\"", "line 2: has column 'uai' twice"},
            {"[\"r.example", "[null,\"r.example", "line 3: has 26 values for 25 columns"},
            {"[\"r.example", "[1,\"", "line 3: "},
            {"{\"end\":", "{\"end\":9", "counts other rows"},
            {"{\"end\":", "{\"beginning\":", "has rows ''"},
    };
    struct world *world = *state;
    MU_AUTO(snapshot) struct snapshot *snapshot = world_snapshot(world);
    const char *text = save(world, snapshot, "file");
    MU_AUTO(snapshot) struct snapshot *none = NULL;
    struct mu_error err;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(load(spoilt(world, text, cases[i].from, cases[i].to), &none, &err),
                         MU_E_INVALID);
        if (!strstr(err.message, cases[i].says))
            fail_msg("'%s' does not say '%s'", err.message, cases[i].says);
    }
    assert_int_equal(load(mu_arena_concat(world->arena, text, "[1]\n", NULL), &none, &err),
                     MU_E_INVALID);
    assert_non_null(strstr(err.message, "stands behind the end"));
    assert_int_equal(load("", &none, &err), MU_E_INVALID);
}

static void a_file_cut_anywhere_is_refused(void **state)
{
    struct world *world = *state;
    MU_AUTO(snapshot) struct snapshot *snapshot = world_snapshot(world);
    const char *text = save(world, snapshot, "file");
    struct mu_error err;

    for (size_t len = 1; len < strlen(text); len += 97) {
        MU_AUTO(snapshot) struct snapshot *none = NULL;

        assert_int_equal(load(mu_arena_strndup(world->arena, text, len), &none, &err),
                         MU_E_INVALID);
    }
}

static void a_full_disk_leaves_no_file(void **state)
{
    struct world *world = *state;
    MU_AUTO(snapshot) struct snapshot *snapshot = world_snapshot(world);
    struct rlimit before, limit;
    char path[WORLD_PATH_SIZE];
    struct mu_error err;
    enum mu_status st;

    (void)snprintf(path, sizeof(path), "%s/file", world->root);
    (void)signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    limit = before;
    limit.rlim_cur = 1000;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    st = snapshot_save(snapshot, path, &err);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(st, MU_E_UNAVAILABLE);
    assert_int_not_equal(access(path, F_OK), 0);
}

#define WORLD_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
            WORLD_TEST(what_is_loaded_and_saved_again_has_the_same_bytes),
            WORLD_TEST(a_loaded_row_is_the_row_that_was_saved),
            WORLD_TEST(a_column_that_an_older_file_lacks_is_null),
            WORLD_TEST(a_file_of_another_form_is_refused_with_its_line),
            WORLD_TEST(a_file_cut_anywhere_is_refused),
            WORLD_TEST(a_full_disk_leaves_no_file),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
