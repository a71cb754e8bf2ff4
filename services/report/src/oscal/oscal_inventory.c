/* Images as components, assets as inventory items, by the cells of the inventory workbook. */
#include "oscal/oscal.h"

#include "base/stop.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

static const char *digest_of(const struct inventory_row *row)
{
    return row->manifest_digest ? row->manifest_digest : row->reported_digest;
}

/* Name and version as the workbook's cell has them, parted at its last blank. */
static void put_software(struct oscal *oscal, const struct inventory_workbook_row *cells)
{
    const char *software = cells->cells[COLUMN_SOFTWARE], *blank = strrchr(software, ' ');
    const char *name =
            blank ? mu_arena_strndup(oscal->arena, software, (size_t)(blank - software)) : software;

    oscal_prop(oscal, NULL, "software-name", name && *name ? name : software);
    oscal_prop(oscal, NULL, "software-version", blank ? blank + 1 : "not stated");
}

static bool is_yes(const struct inventory_workbook_row *cells, enum workbook_column column)
{
    return mu_text_equal(cells->cells[column], "Yes");
}

/* One property for each baseline that is named. */
static void put_baselines(struct oscal *oscal, const char *names)
{
    while (names && *names) {
        size_t len = strcspn(names, "\n");
        const char *name = mu_arena_strndup(oscal->arena, names, len);

        oscal_prop(oscal, NULL, "baseline-configuration-name", name);
        names += len + (names[len] == '\n' ? 1 : 0);
    }
}

static void put_common_props(struct oscal *oscal, const struct inventory_workbook_row *cells)
{
    oscal_prop_yes_no(oscal, "virtual", is_yes(cells, COLUMN_VIRTUAL));
    oscal_prop_yes_no(oscal, "public", is_yes(cells, COLUMN_PUBLIC));
    oscal_prop_yes_no(oscal, "allows-authenticated-scan", is_yes(cells, COLUMN_AUTHENTICATED));
    oscal_prop_yes_no(oscal, "is-scanned", is_yes(cells, COLUMN_IN_LATEST_SCAN));
    put_baselines(oscal, cells->cells[COLUMN_BASELINE]);
    put_software(oscal, cells);
    oscal_prop(oscal, NULL, "os-name", cells->cells[COLUMN_OS]);
    oscal_prop(oscal, NULL, "function", cells->cells[COLUMN_FUNCTION]);
    oscal_prop(oscal, OSCAL_FEDRAMP, "vendor-name", cells->cells[COLUMN_VENDOR]);
    oscal_prop(oscal, OSCAL_FEDRAMP, "diagram-label", cells->cells[COLUMN_DIAGRAM_LABEL]);
    oscal_prop(oscal, OSCAL_FEDRAMP, "scan-type", "infrastructure");
    oscal_prop(oscal, OSCAL_FEDRAMP, "end-of-life-date", cells->cells[COLUMN_END_OF_LIFE]);
}

/* To the baseline, where one is named. */
static void put_links(struct oscal *oscal, const char *baselines)
{
    char uuid[MU_UUID_TEXT_SIZE], href[MU_UUID_TEXT_SIZE + 1] = "#";

    if (!baselines || !*baselines)
        return;
    oscal_uuid_of(oscal, "resource", "baseline", uuid);
    memcpy(href + 1, uuid, sizeof(uuid));
    json_open(oscal->out, "links", '[');
    json_open(oscal->out, NULL, '{');
    json_text(oscal->out, "href", href);
    json_text(oscal->out, "rel", "baseline");
    json_close(oscal->out, '}');
    json_close(oscal->out, ']');
}

/* "UAI@digest": an image's own identifier, since that of the asset is the inventory item's. */
static const char *image_key(struct oscal *oscal, const struct inventory_row *row)
{
    return mu_arena_concat(oscal->arena, row->uai, "@", digest_of(row), NULL);
}

static enum mu_status too_large(const struct asset *asset, struct mu_error *err)
{
    return mu_fail(err, MU_E_LIMIT, "asset '%s' is too large", asset->rows[0].uai);
}

/* ---- images ---- */

static enum mu_status put_image(struct oscal *oscal, const struct asset *asset,
                                const struct inventory_workbook_row *cells,
                                const struct inventory_row *row, bool with_status,
                                struct mu_error *err)
{
    const char *key = image_key(oscal, row);

