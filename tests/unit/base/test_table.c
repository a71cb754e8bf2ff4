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

static void add_numbers(struct mu_table *table, int from, int to, const char *state)
{
    for (int i = from; i < to; i++) {
        char number[16];

        (void)snprintf(number, sizeof(number), "%d", i);
        mu_table_row(table, (const char *const[]){number, state});
    }
}

static void of_rows_without_end_only_the_newest_are_kept(void **state)
{
    MU_AUTO(table) struct mu_table *table = mu_table_new(columns, 2);

    (void)state;
    mu_table_keep_last(table, 3);
    add_numbers(table, 0, 2, "x");
    prints(table, MU_FORMAT_TEXT, 0, "ASSET ID  STATE\n0         x\n1         x\n");
    add_numbers(table, 2, 100, "x");
    assert_int_equal(mu_table_row_count(table), 100);
    prints(table, MU_FORMAT_TEXT, 0, "ASSET ID  STATE\n97        x\n98        x\n99        x\n");
    prints(table, MU_FORMAT_JSON, 0,
           "[\n {\"asset_id\":\"97\",\"state\":\"x\"},\n {\"asset_id\":\"98\",\"state\":\"x\"},\n "
           "{\"asset_id\":\"99\",\"state\":\"x\"}\n]\n");
}

enum { MANY = 2500 };

/* What a table of MANY rows prints as they come, all at the end, is `wanted`; free it. */
static char *as_they_come(enum mu_format format, size_t width, size_t *ret_early)
{
    MU_AUTO(table) struct mu_table *table = mu_table_new(columns, 2);
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);

    mu_table_begin(table, format, width, out);
    add_numbers(table, 0, MANY, "x");
    (void)fflush(out);
    *ret_early = len;
    mu_table_end(table);
    assert_int_equal(mu_table_row_count(table), MANY);
    (void)fclose(out);
    return text;
}

static void rows_are_printed_as_they_come(void **state)
{
    MU_AUTO(table) struct mu_table *table = mu_table_new(columns, 2);

    (void)state;
    add_numbers(table, 0, MANY, "x");
    for (int format = MU_FORMAT_TEXT; format <= MU_FORMAT_JSON; format++)
        for (size_t width = 0; width <= 10; width += 10) { /* 10: blocks */
            MU_AUTO_FREE char *whole = print(table, format, width);
            size_t early = 0;
            MU_AUTO_FREE char *text = as_they_come(format, width, &early);

            assert_string_equal(text, whole);
            assert_true(early > strlen(whole) / 2 && early < strlen(whole));
        }
}

static void few_rows_wait_for_the_end(void **state)
{
    MU_AUTO(table) struct mu_table *table = mu_table_new(columns, 2);
    MU_AUTO_FREE char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);

    (void)state;
    mu_table_begin(table, MU_FORMAT_JSON, 0, out);
    add_numbers(table, 0, 1000, "x");
    (void)fflush(out);
    assert_int_equal(len, 0);
    (void)fclose(out);
}

static void a_longer_cell_that_comes_late_is_cut_on_a_terminal_alone(void **state)
{
    static const char longer[] = "registry.example/team/application";

    (void)state;
    for (size_t width = 0; width <= 40; width += 40) {
        MU_AUTO(table) struct mu_table *table = mu_table_new(columns, 2);
        MU_AUTO_FREE char *text = NULL;
        size_t len = 0;
        FILE *out = open_memstream(&text, &len);

        mu_table_begin(table, MU_FORMAT_TEXT, width, out);
        mu_table_row(table, (const char *const[]){"registry.example/team/app", "x"});
        add_numbers(table, 1, 1001, "x");
        mu_table_row(table, (const char *const[]){longer, "a state that is longer"});
        mu_table_end(table);
        (void)fclose(out);
        assert_non_null(strstr(text, width == 0
                                             ? "\nregistry.example/team/application  a state that "
                                               "is longer\n"
                                             : "\nregistry.ex../application  a state that is "
                                               "longer\n"));
    }
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
            cmocka_unit_test(of_rows_without_end_only_the_newest_are_kept),
            cmocka_unit_test(rows_are_printed_as_they_come),
            cmocka_unit_test(few_rows_wait_for_the_end),
            cmocka_unit_test(a_longer_cell_that_comes_late_is_cut_on_a_terminal_alone),
            cmocka_unit_test(a_format_is_read_by_its_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
