#include "records/record_parse.h"

#include "base/text.h"

#include <string.h>

enum { COLUMNS_MAX = 32, CELL_MAX_BYTES = 32 * 1024 };

/* Where reading is; `line` and `column` of `at`, in bytes from 1. */
struct reader {
    const char *at, *end, *line_start;
    uint32_t line;
    struct mu_buf cell;
};

static struct record_place place_of(const struct reader *reader)
{
    return (struct record_place){reader->line, (uint32_t)(reader->at - reader->line_start) + 1};
}

static enum mu_status wrong(const struct reader *reader, struct mu_error *err, const char *what)
{
    struct record_place place = place_of(reader);

    return mu_fail(err, MU_E_INVALID, "line %u, column %u: %s", place.line, place.column, what);
}

/* Takes one byte of a quoted cell; false behind the closing quote. */
static bool take_quoted(struct reader *reader)
{
    char byte = *reader->at;

    if (byte == '"') {
        reader->at++;
        if (reader->at == reader->end || *reader->at != '"')
            return false;
    }
    /* A line end inside a value is one byte, however the file was saved. */
    if (byte != '\r' || reader->at + 1 == reader->end || reader->at[1] != '\n')
        mu_buf_append(&reader->cell, reader->at, 1);
    reader->at++;
    if (byte == '\n') {
        reader->line++;
        reader->line_start = reader->at;
    }
    return true;
}

static enum mu_status read_quoted(struct reader *reader, struct mu_error *err)
{
    reader->at++;
    while (reader->at < reader->end)
        if (!take_quoted(reader))
            return MU_OK;
    return wrong(reader, err, "a quote is not closed");
}

/* One cell into `cell`. */
static enum mu_status read_cell(struct reader *reader, struct mu_error *err)
{
    enum mu_status st = MU_OK;

    mu_buf_reset(&reader->cell);
    if (reader->at < reader->end && *reader->at == '"')
        st = read_quoted(reader, err);
    else
        while (reader->at < reader->end && !strchr(",\r\n\"", *reader->at)) {
            mu_buf_append(&reader->cell, reader->at, 1);
            reader->at++;
        }
    if (st == MU_OK && reader->at < reader->end && !strchr(",\r\n", *reader->at))
        st = wrong(reader, err, "a quote in the middle of a value, or something behind it");
    if (st == MU_OK && memchr(reader->cell.data, 0, reader->cell.len))
        st = wrong(reader, err, "a NUL byte");
    return st == MU_OK ? mu_buf_status(&reader->cell, "a value", err) : st;
}

/* Behind a cell: true when the line goes on. */
static bool next_cell(struct reader *reader)
{
    if (reader->at < reader->end && *reader->at == ',') {
        reader->at++;
        return true;
    }
    if (reader->at < reader->end && *reader->at == '\r')
        reader->at++;
    if (reader->at < reader->end && *reader->at == '\n')
        reader->at++;
    reader->line++;
    reader->line_start = reader->at;
    return false;
}

static enum mu_status read_header(struct reader *reader, const struct record_kind *kind,
                                  size_t columns[COLUMNS_MAX], size_t *ret_count,
                                  struct mu_error *err)
{
    unsigned seen = 0;
    size_t count = 0;
    bool more = true;

    while (more) {
        struct record_place place = place_of(reader);
        size_t field;

        if (read_cell(reader, err) != MU_OK)
            return err->status;
        field = record_field_find(kind, reader->cell.data, reader->cell.len);
        if (field == kind->field_count || count == COLUMNS_MAX || (seen & (1U << field)))
            return mu_fail(err, MU_E_INVALID, "line %u, column %u: %s has no column '%.64s'%s",
                           place.line, place.column, kind->name, reader->cell.data,
                           field < kind->field_count ? " twice" : "");
        seen |= 1U << field;
        columns[count++] = field;
        more = next_cell(reader);
    }
    *ret_count = count;
    return MU_OK;
}

static enum mu_status read_record(struct reader *reader, struct record_list *list,
                                  const size_t *columns, size_t column_count, struct mu_error *err)
{
    struct record *record;
    bool more = true;
    size_t count = 0;

    if (record_list_add(list, &record, err) != MU_OK)
        return err->status;
    record->place = place_of(reader);
    for (; more; count++) {
        struct record_place place = place_of(reader);

        if (count == column_count)
            return wrong(reader, err, "the line has more values than the header");
        if (read_cell(reader, err) != MU_OK)
            return err->status;
        record->places[columns[count]] = place;
        record->values[columns[count]] =
                mu_arena_strndup(list->arena, reader->cell.data, reader->cell.len);
        if (!record->values[columns[count]])
            return mu_fail(err, MU_E_NOMEM, "records: out of memory");
        more = next_cell(reader);
    }
    if (count < column_count)
        return mu_fail(err, MU_E_INVALID,
                       "line %u, column 1: the line has %zu values, the header %zu",
                       record->place.line, count, column_count);
    return MU_OK;
}

enum mu_status record_parse_csv(struct record_list *list, const char *bytes, size_t len,
                                struct mu_error *err)
{
    static const char mark[] = "\xef\xbb\xbf";
    size_t skip = len >= 3 && memcmp(bytes, mark, 3) == 0 ? 3 : 0, columns[COLUMNS_MAX], count = 0;
    struct reader reader = {bytes + skip, bytes + len, bytes + skip, 1, {0}};
    enum mu_status st = MU_OK;

    mu_buf_init(&reader.cell, CELL_MAX_BYTES);
    if (reader.at == reader.end)
        st = mu_fail(err, MU_E_INVALID, "line 1, column 1: the file is empty");
    if (st == MU_OK)
        st = read_header(&reader, list->kind, columns, &count, err);
    while (st == MU_OK && reader.at < reader.end) {
        if (*reader.at == '\n' || *reader.at == '\r') /* an empty line */
            (void)next_cell(&reader);
        else
            st = read_record(&reader, list, columns, count, err);
    }
    mu_buf_done(&reader.cell);
    return st;
}
