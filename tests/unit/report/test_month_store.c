#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "store_build.h"

#include "bundle/evidence.h"
#include "store/chain.h"
#include "store/history.h"

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

static struct month_store *opened(struct world *world)
{
    struct month_store *store = NULL;
    struct mu_error err;

    if (month_store_open(store_folder(world), &store, &err) != MU_OK)
        fail_msg("%s", err.message);
    return store;
}

/* Three months, the second amended. */
static void close_three(struct world *world)
{
    store_close(world, "2026-11", NULL);
    store_close(world, "2026-12", NULL);
    store_close(world, "2027-01", NULL);
    store_close(world, "2026-12", "a cluster was missing");
}

static void a_closed_month_is_loaded_as_it_was(void **state)
{
    struct world *world = *state;
    struct finding_row row;
    bool found = false;
    struct mu_error err;

    store_close(world, "2026-11", NULL);
    MU_AUTO(month_store) struct month_store *store = opened(world);
    MU_AUTO(closed_month) struct closed_month *month = NULL;
    MU_AUTO(snapshot_cursor) struct snapshot_cursor *cursor = NULL;

    assert_int_equal(month_store_load(store, "2026-11", 0, &month, &err), MU_OK);
    assert_string_equal(month->system.diagram_label, "Cluster");
    assert_int_equal(month->close->record.revision, 1);
    assert_int_equal(snapshot_list(month->snapshot, SNAPSHOT_LIST_FINDINGS, NULL, &cursor, &err),
                     MU_OK);
    assert_int_equal(snapshot_next(cursor, &row, &found, &err), MU_OK);
    assert_true(found);
    assert_string_equal(row.item, "V-CVE-2026-0001");
    assert_int_equal(access(mu_arena_printf(world->arena, "%s/%.2s/%s", month->evidence,
                                            world->digest[0] + 7, world->digest[0] + 7),
                            R_OK),
                     0);
}

static void the_newest_revision_counts_and_any_can_be_asked(void **state)
{
    struct world *world = *state;
    MU_AUTO(closed_month) struct closed_month *newest = NULL;
    MU_AUTO(closed_month) struct closed_month *first = NULL;
    MU_AUTO(closed_month) struct closed_month *none = NULL;
    struct mu_error err;

    close_three(world);
    MU_AUTO(month_store) struct month_store *store = opened(world);

    assert_int_equal(month_store_count(store), 4);
    assert_string_equal(month_store_newest(store)->record.month, "2027-01");
    assert_int_equal(month_store_load(store, "2026-12", 0, &newest, &err), MU_OK);
    assert_int_equal(newest->close->record.revision, 2);
    assert_string_equal(newest->close->record.reason, "a cluster was missing");
    assert_int_equal(month_store_load(store, "2026-12", 1, &first, &err), MU_OK);
    assert_string_equal(newest->close->record.replaces.sha256, first->close->sha256);
    assert_int_equal(month_store_load(store, "2026-12", 3, &none, &err), MU_E_NOT_FOUND);
    assert_int_equal(month_store_load(store, "2026-10", 0, &none, &err), MU_E_NOT_FOUND);
}

static void every_close_of_a_good_store_holds(void **state)
{
    struct world *world = *state;
    char problem[CHAIN_PROBLEM_SIZE];

    close_three(world);
    MU_AUTO(month_store) struct month_store *store = opened(world);

    for (size_t i = 0; i < month_store_count(store); i++) {
        assert_true(chain_links_hold(store, month_store_at(store, i), problem));
        assert_true(chain_files_hold(store, month_store_at(store, i), true, problem));
        assert_string_equal(problem, "");
    }
}

