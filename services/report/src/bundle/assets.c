#include "bundle/assets.h"

#include "bundle/json_list.h"
#include "snapshot/columns.h"
#include "workbook/told.h"

#include "base/buf.h"
#include "base/memory.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

/* Labels and reasons are of any length and a cell is not; the whole reasons stand in
 * coverage-gaps.json. */
enum {
    LABEL_MAX_BYTES = 255,
    BASELINE_MAX_BYTES = 8000,
    REASON_MAX_BYTES = 1000,
    GAP_REASONS_MAX_BYTES = 8000
};

/* An asset and the first row of the next one are kept: each in an arena, in turn. */
struct asset_reader {
    struct snapshot_cursor *cursor;
    struct mu_arena *arenas[2];
    size_t turn;
    struct inventory_row *rows; /* of the asset; memory of its own */
    size_t row_count, capacity;
    struct inventory_row ahead; /* copied into the arena whose turn is next */
    bool is_ahead;
};

enum mu_status asset_reader_open(const struct snapshot *snapshot, struct asset_reader **ret_reader,
                                 struct mu_error *err)
{
    MU_AUTO(asset_reader) struct asset_reader *reader = mu_xcalloc(1, sizeof(*reader));
    enum mu_status st =
            snapshot_list(snapshot, SNAPSHOT_LIST_INVENTORY, NULL, &reader->cursor, err);

    if (st != MU_OK)
        return st;
    for (size_t i = 0; i < 2; i++)
        reader->arenas[i] = mu_arena_new(ASSET_MAX_BYTES);
    *ret_reader = reader;
    reader = NULL;
    return MU_OK;
}

void asset_reader_free(struct asset_reader *reader)
{
    if (!reader)
        return;
    snapshot_cursor_free(reader->cursor);
    mu_arena_free(reader->arenas[0]);
    mu_arena_free(reader->arenas[1]);
    free(reader->rows);
    free(reader);
}

/* A copy of the row's texts; false when the arena is exhausted. */
static bool copy_row(const struct inventory_row *row, struct mu_arena *arena,
                     struct inventory_row *ret_row)
{
    const struct row_kind *kind = &row_kinds[SNAPSHOT_INVENTORY];

    *ret_row = *row;
    for (size_t i = 0; i < kind->column_count; i++) {
        const char **text = (const char **)(void *)((char *)ret_row + kind->columns[i].offset);

        if (kind->columns[i].type == VALUE_NUMBER || !*text)
            continue;
        *text = mu_arena_strdup(arena, *text);
        if (!*text)
            return false;
    }
    return true;
}

static enum mu_status too_large(const struct inventory_row *row, struct mu_error *err)
{
    return mu_fail(err, MU_E_LIMIT, "asset '%s' has more rows than %d bytes hold", row->uai,
                   ASSET_MAX_BYTES);
}

static enum mu_status keep_row(struct asset_reader *reader, const struct inventory_row *row,
                               struct mu_error *err)
{
    size_t capacity = reader->capacity ? 2 * reader->capacity : 16;
    struct inventory_row *rows = reader->rows;

    if (reader->row_count == reader->capacity) {
        if (capacity * sizeof(*rows) > ASSET_MAX_BYTES)
            return too_large(row, err);
        rows = realloc(rows, capacity * sizeof(*rows));
        if (!rows)
            return mu_fail(err, MU_E_NOMEM, "asset '%s': out of memory", row->uai);
        reader->rows = rows;
        reader->capacity = capacity;
    }
    rows[reader->row_count++] = *row;
    return MU_OK;
}

/* Reads one row: into the asset, or ahead when it is of the next one. */
static enum mu_status read_one(struct asset_reader *reader, bool *ret_more, struct mu_error *err)
{
    struct inventory_row row, copy;
    bool own;
    enum mu_status st = snapshot_next(reader->cursor, &row, ret_more, err);

