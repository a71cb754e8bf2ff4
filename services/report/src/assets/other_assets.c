#include "assets/other_assets.h"

#include "assets/asset_rules.h"
#include "csv/csv_reader.h"
#include "workbook/told.h"

#include "base/file.h"
#include "base/text.h"
#include "yaml/yaml_reader.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ARENA_BYTES = 64 * 1024 * 1024 };

struct reading {
    struct other_assets *assets;
    const struct system_file *system;
    const char *path;
    size_t line; /* where the next CSV row begins */
    enum workbook_column columns[CSV_MAX_COLUMNS];
    size_t column_count;
    bool header_seen;
};

/* ---- any form ---- */

static enum mu_status wrong(const struct reading *reading, size_t line, const char *column,
                            const char *what, struct mu_error *err)
{
    return mu_fail(err, MU_E_INVALID, "%s:%zu: '%.100s' %s", reading->path, line, column, what);
}

static enum mu_status grow(const struct reading *reading, struct mu_error *err)
{
    struct other_assets *assets = reading->assets;
    struct other_asset *grown;

    if (assets->count == OTHER_ASSETS_MAX)
        return mu_fail(err, MU_E_LIMIT, "%s: more than %d assets", reading->path, OTHER_ASSETS_MAX);
    if (assets->count & (assets->count - 1)) /* room doubles at each power of two */
        return MU_OK;
    grown = realloc(assets->assets, (assets->count ? 2 * assets->count : 1) * sizeof(*grown));
    if (!grown)
        return mu_fail(err, MU_E_NOMEM, "%s: out of memory", reading->path);
    assets->assets = grown;
    return MU_OK;
}

static enum mu_status add(struct reading *reading, const struct other_asset *asset,
                          struct mu_error *err)
{
    enum workbook_column column = COLUMN_UAI;
    const char *problem = asset_problem(&asset->row, reading->system, &column);
    enum mu_status st;

    if (problem)
        return wrong(reading, asset->line, inventory_workbook_header(column), problem, err);
    st = grow(reading, err);
    if (st == MU_OK)
        reading->assets->assets[reading->assets->count++] = *asset;
    return st;
}

static enum mu_status keep(const struct reading *reading, const char *text, const char **ret_text,
                           struct mu_error *err)
{
    char *kept = mu_arena_strdup(reading->assets->arena, text);

    if (!kept)
        return mu_fail(err, MU_E_LIMIT, "%s: too large", reading->path);
    told_clean(kept);
    *ret_text = kept;
    return MU_OK;
}

static int by_identifier(const void *a, const void *b)
{
    const struct other_asset *left = a, *right = b;
    int order = strcmp(left->row.cells[COLUMN_UAI], right->row.cells[COLUMN_UAI]);

    return order ? order : left->line < right->line ? -1 : left->line > right->line ? 1 : 0;
}

static enum mu_status sort(const struct reading *reading, struct mu_error *err)
{
    struct other_assets *assets = reading->assets;

    if (assets->count > 0)
        qsort(assets->assets, assets->count, sizeof(assets->assets[0]), by_identifier);
    for (size_t i = 1; i < assets->count; i++) {
        const struct other_asset *before = &assets->assets[i - 1], *asset = &assets->assets[i];

        if (mu_text_equal(before->row.cells[COLUMN_UAI], asset->row.cells[COLUMN_UAI]))
            return mu_fail(err, MU_E_INVALID,
                           "%s:%zu: '%s' '%.200s' stands in line %zu too; it must be unique",
                           reading->path, asset->line, inventory_workbook_header(COLUMN_UAI),
                           asset->row.cells[COLUMN_UAI], before->line);
    }
    return MU_OK;
}

/* ---- CSV ---- */

static enum mu_status take_header(struct reading *reading, size_t line, const char *const *fields,
                                  size_t count, struct mu_error *err)
{
    bool seen[COLUMN_COUNT] = {false};

    for (size_t i = 0; i < count; i++) {
        enum workbook_column column = asset_column_of(fields[i]);

        if (column == COLUMN_COUNT)
            return wrong(reading, line, fields[i], "is no column of the inventory workbook", err);
        if (seen[column])
            return wrong(reading, line, fields[i], "stands there twice", err);
        seen[column] = true;
        reading->columns[i] = column;
    }
    reading->column_count = count;
    reading->header_seen = true;
    return MU_OK;
}

static enum mu_status take_line(struct reading *reading, size_t line, const char *const *fields,
                                size_t count, struct mu_error *err)
{
    struct other_asset asset = {.line = line};
    enum mu_status st = MU_OK;

    if (count == 1 && !*fields[0]) /* a blank line */
        return MU_OK;
    if (count != reading->column_count)
        return mu_fail(err, MU_E_INVALID, "%s:%zu: has %zu columns, the header %zu", reading->path,
                       line, count, reading->column_count);
    for (size_t i = 0; st == MU_OK && i < count; i++)
        st = keep(reading, fields[i], &asset.row.cells[reading->columns[i]], err);
    return st == MU_OK ? add(reading, &asset, err) : st;
}

static enum mu_status on_row(void *opaque, size_t row, const char *const *fields, size_t count,
                             struct mu_error *err)
{
    struct reading *reading = opaque;
    size_t line = reading->line;

    (void)row;
    reading->line++;
    for (size_t i = 0; i < count; i++)
        for (const char *at = fields[i]; (at = strchr(at, '\n')); at++)
            reading->line++;
    return reading->header_seen ? take_line(reading, line, fields, count, err)
                                : take_header(reading, line, fields, count, err);
}