static void a_closed_month_has_its_own_copies(void **state)
{
    struct world *world = *state;
    MU_AUTO_DONE(mu_buf_done) struct mu_buf bytes;
    MU_AUTO(closed_month) struct closed_month *month = NULL;
    struct mu_error err;

    store_close(world, "2026-11", NULL);
    MU_AUTO(month_store) struct month_store *store = opened(world);

    if (month_store_load(store, "2026-11", 0, &month, &err) != MU_OK)
        fail_msg("%s", err.message);
    assert_int_equal(month->system.statements.count, 1); /* the original is nowhere */
    assert_string_equal(month->system.statements.rows[0].item, "V-1");
    assert_string_equal(month->system.other_assets,
                        store_file(world, "months/2026-11-r1/other_assets.csv"));
    mu_buf_init(&bytes, sizeof(store_assets));
    assert_int_equal(mu_file_read(month->system.other_assets, &bytes, &err), MU_OK);
    assert_memory_equal(bytes.data, store_assets, sizeof(store_assets) - 1);
    assert_string_equal(month->system.template_poam, "");
    assert_int_equal(month->history.count, 0);
}

static void the_trend_is_of_the_revisions_of_then(void **state)
{
    struct world *world = *state;
    MU_AUTO(closed_month) struct closed_month *january = NULL;
    MU_AUTO(closed_month) struct closed_month *amended = NULL;
    struct mu_error err;

    close_three(world);
    store_close(world, "2027-01", "so was another");
    MU_AUTO(month_store) struct month_store *store = opened(world);

    assert_int_equal(month_store_load(store, "2027-01", 1, &january, &err), MU_OK);
    assert_int_equal(january->history.count, 2);
    assert_string_equal(january->history.paths[0],
                        store_file(world, "months/2026-12-r1/numbers.json"));
    assert_string_equal(january->history.paths[1],
                        store_file(world, "months/2026-11-r1/numbers.json"));
    assert_int_equal(month_store_load(store, "2027-01", 2, &amended, &err), MU_OK);
    assert_string_equal(amended->history.paths[0],
                        store_file(world, "months/2026-12-r2/numbers.json"));
}

static void the_trend_goes_back_a_year(void **state)
{
    enum { CLOSES = HISTORY_MONTHS + 3 };
    struct world *world = *state;
    MU_AUTO(closed_month) struct closed_month *last = NULL;
    char month[CLOSE_MONTH_SIZE];
    struct mu_error err;

    for (int i = 0; i < CLOSES; i++) {
        close_month_step("2026-11", i, month);
        store_close(world, mu_arena_strdup(world->arena, month), NULL);
    }
    MU_AUTO(month_store) struct month_store *store = opened(world);

    assert_int_equal(month_store_load(store, month, 0, &last, &err), MU_OK);
    assert_int_equal(last->history.count, HISTORY_MONTHS);
}

/* A system file that names what was not kept, or the other way. */
static void copies_and_system_file_must_agree(void **state)
{
    static const char forged[] = "name: Example Cloud\nbaseline_configuration_name: CIS Level 2\n"
                                 "diagram_label: Cluster\nfunction: Application\n"
                                 "template_dr: dr.xlsx\n";
    struct world *world = *state;
    MU_AUTO(store_writer) struct store_writer *writer = NULL;
    MU_AUTO(closed_month) struct closed_month *month = NULL;
    MU_AUTO(snapshot) struct snapshot *snapshot = world_snapshot(world);
    const struct mu_buf system = store_text(forged), numbers = store_text("{}");
    const struct month_contents contents = {snapshot, &system, &numbers, NULL, 0};
    struct close_record record = {
            .month = "2026-11", .revision = 1, .closed_by = "isso", .generator = "0.1.0"};
    const struct month_close *close = NULL;
    struct mu_error err;

    assert_int_equal(store_writer_open(store_folder(world), "test", &writer, &err), MU_OK);
    store_put_evidence(writer, world);
    if (store_writer_commit(writer, &record, &contents, &close, &err) != MU_OK)
        fail_msg("%s", err.message);
    MU_AUTO(month_store) struct month_store *store = opened(world);

    assert_int_equal(month_store_load(store, "2026-11", 0, &month, &err), MU_E_CONFLICT);
    assert_non_null(strstr(err.message, "differ on 'template_dr'"));
}

struct damage {
    const char *name; /* "EVIDENCE": the first raw scan */
    long at;
    const char *says;     /* of the first close that does not hold */
    enum mu_status loads; /* the month of the file, in that revision */
};

