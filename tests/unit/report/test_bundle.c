#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bundle_build.h"

#include "verify/verify.h"
#include "workbook/xlsx_reader.h"

#include "base/stop.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
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

static size_t entries_of(const char *path)
{
    DIR *dir = opendir(path);
    size_t count = 0;

    while (dir && readdir(dir))
        count++;
    if (dir)
        (void)closedir(dir);
    return count > 2 ? count - 2 : 0;
}

static void assert_refused(struct world *world, uint32_t retry_ms, enum mu_status expected,
                           const char *text)
{
    struct bundle_counts counts = {.rows = 77};
    struct mu_error err;

    assert_int_equal(world_write(world, retry_ms, &counts, &err), expected);
    if (!strstr(err.message, text))
        fail_msg("'%s' does not say '%s'", err.message, text);
    assert_int_equal(counts.rows, 77);
    assert_int_equal(entries_of(world->root), 0);
}

static void assert_verifies(const struct world *world, size_t gaps)
{
    MU_AUTO(table) struct mu_table *differences = mu_table_new(verify_columns, VERIFY_COLUMN_COUNT);
    MU_AUTO(table)
    struct mu_table *gap_table = mu_table_new(verify_gap_columns, VERIFY_GAP_COLUMN_COUNT);
    struct verify_summary summary;
    struct mu_error err;

    assert_int_equal(
            verify_package(&(struct verify_request){.path = world->folder, .max_bytes = 1 << 30},
                           &(struct verify_tables){differences, gap_table, NULL}, &summary, &err),
            MU_OK);
    if (summary.differences > 0)
        mu_table_print(differences, MU_FORMAT_TEXT, 0, stderr);
    assert_int_equal(summary.differences, 0);
    assert_int_equal(summary.gaps, gaps);
}

static void write_ok(struct world *world)
{
    struct bundle_counts counts;
    struct mu_error err;

    if (world_write(world, 0, &counts, &err) != MU_OK)
        fail_msg("%s", err.message);
}

static void a_bundle_is_written_whole_and_verifies(void **state)
{
    struct world *world = *state;
    struct bundle_counts counts;
    struct mu_error err;

    assert_int_equal(world_write(world, 0, &counts, &err), MU_OK);
    assert_int_equal(counts.rows, 3);
    assert_int_equal(counts.raw_scans, 3);
    assert_int_equal(counts.gaps, 1);
    assert_int_equal(counts.containers, 4);
    assert_int_equal(entries_of(world->root), 1); /* nothing hidden remains */
    assert_verifies(world, 1);
}

static void read_file(const char *path, struct mu_buf *out)
{
    struct mu_error err;

    mu_buf_init(out, 1 << 20);
    assert_int_equal(mu_file_read(path, out, &err), MU_OK);
}

static void the_same_snapshot_gives_the_same_manifest(void **state)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf first, second;
    struct world *world = *state, again;

    write_ok(world);
    world_init(&again);
    write_ok(&again);
    read_file(world_path(world, BUNDLE_MANIFEST), &first);
    read_file(world_path(&again, BUNDLE_MANIFEST), &second);
    assert_int_equal(first.len, second.len);
    assert_memory_equal(first.data, second.data, first.len);
    world_done(&again);
}

static void slashes_behind_the_folder_do_not_count(void **state)
{
    struct world *world = *state;

    (void)snprintf(world->folder, sizeof(world->folder), "%s/package//", world->root);
    write_ok(world);
    assert_int_equal(entries_of(world->root), 1);
    assert_verifies(world, 1);
}

static void missing_parents_are_made(void **state)
{
    struct world *world = *state;

    (void)snprintf(world->folder, sizeof(world->folder), "%s/2026/11/package", world->root);
    write_ok(world);
    assert_verifies(world, 1);
}

static void an_existing_target_is_a_conflict(void **state)
{
    struct world *world = *state;
    struct bundle_counts counts;
    struct mu_error err;

    assert_int_equal(symlink("/nonexistent", world->folder), 0);
    assert_int_equal(world_write(world, 0, &counts, &err), MU_E_CONFLICT);
    assert_non_null(strstr(err.message, "exists already"));
    assert_int_equal(entries_of(world->root), 1);
}

static const char *appearing;

static void make_target(size_t done, size_t total)
{
    if (done == total)
        (void)mkdir(appearing, 0700);
}

