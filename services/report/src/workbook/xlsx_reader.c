#include "workbook/xlsx_reader.h"

#include "archive/zip_reader.h"
#include "workbook/cell_text.h"

#include "base/buf.h"
#include "base/memory.h"
#include "base/text.h"

#include <expat.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum {
    XLSX_MAX_SMALL_PART_BYTES = 16 * 1024 * 1024, /* unpacked, as all of these */
    XLSX_MAX_STRINGS_PART_BYTES = 512 * 1024 * 1024,
    XLSX_MAX_STRINGS = 8 * 1024 * 1024,
    XLSX_MAX_TEXT_BYTES = 512 * 1024 * 1024, /* all shared strings together */
    XLSX_MAX_DEPTH = 64,
    XLSX_MAX_TOKEN_BYTES =
            1024 * 1024, /* one tag; without it expat rescans hostile ones for ever */
    XLSX_NAME_BYTES = 512
};
static const uint64_t max_sheet_part_bytes = UINT64_C(4) * 1024 * 1024 * 1024; /* streamed */

/* What the parse of one part needs; each part uses the members of its group. */
struct part {
    XML_Parser parser;
    struct mu_error *err;
    enum mu_status status;
    void (*start)(struct part *part, const char *name, const char **attributes);
    void (*end)(struct part *part, const char *name);
    unsigned depth;
    struct mu_buf text; /* of the element being read */
    bool in_text;
    bool phonetic; /* inside a pronunciation guide, whose text is not the cell's */

