/* Files of people's statements: both forms, what is wrong and where, and the way there and back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "records/statement_kinds.h"

static struct mu_arena *arena;
static struct record_set set;
static struct mu_error err;

static int make_arena(void **state)
{
    (void)state;
    arena = mu_arena_new(RECORD_ARENA_MAX_BYTES);
    return 0;
}

static int free_arena(void **state)
{
    (void)state;
    mu_arena_free(arena);
    return 0;
}

static enum mu_status parse(enum statement_kind kind, const char *text)
{
    return record_file_parse(&statement_records[kind], text, strlen(text), arena, &set, &err);
}

static void assert_wrong(enum statement_kind kind, const char *text, const char *message)
{
    assert_int_equal(parse(kind, text), MU_E_INVALID);
    assert_string_equal(err.message, message);
}

#define HEAD "asset,public,at,by\n"

static void columns_may_stand_in_any_order(void **state)
{
    (void)state;
    assert_int_equal(parse(STATEMENT_EXPOSURE,
                           "\xef\xbb\xbf"
                           "by,asset,at,public\r\n\"O'Hara, \"\"Pat\"\"\",r.example/a,"
                           "2026-11-01T01:00:00+01:00,yes\r\n\r\n"),
                     MU_OK);
    assert_int_equal(set.count, 1);
    assert_string_equal(set.items[0].values[0], "r.example/a");
    assert_string_equal(set.items[0].values[2], "2026-11-01T00:00:00.000000Z");
    assert_string_equal(set.items[0].values[3], "O'Hara, \"Pat\"");
    assert_null(set.items[0].values[4]);
}

static void errors_of_csv_name_line_and_column(void **state)
{
    (void)state;
    assert_wrong(STATEMENT_EXPOSURE, "", "line 1, column 1: the file is empty");
    assert_wrong(STATEMENT_EXPOSURE, "asset,publik\n",
                 "line 1, column 7: exposures has no column 'publik'");
    assert_wrong(STATEMENT_EXPOSURE, "asset,asset\n",
                 "line 1, column 7: exposures has no column 'asset' twice");
    assert_wrong(STATEMENT_EXPOSURE, HEAD "a,yes,2026-11-01T00:00:00Z,b\na,maybe,x,b\n",
                 "line 3, column 3: public: 'maybe' is none of yes, no");
    assert_wrong(STATEMENT_EXPOSURE, HEAD "a,yes,yesterday,b\n",
                 "line 2, column 7: at: 'yesterday' is no time as 2026-11-01T12:00:00Z");
    assert_wrong(STATEMENT_EXPOSURE, HEAD "a,yes,2026-11-01T00:00:00Z,\n",
                 "line 2, column 28: by: is missing");
    assert_wrong(STATEMENT_EXPOSURE, HEAD "a b,yes,2026-11-01T00:00:00Z,b\n",
                 "line 2, column 1: asset: has a space");
    assert_wrong(STATEMENT_EXPOSURE, HEAD "a,yes\n",
                 "line 2, column 1: the line has 2 values, the header 4");
    assert_wrong(STATEMENT_EXPOSURE, HEAD "a,yes,x,b,c\n",
                 "line 2, column 11: the line has more values than the header");
    assert_wrong(STATEMENT_EXPOSURE, HEAD "a,\"yes\n", "line 3, column 1: a quote is not closed");
    assert_wrong(STATEMENT_EXPOSURE, HEAD "a,y\"es\n",
                 "line 2, column 4: a quote in the middle of a value, or something behind it");
}

static void formulas_are_refused(void **state)
{
    (void)state;
    assert_wrong(STATEMENT_EXPOSURE, HEAD "a,yes,2026-11-01T00:00:00Z,=HYPERLINK()\n",
                 "line 2, column 28: by: begins with '=', which a spreadsheet would run");
}

#define JSON(records)                                                                              \
    "{\"schema\":\"muster.operator-facts.v1\",\"kind\":\"exposures\",\n \"records\":[" records "]" \
    "}"

static void errors_of_json_name_line_and_column(void **state)
{
    (void)state;
    assert_int_equal(parse(STATEMENT_EXPOSURE, "{\"schema\":"), MU_E_INVALID);
    assert_wrong(STATEMENT_EXPOSURE,
                 "{\"schema\":\"muster.operator-facts.v1\",\"kind\":\"ssvc\",\"records\":[]}",
                 "kind: expected \"exposures\"");
    assert_wrong(STATEMENT_EXPOSURE,
                 JSON("\n{\"asset\":\"a\",\"public\":\"no\",\"at\":\"2026-11-01T00:00:00Z\",\"by\":"
                      "\"b\"},"
                      "\n{\"asset\":\"a\",\n  \"public\": \"maybe\"}"),
                 "line 5, column 13: public: 'maybe' is none of yes, no");
    assert_wrong(STATEMENT_EXPOSURE, JSON("{\"asset\":7}"),
                 "line 2, column 13: records[0]: asset: is no text");
    assert_wrong(STATEMENT_EXPOSURE, JSON("{\"asset\":\"x\",\"{[\\\"\":1}"),
                 "line 2, column 13: records[0]: exposures has no field '{[\"'");
}

#define DEVIATIONS "deviation,record,at,by,role,kind,vulnerability,asset,rationale,evidence\n"
#define AT         ",2026-11-01T00:00:00Z,ann,"

static void what_a_record_is_decides_what_it_must_have(void **state)
{
    (void)state;
    assert_wrong(STATEMENT_DEVIATION, DEVIATIONS "D1,request" AT ",accepted,CVE-1,*,,\n",
                 "line 2, column 55: rationale: is missing, as the record is request");
    assert_wrong(STATEMENT_DEVIATION, DEVIATIONS "D1,approve" AT "AO,accepted,,,,mail\n",
                 "line 2, column 40: kind: has no place in a record of approve");
    assert_wrong(STATEMENT_DEVIATION, DEVIATIONS "D1,approve" AT "AO,,,,,\n",
                 "line 2, column 44: evidence: is missing, as the record is approve");
    assert_int_equal(parse(STATEMENT_DEVIATION, DEVIATIONS "D1,approve" AT "AO,,,,,mail\n"), MU_OK);
}

static void write_set(enum record_form form, struct mu_buf *out)
{
    struct record_writer writer;

    record_write_begin(&writer, &statement_records[STATEMENT_EXPOSURE], form, out);
    for (size_t i = 0; i < set.count; i++)
        record_write(&writer, &set.items[i]);
    record_write_end(&writer);
}

static void both_forms_read_as_they_were_written(void **state)
{
    struct mu_buf csv, json, again;

    (void)state;
    mu_buf_init(&csv, 1 << 20);
    mu_buf_init(&json, 1 << 20);
    mu_buf_init(&again, 1 << 20);
    assert_int_equal(parse(STATEMENT_EXPOSURE,
                           HEAD "a,yes,2026-11-01T00:00:00Z,\"two\nlines, \"\"quoted\"\"\"\nb,no,"
                                "2026-11-02T00:00:00.5Z,caf\xc3\xa9\n"),
                     MU_OK);
    write_set(RECORD_CSV, &csv);
    write_set(RECORD_JSON, &json);
    assert_int_equal(parse(STATEMENT_EXPOSURE, json.data), MU_OK);
    write_set(RECORD_CSV, &again);
    assert_string_equal(again.data, csv.data);
    mu_buf_reset(&again);
    assert_int_equal(parse(STATEMENT_EXPOSURE, csv.data), MU_OK);
    write_set(RECORD_JSON, &again);
    assert_string_equal(again.data, json.data);
    mu_buf_done(&csv);
    mu_buf_done(&json);
    mu_buf_done(&again);
}

static void a_file_without_records_is_one(void **state)
{
    struct mu_buf out;

    (void)state;
    for (enum record_form form = RECORD_CSV; form <= RECORD_JSON; form++) {
        mu_buf_init(&out, 1 << 20);
        set.count = 0;
        write_set(form, &out);
        set.count = 1;
        assert_int_equal(parse(STATEMENT_EXPOSURE, out.data), MU_OK);
        assert_int_equal(set.count, 0);
        mu_buf_done(&out);
    }
}

#define CASE(function) cmocka_unit_test_setup_teardown(function, make_arena, free_arena)

int main(void)
{
    const struct CMUnitTest tests[] = {
            CASE(columns_may_stand_in_any_order),
            CASE(errors_of_csv_name_line_and_column),
            CASE(formulas_are_refused),
            CASE(errors_of_json_name_line_and_column),
            CASE(what_a_record_is_decides_what_it_must_have),
            CASE(both_forms_read_as_they_were_written),
            CASE(a_file_without_records_is_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