    if (!key)
        return too_large(asset, err);
    json_open(oscal->out, NULL, '{');
    oscal_uuid(oscal, "uuid", "image", key);
    json_text(oscal->out, "type", "software");
    oscal_text(oscal, "title", row->uai, "Image");
    mu_buf_reset(&oscal->name);
    mu_buf_printf(&oscal->name, "Container image %s%s%s", key, row->platform ? ", " : "",
                  row->platform ? row->platform : "");
    oscal_text(oscal, "description", oscal->name.data, "Container image");
    json_open(oscal->out, "props", '[');
    oscal_prop(oscal, NULL, "asset-id", key);
    oscal_prop(oscal, NULL, "asset-type", "image");
    oscal_prop(oscal, OSCAL_FEDRAMP, "checksum", digest_of(row));
    if (with_status) /* the inventory item has the rest */
        put_software(oscal, cells);
    else
        put_common_props(oscal, cells);
    json_close(oscal->out, ']');
    if (with_status) {
        json_open(oscal->out, "status", '{');
        json_text(oscal->out, "state", "operational");
        json_close(oscal->out, '}');
    } else {
        put_links(oscal, cells->cells[COLUMN_BASELINE]);
    }
    json_close(oscal->out, '}');
    return MU_OK;
}

/* Rows come by digest; one of which nothing is known is no image yet. */
static bool is_new_image(const struct asset *asset, size_t index)
{
    const char *digest = digest_of(&asset->rows[index]);

    return digest && (index == 0 || !mu_text_equal(digest_of(&asset->rows[index - 1]), digest));
}

static enum mu_status put_images(struct oscal *oscal, const struct asset *asset,
                                 struct oscal_list *list, bool with_status, struct mu_error *err)
{
    struct inventory_workbook_row cells;
    enum mu_status st = asset_to_row(asset, oscal->render->system, oscal->arena, &cells, err);

    for (size_t i = 0; st == MU_OK && i < asset->row_count; i++) {
        if (!is_new_image(asset, i))
            continue;
        oscal_element(oscal, list);
        st = put_image(oscal, asset, &cells, &asset->rows[i], with_status, err);
    }
    return st;
}

enum mu_status oscal_put_components(struct oscal *oscal, struct oscal_list *list, bool with_status,
                                    struct mu_error *err)
{
    MU_AUTO(asset_reader) struct asset_reader *reader = NULL;
    struct asset asset;
    bool found = true;
    enum mu_status st = asset_reader_open(oscal->render->snapshot, &reader, err);

    while (st == MU_OK) {
        st = asset_next(reader, &asset, &found, err);
        if (st != MU_OK || !found)
            break;
        mu_arena_reset(oscal->arena);
        st = mu_stop_requested() ? mu_fail(err, MU_E_UNAVAILABLE, "stopping")
                                 : put_images(oscal, &asset, list, with_status, err);
    }
    return st;
}

/* ---- assets ---- */

static void put_responsible(struct oscal *oscal, const char *role, const char *party)
{
    json_open(oscal->out, NULL, '{');
    json_text(oscal->out, "role-id", role);
    json_open(oscal->out, "party-uuids", '[');
    oscal_uuid(oscal, NULL, "party", party);
    json_close(oscal->out, ']');
    json_close(oscal->out, '}');
}

static void put_owners(struct oscal *oscal)
{
    json_open(oscal->out, "responsible-parties", '[');
    put_responsible(oscal, "asset-owner", "provider");
    if (*oscal_line(oscal, oscal->render->system->system_administrator))
        put_responsible(oscal, "asset-administrator", "administrator");
    json_close(oscal->out, ']');
}

static enum mu_status put_implemented(struct oscal *oscal, const struct asset *asset,
                                      struct mu_error *err)
{
    struct oscal_list list = {.name = "implemented-components"};

    for (size_t i = 0; i < asset->row_count; i++) {
        const char *key;

        if (!is_new_image(asset, i))
            continue;
        key = image_key(oscal, &asset->rows[i]);
        if (!key)
            return too_large(asset, err);
        oscal_element(oscal, &list);
        json_open(oscal->out, NULL, '{');
        oscal_uuid(oscal, "component-uuid", "image", key);
        json_close(oscal->out, '}');
    }
    oscal_list_end(oscal, &list);
    return MU_OK;
}

static void put_counts(struct oscal *oscal, const struct asset *asset)
{
    long long containers = 0;

    for (size_t i = 0; i < asset->row_count; i++)
        containers += asset->rows[i].running_containers;
    mu_buf_reset(&oscal->name);
    mu_buf_printf(&oscal->name, "Class of container images; %lld containers in production.",
                  containers);
    json_text(oscal->out, "description", oscal->name.data);
}

static enum mu_status put_asset(struct oscal *oscal, const struct asset *asset,
                                struct mu_error *err)
{
    struct inventory_workbook_row cells;
    enum mu_status st = asset_to_row(asset, oscal->render->system, oscal->arena, &cells, err);

    if (st != MU_OK)
        return st;
    json_open(oscal->out, NULL, '{');
    oscal_uuid(oscal, "uuid", "asset", asset->rows[0].uai);
    put_counts(oscal, asset);
    json_open(oscal->out, "props", '[');
    oscal_prop(oscal, NULL, "asset-id", asset->rows[0].uai);
    oscal_prop(oscal, NULL, "asset-type", "container");
    put_common_props(oscal, &cells);
    json_close(oscal->out, ']');
    put_links(oscal, cells.cells[COLUMN_BASELINE]);
    put_owners(oscal);
    st = put_implemented(oscal, asset, err);
    if (*oscal_line(oscal, cells.cells[COLUMN_COMMENTS]))
        json_text(oscal->out, "remarks", oscal->line.data);
    json_close(oscal->out, '}');
    return st;
}