    /* workbook.xml and its relationships: the wanted sheet's id, then its target */
    const char *wanted;
    char found[XLSX_NAME_BYTES];

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

static void stop(struct part *part, enum mu_status status)
{
    part->status = status;
    XML_StopParser(part->parser, XML_FALSE);
}

static const char *local_name(const char *name)
{
    const char *colon = strrchr(name, ':');

    return colon ? colon + 1 : name;
}

static const char *attribute(const char **attributes, const char *name)
{
    for (; attributes[0]; attributes += 2)
        if (mu_text_equal(local_name(attributes[0]), name))
            return attributes[1];
    return NULL;
}

static void on_text(void *data, const char *text, int len)
{
    struct part *part = data;

    if (!part->in_text)
        return;
    mu_buf_append(&part->text, text, (size_t)len);
    if (part->text.failed)
        stop(part, mu_fail(part->err, MU_E_LIMIT, "a cell holds more than %d bytes",
                           XLSX_MAX_CELL_BYTES));
}

static void on_doctype(void *data, const char *name, const char *system_id, const char *public_id,
                       int has_internal)
{
    struct part *part = data;

    (void)name, (void)system_id, (void)public_id, (void)has_internal;
    stop(part, mu_fail(part->err, MU_E_INVALID, "a document type declaration is not allowed"));
}

static void on_start(void *data, const char *name, const char **attributes)
{
    struct part *part = data;

    if (++part->depth > XLSX_MAX_DEPTH)
        stop(part, mu_fail(part->err, MU_E_LIMIT, "nested deeper than %d", XLSX_MAX_DEPTH));
    else
        part->start(part, local_name(name), attributes);
}

static void on_end(void *data, const char *name)
{
    struct part *part = data;

    part->depth--;
    if (part->end)
        part->end(part, local_name(name));
}

/* ---- finding the sheet ---- */

static void on_workbook_start(struct part *part, const char *name, const char **attributes)
{
    const char *id;

    if (!mu_text_equal(name, "sheet") ||
        !mu_text_equal(attribute(attributes, "name"), part->wanted))
        return;
    id = attribute(attributes, "id");
    if (id)
        (void)snprintf(part->found, sizeof(part->found), "%s", id);
}

static void on_relationship_start(struct part *part, const char *name, const char **attributes)
{
    const char *target = attribute(attributes, "Target");

    if (!mu_text_equal(name, "Relationship") || !target ||
        !mu_text_equal(attribute(attributes, "Id"), part->wanted))
        return;
    (void)snprintf(part->found, sizeof(part->found), target[0] == '/' ? "%s" : "xl/%s",
                   target[0] == '/' ? target + 1 : target);
}

/* ---- shared strings ---- */

static void on_strings_start(struct part *part, const char *name, const char **attributes)
{
    (void)attributes;
    if (mu_text_equal(name, "si"))
        mu_buf_reset(&part->text);
    if (mu_text_equal(name, "rPh"))
        part->phonetic = true;
    part->in_text = mu_text_equal(name, "t") && !part->phonetic;
}

static void add_string(struct part *part)
{
    char **strings;

    if (part->string_count == part->string_capacity) {
        size_t capacity = part->string_capacity ? 2 * part->string_capacity : 1024;

        strings = capacity <= XLSX_MAX_STRINGS ? realloc(part->strings, capacity * sizeof(*strings))
                                               : NULL;
        if (!strings) {
            stop(part,
                 mu_fail(part->err, MU_E_LIMIT, "more than %d shared strings", XLSX_MAX_STRINGS));
            return;
        }
        part->strings = strings;
        part->string_capacity = capacity;
    }
    cell_text_decode(part->text.data);
    part->strings[part->string_count] = mu_arena_strdup(part->arena, part->text.data);
    if (part->strings[part->string_count])
        part->string_count++;
    else
        stop(part, mu_fail(part->err, MU_E_LIMIT, "the shared strings are too large"));
}

static void on_strings_end(struct part *part, const char *name)
{
    part->in_text = false;
    if (mu_text_equal(name, "rPh"))
        part->phonetic = false;
    else if (mu_text_equal(name, "si"))
        add_string(part);
}

/* ---- the sheet ---- */

/* Column of a cell reference ("AB12" gives 27), or XLSX_MAX_COLUMNS when it is beyond what is read.
 */
static size_t column_of(const char *reference, size_t otherwise)
{
    size_t column = 0;

    if (!reference)
        return otherwise;
    for (; *reference >= 'A' && *reference <= 'Z' && column <= XLSX_MAX_COLUMNS; reference++)
        column = column * 26 + (size_t)(*reference - 'A' + 1);
    return column == 0 || column > XLSX_MAX_COLUMNS ? XLSX_MAX_COLUMNS : column - 1;
}

static void clear_cells(struct part *part)
{
    for (size_t i = 0; i < XLSX_MAX_COLUMNS; i++) {
        free(part->cells[i]);
        part->cells[i] = NULL;
    }
    part->cell_count = 0;
    part->column = 0;
}

/* Rows come in order; a row out of order could hide from a reader what a spreadsheet shows. */
static void start_row(struct part *part, const char *number)
{
    uint64_t row = part->row + 1;

    if (number && mu_text_to_u64(number, "row", &row, part->err) != MU_OK)
        stop(part, MU_E_INVALID);
    else if (row > XLSX_MAX_ROWS)
        stop(part, mu_fail(part->err, MU_E_LIMIT, "more than %d rows", XLSX_MAX_ROWS));
    else if (row <= part->row)
        stop(part, mu_fail(part->err, MU_E_INVALID, "row %llu follows row %zu",
                           (unsigned long long)row, part->row));
    else
        part->row = (size_t)row;
}

static void on_sheet_start(struct part *part, const char *name, const char **attributes)
{
    if (mu_text_equal(name, "row")) {
        start_row(part, attribute(attributes, "r"));
    } else if (mu_text_equal(name, "c")) {
        part->column = column_of(attribute(attributes, "r"), part->column);
        part->shared = mu_text_equal(attribute(attributes, "t"), "s");
        mu_buf_reset(&part->text);
    } else if (mu_text_equal(name, "rPh")) {
        part->phonetic = true;
    } else if (mu_text_equal(name, "v") || mu_text_equal(name, "t")) {
        part->in_text = !part->phonetic;
    }
}

static void end_cell(struct part *part)
{
    char *text = part->text.data;
    uint64_t index = 0;

    if (part->column >= XLSX_MAX_COLUMNS || part->text.len == 0) {
        part->column++;
        return;
    }
    if (part->shared) {
        if (mu_text_to_u64(text, "shared string", &index, part->err) != MU_OK ||
            index >= part->string_count) {
            stop(part, mu_fail(part->err, MU_E_INVALID, "row %zu names a missing shared string",
                               part->row));
            return;
        }
        text = part->strings[index];
    } else {
        cell_text_decode(text);
    }
    free(part->cells[part->column]);
    part->cells[part->column] = mu_xstrdup(text);
    part->column++;
    if (part->column > part->cell_count)
        part->cell_count = part->column;
}

static void on_sheet_end(struct part *part, const char *name)
{
    enum mu_status st;

    part->in_text = false;
    if (mu_text_equal(name, "rPh")) {
        part->phonetic = false;
    } else if (mu_text_equal(name, "c")) {
        end_cell(part);
    } else if (mu_text_equal(name, "row")) {
        if (part->cell_count > 0) {
            st = part->each(part->opaque, part->row, (const char *const *)part->cells,
                            part->cell_count, part->err);
            if (st != MU_OK)
                stop(part, st);
        }
        clear_cells(part);
    }
}

/* ---- reading a part through expat ---- */

static enum mu_status feed_piece(struct part *part, const char *name, const char *bytes, int len,
                                 uint64_t total, struct mu_error *err)
{
    XML_Index done;

    if (XML_Parse(part->parser, bytes, len, len == 0) == XML_STATUS_ERROR) {
        if (part->status != MU_OK)
            return mu_wrap(err, "%s", name);
        return mu_fail(err, MU_E_INVALID, "%s, line %lu: %s", name,
                       XML_GetCurrentLineNumber(part->parser),
                       XML_ErrorString(XML_GetErrorCode(part->parser)));
    }
    done = XML_GetCurrentByteIndex(part->parser);
    if (done >= 0 && total - (uint64_t)done > XLSX_MAX_TOKEN_BYTES)
        return mu_fail(err, MU_E_LIMIT, "%s: a tag of more than %d bytes", name,
                       XLSX_MAX_TOKEN_BYTES);
    return MU_OK;
}

struct feeding {
    struct part *part;
    const char *name;
    uint64_t max_bytes, total;
};

static enum mu_status feed(void *opaque, const void *bytes, size_t len, struct mu_error *err)
{
    struct feeding *feeding = opaque;

