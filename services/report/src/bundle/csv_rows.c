#include "bundle/csv_rows.h"

#include "bundle/layout.h"
#include "snapshot/columns.h"
#include "workbook/cell_text.h"

#include "base/stop.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

enum { STOP_EVERY_ROWS = 4096 };

static void put_field(FILE *out, const char *text, bool last)
{
    (void)fputc('"', out);
    if (text && cell_text_is_runnable(text))
        (void)fputc('\'', out);
    while (text && *text) {
        size_t plain = strcspn(text, "\"");

        (void)fwrite(text, 1, plain, out);
        text += plain;
        if (*text) {
            (void)fputs("\"\"", out);
            text++;
        }
    }
    (void)fputs(last ? "\"\r\n" : "\",", out);
}

void csv_put_row(FILE *out, const char *const *fields, size_t count)
{
    for (size_t i = 0; i < count; i++)
        put_field(out, fields[i], i + 1 == count);
}

enum mu_status csv_open(const char *path, const char *const *names, size_t count, FILE **ret_out,
                        struct mu_error *err)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
    FILE *out = fd >= 0 ? fdopen(fd, "w") : NULL;

    if (!out)
        return mu_fail(err, MU_E_UNAVAILABLE, "'%s': %s", path, strerror(errno));
    for (size_t i = 0; i < count; i++)
        (void)fprintf(out, "%s%s", names[i], i + 1 == count ? "\r\n" : ",");
    *ret_out = out;
    return MU_OK;
}

enum mu_status csv_finish(FILE *out, const char *path, struct mu_error *err)
{
    return fflush(out) == 0 && !ferror(out)
                   ? MU_OK
                   : mu_fail(err, MU_E_UNAVAILABLE, "write '%s': %s", path, strerror(errno));
}

/* ---- rows of a snapshot ---- */

static void put_row(FILE *out, const struct row_kind *kind, const union any_row *row)
{
    char numbers[COLUMNS_MAX][MU_NUMBER_TEXT_SIZE];
    const char *fields[COLUMNS_MAX];

    for (size_t i = 0; i < kind->column_count; i++) {
        const void *slot = (const char *)row + kind->columns[i].offset;

        if (kind->columns[i].type == VALUE_NUMBER) {
            (void)mu_text_of_number(*(const int64_t *)slot, numbers[i]);
            fields[i] = numbers[i];
        } else {
            fields[i] = *(const char *const *)slot;
        }
    }
    csv_put_row(out, fields, kind->column_count);
}

static enum mu_status put_rows(const struct snapshot *snapshot, enum snapshot_list list,
                               const struct row_kind *kind, FILE *out, struct mu_error *err)
{
    MU_AUTO(snapshot_cursor) struct snapshot_cursor *cursor = NULL;
    union any_row row;
    bool found = true;
    enum mu_status st = snapshot_list(snapshot, list, NULL, &cursor, err);

    for (size_t rows = 1; st == MU_OK; rows++) {
        st = snapshot_next(cursor, &row, &found, err);
        if (st != MU_OK || !found)
            break;
        put_row(out, kind, &row);
        if (rows % STOP_EVERY_ROWS == 0 && mu_stop_requested())
            return mu_fail(err, MU_E_UNAVAILABLE, "stopping");
    }
    return st;
}

enum mu_status csv_rows_write(const struct snapshot *snapshot, enum snapshot_list list,
                              enum snapshot_rows kind, const char *const *names, const char *path,
                              struct mu_error *err)
{
    const struct row_kind *rows = &row_kinds[kind];
    const char *members[COLUMNS_MAX];
    MU_AUTO_FILE FILE *out = NULL;
    enum mu_status st;

    for (size_t i = 0; i < rows->column_count; i++)
        members[i] = rows->columns[i].name;
    st = csv_open(path, names ? names : members, rows->column_count, &out, err);
    if (st == MU_OK)
        st = put_rows(snapshot, list, rows, out, err);
    return st == MU_OK ? csv_finish(out, path, err) : st;
}

static const struct {
    const char *name, *title;
    enum snapshot_list list;
    enum snapshot_rows kind;
} files[] = {
        {BUNDLE_FINDINGS, "Open findings, a line for each asset", SNAPSHOT_LIST_FINDINGS,
         SNAPSHOT_FINDINGS},
        {BUNDLE_CLOSED_FINDINGS, "Closed findings, a line for each asset", SNAPSHOT_LIST_CLOSED,
         SNAPSHOT_CLOSED},
        {BUNDLE_DEVIATIONS, "Deviations as they stood", SNAPSHOT_LIST_DEVIATIONS,
         SNAPSHOT_DEVIATIONS},
        {BUNDLE_FAILURES, "Failures of detection", SNAPSHOT_LIST_FAILURES, SNAPSHOT_FAILURES},
        {BUNDLE_ASSETS, "Assets with containers in production, a line for each image",
         SNAPSHOT_LIST_INVENTORY, SNAPSHOT_INVENTORY},
};

enum mu_status csv_rows_render(const struct render *render, struct mu_error *err)
{
    enum mu_status st = MU_OK;

    for (size_t i = 0; st == MU_OK && i < sizeof(files) / sizeof(files[0]); i++) {
        char path[BUNDLE_PATH_SIZE];

        st = render_path(render, files[i].name, path, err);
        if (st == MU_OK)
            st = csv_rows_write(render->snapshot, files[i].list, files[i].kind, NULL, path, err);
        if (st == MU_OK)
            st = render_list(render, files[i].name, files[i].title, err);
    }
    return st;
}
