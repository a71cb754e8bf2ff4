/* The workbook's own rules, column by column, and its rows as a map for the matching. */
#include "verify/state.h"

#include "bundle/layout.h"
#include "workbook/workbook.h"
#include "workbook/xlsx_reader.h"

#include "base/text.h"

#include <stdio.h>
#include <string.h>

/* Columns of a container row by what the template demands (IIW v3.1, "Mandatory or Optional?"). The
 * address is held against the scans instead: a runtime that told no checksum is a declared gap. */
static const enum workbook_column mandatory[] = {
        COLUMN_UAI,           COLUMN_VIRTUAL,  COLUMN_PUBLIC,
        COLUMN_BASELINE,      COLUMN_OS,       COLUMN_AUTHENTICATED,
        COLUMN_ASSET_TYPE,    COLUMN_FUNCTION, COLUMN_IN_LATEST_SCAN,
        COLUMN_DIAGRAM_LABEL, COLUMN_VENDOR,   COLUMN_SOFTWARE};
static const enum workbook_column forbidden[] = {COLUMN_LOCATION, COLUMN_HARDWARE, COLUMN_SERIAL,
                                                 COLUMN_VLAN, COLUMN_APPLICATION_ADMINISTRATOR};
static const enum workbook_column yes_no[] = {COLUMN_VIRTUAL, COLUMN_PUBLIC, COLUMN_AUTHENTICATED,
                                              COLUMN_IN_LATEST_SCAN};

enum { VERIFY_DIGEST_SIZE = 512, FILE_NAME_SIZE = 64 };

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

struct row_reader {
    struct verify_state *state;
    bool groups_seen, header_seen;
};

static const char *cell(const char *const *cells, size_t count, enum workbook_column column)
{
    return (size_t)column < count ? cells[column] : NULL;
}

static void check_header(struct verify_state *state, const char *const *cells, size_t count)
{
    for (int column = 0; column < COLUMN_COUNT; column++) {
        const char *found = cell(cells, count, (enum workbook_column)column);
        const char *wanted = inventory_workbook_header((enum workbook_column)column);

        if (!mu_text_equal(found, wanted))
            verify_difference(state, "workbook", wanted, "column %d is headed '%s'", column + 1,
                              found ? found : "");
    }
    for (size_t i = COLUMN_COUNT; i < count; i++)
        if (cells[i])
            verify_difference(state, "workbook", cells[i], "column %zu is headed '%s'", i + 1,
                              cells[i]);
}

static void check_groups(struct verify_state *state, const char *const *cells, size_t count)
{
    for (int column = 0; column < COLUMN_COUNT; column++) {
        const char *found = cell(cells, count, (enum workbook_column)column);
        const char *wanted = inventory_workbook_group((enum workbook_column)column);

        if (!mu_text_equal(found, wanted))
            verify_difference(state, "workbook", wanted ? wanted : found,
                              "column %d of row 1 says '%s'", column + 1, found ? found : "");
    }
}

static bool is_not_applicable(const char *text)
{
    return strcasecmp(text, "n/a") == 0 || strcasecmp(text, "na") == 0;
}

static bool is_image(const struct verify_state *state, const char *uai)
{
    return !state->has_others ||
           verify_ask_number(state->store, "SELECT count(*) FROM others WHERE uai = ?",
                             (const char *const[]){uai, NULL}) == 0;
}

static void check_image_cells(struct verify_state *state, const char *uai, const char *const *cells,
                              size_t count)
{
    for (size_t i = 0; i < COUNT_OF(mandatory); i++)
        if (!cell(cells, count, mandatory[i]))
            verify_difference(state, "workbook", uai, "'%s' is mandatory and blank",
                              inventory_workbook_header(mandatory[i]));
    for (size_t i = 0; i < COUNT_OF(forbidden); i++)
        if (cell(cells, count, forbidden[i]))
            verify_difference(state, "workbook", uai, "'%s' must be blank for containers",
                              inventory_workbook_header(forbidden[i]));
}