    if (st != MU_OK || !*ret_more)
        return st;
    own = reader->row_count == 0 || mu_text_equal(reader->rows[0].uai, row.uai);
    if (!own)
        mu_arena_reset(reader->arenas[1 - reader->turn]);
    if (!copy_row(&row, reader->arenas[own ? reader->turn : 1 - reader->turn], &copy))
        return too_large(&row, err);
    if (own)
        return keep_row(reader, &copy, err);
    reader->ahead = copy;
    reader->is_ahead = true;
    *ret_more = false;
    return MU_OK;
}

enum mu_status asset_next(struct asset_reader *reader, struct asset *ret_asset, bool *ret_found,
                          struct mu_error *err)
{
    bool more = true;
    enum mu_status st = MU_OK;

    reader->row_count = 0;
    reader->turn = 1 - reader->turn;
    if (reader->is_ahead)
        st = keep_row(reader, &reader->ahead, err);
    reader->is_ahead = false;
    while (st == MU_OK && more)
        st = read_one(reader, &more, err);
    *ret_found = st == MU_OK && reader->row_count > 0;
    *ret_asset = (struct asset){reader->rows, reader->row_count};
    return st;
}

/* Every digest in production has a complete scan within the window. */
static bool asset_is_covered(const struct asset *asset)
{
    for (size_t i = 0; i < asset->row_count; i++)
        if (!mu_text_equal(asset->rows[i].state, "covered"))
            return false;
    return true;
}

/* The platform manifest, else what the runtime reported; "" when nothing is known. */
static const char *asset_row_digest(const struct inventory_row *row)
{
    if (row->manifest_digest)
        return row->manifest_digest;
    return row->reported_digest ? row->reported_digest : "";
}

/* One digest a line, each once; rows come sorted by digest. */
static enum mu_status join_digests(const struct asset *asset, struct mu_arena *arena,
                                   const char **ret_text, struct mu_error *err)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf text;
    const char *previous = "";
    enum mu_status st;

    mu_buf_init(&text, WORKBOOK_CELL_MAX);
    for (size_t i = 0; i < asset->row_count; i++) {
        const char *digest = asset_row_digest(&asset->rows[i]);

        if (mu_text_equal(digest, previous))
            continue;
        mu_buf_printf(&text, "%s%s", text.len > 0 ? "\n" : "", digest);
        previous = digest;
    }
    st = mu_buf_status(&text, "digests of one asset", err);
    if (st == MU_OK)
        *ret_text = mu_arena_strndup(arena, text.data, text.len);
    return st;
}

/* ---- texts that an image's maker or a registry chose ---- */

/* First text that some row of the asset tells. */
#define FIRST_TOLD(asset, member, arena)                             \
    ({                                                               \
        const char *told_ = NULL;                                    \
        for (size_t i_ = 0; !told_ && i_ < (asset)->row_count; i_++) \
            if (told_is((asset)->rows[i_].member))                   \
                told_ = (asset)->rows[i_].member;                    \
        told_line(told_, LABEL_MAX_BYTES, arena);                    \
    })

/* ---- cells ---- */

static bool told_before(const struct asset *asset, size_t index)
{
    const struct inventory_row *row = &asset->rows[index];

    for (size_t i = 0; i < index; i++)
        if (mu_text_equal(asset->rows[i].state, row->state) &&
            mu_text_equal(asset->rows[i].reason, row->reason))
            return true;
    return false;
}

/* Why the asset is not covered, each state and reason once; NULL when it is. */
static const char *gap_reason(const struct asset *asset, struct mu_arena *arena)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf text;

    mu_buf_init(&text, GAP_REASONS_MAX_BYTES);
    for (size_t i = 0; i < asset->row_count && !text.failed; i++) {
        const struct inventory_row *row = &asset->rows[i];

        if (!mu_text_equal(row->state, "covered") && !told_before(asset, i))
            mu_buf_printf(&text, "%s%s: %s", text.len > 0 ? "; " : "", row->state,
                          told_is(row->reason) ? told_line(row->reason, REASON_MAX_BYTES, arena)
                                               : "no reason recorded");
    }
    if (text.failed)
        return mu_arena_printf(arena, "%s; more in coverage-gaps.json", text.data);
    return text.len > 0 ? mu_arena_strndup(arena, text.data, text.len) : NULL;
}