/* The first problem of the store. */
static void find_problem(const struct month_store *store, char problem[CHAIN_PROBLEM_SIZE])
{
    for (size_t i = 0; i < month_store_count(store); i++)
        if (!chain_links_hold(store, month_store_at(store, i), problem) ||
            !chain_files_hold(store, month_store_at(store, i), true, problem))
            return;
}

static void each_changed_byte_is_named(void **state)
{
    static const struct damage damages[] = {
            {"months/2026-12-r1/snapshot.jsonl", 200, "snapshot.jsonl was changed", MU_E_CONFLICT},
            {"months/2026-12-r1/snapshot.jsonl", -4, "snapshot.jsonl was changed", MU_E_CONFLICT},
            {"months/2026-12-r1/system.yaml", 7, "system.yaml was changed", MU_E_CONFLICT},
            {"months/2026-12-r1/numbers.json", 3, "numbers.json was changed", MU_OK},
            {"months/2026-11-r1/numbers.json", 3, "numbers.json was changed", MU_E_CONFLICT},
            {"months/2026-12-r1/other_assets.csv", 3, "other_assets.csv was changed",
             MU_E_CONFLICT},
            {"months/2026-12-r1/ver_statements.yaml", 3, "ver_statements.yaml was changed",
             MU_E_CONFLICT},
            {"months/2026-12-r1/evidence.sha256", 3, "evidence.sha256 was changed", MU_OK},
            {"months/2026-12-r1/close.json", 30, "", MU_E_CONFLICT},
            {"EVIDENCE", 12, "evidence sha256:", MU_OK},
    };
    struct world *world = *state;
    char problem[CHAIN_PROBLEM_SIZE] = "";
    struct mu_error err;

    close_three(world);
    for (size_t i = 0; i < sizeof(damages) / sizeof(damages[0]); i++) {
        const char *name = strcmp(damages[i].name, "EVIDENCE") != 0
                                   ? damages[i].name
                                   : mu_arena_printf(world->arena, "evidence/%.2s/%s",
                                                     world->digest[0] + 7, world->digest[0] + 7);
        MU_AUTO(closed_month) struct closed_month *month = NULL;

        store_spoil(world, name, damages[i].at);
        MU_AUTO(month_store) struct month_store *store = opened(world);

        find_problem(store, problem);
        if (!*problem || !strstr(problem, damages[i].says))
            fail_msg("%s: '%s' does not say '%s'", name, problem, damages[i].says);
        assert_int_equal(month_store_load(store, "2026-12", 1, &month, &err), damages[i].loads);
        store_spoil(world, name, damages[i].at); /* as it was */
    }
}

static void what_is_missing_is_named(void **state)
{
    static const char *const names[][2] = {
            {"months/2026-12-r1/snapshot.jsonl", "snapshot.jsonl: "},
            {"months/2026-12-r1/system.yaml", "system.yaml: "},
            {"months/2026-12-r1/evidence.sha256", "evidence.sha256: "},
            {"months/2026-12-r1/numbers.json", "numbers.json: "},
            {"months/2026-12-r1/other_assets.csv", "other_assets.csv: "},
    };
    struct world *world = *state;
    char problem[CHAIN_PROBLEM_SIZE] = "";

    close_three(world);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        const char *path = store_file(world, names[i][0]);
        const char *aside = store_file(world, "aside");

        assert_int_equal(rename(path, aside), 0);
        MU_AUTO(month_store) struct month_store *store = opened(world);

        find_problem(store, problem);
        if (!strstr(problem, names[i][1]))
            fail_msg("'%s' does not say '%s'", problem, names[i][1]);
        assert_int_equal(rename(aside, path), 0);
    }
}

static void a_close_taken_out_breaks_the_next(void **state)
{
    struct world *world = *state;
    char problem[CHAIN_PROBLEM_SIZE] = "";

    close_three(world);
    assert_int_equal(rename(store_file(world, "months/2026-12-r1"), store_file(world, "aside")), 0);
    MU_AUTO(month_store) struct month_store *store = opened(world);

    assert_true(chain_links_hold(store, month_store_at(store, 0), problem));
    assert_false(chain_links_hold(store, month_store_at(store, 1), problem));
    assert_non_null(strstr(problem, "number 2, is missing"));
}

