#include "poam/poam_item_reader.h"

#include "poam/asset_list.h"

#include "base/text.h"

#include <stdlib.h>

enum { ITEM_ARENA_BYTES = 16 * 1024 * 1024, ID_MAX_BYTES = 4096 };

/* Where a sheet's items come from, one after the other. */
enum source { SOURCE_FINDINGS, SOURCE_CONFIGURATION, SOURCE_CLOSED, SOURCE_CHECKS, SOURCE_END };

static const enum source sources[][3] = {
        [ITEMS_OPEN] = {SOURCE_FINDINGS, SOURCE_CONFIGURATION, SOURCE_END},
        [ITEMS_CLOSED] = {SOURCE_FINDINGS, SOURCE_CLOSED, SOURCE_END},
        [ITEMS_CONFIGURATION] = {SOURCE_CHECKS, SOURCE_END, SOURCE_END}};

struct poam_item_reader {
    const struct snapshot *snapshot;
    const struct system_file *system;
    enum poam_sheet sheet;
    size_t place;                   /* among the sheet's sources */
    struct snapshot_cursor *cursor; /* NULL: the source is not begun */
    struct mu_buf previous;         /* item of the row before */
    struct mu_arena *arena;
    struct poam_item item;
    struct asset_list assets;
    unsigned part;
};

struct poam_item_reader *poam_item_reader_new(const struct snapshot *snapshot,
                                              const struct system_file *system,
                                              enum poam_sheet sheet)
{
    struct poam_item_reader *reader = mu_xcalloc(1, sizeof(*reader));

    reader->snapshot = snapshot;
    reader->system = system;
    reader->sheet = sheet;
    reader->arena = mu_arena_new(ITEM_ARENA_BYTES);
    mu_buf_init(&reader->previous, ID_MAX_BYTES);
    return reader;
}

void poam_item_reader_free(struct poam_item_reader *reader)
{
    if (!reader)
        return;
    asset_list_close(&reader->assets);
    snapshot_cursor_free(reader->cursor);
    mu_buf_done(&reader->previous);
    mu_arena_free(reader->arena);
    free(reader);
}

/* ---- which items ---- */

static bool is_wanted(const struct poam_item_reader *reader, const struct poam_item *item)
{
    bool only_late = mu_text_equal(reader->system->poam_items, "late");

    if (!item->original)
        return false;
    if (sources[reader->sheet][reader->place] == SOURCE_FINDINGS &&
        item->is_false_positive != (reader->sheet == ITEMS_CLOSED))
        return false;
    return !only_late || item->is_late || item->has_deviation;
}

static bool is_new(struct poam_item_reader *reader, const char *item)
{
    if (mu_text_equal(reader->previous.data, item))
        return false;
    mu_buf_reset(&reader->previous);
    mu_buf_puts(&reader->previous, item);
    return true;
}

/* ---- sources: each gives its next item, and opens the list of its assets ---- */

static enum mu_status begin(struct poam_item_reader *reader, enum snapshot_list list,
                            struct mu_error *err)
{
    return reader->cursor ? MU_OK
                          : snapshot_list(reader->snapshot, list, NULL, &reader->cursor, err);
}

static enum mu_status open_assets(struct poam_item_reader *reader, enum snapshot_list list,
                                  const char *key, bool *ret_found, struct mu_error *err)
{
    *ret_found = true;
    reader->part = 0;
    return asset_list_open(reader->snapshot, list, key, &reader->assets, err);
}

static enum mu_status next_finding(struct poam_item_reader *reader, bool *ret_found,
                                   struct mu_error *err)
{
    struct finding_row row;
    bool found = true;
    enum mu_status st = begin(reader, SNAPSHOT_LIST_FINDINGS, err);

    while (st == MU_OK) {
        st = snapshot_next(reader->cursor, &row, &found, err);
        if (st != MU_OK || !found)
            break;
        if (!is_new(reader, row.item))
            continue;
        mu_arena_reset(reader->arena);
        st = poam_item_of_finding(reader->snapshot, &row, reader->arena, &reader->item, err);
        if (st == MU_OK && is_wanted(reader, &reader->item))
            return open_assets(reader, SNAPSHOT_LIST_FINDINGS_OF_ITEM, row.item, ret_found, err);
    }
    return st;
}