static void check_cells(struct verify_state *state, const char *uai, bool image,
                        const char *const *cells, size_t count)
{
    if (image)
        check_image_cells(state, uai, cells, count);
    for (size_t i = 0; i < COUNT_OF(yes_no); i++) {
        const char *text = cell(cells, count, yes_no[i]);

        if (text && !mu_text_equal(text, "Yes") && !mu_text_equal(text, "No"))
            verify_difference(state, "workbook", uai, "'%s' says '%s', not Yes or No",
                              inventory_workbook_header(yes_no[i]), text);
    }
    for (size_t i = 0; i < count; i++)
        if (cells[i] && is_not_applicable(cells[i]))
            verify_difference(state, "workbook", uai, "column %zu says '%s': blanks stay blank",
                              i + 1, cells[i]);
}

/* The address cell's lines, each once. */
static void put_digests(struct verify_state *state, const char *uai, const char *text)
{
    char digest[VERIFY_DIGEST_SIZE];

    while (text && *text) {
        size_t len = strcspn(text, "\n");

        (void)snprintf(digest, sizeof(digest), "%.*s", (int)(len < sizeof(digest) ? len : 0), text);
        if (len >= sizeof(digest))
            verify_difference(state, "workbook", uai, "names a checksum of %zu characters", len);
        else if (len > 0)
            (void)verify_put(state->store, VERIFY_DIGESTS, (const char *const[]){uai, digest});
        text += len + (text[len] == '\n');
    }
}

static void add_row(struct verify_state *state, const char *uai, bool image, const char *place,
                    const char *const *cells, size_t count)
{
    const char *in_scan =
            mu_text_equal(cell(cells, count, COLUMN_IN_LATEST_SCAN), "Yes") ? "1" : "0";

    if (!verify_put(state->store, VERIFY_ROWS, (const char *const[]){uai, in_scan, place}))
        verify_difference(state, "workbook", uai, "stands in two rows; it must be unique");
    if (image)
        put_digests(state, uai, cell(cells, count, COLUMN_ADDRESS));
}

static enum mu_status on_row(void *opaque, size_t row, const char *const *cells, size_t count,
                             struct mu_error *err)
{
    struct row_reader *reader = opaque;
    const char *uai = cell(cells, count, COLUMN_UAI);
    char place[32];
    bool image;

    (void)err;
    if (row < WORKBOOK_HEADER_ROWS) {
        reader->groups_seen = true;
        check_groups(reader->state, cells, count);
    } else if (row == WORKBOOK_HEADER_ROWS) {
        reader->header_seen = true;
        check_header(reader->state, cells, count);
    } else {
        reader->state->summary.rows++;
        (void)snprintf(place, sizeof(place), "row %zu", row);
        image = !uai || is_image(reader->state, uai);
        check_cells(reader->state, uai ? uai : place, image, cells, count);
        if (uai)
            add_row(reader->state, uai, image, place, cells, count);
    }
    return MU_OK;
}

static void check_workbook(struct verify_state *state, const char *name)
{
    struct row_reader reader = {.state = state};
    char path[VERIFY_PATH_SIZE];
    struct mu_error err;

    if (!verify_path(state, name, path))
        return;
    if (xlsx_read(path, workbook_inventory_sheet, on_row, &reader, &err) != MU_OK)
        verify_difference(state, "workbook", name, "cannot be read: %s", err.message);
    else if (!reader.groups_seen || !reader.header_seen)
        verify_difference(state, "workbook", name, "lacks one of its two header rows");
}

/* What a sheet has no room for stands in further workbooks. */
void verify_workbook(struct verify_state *state)
{
    char name[FILE_NAME_SIZE];
    size_t number = 2;

    check_workbook(state, BUNDLE_WORKBOOK);
    (void)snprintf(name, sizeof(name), BUNDLE_WORKBOOK_NEXT, number);
    while (verify_lists(state, name)) {
        check_workbook(state, name);
        (void)snprintf(name, sizeof(name), BUNDLE_WORKBOOK_NEXT, ++number);
    }
}
