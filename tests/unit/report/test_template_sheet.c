#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "workbook/template_sheet.h"

#include "base/error.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STYLES                                                                              \
    "<styleSheet><cellXfs count=\"2\"><xf numFmtId=\"0\"/><xf numFmtId=\"0\" fontId=\"1\">" \
    "<alignment horizontal=\"left\" vertical=\"center\"/></xf></cellXfs><dxfs/></styleSheet>"

enum { NAME, DAY, DUE, RATING, COLUMNS };

static const struct form_column columns[COLUMNS] = {
        [NAME] = {"Name", 20, FORM_TEXT, NULL, NULL},
        [DAY] = {"Day", 20, FORM_DATE, NULL, NULL},
        [DUE] = {"Due", 20, FORM_DUE, NULL, NULL},
        [RATING] = {"Rating", 20, FORM_TEXT, NULL, NULL}};
static const struct form_due due = {DAY, RATING, RATING, NAME};
static const struct template_layout layout = {
        .header_row = 2, .data_row = 3, .columns = {0, 1, 3, 4}, .fields = {{1, 1}}};

struct rows {
    size_t left;
    const char *name;
};

static enum mu_status next(void *opaque, struct form_cell *cells, bool *ret_found,
                           struct mu_error *err)
{
    struct rows *rows = opaque;

    (void)err;
    *ret_found = rows->left > 0;
    if (rows->left == 0)
        return MU_OK;
    rows->left--;
    cells[NAME] = (struct form_cell){FORM_TEXT, rows->name, 0};
    cells[DAY] = (struct form_cell){FORM_DATE, NULL, 46000};
    cells[DUE] = (struct form_cell){FORM_DUE, NULL, 46030};
    return MU_OK;
}

/* The sheet with as many rows, as a text to be freed; NULL and an error in `err`. */
static char *fill(const char *xml, size_t count, const char *name, struct mu_error *err)
{
    struct rows rows = {count, name};
    const struct form_field field = {0, 1, "Field", {FORM_TEXT, "value & more", 0}, 0};
    const struct form_sheet sheet = {.name = "Sheet",
                                     .fields = &field,
                                     .field_count = 1,
                                     .columns = columns,
                                     .column_count = COLUMNS,
                                     .due = &due,
                                     .next = next,
                                     .opaque = &rows};
    MU_AUTO(template_styles) struct template_styles *styles = NULL;
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    enum mu_status st;

    assert_int_equal(template_styles_new(STYLES, strlen(STYLES), &styles, err), MU_OK);
    st = template_sheet_write(xml, strlen(xml), &sheet, &layout, styles, out, err);
    (void)fclose(out);
    if (st == MU_OK)
        return text;
    free(text);
    return NULL;
}

static void check(const char *xml, size_t count, const char *wanted)
{
    struct mu_error err = {.message = ""};
    char *text = fill(xml, count, "=a", &err);

    if (!text)
        fail_msg("%s", err.message);
    assert_string_equal(text, wanted);
    free(text);
}

#define FIELD_ROW                                                                                 \
    "<row r=\"1\"><c r=\"B1\" s=\"2\" t=\"inlineStr\"><is><t xml:space=\"preserve\">value &amp; " \
    "more</t></is></c></row>"

static void rows_keep_their_formats_and_formulas_and_the_rest_its_bytes(void **state)
{
    (void)state;
    check("<?xml version=\"1.0\"?><worksheet  a='1'><dimension ref=\"A1:B2\"/><cols/><sheetData>"
          "<row r=\"1\"><c r=\"B1\"/></row><row r=\"2\"><c r=\"A2\" t=\"s\"><v>0</v></c></row>"
          "<row r=\"3\" spans=\"1:4\" hidden=\"1\" x:y=\"a&amp;b\"><c r=\"A3\" s=\"1\"/>"
          "<c r=\"C3\" s=\"1\"><v>7</v></c><c r=\"D3\"><f t=\"shared\" si=\"0\"/><v></v></c></row>"
          "<row r=\"5\"/></sheetData><!-- end --></worksheet>",
          1,
          "<?xml version=\"1.0\"?><worksheet  a='1'><cols/><sheetData>" FIELD_ROW
          "<row r=\"2\"><c r=\"A2\" t=\"s\"><v>0</v></c></row>"
          "<row r=\"3\" x:y=\"a&amp;b\" ht=\"12.75\" customHeight=\"1\">"
          "<c r=\"A3\" s=\"3\" t=\"inlineStr\"><is><t xml:space=\"preserve\">=a</t></is></c>"
          "<c r=\"B3\" s=\"4\"><v>46000</v></c><c r=\"C3\" s=\"1\"/>"
          "<c r=\"D3\" s=\"4\"><f t=\"shared\" si=\"0\"/><v>46030</v></c><c r=\"E3\" s=\"0\"/>"
          "</row><row r=\"5\"/></sheetData><!-- end --></worksheet>");
}

