#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "workbook/xlsx_reader.h"

#include "base/buf.h"
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>
#include <zip.h>

/* ---- workbooks made on the spot ---- */

#define WORKBOOK                                                 \
    "<workbook xmlns:r=\"r\"><sheets><sheet name=\"Inventory\" " \
    "r:id=\"rId7\"/></sheets></workbook>"
#define RELATIONSHIPS \
    "<Relationships><Relationship Id=\"rId7\" Target=\"worksheets/one.xml\"/></Relationships>"

struct parts {
    const char *workbook, *relationships, *strings, *sheet;
    size_t sheet_len;  /* 0: strlen */
    const char *extra; /* one more entry */
};

static void add_part(zip_t *zip, const char *name, const char *text, size_t len)
{
    zip_source_t *source = zip_source_buffer(zip, text, len ? len : strlen(text), 0);

    assert_non_null(source);
    assert_true(zip_file_add(zip, name, source, 0) >= 0);
}

static void make(const struct parts *parts, struct mu_buf *out)
{
    zip_source_t *source = zip_source_buffer_create(NULL, 0, 0, NULL);
    zip_t *zip = zip_open_from_source(source, ZIP_TRUNCATE, NULL);
    char piece[4096];
    zip_int64_t len;

    assert_non_null(zip);
    zip_source_keep(source);
    add_part(zip, "xl/workbook.xml", parts->workbook ? parts->workbook : WORKBOOK, 0);
    add_part(zip, "xl/_rels/workbook.xml.rels",
             parts->relationships ? parts->relationships : RELATIONSHIPS, 0);
    if (parts->strings)
        add_part(zip, "xl/sharedStrings.xml", parts->strings, 0);
    if (parts->sheet)
        add_part(zip, "xl/worksheets/one.xml", parts->sheet, parts->sheet_len);
    if (parts->extra)
        add_part(zip, parts->extra, "x", 0);
    assert_int_equal(zip_close(zip), 0);
    mu_buf_init(out, 64 * 1024 * 1024);
    assert_int_equal(zip_source_open(source), 0);
    while ((len = zip_source_read(source, piece, sizeof(piece))) > 0)
        mu_buf_append(out, piece, (size_t)len);
    (void)zip_source_close(source);
    zip_source_free(source);
}

/* "row:cell|cell;" of everything read; a blank cell is "-". */
static enum mu_status note(void *opaque, size_t row, const char *const *cells, size_t count,
                           struct mu_error *err)
{
    struct mu_buf *seen = opaque;

    (void)err;
    mu_buf_printf(seen, "%zu:", row);
    for (size_t i = 0; i < count; i++)
        mu_buf_printf(seen, "%s%s", i ? "|" : "", cells[i] ? cells[i] : "-");
    mu_buf_puts(seen, ";");
    return MU_OK;
}

static enum mu_status read_parts(const struct parts *parts, struct mu_buf *seen,
                                 struct mu_error *err)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf bytes;

    make(parts, &bytes);
    return xlsx_read_memory(bytes.data, bytes.len, "Inventory", note, seen, err);
}

static void assert_reads(const struct parts *parts, const char *expected)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf seen;
    struct mu_error err;

    mu_buf_init(&seen, 1 << 20);
    if (read_parts(parts, &seen, &err) != MU_OK)
        fail_msg("%s", err.message);
    assert_string_equal(seen.data, expected);
}

static void assert_refuses(const struct parts *parts, enum mu_status expected, const char *says)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf seen;
    struct mu_error err;

    mu_buf_init(&seen, 1 << 20);
    assert_int_equal(read_parts(parts, &seen, &err), expected);
    if (!strstr(err.message, says))
        fail_msg("'%s' does not say '%s'", err.message, says);
}

static void assert_sheet_refused(const char *sheet, enum mu_status expected, const char *says)
{
    assert_refuses(&(struct parts){.sheet = sheet}, expected, says);
}

/* ---- what is read ---- */

static void shared_inline_and_plain_cells_are_read_alike(void **state)
{
    (void)state;
    assert_reads(&(struct parts){.strings =
                                         "<sst><si><t>one</t></si><si><r><t>t</t></r><r><t>wo</t>"
                                         "</r></si></sst>",
                                 .sheet = "<worksheet><sheetData><row r=\"1\"><c r=\"A1\" t=\"s\">"
                                          "<v>1</v></c><c r=\"C1\" t=\"inlineStr\"><is><t>three</t>"
                                          "</is></c><c><v>4</v></c></row></sheetData></worksheet>"},
                 "1:two|-|three|4;");
}

static void prefixed_names_are_read(void **state)
{
    (void)state;
    assert_reads(
            &(struct parts){
                    .sheet = "<x:worksheet xmlns:x=\"u\"><x:sheetData><x:row r=\"2\"><x:c "
                             "r=\"B2\"><x:v>7</x:v></x:c></x:row></x:sheetData></x:worksheet>"},
            "2:-|7;");
}

