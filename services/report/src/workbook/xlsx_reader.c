#include "workbook/xlsx_reader.h"

#include "workbook/cell_text.h"
#include "workbook/xlsx_part.h"

#include "base/buf.h"
#include "base/memory.h"
#include "base/text.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum {
    XLSX_MAX_STRINGS_PART_BYTES = 512 * 1024 * 1024,
    XLSX_MAX_STRINGS = 8 * 1024 * 1024,
    XLSX_MAX_TEXT_BYTES = 512 * 1024 * 1024 /* all shared strings together */
};
static const uint64_t max_sheet_part_bytes = UINT64_C(4) * 1024 * 1024 * 1024; /* streamed */

struct reading {
    bool phonetic; /* inside a pronunciation guide, whose text is not the cell's */

    /* shared strings */
    struct mu_arena *arena;
    char **strings;
    size_t string_count, string_capacity;

    /* sheet */
    xlsx_row_fn *each;
    void *opaque;
    size_t row;
    size_t column, cell_count;
    bool shared;
    char *cells[XLSX_MAX_COLUMNS];
};

/* ---- shared strings ---- */

static void on_strings_start(struct xlsx_part *part, const char *name, const char **attributes)
{
    struct reading *reading = part->opaque;

    (void)attributes;
    if (mu_text_equal(name, "si"))
        mu_buf_reset(&part->text);
    if (mu_text_equal(name, "rPh"))
        reading->phonetic = true;
    part->in_text = mu_text_equal(name, "t") && !reading->phonetic;
}

static void add_string(struct xlsx_part *part)
{
    struct reading *reading = part->opaque;
    char **strings;

    if (reading->string_count == reading->string_capacity) {
        size_t capacity = reading->string_capacity ? 2 * reading->string_capacity : 1024;

        strings = capacity <= XLSX_MAX_STRINGS
                          ? realloc(reading->strings, capacity * sizeof(*strings))
                          : NULL;
        if (!strings) {
            xlsx_part_stop(part, mu_fail(part->err, MU_E_LIMIT, "more than %d shared strings",
                                         XLSX_MAX_STRINGS));
            return;
        }
        reading->strings = strings;
        reading->string_capacity = capacity;
    }
    cell_text_decode(part->text.data);
    reading->strings[reading->string_count] = mu_arena_strdup(reading->arena, part->text.data);
    if (reading->strings[reading->string_count])
        reading->string_count++;
    else
        xlsx_part_stop(part, mu_fail(part->err, MU_E_LIMIT, "the shared strings are too large"));
}

static void on_strings_end(struct xlsx_part *part, const char *name)
{
    struct reading *reading = part->opaque;

    part->in_text = false;
    if (mu_text_equal(name, "rPh"))
        reading->phonetic = false;
    else if (mu_text_equal(name, "si"))
        add_string(part);
}

/* ---- the sheet ---- */

static void clear_cells(struct xlsx_part *part)
{
    struct reading *reading = part->opaque;

    for (size_t i = 0; i < XLSX_MAX_COLUMNS; i++) {
        free(reading->cells[i]);
        reading->cells[i] = NULL;
    }
    reading->cell_count = 0;
    reading->column = 0;
}

/* Rows come in order; a row out of order could hide from a reader what a spreadsheet shows. */
static void start_row(struct xlsx_part *part, const char *number)
{
    struct reading *reading = part->opaque;
    uint64_t row = reading->row + 1;

    if (number && mu_text_to_u64(number, "row", &row, part->err) != MU_OK)
        xlsx_part_stop(part, MU_E_INVALID);
    else if (row > XLSX_MAX_ROWS)
        xlsx_part_stop(part, mu_fail(part->err, MU_E_LIMIT, "more than %d rows", XLSX_MAX_ROWS));
    else if (row <= reading->row)
        xlsx_part_stop(part, mu_fail(part->err, MU_E_INVALID, "row %llu follows row %zu",
                                     (unsigned long long)row, reading->row));
    else
        reading->row = (size_t)row;
}

static void on_sheet_start(struct xlsx_part *part, const char *name, const char **attributes)
{
    struct reading *reading = part->opaque;

    if (mu_text_equal(name, "row")) {
        start_row(part, xlsx_attribute(attributes, "r"));
    } else if (mu_text_equal(name, "c")) {
        reading->column = xlsx_column_of(xlsx_attribute(attributes, "r"), reading->column);
        reading->shared = mu_text_equal(xlsx_attribute(attributes, "t"), "s");
        mu_buf_reset(&part->text);
    } else if (mu_text_equal(name, "rPh")) {
        reading->phonetic = true;
    } else if (mu_text_equal(name, "v") || mu_text_equal(name, "t")) {
        part->in_text = !reading->phonetic;
    }
}

static void end_cell(struct xlsx_part *part)
{
    struct reading *reading = part->opaque;
    char *text = part->text.data;
    uint64_t index = 0;

    if (reading->column >= XLSX_MAX_COLUMNS || part->text.len == 0) {
        reading->column++;
        return;
    }
    if (reading->shared) {
        if (mu_text_to_u64(text, "shared string", &index, part->err) != MU_OK ||
            index >= reading->string_count) {
            xlsx_part_stop(part, mu_fail(part->err, MU_E_INVALID,
                                         "row %zu names a missing shared string", reading->row));
            return;
        }
        text = reading->strings[index];
    } else {
        cell_text_decode(text);
    }
    free(reading->cells[reading->column]);
    reading->cells[reading->column] = mu_xstrdup(text);
    reading->column++;
    if (reading->column > reading->cell_count)
        reading->cell_count = reading->column;
}

