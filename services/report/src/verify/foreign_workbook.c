/* Any inventory workbook: its sheet and columns by their headers, its rows by the template's rules.
 */
#include "verify/foreign_state.h"

#include "workbook/columns.h"
#include "workbook/xlsx_reader.h"

#include "base/text.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

enum { HEADER_ROWS_MAX = 30, HEADER_SIZE = 64, NOT_THERE = -1 };

/* What a container's row must say (IIW v3.1, "Mandatory or Optional?"), and what no sheet may
 * lack. */
static const enum workbook_column mandatory[] = {COLUMN_UAI,
                                                 COLUMN_ADDRESS,
                                                 COLUMN_VIRTUAL,
                                                 COLUMN_PUBLIC,
                                                 COLUMN_AUTHENTICATED,
                                                 COLUMN_BASELINE,
                                                 COLUMN_OS,
                                                 COLUMN_ASSET_TYPE,
                                                 COLUMN_IN_LATEST_SCAN,
                                                 COLUMN_DIAGRAM_LABEL,
                                                 COLUMN_FUNCTION};
#define MANDATORY (sizeof(mandatory) / sizeof(mandatory[0]))

struct foreign_sheet {
    struct verify_state *state;
    const char *name;
    bool found; /* the header row */
    int place[COLUMN_COUNT];
    bool is_old;   /* a release before 3.0, which has no diagram label */
    size_t others; /* rows that are no containers */
};

/* ---- headers ---- */

/* Letters and digits alone: blanks, line feeds and slashes differ between the releases. */
static void bare(const char *text, char ret_bare[HEADER_SIZE])
{
    size_t len = 0;

    for (; text && *text && len + 1 < HEADER_SIZE; text++)
        if (isalnum((unsigned char)*text))
            ret_bare[len++] = (char)tolower((unsigned char)*text);
    ret_bare[len] = '\0';
}

static int column_headed(const char *const *cells, size_t count, enum workbook_column column)
{
    char wanted[HEADER_SIZE], found[HEADER_SIZE];

    bare(inventory_workbook_header(column), wanted);
    for (size_t i = 0; i < count; i++) {
        bare(cells[i], found);
        if (mu_text_equal(found, wanted))
            return (int)i;
    }
    return NOT_THERE;
}

static void take_header(struct foreign_sheet *sheet, const char *const *cells, size_t count)
{
    if (column_headed(cells, count, COLUMN_UAI) == NOT_THERE)
        return;
    sheet->found = true;
    for (int column = 0; column < COLUMN_COUNT; column++)
        sheet->place[column] = column_headed(cells, count, (enum workbook_column)column);
    sheet->is_old = sheet->place[COLUMN_DIAGRAM_LABEL] == NOT_THERE &&
                    sheet->place[COLUMN_FUNCTION] < sheet->place[COLUMN_COMMENTS];
    for (size_t i = 0; i < MANDATORY; i++)
        if (sheet->place[mandatory[i]] == NOT_THERE &&
            !(sheet->is_old && mandatory[i] == COLUMN_DIAGRAM_LABEL))
            verify_difference(sheet->state, "workbook", inventory_workbook_header(mandatory[i]),
                              "sheet '%s' has no such column, which is mandatory", sheet->name);
}

/* ---- rows ---- */

static const char *cell(const struct foreign_sheet *sheet, const char *const *cells, size_t count,
                        enum workbook_column column)
{
    int place = sheet->place[column];

    return place >= 0 && (size_t)place < count ? cells[place] : NULL;
}

static void put_digests(struct verify_state *state, const char *uai, const char *text)
{
    char digest[128];

    while (text && *text) {
        size_t len = strcspn(text, "\r\n,; \t");

        if (foreign_digest(text, len, digest))
            (void)verify_put(state->store, VERIFY_DIGESTS, (const char *const[]){uai, digest});
        text += len + (text[len] != '\0');
    }
}

static void check_container(struct foreign_sheet *sheet, const char *uai, const char *const *cells,
                            size_t count)
{
    for (size_t i = 0; i < MANDATORY; i++)
        if (sheet->place[mandatory[i]] != NOT_THERE && !cell(sheet, cells, count, mandatory[i]))
            verify_difference(sheet->state, "workbook", uai, "'%s' is mandatory and blank",
                              inventory_workbook_header(mandatory[i]));
}

static void check_not_applicable(struct foreign_sheet *sheet, const char *uai,
                                 const char *const *cells, size_t count)
{
    char text[HEADER_SIZE];

    for (size_t i = 0; i < count; i++) {
        bare(cells[i], text);
        if (mu_text_equal(text, "na") || mu_text_equal(text, "notapplicable"))
            verify_difference(sheet->state, "workbook", uai,
                              "column %zu says '%s': blanks stay blank", i + 1, cells[i]);
    }
}

