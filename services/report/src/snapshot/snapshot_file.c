#include "snapshot/snapshot_file.h"

#include "snapshot/columns.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/memory.h"
#include "base/text.h"
#include "json/json_doc.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LINE_MAX_DEPTH = 4, LINE_MAX_VALUES = 256, LINE_READ_BYTES = 64 * 1024 };

static const struct mu_json_limits limits = {SNAPSHOT_LINE_MAX_BYTES, LINE_MAX_DEPTH};

/* ---- writing ---- */

static enum mu_status put_line(FILE *out, struct mu_buf *line, struct mu_error *err)
{
    enum mu_status st;

    mu_buf_puts(line, "\n");
    st = mu_buf_status(line, "a row of the snapshot", err);
    if (st == MU_OK && fwrite(line->data, 1, line->len, out) != line->len)
        st = mu_fail(err, MU_E_UNAVAILABLE, "cannot write: %s", strerror(errno));
    mu_buf_reset(line);
    return st;
}

static enum mu_status put_head(const struct snapshot *snapshot, FILE *out, struct mu_buf *line,
                               struct mu_error *err)
{
    const struct snapshot_instants *instants = snapshot_instants(snapshot);
    char as_of[MU_TIME_TEXT_SIZE], known_at[MU_TIME_TEXT_SIZE], begin[MU_TIME_TEXT_SIZE];

    mu_time_format(instants->as_of_us, as_of);
    mu_time_format(instants->known_at_us, known_at);
    mu_time_format(instants->month_begin_us, begin);
    mu_buf_printf(line,
                  "{\"as_of\":\"%s\",\"known_at\":\"%s\",\"month_begin\":\"%s\",\"schema\":\"%s\"}",
                  as_of, known_at, begin, SNAPSHOT_SCHEMA);
    return put_line(out, line, err);
}

static enum mu_status put_columns(const struct row_kind *kind, FILE *out, struct mu_buf *line,
                                  struct mu_error *err)
{
    mu_buf_puts(line, "{\"columns\":[");
    for (size_t i = 0; i < kind->column_count; i++)
        mu_buf_printf(line, "%s\"%s\"", i > 0 ? "," : "", kind->columns[i].name);
    mu_buf_printf(line, "],\"rows\":\"%s\"}", kind->table);
    return put_line(out, line, err);
}

static void add_value(const struct column *column, const char *slot, struct mu_buf *line)
{
    char number[MU_NUMBER_TEXT_SIZE];
    const char *text;

    if (column->type == VALUE_NUMBER) {
        size_t len = mu_text_of_number(*(const int64_t *)(const void *)slot, number);

        mu_buf_append(line, number, len);
        return;
    }
    text = *(const char *const *)(const void *)slot;
    if (text)
        mu_text_to_json(text, strlen(text), line);
    else
        mu_buf_puts(line, "null");
}

static enum mu_status put_row(const struct row_kind *kind, const union any_row *row, FILE *out,
                              struct mu_buf *line, struct mu_error *err)
{
    for (size_t i = 0; i < kind->column_count; i++) {
        mu_buf_puts(line, i > 0 ? "," : "[");
        add_value(&kind->columns[i], (const char *)row + kind->columns[i].offset, line);
    }
    mu_buf_puts(line, "]");
    return put_line(out, line, err);
}

static enum mu_status put_rows(const struct snapshot *snapshot, enum snapshot_rows rows, FILE *out,
                               struct mu_buf *line, size_t *count, struct mu_error *err)
{
    MU_AUTO(snapshot_cursor) struct snapshot_cursor *cursor = NULL;
    union any_row row;
    bool found = true;
    enum mu_status st = put_columns(&row_kinds[rows], out, line, err);

    if (st == MU_OK)
        st = snapshot_list(snapshot, list_of_rows[rows], NULL, &cursor, err);
    while (st == MU_OK) {
        st = snapshot_next(cursor, &row, &found, err);
        if (st != MU_OK || !found)
            break;
        st = put_row(&row_kinds[rows], &row, out, line, err);
        (*count)++;
    }
    return st;
}

static enum mu_status put_snapshot(const struct snapshot *snapshot, FILE *out, struct mu_error *err)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf line;
    size_t count = 0;
    enum mu_status st;

    mu_buf_init(&line, SNAPSHOT_LINE_MAX_BYTES);
    st = put_head(snapshot, out, &line, err);
    for (int rows = 0; st == MU_OK && rows < SNAPSHOT_ROWS_COUNT; rows++)
        st = put_rows(snapshot, (enum snapshot_rows)rows, out, &line, &count, err);
    if (st != MU_OK)
        return st;
    mu_buf_printf(&line, "{\"end\":%zu}", count);
    st = put_line(out, &line, err);
    if (st == MU_OK && fflush(out) != 0)
        st = mu_fail(err, MU_E_UNAVAILABLE, "cannot write: %s", strerror(errno));
    return st;
}

