#include "csv/csv_reader.h"

#include "base/buf.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

enum place { FIELD_START, PLAIN, QUOTED, QUOTE_SEEN, RETURN_SEEN };

struct reader {
    csv_row_fn *each;
    void *opaque;
    struct mu_error *err;
    enum place place;
    struct mu_buf text; /* the row's fields, each with its NUL */
    size_t starts[CSV_MAX_COLUMNS];
    size_t count; /* fields that are complete */
    size_t row;
    bool return_seen; /* outside of quotes: a line feed must follow */
};

static enum mu_status end_field(struct reader *reader)
{
    if (reader->count == CSV_MAX_COLUMNS)
        return mu_fail(reader->err, MU_E_LIMIT, "row %zu has more than %d columns", reader->row,
                       CSV_MAX_COLUMNS);
    mu_buf_append(&reader->text, "", 1);
    reader->count++;
    if (reader->count < CSV_MAX_COLUMNS)
        reader->starts[reader->count] = reader->text.len;
    reader->place = FIELD_START;
    return mu_buf_status(&reader->text, "a row", reader->err);
}

static enum mu_status end_row(struct reader *reader)
{
    const char *fields[CSV_MAX_COLUMNS];
    enum mu_status st = end_field(reader);

    if (st != MU_OK)
        return st;
    for (size_t i = 0; i < reader->count; i++)
        fields[i] = reader->text.data + reader->starts[i];
    st = reader->each(reader->opaque, reader->row, fields, reader->count, reader->err);
    mu_buf_reset(&reader->text);
    reader->count = 0;
    reader->row++;
    return st;
}

/* Outside of quotes, or just behind the closing one. */
static enum mu_status take_outside(struct reader *reader, char c)
{
    if (reader->return_seen && c != '\n')
        return mu_fail(reader->err, MU_E_INVALID, "row %zu has a carriage return out of place",
                       reader->row);
    reader->return_seen = c == '\r';
    if (c == '\r')
        return MU_OK;
    if (c == ',')
        return end_field(reader);
    if (c == '\n')
        return end_row(reader);
    if (c == '\r') {
        reader->place = RETURN_SEEN;
        return MU_OK;
    }
    if (c == '"' && reader->place == FIELD_START) {
        reader->place = QUOTED;
        return MU_OK;
    }
    if (c == '"' || reader->place == QUOTE_SEEN)
        return mu_fail(reader->err, MU_E_INVALID, "row %zu has a quote out of place", reader->row);
    mu_buf_append(&reader->text, &c, 1);
    reader->place = PLAIN;
    return MU_OK;
}

static enum mu_status take(struct reader *reader, char c)
{
    if (c == '\0')
        return mu_fail(reader->err, MU_E_INVALID, "row %zu holds a NUL", reader->row);
    if (reader->text.failed)
        return mu_buf_status(&reader->text, "a row", reader->err);
    if (reader->place == QUOTED && c == '"') {
        reader->place = QUOTE_SEEN;
    } else if (reader->place == QUOTED) {
        mu_buf_append(&reader->text, &c, 1);
    } else if (reader->place == RETURN_SEEN && c != '\n') {
        return mu_fail(reader->err, MU_E_INVALID, "row %zu has a carriage return out of place",
                       reader->row);
    } else if (reader->place == QUOTE_SEEN && c == '"') {
        mu_buf_append(&reader->text, &c, 1);
        reader->place = QUOTED;
    } else {
        return take_outside(reader, c);
    }
    return MU_OK;
}

enum mu_status csv_read(FILE *in, csv_row_fn *each, void *opaque, struct mu_error *err)
{
    struct reader reader = {.each = each, .opaque = opaque, .err = err, .row = 1};
    enum mu_status st = MU_OK;
    int c;

    mu_buf_init(&reader.text, CSV_MAX_ROW_BYTES);
    while (st == MU_OK && (c = getc(in)) != EOF)
        st = take(&reader, (char)c);
    if (st == MU_OK && ferror(in))
        st = mu_fail(err, MU_E_UNAVAILABLE, "read: %s", strerror(errno));
    else if (st == MU_OK && reader.place == QUOTED)
        st = mu_fail(err, MU_E_INVALID, "row %zu is torn", reader.row);
    else if (st == MU_OK && (reader.count > 0 || reader.place != FIELD_START))
        st = end_row(&reader);
    mu_buf_done(&reader.text);
    return st;
}
