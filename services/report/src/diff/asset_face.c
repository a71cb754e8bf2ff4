#include "diff/asset_face.h"

#include "bundle/raw_scan_file.h"

#include "base/memory.h"
#include "base/text.h"
#include "json/json_doc.h"

#include <stdio.h>
#include <string.h>

enum { PATH_SIZE = 4096, NAME_SIZE = 2048 };

void asset_face_init(struct asset_face *face, const struct diff_month *month)
{
    *face = (struct asset_face){.month = month};
    mu_buf_init(&face->uai, ASSET_FACE_MAX_BYTES);
    mu_buf_init(&face->manifests, ASSET_FACE_MAX_BYTES);
    mu_buf_init(&face->evidence, ASSET_FACE_MAX_BYTES);
    mu_buf_init(&face->state, ASSET_FACE_MAX_BYTES);
}

static void forget_scans(struct asset_face *face)
{
    json_decref(face->packages);
    json_decref(face->vex);
    face->packages = face->vex = NULL;
    face->looked = false;
}

void asset_face_done(struct asset_face *face)
{
    forget_scans(face);
    mu_buf_done(&face->uai);
    mu_buf_done(&face->manifests);
    mu_buf_done(&face->evidence);
    mu_buf_done(&face->state);
}

/* ---- rows ---- */

/* Whether `line` is one of the lines of `lines`. */
static bool has_line(const char *lines, const char *line, size_t len)
{
    for (const char *at = lines; *at;) {
        const char *end = strchrnul(at, '\n');

        if ((size_t)(end - at) == len && memcmp(at, line, len) == 0)
            return true;
        at = *end ? end + 1 : end;
    }
    return false;
}

static void add_line(struct mu_buf *lines, const char *line)
{
    if (line && !has_line(lines->data, line, strlen(line)))
        mu_buf_printf(lines, "%s%s", lines->len > 0 ? "\n" : "", line);
}

static enum mu_status add_running(struct asset_face *face, struct mu_error *err)
{
    MU_AUTO(snapshot_cursor) struct snapshot_cursor *cursor = NULL;
    struct inventory_row row;
    bool found = true;
    enum mu_status st = snapshot_list(face->month->snapshot, SNAPSHOT_LIST_INVENTORY_OF_UAI,
                                      face->uai.data, &cursor, err);

    while (st == MU_OK) {
        st = snapshot_next(cursor, &row, &found, err);
        if (st != MU_OK || !found)
            break;
        add_line(&face->manifests, row.manifest_digest ? row.manifest_digest : row.reported_digest);
        add_line(&face->evidence, row.evidence_digest);
        add_line(&face->state, row.state);
    }
    return st;
}

static enum mu_status add_not_running(struct asset_face *face, struct mu_error *err)
{
    MU_AUTO(snapshot_cursor) struct snapshot_cursor *cursor = NULL;
    struct target_row row;
    bool found = true;
    enum mu_status st = snapshot_list(face->month->snapshot, SNAPSHOT_LIST_NOT_RUNNING_OF_UAI,
                                      face->uai.data, &cursor, err);

    while (st == MU_OK) {
        st = snapshot_next(cursor, &row, &found, err);
        if (st != MU_OK || !found)
            break;
        add_line(&face->manifests, row.manifest_digest);
    }
    return st;
}

enum mu_status asset_face_of(struct asset_face *face, const char *uai, struct mu_error *err)
{
    struct mu_buf *const texts[] = {&face->uai, &face->manifests, &face->evidence, &face->state};
    enum mu_status st;

    if (face->uai.len > 0 && mu_text_equal(face->uai.data, uai))
        return MU_OK;
    forget_scans(face);
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        mu_buf_reset(texts[i]);
    mu_buf_puts(&face->uai, uai);
    st = add_running(face, err);
    if (st == MU_OK)
        st = add_not_running(face, err);
    for (size_t i = 0; st == MU_OK && i < sizeof(texts) / sizeof(texts[0]); i++)
        st = mu_buf_status(texts[i], uai, err);
    return st;
}

bool asset_face_absent(const struct asset_face *face)
{
    return face->manifests.len == 0;
}

/* ---- raw scans ---- */

static void see_package(struct asset_face *face, const json_t *package)
{
    static const char *const names[][2] = {{"name", "version"}, {"source_name", "source_version"}};
    char text[NAME_SIZE];

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        const char *name = mu_json_text_at(package, names[i][0]);

        /* The image is the same: the name tells enough. */
        if (name && snprintf(text, sizeof(text), "%s", name) < (int)sizeof(text))
            (void)json_object_set_new(face->packages, text, json_true());
    }
}

static enum mu_status see_scan(struct asset_face *face, const char *digest, const char *path,
                               struct mu_error *err)
{
    MU_AUTO(json_document) json_t *scan = NULL;
    const json_t *each;
    enum mu_status st = raw_scan_read(path, digest, &scan, err);
    size_t i;

    if (st != MU_OK)
        return st;
    json_array_foreach (json_object_get(scan, "packages"), i, each) {
        see_package(face, each);
    }
    json_array_foreach (json_object_get(scan, "suppressed"), i, each) {
        const char *id = mu_json_text_at(each, "id");

        if (id && mu_text_equal(mu_json_text_at(each, "suppressed_reason"), "vex"))
            (void)json_object_set_new(face->vex, id, json_true());
    }
    return MU_OK;
}

static enum mu_status look_into_scans(struct asset_face *face, struct mu_error *err)
{
    char digest[NAME_SIZE], path[PATH_SIZE];
    enum mu_status st = MU_OK;

    if (face->looked)
        return MU_OK;
    face->looked = true;
    if (!face->month->raw_scan_path || face->evidence.len == 0)
        return MU_OK;
    face->packages = json_object();
    face->vex = json_object();
    for (const char *at = face->evidence.data; st == MU_OK && *at;) {
        const char *end = strchrnul(at, '\n');

        (void)snprintf(digest, sizeof(digest), "%.*s", (int)(end - at), at);
        st = face->month->raw_scan_path(face->month->opaque, digest, path, sizeof(path), err);
        if (st == MU_OK)
            st = see_scan(face, digest, path, err);
        at = *end ? end + 1 : end;
    }
    return st;
}

/* A line is "name version". */
static bool saw_package(const struct asset_face *face, const char *packages)
{
    char name[NAME_SIZE];

    for (const char *at = packages ? packages : ""; *at;) {
        const char *end = strchrnul(at, '\n'), *blank = memrchr(at, ' ', (size_t)(end - at));

        (void)snprintf(name, sizeof(name), "%.*s", (int)((blank ? blank : end) - at), at);
        if (json_object_get(face->packages, name))
            return true;
        at = *end ? end + 1 : end;
    }
    return false;
}

enum mu_status asset_face_look(struct asset_face *face, const char *packages,
                               const char *vulnerability, struct asset_sight *ret_sight,
                               struct mu_error *err)
{
    enum mu_status st = look_into_scans(face, err);

    if (st != MU_OK)
        return mu_wrap(err, "raw scan of %s", face->uai.data);
    *ret_sight = (struct asset_sight){.known = face->packages != NULL};
    if (!ret_sight->known)
        return MU_OK;
    ret_sight->package = saw_package(face, packages);
    ret_sight->vex = json_object_get(face->vex, vulnerability) != NULL;
    return MU_OK;
}