static enum mu_status next_closed(struct poam_item_reader *reader, bool *ret_found,
                                  struct mu_error *err)
{
    struct closed_finding_row row;
    bool found = true;
    enum mu_status st = begin(reader, SNAPSHOT_LIST_CLOSED, err);

    while (st == MU_OK) {
        st = snapshot_next(reader->cursor, &row, &found, err);
        if (st != MU_OK || !found)
            break;
        if (!row.item_closed_at || !is_new(reader, row.item))
            continue;
        mu_arena_reset(reader->arena);
        st = poam_item_of_closed(reader->snapshot, &row, reader->arena, &reader->item, err);
        if (st == MU_OK && is_wanted(reader, &reader->item))
            return open_assets(reader, SNAPSHOT_LIST_CLOSED_OF_ITEM, row.item, ret_found, err);
    }
    return st;
}

static enum mu_status next_check(struct poam_item_reader *reader, bool *ret_found,
                                 struct mu_error *err)
{
    struct issue_row row;
    bool found = true;
    enum mu_status st = begin(reader, SNAPSHOT_LIST_CHECKS, err);

    if (st == MU_OK)
        st = snapshot_next(reader->cursor, &row, &found, err);
    if (st != MU_OK || !found)
        return st;
    mu_arena_reset(reader->arena);
    st = poam_item_of_check(reader->snapshot, &row, reader->arena, &reader->item, err);
    return st == MU_OK ? open_assets(reader, SNAPSHOT_LIST_INVENTORY_OF_CHECK, row.check, ret_found,
                                     err)
                       : st;
}

static enum mu_status next_configuration(struct poam_item_reader *reader, bool *ret_found,
                                         struct mu_error *err)
{
    bool found = false;
    enum mu_status st;

    if (reader->cursor) /* it has been told */
        return MU_OK;
    st = begin(reader, SNAPSHOT_LIST_CHECKS, err);
    if (st != MU_OK)
        return st;
    mu_arena_reset(reader->arena);
    st = poam_item_of_configuration(reader->snapshot, reader->arena, &reader->item, &found, err);
    return st == MU_OK && found
                   ? open_assets(reader, SNAPSHOT_LIST_INVENTORY_OF_ISSUES, NULL, ret_found, err)
                   : st;
}

static enum mu_status next_item(struct poam_item_reader *reader, bool *ret_found,
                                struct mu_error *err)
{
    static enum mu_status (*const next[])(struct poam_item_reader *, bool *, struct mu_error *) = {
            [SOURCE_FINDINGS] = next_finding,
            [SOURCE_CONFIGURATION] = next_configuration,
            [SOURCE_CLOSED] = next_closed,
            [SOURCE_CHECKS] = next_check};
    enum mu_status st = MU_OK;

    *ret_found = false;
    while (st == MU_OK && !*ret_found && sources[reader->sheet][reader->place] != SOURCE_END) {
        st = next[sources[reader->sheet][reader->place]](reader, ret_found, err);
        if (st == MU_OK && !*ret_found) {
            snapshot_cursor_free(reader->cursor);
            reader->cursor = NULL;
            mu_buf_reset(&reader->previous);
            reader->place++;
        }
    }
    return st;
}

enum mu_status poam_item_reader_next(struct poam_item_reader *reader, struct poam_item_row *ret_row,
                                     bool *ret_found, struct mu_error *err)
{
    bool more = false;
    enum mu_status st = MU_OK;

    *ret_found = true;
    if (reader->part == 0 || !reader->assets.ahead) {
        asset_list_close(&reader->assets);
        st = next_item(reader, ret_found, err);
    }
    if (st != MU_OK || !*ret_found)
        return st;
    st = asset_list_fill(&reader->assets, &more, err);
    if (st != MU_OK)
        return mu_wrap(err, "item '%s'", reader->item.id);
    reader->part++;
    *ret_row = (struct poam_item_row){
            .item = &reader->item,
            .id = reader->part == 1 ? reader->item.id
                                    : mu_arena_printf(reader->arena, "%s-part-%u", reader->item.id,
                                                      reader->part),
            .assets = reader->assets.text.data,
            .part = reader->part,
            .continues = more};
    return ret_row->id ? MU_OK
                       : mu_fail(err, MU_E_LIMIT, "item '%s' takes too many rows", reader->item.id);
}