static void a_target_that_appears_meanwhile_is_not_replaced(void **state)
{
    struct world *world = *state;
    MU_AUTO(snapshot) struct snapshot *snapshot = world_snapshot(world);
    struct bundle_request request = {.folder = world->folder,
                                     .month = world->month,
                                     .inventory_url = world->url,
                                     .system = &world->system,
                                     .snapshot = snapshot,
                                     .progress = make_target};
    struct bundle_counts counts;
    struct mu_error err;

    appearing = world->folder;
    http_peer_start(&world->peer);
    (void)snprintf(world->url, sizeof(world->url), "http://127.0.0.1:%d", world->peer.port);
    assert_int_equal(bundle_write(&request, &counts, &err), MU_E_CONFLICT);
    http_peer_stop(&world->peer);
    assert_int_equal(entries_of(world->root), 1);
    assert_int_equal(entries_of(world->folder), 0);
}

static void evidence_that_is_gone_is_named_and_nothing_remains(void **state)
{
    struct world *world = *state;

    world->peer.replies[1].bytes = "HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\ngone";
    assert_refused(world, 0, MU_E_NOT_FOUND, "Raw scan of r.example/apps/");
}

static void evidence_of_other_bytes_is_refused_and_nothing_remains(void **state)
{
    struct world *world = *state;

    world->peer.replies[0].bytes = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";
    assert_refused(world, 60000, MU_E_INVALID, "the bytes hash to sha256:44136fa3");
}

static void evidence_that_dies_in_the_middle_leaves_nothing(void **state)
{
    struct world *world = *state;

    world->peer.replies[2] = (struct http_peer_reply){
            "HTTP/1.1 200 OK\r\nContent-Length: 200\r\n\r\n{\"half", PEER_CLOSE};
    assert_refused(world, 0, MU_E_UNAVAILABLE, "evidence sha256:");
}

static void evidence_over_the_limit_leaves_nothing(void **state)
{
    struct world *world = *state;

    world->peer.replies[0] = (struct http_peer_reply){
            "HTTP/1.1 200 OK\r\nContent-Length: 268435457\r\n\r\n", PEER_CLOSE};
    assert_refused(world, 0, MU_E_LIMIT, "evidence sha256:");
}

static void evidence_is_asked_for_again_while_the_api_is_away(void **state)
{
    struct world *world = *state;
    struct bundle_counts counts;
    struct mu_error err;

    for (size_t i = WORLD_EVIDENCE; i-- > 0;)
        world->peer.replies[i + 2] = world->peer.replies[i];
    world->peer.replies[0] = (struct http_peer_reply){
            "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n", PEER_KEEP};
    world->peer.replies[1] = (struct http_peer_reply){
            "HTTP/1.1 200 OK\r\nContent-Length: 200\r\n\r\n{\"half", PEER_CLOSE};
    assert_int_equal(world_write(world, 60000, &counts, &err), MU_OK);
    assert_int_equal(world->peer.request_count, 5);
    assert_verifies(world, 1);
}

static void evidence_without_a_digest_as_name_is_not_asked_for(void **state)
{
    struct world *world = *state;

    world->inventory[0].evidence_digest = "sha256:../../../../etc/passwd";
    assert_refused(world, 60000, MU_E_INVALID, "has no SHA-256 name");
    assert_int_equal(world->peer.request_count, 0);
}

/* Whatever the byte at which the disk is full: the whole bundle, or nothing and an error. */
static void a_full_disk_leaves_nothing(void **state)
{
    static const rlim_t limits[] = {100, 300, 1000, 2000, 3000, 4000, 5000, 6000, 7000, 8000, 9000};
    struct rlimit before, limit;
    size_t failures = 0;

    (void)state;
    (void)signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
        struct bundle_counts counts;
        struct world world;
        struct mu_error err;
        enum mu_status st;

        world_init(&world);
        limit = before;
        limit.rlim_cur = limits[i];
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
        st = world_write(&world, 60000, &counts, &err);
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
        if (st == MU_OK) {
            assert_verifies(&world, 1);
        } else {
            assert_int_equal(st, MU_E_UNAVAILABLE);
            assert_int_equal(entries_of(world.root), 0);
            failures++;
        }
        world_done(&world);
    }
    assert_in_range(failures, 3, 11);
}

static const char *hidden(const struct world *world, const char *name)
{
    static char path[2 * WORLD_PATH_SIZE];

    (void)snprintf(path, sizeof(path), "%s/.package.muster-partial%s", world->root, name);
    return path;
}

static void leave(const struct world *world, const char *name)
{
    int fd = open(hidden(world, name), O_WRONLY | O_CREAT, 0600);

    assert_true(fd >= 0);
    (void)close(fd);
}

