#include "sample/sample.h"

#include "bundle/assets.h"
#include "sample/drawing.h"
#include "sample/raw_place.h"

#include "base/stop.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>

enum { PATH_SIZE = 4096, NAME_SIZE = 512, TEXT_SIZE = 4096 };

struct sampling {
    const struct sample_request *request;
    struct drawing *drawing;
    struct asset_reader *assets; /* follows the items */
    size_t workbook_row;         /* of the asset it stands on */
    enum mu_status (*tell)(void *opaque, const struct sample_item *item, struct mu_error *err);
    void *opaque;
    struct sample_totals *totals;
};

static enum mu_status each_container(const struct snapshot *snapshot,
                                     enum mu_status (*take)(void *opaque,
                                                            const struct instance_row *row,
                                                            struct mu_error *err),
                                     void *opaque, struct mu_error *err)
{
    MU_AUTO(snapshot_cursor) struct snapshot_cursor *cursor = NULL;
    struct instance_row row;
    bool found = true;
    enum mu_status st = snapshot_list(snapshot, SNAPSHOT_LIST_INSTANCES_BY_UAI, NULL, &cursor, err);

    while (st == MU_OK) {
        if (mu_stop_requested())
            return mu_fail(err, MU_E_UNAVAILABLE, "stopping");
        st = snapshot_next(cursor, &row, &found, err);
        if (st != MU_OK || !found)
            break;
        st = take(opaque, &row, err);
    }
    return st;
}

static enum mu_status add_to_drawing(void *opaque, const struct instance_row *row,
                                     struct mu_error *err)
{
    struct sampling *sampling = opaque;

    (void)err;
    drawing_add(sampling->drawing, row);
    return MU_OK;
}

/* ---- the trail of one ---- */

/* Moves the assets on to the one of that UAI: both come in the same order. */
static enum mu_status find_workbook_row(struct sampling *sampling, const char *uai,
                                        struct mu_error *err)
{
    static const char nobody[] = "sample: '%s' runs but is in no row of the inventory";
    struct asset asset;
    bool found = true;
    enum mu_status st = asset_next(sampling->assets, &asset, &found, err);

    for (; st == MU_OK && found; st = asset_next(sampling->assets, &asset, &found, err)) {
        sampling->workbook_row++;
        if (mu_text_equal(asset.rows[0].uai, uai))
            return MU_OK;
    }
    return st == MU_OK ? mu_fail(err, MU_E_INTERNAL, nobody, uai) : st;
}

static enum mu_status find_places(const struct sample_request *request, struct sample_item *item,
                                  char path[PATH_SIZE], struct mu_error *err)
{
    /* As JSON has them: "app:1" is not in "app:10". */
    char uai[TEXT_SIZE], manifest[TEXT_SIZE];
    const char *const texts[] = {uai, manifest};
    struct sample_place places[2] = {{-1, -1}, {-1, -1}};
    enum mu_status st;

    if (!request->raw_scan_path || !item->evidence_digest || !item->container->manifest_digest)
        return MU_OK;
    (void)snprintf(uai, sizeof(uai), "\"%s\"", item->container->uai);
    (void)snprintf(manifest, sizeof(manifest), "\"%s\"", item->container->manifest_digest);
    st = request->raw_scan_path(request->opaque, item->evidence_digest, path, PATH_SIZE, err);
    if (st == MU_OK)
        st = raw_places_find(path, texts, 2, places, err);
    item->raw_file = path;
    for (size_t i = 0; i < 2; i++)
        places[i].offset_bytes += places[i].line > 0; /* behind the quotation mark */
    item->uai = places[0];
    item->manifest = places[1];
    return st;
}