static bool is_container(const struct foreign_sheet *sheet, const char *const *cells, size_t count)
{
    const char *address = cell(sheet, cells, count, COLUMN_ADDRESS);
    const char *type = cell(sheet, cells, count, COLUMN_ASSET_TYPE);
    char digest[128], word[HEADER_SIZE];

    bare(type, word);
    return strstr(word, "container") || strstr(word, "image") ||
           (address && foreign_digest(address, strlen(address), digest));
}

static void put_row(struct foreign_sheet *sheet, const char *uai, const char *place,
                    const char *const *cells, size_t count)
{
    struct verify_state *state = sheet->state;
    const char *in_scan = cell(sheet, cells, count, COLUMN_IN_LATEST_SCAN);
    char name[FOREIGN_NAME_SIZE], word[HEADER_SIZE];
    bool says_no;

    bare(in_scan, word);
    says_no = mu_text_equal(word, "no");
    if (!verify_put(state->store, VERIFY_ROWS,
                    (const char *const[]){uai, says_no ? "0" : "1", place})) {
        verify_difference(state, "workbook", uai, "stands in two rows; it must be unique");
        return;
    }
    foreign_name(uai, name);
    (void)verify_put(state->store, VERIFY_ROW_NAMES, (const char *const[]){uai, name});
    put_digests(state, uai, cell(sheet, cells, count, COLUMN_ADDRESS));
    if (!says_no)
        return;
    state->summary.gaps++;
    if (mu_table_row_count(state->tables.gaps) < VERIFY_MAX_REPORTED)
        mu_table_row(state->tables.gaps,
                     (const char *const[]){uai, "not in latest scan", NULL, NULL,
                                           cell(sheet, cells, count, COLUMN_COMMENTS)});
}

static void take_row(struct foreign_sheet *sheet, size_t row, const char *const *cells,
                     size_t count)
{
    const char *uai = cell(sheet, cells, count, COLUMN_UAI);
    char place[32];

    (void)snprintf(place, sizeof(place), "row %zu", row);
    if (sheet->place[COLUMN_UAI] > 0 && cells[0]) {
        verify_difference(sheet->state, "workbook", place,
                          "is guidance or an example of the template (%.60s): delete column A and "
                          "these rows before submission",
                          cells[0]);
        return;
    }
    check_not_applicable(sheet, uai ? uai : place, cells, count);
    if (uai && !is_container(sheet, cells, count)) {
        sheet->others++;
        if (!verify_put(sheet->state->store, VERIFY_OTHERS, (const char *const[]){uai}))
            verify_difference(sheet->state, "workbook", uai,
                              "stands in two rows; it must be unique");
        return;
    }
    sheet->state->summary.rows++;
    check_container(sheet, uai ? uai : place, cells, count);
    if (uai && verify_key_fits(uai, ""))
        put_row(sheet, uai, place, cells, count);
}

static enum mu_status on_row(void *opaque, size_t row, const char *const *cells, size_t count,
                             struct mu_error *err)
{
    struct foreign_sheet *sheet = opaque;

    if (!sheet->found && row > HEADER_ROWS_MAX)
        return mu_fail(err, MU_E_CONFLICT, "no header"); /* ends the reading of this sheet */
    if (!sheet->found)
        take_header(sheet, cells, count);
    else
        take_row(sheet, row, cells, count);
    return MU_OK;
}

/* ---- sheets ---- */

struct sheets {
    struct verify_state *state;
    const char *path;
    bool found;
};

static enum mu_status on_sheet(void *opaque, size_t number, const char *const *cells, size_t count,
                               struct mu_error *err)
{
    struct sheets *sheets = opaque;
    struct foreign_sheet sheet = {.state = sheets->state, .name = cells[0]};
    enum mu_status st;

    (void)number, (void)count;
    if (sheets->found)
        return MU_OK;
    st = xlsx_read(sheets->path, cells[0], on_row, &sheet, err);
    sheets->found = sheet.found;
    return st == MU_E_CONFLICT && !sheet.found ? MU_OK : st;
}

void foreign_read_workbook(struct verify_state *state, const char *path)
{
    struct sheets sheets = {state, path, false};
    struct mu_error err;

    if (xlsx_sheets(path, on_sheet, &sheets, &err) != MU_OK)
        verify_difference(state, "workbook", path, "cannot be read: %s", err.message);
    else if (!sheets.found)
        verify_difference(state, "workbook", path, "has no sheet with a column '%s'",
                          inventory_workbook_header(COLUMN_UAI));
}