static void what_a_killed_run_left_is_cleared(void **state)
{
    struct world *world = *state;

    assert_int_equal(mkdir(hidden(world, ""), 0700), 0);
    assert_int_equal(mkdir(hidden(world, "/raw-scans"), 0700), 0);
    leave(world, "/raw-scans/torn.json");
    leave(world, "/manifest.json.abcdef");
    write_ok(world);
    assert_verifies(world, 1);
}

static void what_no_run_made_is_not_cleared(void **state)
{
    struct world *world = *state;
    struct bundle_counts counts;
    struct mu_error err;

    assert_int_equal(mkdir(hidden(world, ""), 0700), 0);
    assert_int_equal(mkdir(hidden(world, "/photos"), 0700), 0);
    leave(world, "/photos/cat.jpg");
    assert_int_equal(world_write(world, 0, &counts, &err), MU_E_CONFLICT);
    assert_int_equal(access(hidden(world, "/photos/cat.jpg"), F_OK), 0);
}

static void a_folder_that_another_run_writes_is_left_to_it(void **state)
{
    struct world *world = *state;
    struct bundle_counts counts;
    struct mu_error err;
    int fd;

    assert_int_equal(mkdir(hidden(world, ""), 0700), 0);
    leave(world, "/theirs");
    fd = open(hidden(world, ""), O_RDONLY | O_DIRECTORY);
    assert_int_equal(flock(fd, LOCK_EX | LOCK_NB), 0);
    assert_int_equal(world_write(world, 0, &counts, &err), MU_E_CONFLICT);
    assert_non_null(strstr(err.message, "another run writes"));
    assert_int_equal(access(hidden(world, "/theirs"), F_OK), 0);
    (void)close(fd);
}

static void a_container_without_a_digest_is_a_gap_that_verifies(void **state)
{
    struct world *world = *state;

    world->inventory[3].uai = world->instances[3].uai = "nginx";
    world->inventory[3].repository = world->inventory[3].tag = NULL;
    world->inventory[3].manifest_digest = world->instances[3].manifest_digest = NULL;
    world->inventory[3].state = world->instances[3].state = "unresolved";
    world->totals[1].state = "unresolved";
    world->inventory[3].reason = "the runtime reported no digest";
    /* rows come by uai: "nginx" stands before "r.example" */
    for (size_t i = 3; i > 0; i--) {
        struct inventory_row row = world->inventory[i];

        world->inventory[i] = world->inventory[i - 1];
        world->inventory[i - 1] = row;
    }
    write_ok(world);
    assert_verifies(world, 1);
}

static void texts_that_would_run_are_neutralised_in_the_csv(void **state)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf csv;
    struct world *world = *state;

    world->instances[0].image = "=cmd|'/c calc'!A1";
    world->instances[0].node = "@node \"x\"";
    world->instances[0].pod = "\tpod";
    write_ok(world);
    read_file(world_path(world, BUNDLE_CONTAINERS), &csv);
    assert_non_null(strstr(csv.data, ",\"'=cmd|'/c calc'!A1\","));
    assert_non_null(strstr(csv.data, ",\"'@node \"\"x\"\"\"\r\n"));
    assert_non_null(strstr(csv.data, ",\"'\tpod\","));
    assert_verifies(world, 1);
}

static void an_empty_month_is_a_bundle_without_rows(void **state)
{
    struct world *world = *state;

    world->inventory_count = world->instance_count = 0;
    world->not_running_count = world->total_count = 0;
    world->no_findings = true;
    write_ok(world);
    assert_verifies(world, 0);
}

/* The last test: a requested stop stays. */
static void a_requested_stop_leaves_nothing(void **state)
{
    mu_stop_request();
    assert_refused(*state, 60000, MU_E_UNAVAILABLE, "stopping");
}

#define WORLD_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

/* Differences that verify finds. */
static size_t verify_bundle_of(const struct world *world)
{
    MU_AUTO(table) struct mu_table *differences = mu_table_new(verify_columns, VERIFY_COLUMN_COUNT);
    MU_AUTO(table)
    struct mu_table *gaps = mu_table_new(verify_gap_columns, VERIFY_GAP_COLUMN_COUNT);
    MU_AUTO(table)
    struct mu_table *signatures =
            mu_table_new(verify_signature_columns, VERIFY_SIGNATURE_COLUMN_COUNT);
    const struct verify_tables tables = {differences, gaps, signatures};
    const struct verify_request request = {.path = world->folder};
    struct verify_summary summary;
    struct mu_error err;

    assert_int_equal(verify_package(&request, &tables, &summary, &err), MU_OK);
    return summary.differences;
}

