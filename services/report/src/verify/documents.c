/* What the renderers wrote: JSON by its schema, and who speaks of which item and asset. Each file
 * is checked when it is there. */
#include "verify/documents.h"

#include "csv/csv_reader.h"
#include "verify/checks.h"
#include "verify/schema.h"

#include "bundle/layout.h"
#include "workbook/cell_text.h"
#include "workbook/xlsx_reader.h"

#include "base/text.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

enum { VERIFY_UAI_SIZE = 4096 };

/* ---- JSON ---- */

/* Where a document names an item ("item") or an asset ("uai"). */
static const struct {
    const char *member, *key, *path, *kind;
} ids[] = {
        {"vulnerabilities", NULL, "providerTrackingId", "item"},
        {"activeVulnerabilities", NULL, "providerTrackingId", "item"},
        {"acceptedVulnerabilities", NULL, "vulnerabilityDetail.providerTrackingId", "item"},
};

struct document {
    struct verify_state *state;
    struct schema_check check;
};

static void put_item(struct verify_state *state, const char *file, const char *kind,
                     const char *text)
{
    if (text && *text && verify_key_fits(text, ""))
        (void)verify_put(state->store, VERIFY_ITEMS, (const char *const[]){file, kind, text});
}

/* An image is a component under its asset's identifier, "@" and its digest (oscal/oscal.h). */
static void put_asset(struct document *document, const char *key, const char *text)
{
    char uai[VERIFY_UAI_SIZE];
    const char *digest = NULL;

    for (const char *at = text; at && (at = strstr(at, "@sha256:")); at++)
        digest = at;
    if (!digest || !mu_text_equal(key, "components")) {
        put_item(document->state, document->check.file, "uai", text);
    } else if (snprintf(uai, sizeof(uai), "%.*s", (int)(digest - text), text) < (int)sizeof(uai)) {
        put_item(document->state, document->check.file, "uai", uai);
    }
}

/* OSCAL says it in properties. */
static void put_properties(struct document *document, const char *key, const json_t *value)
{
    const json_t *property;
    size_t i;

    json_array_foreach (json_object_get(value, "props"), i, property) {
        const char *name = mu_json_text_at(property, "name");

        if (name && (strcasecmp(name, "poam-id") == 0 || strcasecmp(name, "poam-item-id") == 0))
            put_item(document->state, document->check.file, "item",
                     mu_json_text_at(property, "value"));
        else if (mu_text_equal(name, "asset-id"))
            put_asset(document, key, mu_json_text_at(property, "value"));
    }
}

static enum json_stream_wish on_wish(void *opaque, const char *member, const char *key)
{
    return schema_wish(((struct document *)opaque)->check.schema, member, key);
}

static enum mu_status on_piece(void *opaque, const char *member, const char *key, json_t *value,
                               struct mu_error *err)
{
    struct document *document = opaque;

    (void)err;
    schema_piece(&document->check, member, key, value);
    for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++)
        if (mu_text_equal(member, ids[i].member) && !key)
            put_item(document->state, document->check.file, ids[i].kind,
                     mu_json_text_at(value, ids[i].path));
    if (key)
        put_properties(document, key, value);
    return MU_OK;
}

struct kind {
    struct verify_state *state;
    const struct schema *schema;
};

void verify_read_document(struct verify_state *state, const struct schema *schema, const char *file,
                          FILE *in)
{
    struct document document = {.state = state};
    const struct verify_pieces pieces = {schema->is_array, on_wish, on_piece, &document};

    schema_begin(&document.check, state, schema, file);
    schema_end(&document.check, verify_read_pieces(state, file, in, &pieces));
}

static bool on_document(void *opaque, const char *const *columns)
{
    const struct kind *kind = opaque;
    MU_AUTO_FILE FILE *in = verify_open(kind->state, columns[0]);

    if (in)
        verify_read_document(kind->state, kind->schema, columns[0], in);
    return true;
}

/* ---- CSV ---- */

enum { TABLE_COLUMNS = 4, NOT_THERE = -1 };

struct csv_file {
    const char *name;
    unsigned group;                     /* it was read whole */
    const char *columns[TABLE_COLUMNS]; /* by their headers; NULL ends them */
    void (*take)(struct verify_state *state, const char *file, const char *const *fields);
};