enum mu_status snapshot_save(const struct snapshot *snapshot, const char *path,
                             struct mu_error *err)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
    MU_AUTO_FILE FILE *out = fd >= 0 ? fdopen(fd, "w") : NULL;
    enum mu_status st;

    if (!out)
        return mu_fail(err, MU_E_UNAVAILABLE, "'%s': %s", path, strerror(errno));
    st = put_snapshot(snapshot, out, err);
    if (st == MU_OK)
        return MU_OK;
    (void)unlink(path);
    return mu_wrap(err, "'%s'", path);
}

/* ---- reading ---- */

struct loading {
    FILE *in;
    struct mu_buf line;
    char bytes[LINE_READ_BYTES]; /* read, and not yet taken */
    size_t begin, len;
    size_t number; /* of the line */
    struct snapshot *snapshot;
    const struct row_kind *kind; /* of the rows that follow; NULL: none yet */
    enum snapshot_rows rows;
    const struct column *columns[COLUMNS_MAX]; /* in the file's order */
    size_t column_count, count;
    bool ended;
};

MU_PRINTF(3, 4)
static enum mu_status wrong(const struct loading *loading, struct mu_error *err, const char *fmt,
                            ...)
{
    char what[256];
    va_list arguments;

    va_start(arguments, fmt);
    (void)vsnprintf(what, sizeof(what), fmt, arguments);
    va_end(arguments);
    return mu_fail(err, MU_E_INVALID, "line %zu: %s", loading->number, what);
}

/* The next line without its end; MU_END behind the last. */
static enum mu_status next_line(struct loading *loading, struct mu_error *err)
{
    mu_buf_reset(&loading->line);
    loading->number++;
    for (;;) {
        const char *from = loading->bytes + loading->begin;
        const char *end = memchr(from, '\n', loading->len);
        size_t taken = end ? (size_t)(end - from) : loading->len;

        mu_buf_append(&loading->line, from, taken);
        if (loading->line.failed)
            return mu_buf_status(&loading->line, "a line of the snapshot", err);
        loading->begin += taken + (end ? 1 : 0);
        loading->len -= taken + (end ? 1 : 0);
        if (end)
            return MU_OK;
        loading->begin = 0;
        loading->len = fread(loading->bytes, 1, sizeof(loading->bytes), loading->in);
        if (loading->len == 0 && ferror(loading->in))
            return mu_fail(err, MU_E_UNAVAILABLE, "cannot read: %s", strerror(errno));
        if (loading->len == 0)
            return loading->line.len == 0 ? MU_END : wrong(loading, err, "is cut off");
    }
}

static enum mu_status parse_line(struct loading *loading, json_t **ret_line, struct mu_error *err)
{
    enum mu_status st = mu_json_parse_bounded(loading->line.data, loading->line.len, &limits,
                                              LINE_MAX_VALUES, ret_line, err);

    return st == MU_OK ? MU_OK : mu_wrap(err, "line %zu", loading->number);
}

static enum mu_status take_instant(struct loading *loading, const json_t *head, const char *name,
                                   int64_t *ret_at_us, struct mu_error *err)
{
    const char *text = mu_json_text_at(head, name);

    if (!text || mu_time_parse(text, strlen(text), ret_at_us, err) != MU_OK)
        return wrong(loading, err, "has no time '%s'", name);
    return MU_OK;
}

static enum mu_status take_head(struct loading *loading, struct mu_error *err)
{
    MU_AUTO(json_document) json_t *head = NULL;
    struct snapshot_instants instants;
    enum mu_status st = next_line(loading, err);

    if (st == MU_END)
        return mu_fail(err, MU_E_INVALID, "the snapshot is empty");
    if (st == MU_OK)
        st = parse_line(loading, &head, err);
    if (st == MU_OK && !mu_text_equal(mu_json_text_at(head, "schema"), SNAPSHOT_SCHEMA))
        st = wrong(loading, err, "is not the head of a snapshot (%s)", SNAPSHOT_SCHEMA);
    if (st == MU_OK)
        st = take_instant(loading, head, "as_of", &instants.as_of_us, err);
    if (st == MU_OK)
        st = take_instant(loading, head, "known_at", &instants.known_at_us, err);
    if (st == MU_OK)
        st = take_instant(loading, head, "month_begin", &instants.month_begin_us, err);
    return st == MU_OK ? snapshot_new(&instants, &loading->snapshot, err) : st;
}