static void rows_beyond_a_sheet_go_on_in_further_files(void **state)
{
    struct world *world = *state;
    struct bundle_counts counts;
    struct mu_error err;

    world->max_inventory_rows = 2;
    assert_int_equal(world_write(world, 0, &counts, &err), MU_OK);
    assert_int_equal(counts.rows, 3);
    assert_int_equal(counts.inventory_files, 2);
    assert_int_equal(access(world_path(world, "inventory-2.xlsx"), F_OK), 0);
    assert_int_not_equal(access(world_path(world, "inventory-3.xlsx"), F_OK), 0);
    assert_int_equal(verify_bundle_of(world), 0);
}

/* A host between the images, and a bundle that calls an image a host. */
static void other_assets_have_rows_and_hide_nothing(void **state)
{
    static const char hosts[] =
            "unique_asset_identifier,address,virtual,public,baseline_configuration_name,"
            "software_vendor,software_name_version,diagram_label,function\n"
            "r.example/apps/b.host,10.0.0.1,Yes,No,STIG,Open Source,PostgreSQL 15,DB,Data\n";
    struct world *world = *state;
    struct bundle_counts counts;
    struct mu_error err;
    char path[WORLD_PATH_SIZE + 16];
    json_t *others;

    (void)snprintf(path, sizeof(path), "%s/hosts.csv", world->root);
    assert_int_equal(mu_file_write_atomic(path, hosts, strlen(hosts), &err), MU_OK);
    world->system.other_assets = path;
    assert_int_equal(world_write(world, 0, &counts, &err), MU_OK);
    assert_int_equal(counts.rows, 4);
    assert_int_equal(verify_bundle_of(world), 0);
    others = world_json(world, BUNDLE_OTHER_ASSETS);
    (void)json_array_append_new(others, json_pack("{s:s}", "uai", UAI_C));
    world_put_json(world, BUNDLE_OTHER_ASSETS, others);
    world_list(world, BUNDLE_OTHER_ASSETS);
    assert_int_not_equal(verify_bundle_of(world), 0);
}

static void an_asset_that_is_an_image_too_is_refused(void **state)
{
    static const char hosts[] = "unique_asset_identifier,address,virtual,public,"
                                "baseline_configuration_name,software_vendor,"
                                "software_name_version,diagram_label,function\n" UAI_B
                                ",10.0.0.1,Yes,No,STIG,Open Source,PostgreSQL 15,DB,Data\n";
    struct world *world = *state;
    struct bundle_counts counts;
    struct mu_error err;
    char path[WORLD_PATH_SIZE + 16];

    (void)snprintf(path, sizeof(path), "%s/hosts.csv", world->root);
    assert_int_equal(mu_file_write_atomic(path, hosts, strlen(hosts), &err), MU_OK);
    world->system.other_assets = path;
    assert_int_equal(world_write(world, 0, &counts, &err), MU_E_INVALID);
    assert_non_null(strstr(err.message, "hosts.csv:2: 'UNIQUE ASSET IDENTIFIER' '" UAI_B
                                        "' is that of an image"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            WORLD_TEST(a_bundle_is_written_whole_and_verifies),
            WORLD_TEST(the_same_snapshot_gives_the_same_manifest),
            WORLD_TEST(rows_beyond_a_sheet_go_on_in_further_files),
            WORLD_TEST(other_assets_have_rows_and_hide_nothing),
            WORLD_TEST(an_asset_that_is_an_image_too_is_refused),
            WORLD_TEST(slashes_behind_the_folder_do_not_count),
            WORLD_TEST(missing_parents_are_made),
            WORLD_TEST(an_existing_target_is_a_conflict),
            WORLD_TEST(a_target_that_appears_meanwhile_is_not_replaced),
            WORLD_TEST(evidence_that_is_gone_is_named_and_nothing_remains),
            WORLD_TEST(evidence_of_other_bytes_is_refused_and_nothing_remains),
            WORLD_TEST(evidence_that_dies_in_the_middle_leaves_nothing),
            WORLD_TEST(evidence_over_the_limit_leaves_nothing),
            WORLD_TEST(evidence_is_asked_for_again_while_the_api_is_away),
            WORLD_TEST(evidence_without_a_digest_as_name_is_not_asked_for),
            cmocka_unit_test(a_full_disk_leaves_nothing),
            WORLD_TEST(what_a_killed_run_left_is_cleared),
            WORLD_TEST(what_no_run_made_is_not_cleared),
            WORLD_TEST(a_folder_that_another_run_writes_is_left_to_it),
            WORLD_TEST(a_container_without_a_digest_is_a_gap_that_verifies),
            WORLD_TEST(texts_that_would_run_are_neutralised_in_the_csv),
            WORLD_TEST(an_empty_month_is_a_bundle_without_rows),
            WORLD_TEST(a_requested_stop_leaves_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
