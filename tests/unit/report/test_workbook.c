#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "workbook/workbook.h"
#include "workbook/xlsx_reader.h"

#include "base/file.h"
#include "base/memory.h"
#include "json/json_doc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct inventory_workbook_properties properties = {
        "System", "2026-11", "2026-11-30T23:59:59.999999Z", 1796083199999999, false, 0};

static char folder[] = "/tmp/muster-workbook-XXXXXX";

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    return rmdir(folder);
}

static void path_of(const char *name, char *ret_path, size_t size)
{
    (void)snprintf(ret_path, size, "%s/%s", folder, name);
}

static void write_two_rows(const char *path)
{
    MU_AUTO(inventory_workbook) struct inventory_workbook *workbook = NULL;
    struct inventory_workbook_row first = {{[COLUMN_UAI] = "r/a:1",
                                            [COLUMN_ADDRESS] = "sha256:1\nsha256:2",
                                            [COLUMN_END_OF_LIFE] = "1/1/2030"}};
    struct inventory_workbook_row second = {{[COLUMN_UAI] = "r/b:1 <&>\"", [COLUMN_OS] = ""}};
    struct inventory_workbook *finished;
    struct mu_error err;

    assert_int_equal(inventory_workbook_open(path, &properties, &workbook, &err), MU_OK);
    assert_int_equal(inventory_workbook_add(workbook, &first, &err), MU_OK);
    assert_int_equal(inventory_workbook_add(workbook, &second, &err), MU_OK);
    finished = workbook;
    workbook = NULL;
    assert_int_equal(inventory_workbook_close(finished, &err), MU_OK);
}

struct seen {
    size_t rows;
    char uai[8][64];
    char address[8][64];
    size_t cells[8];
};

static enum mu_status remember(void *opaque, size_t row, const char *const *cells, size_t count,
                               struct mu_error *err)
{
    struct seen *seen = opaque;

    (void)err;
    assert_true(row <= 8);
    (void)snprintf(seen->uai[row - 1], 64, "%s", cells[0] ? cells[0] : "");
    (void)snprintf(seen->address[row - 1], 64, "%s", count > 1 && cells[1] ? cells[1] : "");
    seen->cells[row - 1] = count;
    seen->rows = row;
    return MU_OK;
}

static enum mu_status measure(void *opaque, size_t row, const char *const *cells, size_t count,
                              struct mu_error *err)
{
    size_t *length = opaque;

    (void)err;
    if (row > WORKBOOK_HEADER_ROWS)
        *length = strlen(cells[count > 1 ? 1 : 0]);
    return MU_OK;
}

static void what_is_written_is_read_back(void **state)
{
    struct seen seen = {0};
    struct mu_error err;
    char path[128];

    (void)state;
    path_of("a.xlsx", path, sizeof(path));
    write_two_rows(path);
    assert_int_equal(xlsx_read(path, "Inventory", remember, &seen, &err), MU_OK);
    assert_int_equal(seen.rows, 4);
    assert_string_equal(seen.uai[0], "All Inventories");
    assert_string_equal(seen.uai[1], "UNIQUE ASSET IDENTIFIER");
    assert_int_equal(seen.cells[1], COLUMN_COUNT);
    assert_string_equal(seen.uai[2], "r/a:1");
    assert_string_equal(seen.address[2], "sha256:1\nsha256:2");
    assert_int_equal(seen.cells[2], COLUMN_COUNT);
    assert_string_equal(seen.uai[3], "r/b:1 <&>\"");
    assert_int_equal(seen.cells[3], 1);
    (void)unlink(path);
}

static void the_same_rows_give_the_same_bytes(void **state)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf first, second;
    struct mu_error err;
    char path[128];

    (void)state;
    path_of("same.xlsx", path, sizeof(path));
    mu_buf_init(&first, 1 << 20);
    mu_buf_init(&second, 1 << 20);
    write_two_rows(path);
    assert_int_equal(mu_file_read(path, &first, &err), MU_OK);
    write_two_rows(path);
    assert_int_equal(mu_file_read(path, &second, &err), MU_OK);
    assert_int_equal(first.len, second.len);
    assert_memory_equal(first.data, second.data, first.len);
    (void)unlink(path);
}

