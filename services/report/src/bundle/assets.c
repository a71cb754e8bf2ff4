#include "bundle/assets.h"

#include "base/buf.h"
#include "base/text.h"

#include <string.h>

/* Labels and reasons are of any length and a cell is not; the whole reasons stand in
 * coverage-gaps.json. */
enum { LABEL_MAX_BYTES = 255, REASON_MAX_BYTES = 1000, GAP_REASONS_MAX_BYTES = 8000 };

bool asset_next(const struct snapshot *snapshot, size_t *index, struct asset *ret_asset)
{
    size_t first = *index, next = first;

    if (first >= snapshot->inventory_count)
        return false;
    while (next < snapshot->inventory_count &&
           mu_text_equal(snapshot->inventory[next].uai, snapshot->inventory[first].uai))
        next++;
    *ret_asset = (struct asset){snapshot->inventory + first, next - first};
    *index = next;
    return true;
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

/* Whether the text says anything: not blank, and not the "n/a" that the template forbids. */
static bool is_told(const char *text)
{
    return text && text[strspn(text, " \t\r\n")] != '\0' && strcasecmp(text, "n/a") != 0 &&
           strcasecmp(text, "na") != 0;
}

/* Longest prefix of at most `max_bytes` that ends with a whole character. */
static size_t prefix_bytes(const char *text, size_t max_bytes)
{
    size_t len = strnlen(text, max_bytes + 1);

    if (len <= max_bytes)
        return len;
    for (len = max_bytes; len > 0 && ((unsigned char)text[len] & 0xc0) == 0x80;)
        len--;
    return len;
}

/* One line, control characters as blanks, shortened with an ellipsis; NULL stays NULL. */
static const char *one_line(const char *text, size_t max_bytes, struct mu_arena *arena)
{
    size_t len = text ? prefix_bytes(text, max_bytes) : 0;
    char *line =
            text ? mu_arena_printf(arena, "%.*s%s", (int)len, text, text[len] ? "…" : "") : NULL;

    for (char *at = line; at && *at; at++)
        if ((unsigned char)*at < 0x20 || *at == 0x7f)
            *at = ' ';
    return line;
}

/* First text that some row of the asset tells. */
#define FIRST_TOLD(asset, member, arena)                             \
    ({                                                               \
        const char *told_ = NULL;                                    \
        for (size_t i_ = 0; !told_ && i_ < (asset)->row_count; i_++) \
            if (is_told((asset)->rows[i_].member))                   \
                told_ = (asset)->rows[i_].member;                    \
        one_line(told_, LABEL_MAX_BYTES, arena);                     \
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
                          is_told(row->reason) ? one_line(row->reason, REASON_MAX_BYTES, arena)
                                               : "no reason recorded");
    }
    if (text.failed)
        return mu_arena_printf(arena, "%s; more in coverage-gaps.json", text.data);
    return text.len > 0 ? mu_arena_strndup(arena, text.data, text.len) : NULL;
}

static const char *comment(const struct asset *asset, struct mu_arena *arena)
{
    const char *gap = gap_reason(asset, arena);
    const char *floating = asset->rows[0].floating
                                   ? "The tag floats: it is meant to name different images in time."
                                   : NULL;

    if (gap && floating)
        return mu_arena_printf(arena, "%s. %s", gap, floating);
    return gap ? gap : floating;
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
    row.cells[COLUMN_PUBLIC] = system_file_is_public(system, first->repository) ? "Yes" : "No";
    row.cells[COLUMN_AUTHENTICATED] = system->authenticated_scan;
    row.cells[COLUMN_BASELINE] = system->baseline_configuration_name;
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

static json_t *gap_of(const struct asset *asset)
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
    return json_pack("{s:s, s:o, s:o}", "uai", asset->rows[0].uai, "images", images, "containers",
                     json_array());
}

static void add_container(json_t *gap, const struct instance_row *instance)
{
    (void)json_array_append_new(
            json_object_get(gap, "containers"),
            json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "cluster",
                      text_or_null(instance->cluster), "namespace",
                      text_or_null(instance->namespace_name), "pod", text_or_null(instance->pod),
                      "container", text_or_null(instance->container), "state",
                      text_or_null(instance->state), "started_at",
                      text_or_null(instance->started_at), "node", text_or_null(instance->node)));
}

enum mu_status assets_gaps(const struct snapshot *snapshot, json_t **ret_gaps, struct mu_error *err)
{
    json_auto_t *by_uai = json_object();
    json_t *gaps = json_array();
    struct asset asset;
    size_t index = 0;

    while (asset_next(snapshot, &index, &asset)) {
        json_t *gap;

        if (asset_is_covered(&asset))
            continue;
        gap = gap_of(&asset);
        if (json_object_set(by_uai, asset.rows[0].uai, gap) != 0 ||
            json_array_append(gaps, gap) != 0) {
            json_decref(gap);
            json_decref(gaps);
            return mu_fail(err, MU_E_NOMEM,
                           "coverage gaps: out of memory, or text that is not UTF-8");
        }
        json_decref(gap);
    }
    for (size_t i = 0; i < snapshot->instance_count; i++) {
        const struct instance_row *instance = &snapshot->instances[i];
        json_t *gap = instance->uai ? json_object_get(by_uai, instance->uai) : NULL;

        if (gap && !mu_text_equal(instance->state, "covered"))
            add_container(gap, instance);
    }
    *ret_gaps = gaps;
    return MU_OK;
}