static enum mu_status put_running(struct oscal *oscal, struct oscal_list *list,
                                  struct mu_error *err)
{
    MU_AUTO(asset_reader) struct asset_reader *reader = NULL;
    struct asset asset;
    bool found = true;
    enum mu_status st = asset_reader_open(oscal->render->snapshot, &reader, err);

    while (st == MU_OK) {
        st = asset_next(reader, &asset, &found, err);
        if (st != MU_OK || !found)
            break;
        mu_arena_reset(oscal->arena);
        oscal_element(oscal, list);
        st = mu_stop_requested() ? mu_fail(err, MU_E_UNAVAILABLE, "stopping")
                                 : put_asset(oscal, &asset, err);
    }
    return st;
}

/* ---- assets from which nothing runs, of which findings speak ---- */

static enum mu_status has_rows(const struct snapshot *snapshot, enum snapshot_list list,
                               const char *key, void *row, bool *ret_found, struct mu_error *err)
{
    MU_AUTO(snapshot_cursor) struct snapshot_cursor *cursor = NULL;
    enum mu_status st = snapshot_list(snapshot, list, key, &cursor, err);

    return st == MU_OK ? snapshot_next(cursor, row, ret_found, err) : st;
}

static void put_idle_asset(struct oscal *oscal, const char *uai)
{
    const struct system_file *system = oscal->render->system;

    json_open(oscal->out, NULL, '{');
    oscal_uuid(oscal, "uuid", "asset", uai);
    json_text(oscal->out, "description",
              "Class of container images that was scanned; no container in production.");
    json_open(oscal->out, "props", '[');
    oscal_prop(oscal, NULL, "asset-id", uai);
    oscal_prop(oscal, NULL, "asset-type", "container");
    oscal_prop_yes_no(oscal, "virtual", true);
    oscal_prop_yes_no(oscal, "public", false);
    oscal_prop_yes_no(oscal, "allows-authenticated-scan",
                      mu_text_equal(system->authenticated_scan, "Yes"));
    oscal_prop_yes_no(oscal, "is-scanned", true);
    put_baselines(oscal, system->baseline_configuration_name);
    oscal_prop(oscal, NULL, "function", system->function);
    oscal_prop(oscal, OSCAL_FEDRAMP, "diagram-label", system->diagram_label);
    oscal_prop(oscal, OSCAL_FEDRAMP, "scan-type", "infrastructure");
    json_close(oscal->out, ']');
    put_links(oscal, system->baseline_configuration_name);
    put_owners(oscal);
    json_close(oscal->out, '}');
}

static enum mu_status take_idle(struct oscal *oscal, const char *uai, struct oscal_list *list,
                                struct mu_error *err)
{
    struct inventory_row runs;
    struct finding_row finding;
    bool in_inventory = false, has_findings = false;
    enum mu_status st = has_rows(oscal->render->snapshot, SNAPSHOT_LIST_INVENTORY_OF_UAI, uai,
                                 &runs, &in_inventory, err);

    if (st == MU_OK && !in_inventory)
        st = has_rows(oscal->render->snapshot, SNAPSHOT_LIST_FINDINGS_OF_UAI, uai, &finding,
                      &has_findings, err);
    if (st != MU_OK || !has_findings)
        return st;
    oscal_element(oscal, list);
    put_idle_asset(oscal, uai);
    return MU_OK;
}

static enum mu_status put_idle(struct oscal *oscal, struct oscal_list *list, struct mu_error *err)
{
    MU_AUTO(snapshot_cursor) struct snapshot_cursor *cursor = NULL;
    struct target_row target;
    const char *previous = NULL;
    bool found = true;
    enum mu_status st =
            snapshot_list(oscal->render->snapshot, SNAPSHOT_LIST_NOT_RUNNING, NULL, &cursor, err);

    mu_arena_reset(oscal->arena);
    while (st == MU_OK) {
        st = snapshot_next(cursor, &target, &found, err);
        if (st != MU_OK || !found)
            break;
        if (mu_text_equal(target.uai, previous)) /* a line for each digest */
            continue;
        mu_arena_reset(oscal->arena);
        previous = mu_arena_strdup(oscal->arena, target.uai);
        st = take_idle(oscal, target.uai, list, err);
    }
    return st;
}

enum mu_status oscal_put_inventory(struct oscal *oscal, struct oscal_list *list,
                                   struct mu_error *err)
{
    enum mu_status st = put_running(oscal, list, err);

    return st == MU_OK ? put_idle(oscal, list, err) : st;
}
