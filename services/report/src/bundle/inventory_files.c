#include "bundle/inventory_files.h"

#include "assets/other_assets.h"
#include "bundle/assets.h"
#include "bundle/json_list.h"
#include "bundle/layout.h"
#include "workbook/xlsx_reader.h"

#include "base/clock.h"
#include "base/text.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { CELLS_MAX_BYTES = 16 * 1024 * 1024 };

struct writer {
    const struct render *render;
    const struct other_assets *others;
    size_t next_other;
    struct asset_reader *reader;
    struct asset asset; /* the next one, when has_asset */
    bool has_asset;
    struct mu_arena *cells; /* of one row */
    uint32_t max_rows;
    struct inventory_counts counts;
};

enum { INVENTORY_NAME_SIZE = 64 };

/* "inventory-2.xlsx" of 2; that of 1 is BUNDLE_WORKBOOK. */
static void inventory_file_name(size_t number, char ret_name[INVENTORY_NAME_SIZE])
{
    if (number == 1)
        (void)snprintf(ret_name, INVENTORY_NAME_SIZE, "%s", BUNDLE_WORKBOOK);
    else
        (void)snprintf(ret_name, INVENTORY_NAME_SIZE, BUNDLE_WORKBOOK_NEXT, number);
}

/* ---- rows: images and others in the order of their identifiers ---- */

static const struct other_asset *other(const struct writer *writer)
{
    return writer->next_other < writer->others->count ? &writer->others->assets[writer->next_other]
                                                      : NULL;
}

static enum mu_status same_identifier(const struct other_assets *others,
                                      const struct other_asset *asset, struct mu_error *err)
{
    return mu_fail(err, MU_E_INVALID, "%s:%zu: '%s' '%.200s' is that of an image in production",
                   others->path, asset->line, inventory_workbook_header(COLUMN_UAI),
                   asset->row.cells[COLUMN_UAI]);
}

static enum mu_status add_other(struct writer *writer, const struct other_asset *next,
                                struct inventory_workbook *workbook, struct mu_error *err)
{
    if (writer->has_asset && mu_text_equal(next->row.cells[COLUMN_UAI], writer->asset.rows[0].uai))
        return same_identifier(writer->others, next, err);
    writer->next_other++;
    return inventory_workbook_add(workbook, &next->row, err);
}

static enum mu_status add_next(struct writer *writer, struct inventory_workbook *workbook,
                               struct mu_error *err)
{
    const struct other_asset *next = other(writer);
    struct inventory_workbook_row row;
    enum mu_status st;

    if (next &&
        (!writer->has_asset || strcmp(next->row.cells[COLUMN_UAI], writer->asset.rows[0].uai) <= 0))
        return add_other(writer, next, workbook, err);
    mu_arena_reset(writer->cells);
    st = asset_to_row(&writer->asset, writer->render->system, writer->cells, &row, err);
    if (st == MU_OK)
        st = inventory_workbook_add(workbook, &row, err);
    return st == MU_OK ? asset_next(writer->reader, &writer->asset, &writer->has_asset, err) : st;
}

static bool has_more(const struct writer *writer)
{
    return writer->has_asset || other(writer);
}

/* ---- one file ---- */

static enum mu_status fill_file(struct writer *writer, const char *path, size_t *ret_rows,
                                struct mu_error *err)
{
    MU_AUTO(inventory_workbook) struct inventory_workbook *workbook = NULL;
    const struct render *render = writer->render;
    struct inventory_workbook *finished;
    char as_of[MU_TIME_TEXT_SIZE];
    struct inventory_workbook_properties properties = {
            .system_name = render->system->name,
            .month = render->month,
            .as_of = as_of,
            .as_of_us = snapshot_instants(render->snapshot)->as_of_us,
            .has_others = writer->others->count > 0};
    size_t rows = 0;
    enum mu_status st;

    mu_time_format(properties.as_of_us, as_of);
    st = inventory_workbook_open(path, &properties, &workbook, err);
    for (; st == MU_OK && rows < writer->max_rows && has_more(writer); rows++)
        st = add_next(writer, workbook, err);
    if (st != MU_OK)
        return st;
    *ret_rows = rows;
    finished = workbook;
    workbook = NULL;
    return inventory_workbook_close(finished, err);
}

static enum mu_status count_row(void *opaque, size_t row, const char *const *cells, size_t count,
                                struct mu_error *err)
{
    size_t *rows = opaque;