/* With the row of the manifest, whose texts live as long as its cursor. */
static enum mu_status tell_with_row(struct sampling *sampling, struct sample_item *item,
                                    const struct inventory_row *row, struct mu_error *err)
{
    char path[PATH_SIZE], scanner[NAME_SIZE], database[NAME_SIZE];
    enum mu_status st;

    item->evidence_digest = row->evidence_digest;
    if (row->evidence_digest) {
        (void)snprintf(scanner, sizeof(scanner), "%s %s",
                       row->scanner_name ? row->scanner_name : "",
                       row->scanner_version ? row->scanner_version : "");
        (void)snprintf(database, sizeof(database), "%s",
                       row->database_version ? row->database_version : "");
        item->scan_finished_at = row->scan_finished_at;
        item->scanner = scanner;
        item->database = database;
    }
    st = find_places(sampling->request, item, path, err);
    return st == MU_OK ? sampling->tell(sampling->opaque, item, err) : st;
}

static enum mu_status tell_item(struct sampling *sampling, const struct instance_row *container,
                                struct mu_error *err)
{
    MU_AUTO(snapshot_cursor) struct snapshot_cursor *cursor = NULL;
    struct sample_item item = {.number = ++sampling->totals->drawn,
                               .container = container,
                               .workbook_row = sampling->workbook_row,
                               .uai = {-1, -1},
                               .manifest = {-1, -1}};
    struct inventory_row row;
    bool found = true;
    enum mu_status st = snapshot_list(sampling->request->snapshot, SNAPSHOT_LIST_INVENTORY_OF_UAI,
                                      container->uai, &cursor, err);

    while (st == MU_OK) {
        st = snapshot_next(cursor, &row, &found, err);
        if (st != MU_OK || !found)
            break;
        if (mu_text_equal(row.manifest_digest ? row.manifest_digest : row.reported_digest,
                          container->manifest_digest))
            return tell_with_row(sampling, &item, &row, err);
    }
    return st == MU_OK ? sampling->tell(sampling->opaque, &item, err) : st;
}

/* Where a container has several manifests, the first is followed. */
struct telling {
    struct sampling *sampling;
    struct drawing_key last;
    char uai[NAME_SIZE * 8]; /* of the asset at hand */
};

static enum mu_status tell_if_taken(void *opaque, const struct instance_row *row,
                                    struct mu_error *err)
{
    struct telling *telling = opaque;
    struct sampling *sampling = telling->sampling;
    const struct drawing_key key = drawing_key_of(sampling->request->seed, row);
    enum mu_status st = MU_OK;

    if (memcmp(&key, &telling->last, sizeof(key)) == 0 || !drawing_takes(sampling->drawing, &key))
        return MU_OK;
    telling->last = key;
    if (!mu_text_equal(telling->uai, row->uai))
        st = find_workbook_row(sampling, row->uai, err);
    (void)snprintf(telling->uai, sizeof(telling->uai), "%s", row->uai);
    return st == MU_OK ? tell_item(sampling, row, err) : st;
}

static enum mu_status tell_taken(struct sampling *sampling, struct mu_error *err)
{
    struct telling telling = {.sampling = sampling};
    enum mu_status st = asset_reader_open(sampling->request->snapshot, &sampling->assets, err);

    sampling->workbook_row = WORKBOOK_HEADER_ROWS;
    if (st == MU_OK)
        st = each_container(sampling->request->snapshot, tell_if_taken, &telling, err);
    asset_reader_free(sampling->assets);
    return st;
}

enum mu_status sample_draw(const struct sample_request *request,
                           enum mu_status (*tell)(void *opaque, const struct sample_item *item,
                                                  struct mu_error *err),
                           void *opaque, struct sample_totals *ret_totals, struct mu_error *err)
{
    MU_AUTO(drawing) struct drawing *drawing = NULL;
    struct sampling sampling = {
            .request = request, .tell = tell, .opaque = opaque, .totals = ret_totals};
    enum mu_status st;

    if (request->count == 0 || request->count > SAMPLE_MAX)
        return mu_fail(err, MU_E_LIMIT, "a sample is of 1 to %d containers", SAMPLE_MAX);
    *ret_totals = (struct sample_totals){0};
    sampling.drawing = drawing = drawing_new(request->seed, request->count);
    st = each_container(request->snapshot, add_to_drawing, &sampling, err);
    if (st != MU_OK)
        return st;
    drawing_end(drawing);
    ret_totals->classes = drawing_classes(drawing);
    ret_totals->containers = drawing_containers(drawing);
    return tell_taken(&sampling, err);
}
