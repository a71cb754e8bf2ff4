#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bundle/csv_rows.h"

#include "bundle_build.h"
#include "csv/csv_reader.h"

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

static void write_list(const struct world *world, enum snapshot_list list, enum snapshot_rows kind,
                       struct mu_buf *ret_text)
{
    MU_AUTO(snapshot) struct snapshot *snapshot = world_snapshot(world);
    char path[WORLD_PATH_SIZE];
    struct mu_error err;

    (void)snprintf(path, sizeof(path), "%s/rows.csv", world->root);
    mu_buf_init(ret_text, 1 << 20);
    if (csv_rows_write(snapshot, list, kind, NULL, path, &err) != MU_OK ||
        mu_file_read(path, ret_text, &err) != MU_OK)
        fail_msg("%s", err.message);
    assert_int_equal(unlink(path), 0);
}

static void a_line_has_the_members_of_the_row_in_their_order(void **state)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf csv;

    write_list(*state, SNAPSHOT_LIST_FAILURES, SNAPSHOT_FAILURES, &csv);
    assert_string_equal(csv.data,
                        "failure,state,code,message,repository,digest,source,attempts,opened_at,"
                        "closed_at\r\n"
                        "\"00000000-0000-0000-0000-000000000001\",\"open\",\"registry_denied\","
                        "\"the registry refused the credentials\",\"r.example/apps/c\",\"\",\"\","
                        "\"5\",\"2026-11-10T10:00:00.000000Z\",\"\"\r\n");
}

static void what_a_spreadsheet_would_run_gets_an_apostrophe(void **state)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf csv;
    struct world *world = *state;

    world->failures[0].message = "=HYPERLINK(\"x\")\nand more";
    world->failures[0].source = "@SUM(1)";
    write_list(world, SNAPSHOT_LIST_FAILURES, SNAPSHOT_FAILURES, &csv);
    assert_non_null(strstr(csv.data, ",\"'=HYPERLINK(\"\"x\"\")\nand more\","));
    assert_non_null(strstr(csv.data, ",\"'@SUM(1)\","));
}

static enum mu_status count_fields(void *opaque, size_t row, const char *const *fields,
                                   size_t count, struct mu_error *err)
{
    size_t *rows = opaque;

    (void)fields, (void)err;
    assert_int_equal(count, 33);
    *rows = row;
    return MU_OK;
}

static void findings_read_back_with_a_line_for_each(void **state)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf csv;
    struct mu_error err;
    size_t rows = 0;
    FILE *in;

    write_list(*state, SNAPSHOT_LIST_FINDINGS, SNAPSHOT_FINDINGS, &csv);
    in = fmemopen(csv.data, csv.len, "r");
    assert_non_null(in);
    assert_int_equal(csv_read(in, count_fields, &rows, &err), MU_OK);
    (void)fclose(in);
    assert_int_equal(rows, 1 + 5);
}

static void a_file_that_exists_is_not_overwritten(void **state)
{
    const struct world *world = *state;
    MU_AUTO(snapshot) struct snapshot *snapshot = world_snapshot(world);
    struct mu_error err;

    assert_int_equal(csv_rows_write(snapshot, SNAPSHOT_LIST_FAILURES, SNAPSHOT_FAILURES, NULL,
                                    world->root, &err),
                     MU_E_UNAVAILABLE);
}

static void a_disk_that_is_full_is_told(void **state)
{
    const char *const row[] = {"a"};
    struct mu_error err;
    FILE *full = fopen("/dev/full", "w");

    (void)state;
    assert_non_null(full);
    csv_put_row(full, row, 1);
    assert_int_equal(csv_finish(full, "/dev/full", &err), MU_E_UNAVAILABLE);
    (void)fclose(full);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
            TEST(a_line_has_the_members_of_the_row_in_their_order),
            TEST(what_a_spreadsheet_would_run_gets_an_apostrophe),
            TEST(findings_read_back_with_a_line_for_each),
            TEST(a_file_that_exists_is_not_overwritten),
            TEST(a_disk_that_is_full_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