/* Each of the names under which it was found, a line each. */
static void put_names(struct verify_state *state, const char *const *fields, const char *names)
{
    char name[512];

    while (*names) {
        size_t len = strcspn(names, "\n");

        (void)snprintf(name, sizeof(name), "%.*s", (int)(len < sizeof(name) ? len : 0), names);
        if (*name)
            (void)verify_put(state->store, VERIFY_FINDINGS,
                             (const char *const[]){fields[0], fields[1], name});
        names += len + (names[len] == '\n');
    }
}

static void take_finding(struct verify_state *state, const char *file, const char *const *fields)
{
    put_names(state, fields, fields[2]);
    put_names(state, fields, fields[3]);
    put_item(state, file, "item", fields[0]);
    put_item(state, file, "uai", fields[1]);
}

static void take_closed(struct verify_state *state, const char *file, const char *const *fields)
{
    put_item(state, file, "item", fields[0]);
    put_item(state, file, "closed uai", fields[1]);
}

static void take_asset(struct verify_state *state, const char *file, const char *const *fields)
{
    put_item(state, file, "uai", fields[0]);
}

static const struct csv_file csv_files[] = {
        {BUNDLE_FINDINGS,
         VERIFY_HAS_FINDINGS,
         {"item", "uai", "vulnerability", "reported_as"},
         take_finding},
        {BUNDLE_CLOSED_FINDINGS, VERIFY_HAS_CLOSED, {"item", "uai"}, take_closed},
        {BUNDLE_ASSETS, VERIFY_HAS_ASSETS, {"uai"}, take_asset},
};

struct csv_reading {
    struct verify_state *state;
    const struct csv_file *file;
    int places[TABLE_COLUMNS];
    size_t columns;
};

static enum mu_status take_header(struct csv_reading *reading, const char *const *fields,
                                  size_t count, struct mu_error *err)
{
    reading->columns = count;
    for (size_t i = 0; i < TABLE_COLUMNS && reading->file->columns[i]; i++) {
        reading->places[i] = NOT_THERE;
        for (size_t field = 0; field < count; field++)
            if (mu_text_equal(fields[field], reading->file->columns[i]))
                reading->places[i] = (int)field;
        if (reading->places[i] == NOT_THERE)
            return mu_fail(err, MU_E_INVALID, "there is no column '%s'", reading->file->columns[i]);
    }
    return MU_OK;
}

static enum mu_status on_row(void *opaque, size_t row, const char *const *fields, size_t count,
                             struct mu_error *err)
{
    struct csv_reading *reading = opaque;
    const char *taken[TABLE_COLUMNS] = {"", "", "", ""};

    if (row == 1)
        return take_header(reading, fields, count, err);
    if (count != reading->columns)
        return mu_fail(err, MU_E_INVALID, "row %zu has %zu columns, not %zu", row, count,
                       reading->columns);
    for (size_t i = 0; i < TABLE_COLUMNS && reading->file->columns[i]; i++) {
        const char *field = fields[reading->places[i]];

        taken[i] = field[0] == '\'' && cell_text_is_runnable(field + 1) ? field + 1 : field;
    }
    reading->file->take(reading->state, reading->file->name, taken);
    return MU_OK;
}

void verify_read_csv(struct verify_state *state, size_t which, FILE *in)
{
    const struct csv_file *file = &csv_files[which];
    struct csv_reading reading = {.state = state, .file = file};
    struct mu_error err;

    if (csv_read(in, on_row, &reading, &err) == MU_OK)
        state->groups |= file->group;
    else
        verify_difference(state, "files", file->name, "cannot be read: %s", err.message);
}

/* ---- POA&M ---- */

enum { POAM_HEADER_ROWS_MAX = 12, POAM_HEADER_SIZE = 32 };

struct poam_sheet {
    struct verify_state *state;
    int id, assets; /* columns; NOT_THERE before the header */
};

/* "POAM ID" or "POA&M ID" */
static bool is_header(const char *text, const char *wanted)
{
    char bare[POAM_HEADER_SIZE];
    size_t len = 0;

    for (; text && *text && len + 1 < sizeof(bare); text++)
        if (isalnum((unsigned char)*text))
            bare[len++] = (char)tolower((unsigned char)*text);
    bare[len] = '\0';
    return mu_text_equal(bare, wanted);
}