static void a_cell_over_the_limit_is_refused_by_asset_and_column(void **state)
{
    MU_AUTO(inventory_workbook) struct inventory_workbook *workbook = NULL;
    MU_AUTO_FREE char *large = malloc(WORKBOOK_CELL_MAX + 2);
    struct inventory_workbook_row row = {{[COLUMN_UAI] = "r/a:1", [COLUMN_COMMENTS] = large}};
    struct mu_error err;
    char path[128];

    (void)state;
    memset(large, 'x', WORKBOOK_CELL_MAX + 1);
    large[WORKBOOK_CELL_MAX + 1] = '\0';
    path_of("large.xlsx", path, sizeof(path));
    assert_int_equal(inventory_workbook_open(path, &properties, &workbook, &err), MU_OK);
    assert_int_equal(inventory_workbook_add(workbook, &row, &err), MU_E_LIMIT);
    assert_non_null(strstr(err.message, "asset 'r/a:1': 'Comments'"));
}

static void an_abandoned_workbook_leaves_no_file(void **state)
{
    struct inventory_workbook *workbook = NULL;
    struct mu_error err;
    char path[128];

    (void)state;
    path_of("gone.xlsx", path, sizeof(path));
    assert_int_equal(inventory_workbook_open(path, &properties, &workbook, &err), MU_OK);
    inventory_workbook_abandon(workbook);
    assert_int_not_equal(access(path, F_OK), 0);
}

static void a_missing_sheet_and_a_missing_file_are_not_found(void **state)
{
    struct seen seen = {0};
    struct mu_error err;
    char path[128];

    (void)state;
    path_of("b.xlsx", path, sizeof(path));
    assert_int_equal(xlsx_read(path, "Inventory", remember, &seen, &err), MU_E_NOT_FOUND);
    write_two_rows(path);
    assert_int_equal(xlsx_read(path, "Invented", remember, &seen, &err), MU_E_NOT_FOUND);
    assert_non_null(strstr(err.message, "no sheet 'Invented'"));
    (void)unlink(path);
}

static void what_is_no_zip_is_invalid(void **state)
{
    struct seen seen = {0};
    struct mu_error err;

    (void)state;
    assert_int_equal(xlsx_read_memory("not a zip", 9, "Inventory", remember, &seen, &err),
                     MU_E_INVALID);
}

static void a_truncated_workbook_never_passes_as_whole(void **state)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf bytes;
    struct mu_error err;
    char path[128];

    (void)state;
    path_of("torn.xlsx", path, sizeof(path));
    write_two_rows(path);
    mu_buf_init(&bytes, 1 << 20);
    assert_int_equal(mu_file_read(path, &bytes, &err), MU_OK);
    for (size_t len = 0; len < bytes.len; len += 97) {
        struct seen seen = {0};

        assert_int_not_equal(xlsx_read_memory(bytes.data, len, "Inventory", remember, &seen, &err),
                             MU_OK);
    }
    (void)unlink(path);
}

static void add_refused(const struct inventory_workbook_row *row, enum mu_status expected,
                        const char *says)
{
    MU_AUTO(inventory_workbook) struct inventory_workbook *workbook = NULL;
    struct mu_error err;
    char path[128];

    path_of("refused.xlsx", path, sizeof(path));
    assert_int_equal(inventory_workbook_open(path, &properties, &workbook, &err), MU_OK);
    assert_int_equal(inventory_workbook_add(workbook, row, &err), expected);
    if (!strstr(err.message, says))
        fail_msg("'%s' does not say '%s'", err.message, says);
}

static void a_text_that_is_not_utf8_is_refused(void **state)
{
    struct inventory_workbook_row row = {{[COLUMN_UAI] = "r/a:1", [COLUMN_OS] = "\xff"}};

    (void)state;
    add_refused(&row, MU_E_INVALID, "asset 'r/a:1': 'OS Name and Version' is not UTF-8");
}

/* Excel counts characters: 32767 of three bytes each still fit. */
static void the_largest_cell_is_written_and_read_back(void **state)
{
    MU_AUTO_FREE char *large = malloc(3 * WORKBOOK_CELL_MAX + 1);
    struct inventory_workbook_row row = {{[COLUMN_UAI] = "r/a:1", [COLUMN_ADDRESS] = large}};
    struct inventory_workbook *workbook;
    struct mu_error err;
    size_t length = 0;
    char path[128];

    (void)state;
    for (size_t i = 0; i < WORKBOOK_CELL_MAX; i++)
        memcpy(large + 3 * i, "€", 3);
    large[3 * WORKBOOK_CELL_MAX] = '\0';
    path_of("large.xlsx", path, sizeof(path));
    assert_int_equal(inventory_workbook_open(path, &properties, &workbook, &err), MU_OK);
    assert_int_equal(inventory_workbook_add(workbook, &row, &err), MU_OK);
    assert_int_equal(inventory_workbook_close(workbook, &err), MU_OK);
    assert_int_equal(xlsx_read(path, "Inventory", measure, &length, &err), MU_OK);
    assert_int_equal(length, 3 * WORKBOOK_CELL_MAX);
    (void)unlink(path);
}