static enum mu_status take_column(struct loading *loading, const char *name, struct mu_error *err)
{
    const struct row_kind *kind = loading->kind;

    for (size_t i = 0; name && i < kind->column_count; i++) {
        if (!mu_text_equal(kind->columns[i].name, name))
            continue;
        for (size_t before = 0; before < loading->column_count; before++)
            if (loading->columns[before] == &kind->columns[i])
                return wrong(loading, err, "has column '%s' twice", name);
        loading->columns[loading->column_count++] = &kind->columns[i];
        return MU_OK;
    }
    return wrong(loading, err,
                 "has a column '%.100s' of '%s' that this version does not know: take the "
                 "muster-report that close.json names, or a newer one",
                 name ? name : "", kind->table);
}

/* The rows that follow are of another kind, or there are none any more. */
static enum mu_status take_section(struct loading *loading, const json_t *section,
                                   struct mu_error *err)
{
    const char *table = mu_json_text_at(section, "rows");
    const json_t *end = json_object_get(section, "end"), *name;
    enum mu_status st = MU_OK;
    size_t i;

    if (json_is_integer(end)) {
        loading->ended = true;
        return json_integer_value(end) == (json_int_t)loading->count
                       ? MU_OK
                       : wrong(loading, err, "counts other rows than the %zu before it",
                               loading->count);
    }
    loading->kind = NULL;
    for (int rows = 0; table && rows < SNAPSHOT_ROWS_COUNT; rows++) {
        if (mu_text_equal(row_kinds[rows].table, table)) {
            loading->kind = &row_kinds[rows];
            loading->rows = (enum snapshot_rows)rows;
        }
    }
    if (!loading->kind)
        return wrong(loading, err,
                     "has rows '%.100s' that this version does not know: take the muster-report "
                     "that close.json names, or a newer one",
                     table ? table : "");
    loading->column_count = 0;
    json_array_foreach (json_object_get(section, "columns"), i, name) {
        st = take_column(loading, json_string_value(name), err);
        if (st != MU_OK)
            break;
    }
    return st;
}

static enum mu_status take_row(struct loading *loading, const json_t *values, struct mu_error *err)
{
    union any_row row;

    if (!loading->kind || json_array_size(values) != loading->column_count)
        return wrong(loading, err, "has %zu values for %zu columns", json_array_size(values),
                     loading->kind ? loading->column_count : 0);
    memset(&row, 0, sizeof(row));
    for (size_t i = 0; i < loading->column_count; i++) {
        const struct column *column = loading->columns[i];
        const json_t *value = json_array_get(values, i);
        void *slot = (char *)&row + column->offset;

        if (column->type == VALUE_NUMBER ? !json_is_integer(value)
                                         : !json_is_string(value) && !json_is_null(value))
            return wrong(loading, err, "has another type than '%s' is of", column->name);
        if (column->type == VALUE_NUMBER)
            *(int64_t *)slot = json_integer_value(value);
        else
            *(const char **)slot = json_string_value(value);
    }
    loading->count++;
    return snapshot_add(loading->snapshot, loading->rows, &row, err);
}

static enum mu_status take_line(struct loading *loading, struct mu_error *err)
{
    MU_AUTO(json_document) json_t *line = NULL;
    enum mu_status st = next_line(loading, err);

    if (st == MU_END)
        return MU_END;
    if (st == MU_OK)
        st = parse_line(loading, &line, err);
    if (st != MU_OK)
        return st;
    if (loading->ended)
        return wrong(loading, err, "stands behind the end");
    return json_is_array(line) ? take_row(loading, line, err) : take_section(loading, line, err);
}

static void loading_free(struct loading *loading)
{
    mu_buf_done(&loading->line);
    snapshot_free(loading->snapshot);
    free(loading);
}
MU_DEFINE_AUTO(loading, struct loading, loading_free)

enum mu_status snapshot_load(FILE *in, struct snapshot **ret_snapshot, struct mu_error *err)
{
    MU_AUTO(loading) struct loading *loading = mu_xcalloc(1, sizeof(*loading));
    enum mu_status st;

    loading->in = in;
    mu_buf_init(&loading->line, SNAPSHOT_LINE_MAX_BYTES);
    st = take_head(loading, err);
    while (st == MU_OK)
        st = take_line(loading, err);
    if (st != MU_END)
        return mu_wrap(err, "snapshot");
    if (!loading->ended)
        return mu_fail(err, MU_E_INVALID, "snapshot: line %zu: the end is missing",
                       loading->number);
    *ret_snapshot = loading->snapshot;
    loading->snapshot = NULL;
    return MU_OK;
}
