/* table: aligned text that fits its width, or JSON; neither can be broken by a cell. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/memory.h"
#include "base/table.h"

#include <stdlib.h>
#include <string.h>

static const char *const columns[] = {"asset_id", "state"};

/* What the table prints; free it. */
static char *print(const struct mu_table *table, enum mu_format format, size_t width)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);

    assert_non_null(out);
    mu_table_print(table, format, width, out);
    (void)fclose(out);
    return text;
}

static void prints(const struct mu_table *table, enum mu_format format, size_t width,
                   const char *wanted)
{
    MU_AUTO_FREE char *text = print(table, format, width);

    assert_string_equal(text, wanted);
}

static struct mu_table *table_of(const char *a, const char *b)
{
    struct mu_table *table = mu_table_new(columns, 2);

    mu_table_row(table, (const char *const[]){a, b});
    return table;
}

static void text_has_a_heading_and_aligned_columns(void **state)
{
    MU_AUTO(table) struct mu_table *table = table_of("registry/app:1", "covered");

    (void)state;
    mu_table_row(table, (const char *const[]){"x", NULL});
    assert_int_equal(mu_table_row_count(table), 2);
    prints(table, MU_FORMAT_TEXT, 80,
           "ASSET ID        STATE\nregistry/app:1  covered\nx               -\n");
}

static void json_is_an_array_of_objects_with_null_for_what_is_not_known(void **state)
{
    MU_AUTO(table) struct mu_table *table = table_of("a\"\n", NULL);

    (void)state;
    mu_table_row(table, (const char *const[]){"\xff", "b"});
    prints(table, MU_FORMAT_JSON, 0,
           "[\n {\"asset_id\":\"a\\\"\\n\",\"state\":null},\n "
           "{\"asset_id\":\"?\",\"state\":\"b\"}\n]\n");
}

static void an_empty_table_is_a_heading_or_an_empty_array(void **state)
{
    MU_AUTO(table) struct mu_table *table = mu_table_new(columns, 2);

    (void)state;
    prints(table, MU_FORMAT_TEXT, 0, "ASSET ID  STATE\n");
    prints(table, MU_FORMAT_JSON, 0, "[\n]\n");
    mu_table_free(NULL);
}

static void the_widest_column_is_cut_in_its_middle_to_fit(void **state)
{
    MU_AUTO(table) struct mu_table *table = table_of("registry.example/team/app:1.0", "covered");

    (void)state;
    prints(table, MU_FORMAT_TEXT, 25, "ASSET ID          STATE\nregistr..app:1.0  covered\n");
}

static void rows_without_room_for_their_columns_are_blocks_of_lines(void **state)
{
    MU_AUTO(table) struct mu_table *table = table_of("registry.example/team/app", "covered");

    (void)state;
    mu_table_row(table, (const char *const[]){"x", NULL});
    prints(table, MU_FORMAT_TEXT, 25,
           "ASSET ID          STATE\nregistr..eam/app  covered\nx"
           "                 -\n");
    prints(table, MU_FORMAT_TEXT, 24,
           "ASSET ID  registry.example/team/app\nSTATE     covered\n\nASSET ID  x\n");
}

static void times_lose_their_fraction_before_a_column_is_cut(void **state)
{
    static const char *const rows[][2] = {{"2026-11-01T00:00:00.123456Z", "2026-11-01T00:00:00Z"},
                                          {"2026-11-01 00:00:00.1+00", "2026-11-01T00:00:00Z"},
                                          {"2026-11-01 00:00:00.x", "2026-11-01T00:00:00Z"},
                                          {"2026-11-01", "2026-11-01T00:00:00Z"}};
    MU_AUTO(table) struct mu_table *table = mu_table_new(columns, 2);

    (void)state;
    for (size_t i = 0; i < 4; i++)
        mu_table_row(table, rows[i]);
    prints(table, MU_FORMAT_TEXT, 49,
           "ASSET ID                     STATE\n"
           "2026-11-01T00:00:00.123456Z  2026-11-01T00:00:00Z\n"
           "2026-11-01 00:00:00.1+00     2026-11-01T00:00:00Z\n"
           "2026-11-01 00:00:00.x        2026-11-01T00:00:00Z\n"
           "2026-11-01                   2026-11-01T00:00:00Z\n");
    prints(table, MU_FORMAT_TEXT, 48,
           "ASSET ID                STATE\n"
           "2026-11-01T00:00:00Z    2026-11-01T00:00:00Z\n"
           "2026-11-01 00:00:00+00  2026-11-01T00:00:00Z\n"
           "2026-11-01 00:00:00.x   2026-11-01T00:00:00Z\n"
           "2026-11-01              2026-11-01T00:00:00Z\n");
}