    feeding->total += len;
    if (feeding->total > feeding->max_bytes)
        return mu_fail(err, MU_E_LIMIT, "%s: more than %llu bytes", feeding->name,
                       (unsigned long long)feeding->max_bytes);
    return feed_piece(feeding->part, feeding->name, bytes, (int)len, feeding->total, err);
}

static enum mu_status feed_part(struct zip_reader *zip, const struct zip_entry *entry,
                                const char *name, uint64_t max_bytes, struct part *part,
                                struct mu_error *err)
{
    struct feeding feeding = {part, name, max_bytes, 0};
    enum mu_status st = zip_reader_read(zip, entry, feed, &feeding, err);

    if (st == MU_OK)
        st = feed_piece(part, name, "", 0, feeding.total, err);
    else if (part->status == MU_OK && st == MU_E_INVALID)
        st = mu_wrap(err, "part '%s'", name);
    return st;
}

typedef void start_fn(struct part *part, const char *name, const char **attributes);
typedef void end_fn(struct part *part, const char *name);

static enum mu_status parse_part(struct zip_reader *zip, const char *name, uint64_t max_bytes,
                                 struct part *part, start_fn *start, end_fn *end,
                                 struct mu_error *err)
{
    struct zip_entry entry;
    enum mu_status st = zip_reader_find(zip, name, false, &entry, err);