static enum mu_status parse_csv(struct reading *reading, const char *bytes, size_t len,
                                struct mu_error *err)
{
    static const char mark[] = "\xef\xbb\xbf"; /* spreadsheets put it in front */
    size_t skipped = len >= 3 && memcmp(bytes, mark, 3) == 0 ? 3 : 0;
    FILE *in;
    enum mu_status st;

    if (len == skipped)
        return mu_fail(err, MU_E_INVALID, "%s: is empty", reading->path);
    in = fmemopen((void *)(uintptr_t)(bytes + skipped), len - skipped, "r");
    if (!in)
        return mu_fail(err, MU_E_NOMEM, "%s: out of memory", reading->path);
    reading->line = 1;
    st = csv_read(in, on_row, reading, err);
    (void)fclose(in);
    return st == MU_OK || strstr(err->message, reading->path) ? st
                                                              : mu_wrap(err, "%s", reading->path);
}

/* ---- YAML ---- */

static enum mu_status take_pair(struct yaml_reader *reader, struct reading *reading,
                                const yaml_node_pair_t *pair, struct other_asset *asset,
                                struct mu_error *err)
{
    const yaml_node_t *key = yaml_document_get_node(reader->document, pair->key);
    const yaml_node_t *value = yaml_document_get_node(reader->document, pair->value);
    const char *name = NULL, *text = NULL;
    enum workbook_column column;
    enum mu_status st = yaml_reader_text(reader, "a key", key, &name, err);

    if (st != MU_OK)
        return st;
    column = asset_column_of(name);
    if (column == COLUMN_COUNT)
        return wrong(reading, yaml_reader_line(key), name, "is no column of the inventory workbook",
                     err);
    if (asset->row.cells[column])
        return wrong(reading, yaml_reader_line(key), name, "stands there twice", err);
    st = yaml_reader_text_or_empty(reader, name, value, &text, err);
    return st == MU_OK ? keep(reading, text, &asset->row.cells[column], err) : st;
}

static enum mu_status take_mapping(struct yaml_reader *reader, struct reading *reading,
                                   const yaml_node_t *node, struct mu_error *err)
{
    struct other_asset asset = {.line = yaml_reader_line(node)};
    enum mu_status st = MU_OK;

    if (node->type != YAML_MAPPING_NODE)
        return yaml_reader_wrong(reader, node, "an asset", "must be a mapping of columns to texts",
                                 err);
    for (const yaml_node_pair_t *pair = node->data.mapping.pairs.start;
         st == MU_OK && pair < node->data.mapping.pairs.top; pair++)
        st = take_pair(reader, reading, pair, &asset, err);
    return st == MU_OK ? add(reading, &asset, err) : st;
}

static enum mu_status take_list(struct yaml_reader *reader, struct reading *reading,
                                struct mu_error *err)
{
    const yaml_node_t *root = yaml_document_get_root_node(reader->document);
    enum mu_status st = MU_OK;

    if (!root || root->type != YAML_SEQUENCE_NODE)
        return mu_fail(err, MU_E_INVALID, "%s: must be a list of assets", reader->path);
    for (const yaml_node_item_t *item = root->data.sequence.items.start;
         st == MU_OK && item < root->data.sequence.items.top; item++)
        st = take_mapping(reader, reading, yaml_document_get_node(reader->document, *item), err);
    return st;
}

static enum mu_status parse_yaml(struct reading *reading, const char *bytes, size_t len,
                                 struct mu_error *err)
{
    yaml_document_t document;
    struct yaml_reader reader = {
            .path = reading->path, .arena = reading->assets->arena, .document = &document};
    enum mu_status st = yaml_reader_load(reading->path, bytes, len, &document, err);

    if (st != MU_OK)
        return st;
    st = take_list(&reader, reading, err);
    yaml_document_delete(&document);
    return st;
}

/* ---- the file ---- */

bool other_assets_is_yaml(const char *path)
{
    return mu_text_ends(path, ".yaml") || mu_text_ends(path, ".yml");
}

enum mu_status other_assets_parse(const char *path, const char *bytes, size_t len,
                                  const struct system_file *system, struct other_assets *ret_assets,
                                  struct mu_error *err)
{
    struct other_assets assets = {.arena = mu_arena_new(ARENA_BYTES)};
    struct reading reading = {.assets = &assets, .system = system, .path = path};
    enum mu_status st = other_assets_is_yaml(path) ? parse_yaml(&reading, bytes, len, err)
                                                   : parse_csv(&reading, bytes, len, err);

    if (st == MU_OK)
        st = sort(&reading, err);
    if (st == MU_OK)
        st = keep(&reading, path, &assets.path, err);
    if (st == MU_OK)
        *ret_assets = assets;
    else
        other_assets_done(&assets);
    return st;
}

enum mu_status other_assets_read(const char *path, const struct system_file *system,
                                 struct other_assets *ret_assets, struct mu_error *err)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf bytes;
    enum mu_status st;

    mu_buf_init(&bytes, OTHER_ASSETS_MAX_BYTES);
    if (!*path) {
        *ret_assets = (struct other_assets){.count = 0};
        return MU_OK;
    }
    st = mu_file_read(path, &bytes, err);
    return st == MU_OK ? other_assets_parse(path, bytes.data, bytes.len, system, ret_assets, err)
                       : st;
}

void other_assets_done(struct other_assets *assets)
{
    mu_arena_free(assets->arena);
    free(assets->assets);
    *assets = (struct other_assets){.count = 0};
}