    (void)cells, (void)count, (void)err;
    *rows += row > WORKBOOK_HEADER_ROWS ? 1 : 0;
    return MU_OK;
}

/* The library that writes it does not notice a full disk under its temporary files. */
static enum mu_status read_back(const char *path, size_t written, struct mu_error *err)
{
    size_t rows = 0;

    if (xlsx_read(path, workbook_inventory_sheet, count_row, &rows, err) != MU_OK) {
        (void)mu_wrap(err, "the workbook was not written whole");
        return err->status = MU_E_UNAVAILABLE;
    }
    if (rows != written)
        return mu_fail(err, MU_E_UNAVAILABLE, "the workbook holds %zu rows of %zu", rows, written);
    return MU_OK;
}

static enum mu_status list_file(const struct writer *writer, const char *name, struct mu_error *err)
{
    char before[INVENTORY_NAME_SIZE], title[256];

    inventory_file_name(writer->counts.files - 1, before);
    if (writer->counts.files == 1)
        (void)snprintf(title, sizeof(title), "FedRAMP Integrated Inventory Workbook v3.1%s",
                       has_more(writer) ? ", goes on in a further file" : "");
    else
        (void)snprintf(title, sizeof(title),
                       "FedRAMP Integrated Inventory Workbook v3.1, part %zu: goes on from %s",
                       writer->counts.files, before);
    return render_list(writer->render, name, title, err);
}

static enum mu_status write_file(struct writer *writer, struct mu_error *err)
{
    char path[BUNDLE_PATH_SIZE], name[INVENTORY_NAME_SIZE];
    size_t rows = 0;
    enum mu_status st;

    inventory_file_name(++writer->counts.files, name);
    st = render_path(writer->render, name, path, err);
    if (st == MU_OK)
        st = fill_file(writer, path, &rows, err);
    if (st == MU_OK)
        st = read_back(path, rows, err);
    if (st == MU_OK && chmod(path, 0640) != 0)
        st = mu_fail(err, MU_E_UNAVAILABLE, "chmod '%s': %s", path, strerror(errno));
    writer->counts.rows += rows;
    return st == MU_OK ? list_file(writer, name, err) : st;
}

static enum mu_status write_files(struct writer *writer, struct mu_error *err)
{
    enum mu_status st = asset_reader_open(writer->render->snapshot, &writer->reader, err);

    if (st == MU_OK)
        st = asset_next(writer->reader, &writer->asset, &writer->has_asset, err);
    do {
        if (st == MU_OK)
            st = write_file(writer, err);
    } while (st == MU_OK && has_more(writer));
    asset_reader_free(writer->reader);
    return st;
}

/* ---- other assets ---- */

static enum mu_status put_others(const struct other_assets *others, const char *path,
                                 struct mu_error *err)
{
    MU_AUTO_DONE(json_list_done) struct json_list list;
    enum mu_status st = json_list_open(path, &list, err);

    for (size_t i = 0; st == MU_OK && i < others->count; i++)
        st = json_list_add(&list,
                           json_pack("{s:s}", "uai", others->assets[i].row.cells[COLUMN_UAI]), err);
    return st == MU_OK ? json_list_close(&list, err) : st;
}

static enum mu_status list_others(const struct writer *writer, struct mu_error *err)
{
    char path[BUNDLE_PATH_SIZE];
    enum mu_status st = render_path(writer->render, BUNDLE_OTHER_ASSETS, path, err);

    if (st == MU_OK)
        st = put_others(writer->others, path, err);
    return st == MU_OK ? render_list(writer->render, BUNDLE_OTHER_ASSETS,
                                     "Assets of the inventory that are no container images", err)
                       : st;
}

enum mu_status inventory_files_write(const struct render *render, uint32_t max_rows,
                                     struct inventory_counts *ret_counts, struct mu_error *err)
{
    MU_AUTO(arena) struct mu_arena *cells = mu_arena_new(CELLS_MAX_BYTES);
    struct other_assets others = {.count = 0};
    struct writer writer = {.render = render,
                            .others = &others,
                            .cells = cells,
                            .max_rows = max_rows ? max_rows : WORKBOOK_MAX_ROWS};
    enum mu_status st =
            other_assets_read(render->system->other_assets, render->system, &others, err);

    if (st == MU_OK)
        st = write_files(&writer, err);
    if (st == MU_OK && others.count > 0)
        st = list_others(&writer, err);
    if (st == MU_OK)
        *ret_counts = writer.counts;
    other_assets_done(&others);
    return st;
}