    if (st != MU_OK)
        return st;
    part->parser = XML_ParserCreate(NULL);
    if (!part->parser)
        return mu_fail(err, MU_E_NOMEM, "out of memory");
    part->err = err;
    part->status = MU_OK;
    part->start = start;
    part->end = end;
    part->depth = 0;
    part->in_text = part->phonetic = false;
    XML_SetUserData(part->parser, part);
    XML_SetElementHandler(part->parser, on_start, on_end);
    XML_SetCharacterDataHandler(part->parser, on_text);
    XML_SetStartDoctypeDeclHandler(part->parser, on_doctype);
    st = feed_part(zip, &entry, name, max_bytes, part, err);
    XML_ParserFree(part->parser);
    return st;
}

/* The part that holds the sheet, by way of workbook.xml and its relationships. */
static enum mu_status find_sheet(struct zip_reader *zip, const char *sheet, struct part *part,
                                 struct mu_error *err)
{
    char id[XLSX_NAME_BYTES];
    enum mu_status st;

    part->wanted = sheet;
    st = parse_part(zip, "xl/workbook.xml", XLSX_MAX_SMALL_PART_BYTES, part, on_workbook_start,
                    NULL, err);
    if (st != MU_OK)
        return st;
    if (!part->found[0])
        return mu_fail(err, MU_E_NOT_FOUND, "no sheet '%s'", sheet);
    memcpy(id, part->found, sizeof(id));
    part->found[0] = '\0';
    part->wanted = id;
    st = parse_part(zip, "xl/_rels/workbook.xml.rels", XLSX_MAX_SMALL_PART_BYTES, part,
                    on_relationship_start, NULL, err);
    if (st == MU_OK && !part->found[0])
        return mu_fail(err, MU_E_INVALID, "sheet '%s' leads to no part", sheet);
    return st;
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

static enum mu_status read_sheet(struct zip_reader *zip, const char *sheet, struct part *part,
                                 struct mu_error *err)
{
    bool has_strings = false;
    enum mu_status st = refuse_macros(zip, err);

    if (st == MU_OK)
        st = find_sheet(zip, sheet, part, err);
    if (st == MU_OK)
        st = has_part(zip, "xl/sharedStrings.xml", false, &has_strings, err);
    if (st == MU_OK && has_strings)
        st = parse_part(zip, "xl/sharedStrings.xml", XLSX_MAX_STRINGS_PART_BYTES, part,
                        on_strings_start, on_strings_end, err);
    if (st == MU_OK)
        st = parse_part(zip, part->found, max_sheet_part_bytes, part, on_sheet_start, on_sheet_end,
                        err);
    return st;
}

static enum mu_status read_zip(struct zip_reader *zip, const char *sheet, xlsx_row_fn *each,
                               void *opaque, struct mu_error *err)
{
    MU_AUTO(arena) struct mu_arena *arena = mu_arena_new(XLSX_MAX_TEXT_BYTES);
    struct part *part = mu_xcalloc(1, sizeof(*part));
    enum mu_status st;

    part->arena = arena;
    part->each = each;
    part->opaque = opaque;
    mu_buf_init(&part->text, XLSX_MAX_CELL_BYTES);
    st = read_sheet(zip, sheet, part, err);
    clear_cells(part);
    mu_buf_done(&part->text);
    free(part->strings);
    free(part);
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

static void on_name_start(struct part *part, const char *name, const char **attributes)
{
    const char *sheet = attribute(attributes, "name");
    const char *none[] = {sheet};
    enum mu_status st;

    if (!mu_text_equal(name, "sheet") || !sheet)
        return;
    st = part->each(part->opaque, ++part->row, none, 1, part->err);
    if (st != MU_OK)
        stop(part, st);
}

enum mu_status xlsx_sheets(const char *path, xlsx_row_fn *each, void *opaque, struct mu_error *err)
{
    MU_AUTO(zip_reader) struct zip_reader *zip = NULL;
    struct part part = {.each = each, .opaque = opaque};
    enum mu_status st = open_workbook(path, &zip, err);

    if (st != MU_OK)
        return st;
    mu_buf_init(&part.text, XLSX_MAX_CELL_BYTES);
    st = refuse_macros(zip, err);
    if (st == MU_OK)
        st = parse_part(zip, "xl/workbook.xml", XLSX_MAX_SMALL_PART_BYTES, &part, on_name_start,
                        NULL, err);
    mu_buf_done(&part.text);
    return st == MU_OK ? MU_OK : mu_wrap(err, "workbook '%s'", path);
}