bool asset_baseline_is_gone(const struct asset *asset)
{
    return told_is(asset->rows[0].hardening) && !told_is(asset->rows[0].baseline);
}

static const char *comment(const struct asset *asset, struct mu_arena *arena)
{
    const char *parts[] = {
            gap_reason(asset, arena),
            asset_baseline_is_gone(asset)
                    ? mu_arena_concat(arena, "No valid baseline: ",
                                      told_line(asset->rows[0].hardening, REASON_MAX_BYTES, arena),
                                      NULL)
                    : NULL,
            asset->rows[0].floating
                    ? "The tag floats: it is meant to name different images in time."
                    : NULL,
    };
    const char *text = NULL;

    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
        if (parts[i])
            text = text ? mu_arena_printf(arena, "%s. %s", text, parts[i]) : parts[i];
    return text;
}

/* As it was validated; where it was and holds no more nothing, else as the system file has it. */
static const char *baseline(const struct asset *asset, const struct system_file *system,
                            struct mu_arena *arena)
{
    if (told_is(asset->rows[0].baseline))
        return told_text(asset->rows[0].baseline, BASELINE_MAX_BYTES, arena);
    return asset_baseline_is_gone(asset) ? NULL : system->baseline_configuration_name;
}

/* Name and version from the labels, else from the reference. */
static const char *software(const struct asset *asset, struct mu_arena *arena)
{
    const char *title = FIRST_TOLD(asset, image_title, arena);
    const char *version = FIRST_TOLD(asset, image_version, arena);
    const char *repository = asset->rows[0].repository;

    if (!title && repository)
        title = strrchr(repository, '/') ? strrchr(repository, '/') + 1 : repository;
    if (!version)
        version = asset->rows[0].tag;
    if (!title && !version)
        return asset->rows[0].uai;
    return mu_arena_printf(arena, "%s%s%s", title ? title : "", title && version ? " " : "",
                           version ? version : "");
}

/* As stated of the asset, else as the system file has it for its repository. */
static bool is_public(const struct asset *asset, const struct system_file *system)
{
    const char *stated = asset->rows[0].is_public;

    return stated ? mu_text_equal(stated, "yes")
                  : system_file_is_public(system, asset->rows[0].repository);
}

enum mu_status asset_to_row(const struct asset *asset, const struct system_file *system,
                            struct mu_arena *arena, struct inventory_workbook_row *ret_row,
                            struct mu_error *err)
{
    const struct inventory_row *first = asset->rows;
    const char *os = FIRST_TOLD(asset, os_name, arena);
    const char *vendor = FIRST_TOLD(asset, image_vendor, arena);
    struct inventory_workbook_row row = {0};
    enum mu_status st = join_digests(asset, arena, &row.cells[COLUMN_ADDRESS], err);

    if (st != MU_OK)
        return mu_wrap(err, "asset '%s'", first->uai);
    row.cells[COLUMN_UAI] = first->uai;
    row.cells[COLUMN_VIRTUAL] = "Yes";
    row.cells[COLUMN_PUBLIC] = is_public(asset, system) ? "Yes" : "No";
    row.cells[COLUMN_AUTHENTICATED] = system->authenticated_scan;
    row.cells[COLUMN_BASELINE] = baseline(asset, system, arena);
    row.cells[COLUMN_OS] = os ? os : system->unknown_os;
    row.cells[COLUMN_ASSET_TYPE] = system->asset_type;
    row.cells[COLUMN_IN_LATEST_SCAN] = asset_is_covered(asset) ? "Yes" : "No";
    row.cells[COLUMN_VENDOR] = vendor ? vendor : system->default_vendor;
    row.cells[COLUMN_SOFTWARE] = software(asset, arena);
    row.cells[COLUMN_DIAGRAM_LABEL] = system->diagram_label;
    row.cells[COLUMN_COMMENTS] = comment(asset, arena);
    row.cells[COLUMN_SYSTEM_ADMINISTRATOR] = system->system_administrator;
    row.cells[COLUMN_FUNCTION] = system->function;
    *ret_row = row;
    return MU_OK;
}