static void rows_that_are_missing_are_made_and_ranges_grow(void **state)
{
    struct mu_error err;
    char *text = fill("<x:w xmlns:x=\"y\"><x:sheetData/><x:conditionalFormatting sqref=\"A3:E4 A1 "
                      "B2:B2\"><x:a/></x:conditionalFormatting><x:dataValidation sqref=\"A3:A3\"/>"
                      "</x:w>",
                      3, "n", &err);

    (void)state;
    assert_non_null(text);
    assert_non_null(strstr(text, "<x:sheetData><x:row r=\"1\"><x:c r=\"B1\""));
    assert_non_null(strstr(text, "<x:row r=\"5\" ht="));
    assert_null(strstr(text, "<x:row r=\"6\""));
    assert_non_null(strstr(text, "<x:f>IF(AND(A5=&quot;Yes&quot;"));
    assert_non_null(strstr(text, "</x:row></x:sheetData><x:conditionalFormatting sqref=\"A3:E5 A1 "
                                 "B2:B2\"><x:a/>"));
    assert_non_null(strstr(text, "<x:dataValidation sqref=\"A3:A5\"/></x:w>"));
    free(text);
}

static void examples_below_the_rows_go(void **state)
{
    (void)state;
    check("<w><sheetData><row r=\"2\"/><row r=\"3\"><c r=\"A3\" s=\"1\"><v>1</v></c><c "
          "r=\"D3\"><f>1</f><v>1</v></c></row></sheetData></w>",
          0,
          "<w><sheetData>" FIELD_ROW "<row r=\"2\"/><row r=\"3\"><c r=\"A3\" s=\"1\"/><c "
          "r=\"D3\"><f>1</f><v>1</v></c></row></sheetData></w>");
}

static void what_cannot_be_filled_is_refused(void **state)
{
    static const struct {
        const char *xml, *says;
    } cases[] = {
            {"<w/>", "has no data"},
            {"<w><sheetData><row r=\"3\"/><row r=\"2\"/></sheetData></w>", "row 2 follows row 3"},
            {"<w><sheetData><row r=\"3\"><c r=\"B3\"/><c r=\"A3\"/></row></sheetData></w>",
             "cells of row 3 are out of order"},
            {"<w><sheetData><row r=\"3\"><c r=\"A3\"><f>1</f></c></row></sheetData></w>",
             "cell A3 holds a formula"},
            {"<w><sheetData><row r=\"3\"><c s=\"x\"/></row></sheetData></w>", "format"},
            {"<w><sheetData><row r=\"0\"/></sheetData></w>", "row 0 follows row 0"},
            {"<!DOCTYPE w><w/>", "document type"},
            {"<w><sheetData/><sheetData/></w>", "out of place"},
            {"<w><sheetData>", "line 1"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct mu_error err = {.message = ""};
        char *text = fill(cases[i].xml, 1, "n", &err);

        if (text || !strstr(err.message, cases[i].says))
            fail_msg("case %zu: %s", i, err.message);
    }
}

static void formats_are_put_behind_those_of_the_template(void **state)
{
    MU_AUTO(template_styles) struct template_styles *styles = NULL;
    MU_AUTO_DONE(mu_buf_done) struct mu_buf out;
    struct mu_error err;

    (void)state;
    mu_buf_init(&out, 4096);
    assert_int_equal(template_styles_new(STYLES, strlen(STYLES), &styles, &err), MU_OK);
    assert_int_equal(template_styles_variant(styles, 1, STYLE_DATE), 2);
    assert_int_equal(template_styles_variant(styles, 9, STYLE_TEXT), 3);
    assert_int_equal(template_styles_variant(styles, 1, STYLE_DATE), 2);
    assert_int_equal(template_styles_write(styles, &out, &err), MU_OK);
    assert_string_equal(
            out.data,
            "<styleSheet><cellXfs count=\"4\"><xf numFmtId=\"0\"/><xf numFmtId=\"0\" fontId=\"1\">"
            "<alignment horizontal=\"left\" vertical=\"center\"/></xf>"
            "<xf numFmtId=\"14\" fontId=\"1\" applyNumberFormat=\"1\" applyAlignment=\"1\">"
            "<alignment horizontal=\"left\" vertical=\"top\" wrapText=\"1\"/></xf>"
            "<xf numFmtId=\"49\" applyNumberFormat=\"1\" applyAlignment=\"1\">"
            "<alignment vertical=\"top\" wrapText=\"1\"/></xf></cellXfs><dxfs/></styleSheet>");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(rows_keep_their_formats_and_formulas_and_the_rest_its_bytes),
            cmocka_unit_test(rows_that_are_missing_are_made_and_ranges_grow),
            cmocka_unit_test(examples_below_the_rows_go),
            cmocka_unit_test(what_cannot_be_filled_is_refused),
            cmocka_unit_test(formats_are_put_behind_those_of_the_template),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