/* A line each, "(port/protocol)" behind it. */
static void put_assets(struct verify_state *state, const char *text)
{
    char uai[1024];

    while (text && *text) {
        size_t len = strcspn(text, "\n"), name = strcspn(text, "\n (");

        (void)snprintf(uai, sizeof(uai), "%.*s", (int)(name < sizeof(uai) ? name : 0), text);
        put_item(state, BUNDLE_POAM, "uai", uai);
        text += len + (text[len] == '\n');
    }
}

/* The item of a row: "-part-2" is its second row; configuration findings are no findings of a
 * scan's vulnerabilities. */
static void put_poam_item(struct verify_state *state, const char *id)
{
    const char *part = strstr(id, BUNDLE_ITEM_PART);
    char item[VERIFY_UAI_SIZE];

    if (mu_text_starts(id, BUNDLE_CONFIGURATION_ITEM))
        return;
    if (part && strspn(part + strlen(BUNDLE_ITEM_PART), "0123456789") !=
                        strlen(part + strlen(BUNDLE_ITEM_PART)))
        part = NULL;
    if (snprintf(item, sizeof(item), "%.*s", part ? (int)(part - id) : (int)strlen(id), id) <
        (int)sizeof(item))
        put_item(state, BUNDLE_POAM, "item", item);
}

static enum mu_status on_poam_row(void *opaque, size_t row, const char *const *cells, size_t count,
                                  struct mu_error *err)
{
    struct poam_sheet *sheet = opaque;

    (void)err;
    for (size_t i = 0; sheet->id == NOT_THERE && i < count; i++)
        if (is_header(cells[i], "poamid"))
            sheet->id = (int)i;
    if (sheet->id == NOT_THERE || row > XLSX_MAX_ROWS)
        return MU_OK;
    if (sheet->assets == NOT_THERE) {
        for (size_t i = 0; i < count; i++)
            if (is_header(cells[i], "assetidentifier"))
                sheet->assets = (int)i;
        return MU_OK;
    }
    if ((size_t)sheet->id < count && cells[sheet->id] &&
        mu_text_starts(cells[sheet->id], BUNDLE_ITEM_PREFIX)) {
        put_poam_item(sheet->state, cells[sheet->id]);
        put_assets(sheet->state, (size_t)sheet->assets < count ? cells[sheet->assets] : NULL);
    }
    return MU_OK;
}

struct poam {
    struct verify_state *state;
    char path[VERIFY_PATH_SIZE];
};

static enum mu_status on_poam_sheet(void *opaque, size_t number, const char *const *cells,
                                    size_t count, struct mu_error *err)
{
    struct poam *poam = opaque;
    struct poam_sheet sheet = {poam->state, NOT_THERE, NOT_THERE};

    (void)number, (void)count;
    return xlsx_read(poam->path, cells[0], on_poam_row, &sheet, err);
}

static void read_poam(struct verify_state *state)
{
    struct poam poam = {.state = state};
    struct mu_error err;

    if (verify_path(state, BUNDLE_POAM, poam.path) &&
        xlsx_sheets(poam.path, on_poam_sheet, &poam, &err) != MU_OK)
        verify_difference(state, "files", BUNDLE_POAM, "cannot be read: %s", err.message);
}

/* ---- all ---- */

void verify_documents(struct verify_state *state)
{
    for (size_t i = 0; i < schema_document_count; i++) {
        struct kind kind = {state, &schema_documents[i]};

        verify_ask(state->store, "SELECT name FROM files WHERE name GLOB ? ORDER BY name",
                   (const char *const[]){schema_documents[i].pattern, NULL}, 1, on_document, &kind);
    }
    for (size_t i = 0; i < sizeof(csv_files) / sizeof(csv_files[0]); i++) {
        MU_AUTO_FILE FILE *in = verify_lists(state, csv_files[i].name)
                                        ? verify_open(state, csv_files[i].name)
                                        : NULL;

        if (in)
            verify_read_csv(state, i, in);
    }
    if (verify_lists(state, BUNDLE_POAM))
        read_poam(state);
}