static void a_pronunciation_guide_is_no_text(void **state)
{
    (void)state;
    assert_reads(
            &(struct parts){.strings =
                                    "<sst><si><t>東京</t><rPh sb=\"0\" eb=\"2\"><t>トウキョウ</t>"
                                    "</rPh></si></sst>",
                            .sheet = "<w><row><c t=\"s\"><v>0</v></c></row></w>"},
            "1:東京;");
}

static void escapes_are_decoded_in_both_kinds_of_strings(void **state)
{
    (void)state;
    assert_reads(&(struct parts){.strings = "<sst><si><t>a_x005F_x0041_</t></si></sst>",
                                 .sheet =
                                         "<w><row><c t=\"s\"><v>0</v></c><c t=\"inlineStr\"><is><t>"
                                         "_x0042_</t></is></c></row></w>"},
                 "1:a_x0041_|B;");
}

static void a_formula_is_what_it_gave(void **state)
{
    (void)state;
    assert_reads(&(struct parts){.sheet = "<w><row><c><f>1+1</f><v>2</v></c></row></w>"}, "1:2;");
}

static void columns_beyond_the_limit_are_passed_over(void **state)
{
    (void)state;
    assert_reads(
            &(struct parts){.sheet = "<w><row><c r=\"BM1\"><v>no</v></c><c r=\"XFD1\"><v>no</v>"
                                     "</c><c r=\"ZZZZZZZZ1\"><v>no</v></c></row><row><c r=\"BL2\">"
                                     "<v>yes</v></c></row></w>"},
            "2:-|-|-|-|-|-|-|-|-|-|-|-|-|-|-|-|-|-|-|-|-|-|-|-|-|-|-|-|-|-|-|-|-|-|-|-|-|-|-|-|-|-|"
            "-"
            "|-|-|-|-|-|-|-|-|-|-|-|-|-|-|-|-|-|-|-|-|yes;");
}

static void an_absolute_target_is_followed(void **state)
{
    (void)state;
    assert_reads(&(struct parts){.relationships = "<R><Relationship Id=\"rId7\" "
                                                  "Target=\"/xl/worksheets/one.xml\"/></R>",
                                 .sheet = "<w><row><c><v>1</v></c></row></w>"},
                 "1:1;");
}

/* ---- what is refused ---- */

static void rows_out_of_order_are_refused(void **state)
{
    (void)state;
    assert_sheet_refused("<w><row r=\"3\"/><row r=\"2\"/></w>", MU_E_INVALID,
                         "row 2 follows row 3");
    assert_sheet_refused("<w><row r=\"3\"/><row r=\"3\"/></w>", MU_E_INVALID,
                         "row 3 follows row 3");
    assert_sheet_refused("<w><row r=\"0\"/></w>", MU_E_INVALID, "row 0 follows row 0");
    assert_sheet_refused("<w><row r=\"x\"/></w>", MU_E_INVALID, "row");
}

static void rows_beyond_a_sheet_are_refused(void **state)
{
    (void)state;
    assert_sheet_refused("<w><row r=\"1048577\"/></w>", MU_E_LIMIT, "more than 1048576 rows");
    assert_sheet_refused("<w><row r=\"99999999999999999999999\"/></w>", MU_E_INVALID, "row");
}

static void a_missing_shared_string_is_refused(void **state)
{
    (void)state;
    assert_sheet_refused("<w><row r=\"5\"><c t=\"s\"><v>0</v></c></row></w>", MU_E_INVALID,
                         "row 5 names a missing shared string");
    assert_sheet_refused("<w><row r=\"5\"><c t=\"s\"><v>-1</v></c></row></w>", MU_E_INVALID,
                         "row 5 names a missing shared string");
}

static void document_types_are_refused(void **state)
{
    (void)state;
    assert_sheet_refused("<!DOCTYPE w [<!ENTITY a \"b\">]><w>&a;</w>", MU_E_INVALID,
                         "a document type declaration is not allowed");
}

static void broken_xml_is_refused_with_its_line(void **state)
{
    (void)state;
    assert_sheet_refused("<w>\n<row>", MU_E_INVALID, "worksheets/one.xml, line 2");
    assert_sheet_refused("", MU_E_INVALID, "worksheets/one.xml, line 1");
}

static char *repeat(const char *piece, size_t times, const char *head, const char *tail)
{
    size_t len = strlen(piece), at = strlen(head);
    char *text = malloc(at + times * len + strlen(tail) + 1);

    assert_non_null(text);
    memcpy(text, head, at);
    for (size_t i = 0; i < times; i++, at += len)
        memcpy(text + at, piece, len);
    memcpy(text + at, tail, strlen(tail) + 1);
    return text;
}

static void deep_nesting_is_refused(void **state)
{
    MU_AUTO_FREE char *deep = repeat("<a>", 100000, "", "");

    (void)state;
    assert_sheet_refused(deep, MU_E_LIMIT, "nested deeper than 64");
}