#define E4 "\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9"

static void width_counts_characters_and_cuts_between_them(void **state)
{
    MU_AUTO(table) struct mu_table *table = table_of(E4 E4 E4 E4 E4, "x");

    (void)state;
    prints(table, MU_FORMAT_TEXT, 25, "ASSET ID            STATE\n" E4 E4 ".." E4 E4 "  x\n");
    prints(table, MU_FORMAT_TEXT, 22, "ASSET ID  " E4 E4 E4 E4 E4 "\nSTATE     x\n");
}

static void a_cell_cannot_command_the_terminal(void **state)
{
    MU_AUTO(table)
    struct mu_table *table = table_of("a\x1b[2Jb\nc\x7f", "\xc2\x9b"
                                                          "2J\xc2\xa0");

    (void)state;
    prints(table, MU_FORMAT_TEXT, 0, "ASSET ID   STATE\na [2Jb c    2J\xc2\xa0\n");
}

static void bytes_that_are_no_utf8_are_not_shown(void **state)
{
    MU_AUTO(table)
    struct mu_table *table = table_of("a\x9b"
                                      "b",
                                      "x");

    (void)state;
    prints(table, MU_FORMAT_TEXT, 0, "ASSET ID  STATE\na b        x\n");
}

static void many_rows_are_kept_in_order(void **state)
{
    MU_AUTO(table) struct mu_table *table = mu_table_new(columns, 2);
    MU_AUTO_FREE char *text = NULL;

    (void)state;
    for (int i = 0; i < 1000; i++) {
        char number[16];

        (void)snprintf(number, sizeof(number), "%d", i);
        mu_table_row(table, (const char *const[]){number, "x"});
    }
    text = print(table, MU_FORMAT_JSON, 0);
    assert_non_null(strstr(text, "{\"asset_id\":\"998\",\"state\":\"x\"},\n "
                                 "{\"asset_id\":\"999\",\"state\":\"x\"}\n]\n"));
}

static void a_format_is_read_by_its_name(void **state)
{
    enum mu_format format = MU_FORMAT_TEXT;
    struct mu_error err;

    (void)state;
    assert_int_equal(mu_format_parse("json", &format, &err), MU_OK);
    assert_int_equal(format, MU_FORMAT_JSON);
    assert_int_equal(mu_format_parse("xml", &format, &err), MU_E_INVALID);
    assert_int_equal(mu_format_parse(NULL, &format, &err), MU_E_INVALID);
    assert_int_equal(format, MU_FORMAT_JSON);
    assert_int_equal(mu_format_parse("text", &format, &err), MU_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(text_has_a_heading_and_aligned_columns),
            cmocka_unit_test(json_is_an_array_of_objects_with_null_for_what_is_not_known),
            cmocka_unit_test(an_empty_table_is_a_heading_or_an_empty_array),
            cmocka_unit_test(the_widest_column_is_cut_in_its_middle_to_fit),
            cmocka_unit_test(rows_without_room_for_their_columns_are_blocks_of_lines),
            cmocka_unit_test(times_lose_their_fraction_before_a_column_is_cut),
            cmocka_unit_test(width_counts_characters_and_cuts_between_them),
            cmocka_unit_test(a_cell_cannot_command_the_terminal),
            cmocka_unit_test(bytes_that_are_no_utf8_are_not_shown),
            cmocka_unit_test(many_rows_are_kept_in_order),
            cmocka_unit_test(a_format_is_read_by_its_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