static void on_sheet_end(struct xlsx_part *part, const char *name)
{
    struct reading *reading = part->opaque;
    enum mu_status st;

    part->in_text = false;
    if (mu_text_equal(name, "rPh")) {
        reading->phonetic = false;
    } else if (mu_text_equal(name, "c")) {
        end_cell(part);
    } else if (mu_text_equal(name, "row")) {
        if (reading->cell_count > 0) {
            st = reading->each(reading->opaque, reading->row, (const char *const *)reading->cells,
                               reading->cell_count, part->err);
            if (st != MU_OK)
                xlsx_part_stop(part, st);
        }
        clear_cells(part);
    }
}

/* Whether there is such a part; an error when the directory cannot be read. */
static enum mu_status has_part(struct zip_reader *zip, const char *name, bool anywhere,
                               bool *ret_has, struct mu_error *err)
{
    struct zip_entry entry;
    enum mu_status st = zip_reader_find(zip, name, anywhere, &entry, err);

    *ret_has = st == MU_OK;
    return st == MU_E_NOT_FOUND ? MU_OK : st;
}

static enum mu_status refuse_macros(struct zip_reader *zip, struct mu_error *err)
{
    bool has = false;
    enum mu_status st = has_part(zip, "vbaProject.bin", true, &has, err);

    return st == MU_OK && has ? mu_fail(err, MU_E_INVALID, "it holds macros") : st;
}

static enum mu_status read_sheet(struct zip_reader *zip, const char *sheet, struct xlsx_part *part,
                                 struct mu_error *err)
{
    char name[XLSX_NAME_BYTES];
    bool has_strings = false;
    enum mu_status st = refuse_macros(zip, err);

    if (st == MU_OK)
        st = xlsx_find_sheet(zip, sheet, name, err);
    if (st == MU_OK)
        st = has_part(zip, "xl/sharedStrings.xml", false, &has_strings, err);
    part->start = on_strings_start;
    part->end = on_strings_end;
    if (st == MU_OK && has_strings)
        st = xlsx_part_parse(zip, "xl/sharedStrings.xml", XLSX_MAX_STRINGS_PART_BYTES, part, err);
    part->start = on_sheet_start;
    part->end = on_sheet_end;
    if (st == MU_OK)
        st = xlsx_part_parse(zip, name, max_sheet_part_bytes, part, err);
    return st;
}

static enum mu_status read_zip(struct zip_reader *zip, const char *sheet, xlsx_row_fn *each,
                               void *opaque, struct mu_error *err)
{
    MU_AUTO(arena) struct mu_arena *arena = mu_arena_new(XLSX_MAX_TEXT_BYTES);
    struct reading *reading = mu_xcalloc(1, sizeof(*reading));
    struct xlsx_part part = {.opaque = reading};
    enum mu_status st;

    reading->arena = arena;
    reading->each = each;
    reading->opaque = opaque;
    mu_buf_init(&part.text, XLSX_MAX_CELL_BYTES);
    st = read_sheet(zip, sheet, &part, err);
    clear_cells(&part);
    mu_buf_done(&part.text);
    free(reading->strings);
    free(reading);
    return st;
}

static enum mu_status open_workbook(const char *path, struct zip_reader **ret_zip,
                                    struct mu_error *err)
{
    enum mu_status st = zip_reader_open(path, ret_zip, err);

    if (st != MU_OK && st != MU_E_NOT_FOUND)
        return mu_fail(err, MU_E_INVALID, "'%s' is no readable workbook", path);
    return st;
}

enum mu_status xlsx_read(const char *path, const char *sheet, xlsx_row_fn *each, void *opaque,
                         struct mu_error *err)
{
    MU_AUTO(zip_reader) struct zip_reader *zip = NULL;
    enum mu_status st = open_workbook(path, &zip, err);

    if (st != MU_OK)
        return st;
    st = read_zip(zip, sheet, each, opaque, err);
    return st == MU_OK ? MU_OK : mu_wrap(err, "workbook '%s'", path);
}

enum mu_status xlsx_read_memory(const void *bytes, size_t len, const char *sheet, xlsx_row_fn *each,
                                void *opaque, struct mu_error *err)
{
    MU_AUTO(zip_reader) struct zip_reader *zip = NULL;

    if (zip_reader_open_memory(bytes, len, &zip, err) != MU_OK)
        return mu_fail(err, MU_E_INVALID, "not a workbook");
    return read_zip(zip, sheet, each, opaque, err);
}

/* ---- the sheets' names ---- */

static void on_name_start(struct xlsx_part *part, const char *name, const char **attributes)
{
    struct reading *reading = part->opaque;
    const char *sheet = xlsx_attribute(attributes, "name");
    const char *none[] = {sheet};
    enum mu_status st;

    if (!mu_text_equal(name, "sheet") || !sheet)
        return;
    st = reading->each(reading->opaque, ++reading->row, none, 1, part->err);
    if (st != MU_OK)
        xlsx_part_stop(part, st);
}

enum mu_status xlsx_sheets(const char *path, xlsx_row_fn *each, void *opaque, struct mu_error *err)
{
    MU_AUTO(zip_reader) struct zip_reader *zip = NULL;
    struct reading reading = {.each = each, .opaque = opaque};
    struct xlsx_part part = {.start = on_name_start, .opaque = &reading};
    enum mu_status st = open_workbook(path, &zip, err);

    if (st != MU_OK)
        return st;
    mu_buf_init(&part.text, XLSX_MAX_CELL_BYTES);
    st = refuse_macros(zip, err);
    if (st == MU_OK)
        st = xlsx_part_parse(zip, "xl/workbook.xml", XLSX_MAX_SMALL_PART_BYTES, &part, err);
    mu_buf_done(&part.text);
    return st == MU_OK ? MU_OK : mu_wrap(err, "workbook '%s'", path);
}