/* ---- gaps ---- */

static json_t *text_or_null(const char *text)
{
    return text ? json_string(text) : json_null();
}

static json_t *images_of(const struct asset *asset)
{
    json_t *images = json_array();

    for (size_t i = 0; i < asset->row_count; i++) {
        const struct inventory_row *row = &asset->rows[i];

        (void)json_array_append_new(
                images,
                json_pack("{s:o, s:o, s:o, s:o, s:o}", "digest", json_string(asset_row_digest(row)),
                          "state", text_or_null(row->state), "reason", text_or_null(row->reason),
                          "last_scan", text_or_null(row->scan_finished_at), "evidence",
                          text_or_null(row->evidence_digest)));
    }
    return images;
}

static json_t *container_of(const struct instance_row *instance)
{
    return json_pack(
            "{s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "cluster", text_or_null(instance->cluster),
            "namespace", text_or_null(instance->namespace_name), "pod", text_or_null(instance->pod),
            "container", text_or_null(instance->container), "state", text_or_null(instance->state),
            "started_at", text_or_null(instance->started_at), "node", text_or_null(instance->node));
}

/* The containers of the UAI that are not covered, as an array. */
static enum mu_status put_containers(const struct snapshot *snapshot, const char *uai,
                                     struct json_list *list, struct mu_error *err)
{
    MU_AUTO(snapshot_cursor) struct snapshot_cursor *cursor = NULL;
    struct instance_row instance;
    const char *before = "[";
    bool found = true;
    enum mu_status st = snapshot_list(snapshot, SNAPSHOT_LIST_INSTANCES_OF_UAI, uai, &cursor, err);

    while (st == MU_OK) {
        st = snapshot_next(cursor, &instance, &found, err);
        if (st != MU_OK || !found)
            break;
        if (mu_text_equal(instance.state, "covered"))
            continue;
        json_list_put_text(list, before);
        st = json_list_put(list, container_of(&instance), err);
        before = ",";
    }
    json_list_put_text(list, *before == '[' ? "[]" : "]");
    return st;
}

/* Members in the order of their names, as everywhere. */
static enum mu_status put_gap(const struct snapshot *snapshot, const struct asset *asset,
                              struct json_list *list, struct mu_error *err)
{
    const char *uai = asset->rows[0].uai;
    enum mu_status st;

    json_list_begin(list);
    json_list_put_text(list, "{\"containers\":");
    st = put_containers(snapshot, uai, list, err);
    json_list_put_text(list, ",\"images\":");
    if (st == MU_OK)
        st = json_list_put(list, images_of(asset), err);
    json_list_put_text(list, ",\"uai\":");
    if (st == MU_OK)
        st = json_list_put(list, json_string(uai), err);
    json_list_put_text(list, "}");
    return st;
}

static enum mu_status put_gaps(const struct snapshot *snapshot, struct json_list *list,
                               struct mu_error *err)
{
    MU_AUTO(asset_reader) struct asset_reader *reader = NULL;
    struct asset asset;
    bool found = true;
    enum mu_status st = asset_reader_open(snapshot, &reader, err);

    while (st == MU_OK) {
        st = asset_next(reader, &asset, &found, err);
        if (st != MU_OK || !found)
            break;
        if (!asset_is_covered(&asset))
            st = put_gap(snapshot, &asset, list, err);
    }
    return st;
}

enum mu_status assets_write_gaps(const struct snapshot *snapshot, const char *path,
                                 size_t *ret_gaps, struct mu_error *err)
{
    MU_AUTO_DONE(json_list_done) struct json_list list;
    enum mu_status st = json_list_open(path, &list, err);

    if (st == MU_OK)
        st = put_gaps(snapshot, &list, err);
    if (st == MU_OK)
        st = json_list_close(&list, err);
    if (st == MU_OK)
        *ret_gaps = list.count;
    return st;
}