static void an_endless_tag_is_refused(void **state)
{
    MU_AUTO_FREE char *tag = repeat("x", (size_t)8 * 1024 * 1024, "<w a=\"", "\"/>");

    (void)state;
    assert_sheet_refused(tag, MU_E_LIMIT, "a tag of more than 1048576 bytes");
}

static void an_endless_cell_is_refused(void **state)
{
    MU_AUTO_FREE char *cell = repeat("xxxxxxxxxx", 27000, "<w><row><c><v>", "</v></c></row></w>");

    (void)state;
    assert_sheet_refused(cell, MU_E_LIMIT, "a cell holds more than");
}

static void a_bomb_is_refused_before_it_fills_memory(void **state)
{
    MU_AUTO_FREE char *bomb = repeat("          ", 1700000, "<workbook>", "</workbook>");

    (void)state;
    assert_refuses(&(struct parts){.workbook = bomb, .sheet = "<w/>"}, MU_E_LIMIT,
                   "xl/workbook.xml: more than 16777216 bytes");
}

static void macros_are_refused_wherever_they_lie(void **state)
{
    (void)state;
    assert_refuses(&(struct parts){.sheet = "<w/>", .extra = "xl/deep/VBAproject.BIN"},
                   MU_E_INVALID, "it holds macros");
}

static void a_sheet_that_leads_nowhere_is_refused(void **state)
{
    (void)state;
    assert_refuses(&(struct parts){.relationships = "<R/>", .sheet = "<w/>"}, MU_E_INVALID,
                   "sheet 'Inventory' leads to no part");
    assert_refuses(&(struct parts){0}, MU_E_NOT_FOUND, "part 'xl/worksheets/one.xml'");
    assert_refuses(&(struct parts){.workbook = "<w/>", .sheet = "<w/>"}, MU_E_NOT_FOUND,
                   "no sheet 'Inventory'");
}

static enum mu_status refuse(void *opaque, size_t row, const char *const *cells, size_t count,
                             struct mu_error *err)
{
    (void)opaque, (void)cells, (void)count;
    return mu_fail(err, MU_E_CONFLICT, "enough at row %zu", row);
}

static void what_the_caller_returns_ends_the_reading(void **state)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf bytes;
    struct mu_error err;

    (void)state;
    make(&(struct parts){.sheet = "<w><row r=\"4\"><c><v>1</v></c></row></w>"}, &bytes);
    assert_int_equal(xlsx_read_memory(bytes.data, bytes.len, "Inventory", refuse, NULL, &err),
                     MU_E_CONFLICT);
    assert_non_null(strstr(err.message, "enough at row 4"));
}

/* Sizes of the central directory that the data does not keep. */
static void sizes_that_lie_are_refused(void **state)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf bytes, seen;
    struct mu_error err;
    size_t found = 0;

    (void)state;
    make(&(struct parts){.sheet = "<w><row><c><v>1</v></c></row></w>"}, &bytes);
    mu_buf_init(&seen, 1024);
    for (size_t i = 0; i + 46 < bytes.len; i++) {
        char before[4];

        if (memcmp(bytes.data + i, "PK\1\2", 4) != 0)
            continue;
        memcpy(before, bytes.data + i + 24, 4); /* uncompressed size */
        memcpy(bytes.data + i + 24, "\1\0\0\0", 4);
        assert_int_not_equal(
                xlsx_read_memory(bytes.data, bytes.len, "Inventory", note, &seen, &err), MU_OK);
        memcpy(bytes.data + i + 24, before, 4);
        found++;
    }
    assert_int_equal(found, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(shared_inline_and_plain_cells_are_read_alike),
            cmocka_unit_test(prefixed_names_are_read),
            cmocka_unit_test(a_pronunciation_guide_is_no_text),
            cmocka_unit_test(escapes_are_decoded_in_both_kinds_of_strings),
            cmocka_unit_test(a_formula_is_what_it_gave),
            cmocka_unit_test(columns_beyond_the_limit_are_passed_over),
            cmocka_unit_test(an_absolute_target_is_followed),
            cmocka_unit_test(rows_out_of_order_are_refused),
            cmocka_unit_test(rows_beyond_a_sheet_are_refused),
            cmocka_unit_test(a_missing_shared_string_is_refused),
            cmocka_unit_test(document_types_are_refused),
            cmocka_unit_test(broken_xml_is_refused_with_its_line),
            cmocka_unit_test(deep_nesting_is_refused),
            cmocka_unit_test(an_endless_tag_is_refused),
            cmocka_unit_test(an_endless_cell_is_refused),
            cmocka_unit_test(a_bomb_is_refused_before_it_fills_memory),
            cmocka_unit_test(macros_are_refused_wherever_they_lie),
            cmocka_unit_test(a_sheet_that_leads_nowhere_is_refused),
            cmocka_unit_test(what_the_caller_returns_ends_the_reading),
            cmocka_unit_test(sizes_that_lie_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