static void hostile_texts_come_back_as_they_were(void **state)
{
    struct inventory_workbook_row row = {
            {[COLUMN_UAI] = "=1+1", [COLUMN_ADDRESS] = "_x0041_\r\x01]]><&\xef\xbf\xbf"}};
    struct inventory_workbook *workbook;
    struct seen seen = {0};
    struct mu_error err;
    char path[128];

    (void)state;
    path_of("hostile.xlsx", path, sizeof(path));
    assert_int_equal(inventory_workbook_open(path, &properties, &workbook, &err), MU_OK);
    assert_int_equal(inventory_workbook_add(workbook, &row, &err), MU_OK);
    assert_int_equal(inventory_workbook_close(workbook, &err), MU_OK);
    assert_int_equal(xlsx_read(path, "Inventory", remember, &seen, &err), MU_OK);
    assert_string_equal(seen.uai[2], row.cells[COLUMN_UAI]);
    assert_string_equal(seen.address[2], row.cells[COLUMN_ADDRESS]);
    (void)unlink(path);
}

static void a_folder_that_is_not_there_is_unavailable(void **state)
{
    struct inventory_workbook *workbook;
    struct mu_error err;

    (void)state;
    assert_int_equal(inventory_workbook_open("/nonexistent/w.xlsx", &properties, &workbook, &err),
                     MU_OK);
    assert_int_equal(inventory_workbook_close(workbook, &err), MU_E_UNAVAILABLE);
    assert_non_null(strstr(err.message, "/nonexistent/w.xlsx"));
}

static void more_rows_than_the_limit_are_refused(void **state)
{
    MU_AUTO(inventory_workbook) struct inventory_workbook *workbook = NULL;
    struct inventory_workbook_properties limited = properties;
    struct inventory_workbook_row row = {{[COLUMN_UAI] = "r/a:1"}};
    struct mu_error err;
    char path[128];

    (void)state;
    limited.max_rows = 2;
    path_of("rows.xlsx", path, sizeof(path));
    assert_int_equal(inventory_workbook_open(path, &limited, &workbook, &err), MU_OK);
    assert_int_equal(inventory_workbook_add(workbook, &row, &err), MU_OK);
    assert_int_equal(inventory_workbook_add(workbook, &row, &err), MU_OK);
    assert_int_equal(inventory_workbook_add(workbook, &row, &err), MU_E_LIMIT);
    assert_non_null(strstr(err.message, "asset 'r/a:1': a sheet holds no more than 2 rows"));
}

/* The table of the template's columns is data of its own. */
static void headers_and_groups_are_those_of_the_table(void **state)
{
    json_auto_t *table = json_load_file(MU_TEST_DATA "/workbook-v3.1.json", 0, NULL);
    const json_t *columns = json_object_get(table, "columns"), *title;
    size_t groups = 0;
    const char *range;

    (void)state;
    assert_int_equal(json_array_size(columns), COLUMN_COUNT);
    for (int i = 0; i < COLUMN_COUNT; i++) {
        const json_t *column = json_array_get(columns, (size_t)i);

        assert_string_equal(inventory_workbook_header((enum workbook_column)i),
                            json_string_value(json_object_get(column, "header")));
        groups += inventory_workbook_group((enum workbook_column)i) ? 1 : 0;
    }
    json_object_foreach (json_object_get(table, "groups"), range, title) {
        assert_string_equal(inventory_workbook_group((enum workbook_column)(*range - 'A')),
                            json_string_value(title));
        groups--;
    }
    assert_int_equal(groups, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(what_is_written_is_read_back),
            cmocka_unit_test(the_same_rows_give_the_same_bytes),
            cmocka_unit_test(a_cell_over_the_limit_is_refused_by_asset_and_column),
            cmocka_unit_test(an_abandoned_workbook_leaves_no_file),
            cmocka_unit_test(a_missing_sheet_and_a_missing_file_are_not_found),
            cmocka_unit_test(what_is_no_zip_is_invalid),
            cmocka_unit_test(a_truncated_workbook_never_passes_as_whole),
            cmocka_unit_test(a_text_that_is_not_utf8_is_refused),
            cmocka_unit_test(the_largest_cell_is_written_and_read_back),
            cmocka_unit_test(hostile_texts_come_back_as_they_were),
            cmocka_unit_test(a_folder_that_is_not_there_is_unavailable),
            cmocka_unit_test(more_rows_than_the_limit_are_refused),
            cmocka_unit_test(headers_and_groups_are_those_of_the_table),
    };

    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