static void a_folder_without_a_record_is_refused(void **state)
{
    struct world *world = *state;
    MU_AUTO(month_store) struct month_store *store = NULL;
    struct mu_error err;

    store_close(world, "2026-11", NULL);
    assert_int_equal(mkdir(store_file(world, "months/2026-12-r1"), 0750), 0);
    assert_int_equal(month_store_open(store_folder(world), &store, &err), MU_E_INVALID);
    assert_non_null(strstr(err.message, "2026-12-r1/close.json"));
}

static void a_second_writer_is_told_who_is_there(void **state)
{
    struct world *world = *state;
    MU_AUTO(store_writer) struct store_writer *first = NULL;
    MU_AUTO(store_writer) struct store_writer *second = NULL;
    struct mu_error err;

    assert_int_equal(store_writer_open(store_folder(world), "close 2026-11", &first, &err), MU_OK);
    assert_int_equal(store_writer_open(store_folder(world), "close 2026-11", &second, &err),
                     MU_E_CONFLICT);
    assert_non_null(strstr(err.message, "(close 2026-11)"));
    assert_non_null(
            strstr(err.message, mu_arena_printf(world->arena, "process %ld on ", (long)getpid())));
}

static void what_a_killed_close_left_goes_and_the_months_stay(void **state)
{
    struct world *world = *state;
    MU_AUTO(store_writer) struct store_writer *writer = NULL;
    struct mu_error err;

    store_close(world, "2026-11", NULL);
    assert_int_equal(mu_dir_make(store_file(world, "building/evidence"), &err), MU_OK);
    assert_int_equal(mu_dir_make(store_file(world, "building/month"), &err), MU_OK);
    assert_int_equal(
            mu_file_write_atomic(store_file(world, "building/evidence/half"), "x", 1, &err), MU_OK);
    assert_int_equal(
            mu_file_write_atomic(store_file(world, "building/month/close.json"), "{", 1, &err),
            MU_OK);
    assert_int_equal(store_writer_open(store_folder(world), "test", &writer, &err), MU_OK);
    assert_int_not_equal(access(store_file(world, "building/month"), F_OK), 0);
    assert_int_not_equal(access(store_file(world, "building/evidence/half"), F_OK), 0);
    assert_int_equal(month_store_count(store_writer_months(writer)), 1);
}

static void evidence_without_a_sha256_name_is_refused(void **state)
{
    static const char *const digests[] = {"sha256:../../etc/passwd", "md5:0123", ""};
    char path[EVIDENCE_PATH_SIZE];
    struct mu_error err;

    (void)state;
    for (size_t i = 0; i < sizeof(digests) / sizeof(digests[0]); i++)
        assert_int_equal(evidence_shelf_path("shelf", digests[i], path, &err), MU_E_INVALID);
}

#define WORLD_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
            WORLD_TEST(a_closed_month_is_loaded_as_it_was),
            WORLD_TEST(a_closed_month_has_its_own_copies),
            WORLD_TEST(the_trend_is_of_the_revisions_of_then),
            WORLD_TEST(the_trend_goes_back_a_year),
            WORLD_TEST(copies_and_system_file_must_agree),
            WORLD_TEST(the_newest_revision_counts_and_any_can_be_asked),
            WORLD_TEST(every_close_of_a_good_store_holds),
            WORLD_TEST(each_changed_byte_is_named),
            WORLD_TEST(what_is_missing_is_named),
            WORLD_TEST(a_close_taken_out_breaks_the_next),
            WORLD_TEST(a_folder_without_a_record_is_refused),
            WORLD_TEST(a_second_writer_is_told_who_is_there),
            WORLD_TEST(what_a_killed_close_left_goes_and_the_months_stay),
            WORLD_TEST(evidence_without_a_sha256_name_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
