#include "image/image_run.h"

#include "base/text.h"
#include "package/os/dpkg_status.h"
#include "package/os/os_release.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PASSES_MAX = 4 }; /* readings of the layers; more than one only when links lead elsewhere */

static const char status_path[] = "var/lib/dpkg/status";
static const char status_d_path[] = "var/lib/dpkg/status.d";
static const char *const os_release_paths[] = {"etc/os-release", "usr/lib/os-release"};

/* Package databases of other families: there, but not read by this version. */
static const char *const foreign_paths[] = {
        "lib/apk/db/installed",          "usr/lib/apk/db/installed",
        "var/lib/rpm/rpmdb.sqlite",      "var/lib/rpm/Packages",
        "var/lib/rpm/Packages.db",       "usr/lib/sysimage/rpm/rpmdb.sqlite",
        "usr/lib/sysimage/rpm/Packages", "usr/lib/sysimage/rpm/Packages.db",
        "usr/share/rpm/rpmdb.sqlite",    "var/lib/rpmmanifest/container-manifest-2",
        "var/lib/opkg/status",
};

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* Packages while they are collected: the array grows outside of the arena. */
struct collection {
    struct image_run *run;
    struct evidence_tree *tree;
    struct image_package *items;
    size_t count, capacity;
    uint32_t layer_index; /* of the file being read */
    const char *path;
};

static enum mu_status want_all(struct evidence_tree *tree, struct mu_error *err)
{
    if (evidence_tree_want(tree, status_path, EVIDENCE_CONTENT, err) != MU_OK ||
        evidence_tree_want(tree, status_d_path, EVIDENCE_CHILDREN, err) != MU_OK)
        return err->status;
    for (size_t i = 0; i < COUNT_OF(os_release_paths); i++) {
        if (evidence_tree_want(tree, os_release_paths[i], EVIDENCE_CONTENT, err) != MU_OK)
            return err->status;
    }
    for (size_t i = 0; i < COUNT_OF(foreign_paths); i++) {
        if (evidence_tree_want(tree, foreign_paths[i], EVIDENCE_PRESENCE, err) != MU_OK)
            return err->status;
    }
    return MU_OK;
}

static enum mu_status evidence_failed(struct image_run *run, const char *path, struct mu_error *err)
{
    char component[256];

    (void)snprintf(component, sizeof(component), "evidence %.200s", path);
    return image_run_fail(run, IMAGE_PART_BLOB, component, err);
}

/* ---- packages ---- */

static enum mu_status collection_grow(struct collection *all, struct mu_error *err)
{
    size_t capacity = all->capacity ? all->capacity * 2 : 256;
    struct image_package *grown;

    if (all->count == all->run->limits->max_packages)
        return mu_fail(err, MU_E_LIMIT, "more than %u packages", all->run->limits->max_packages);
    if (all->count < all->capacity)
        return MU_OK;
    grown = realloc(all->items, capacity * sizeof(*grown)); /* bounded by max_packages */
    if (!grown)
        return mu_fail(err, MU_E_NOMEM, "no memory for %zu packages", capacity);
    all->items = grown;
    all->capacity = capacity;
    return MU_OK;
}

static const char *text_keep(struct image_run *run, struct dpkg_text text)
{
    return text.text ? mu_arena_strndup(run->arena, text.text, text.len) : NULL;
}

static enum mu_status package_add(void *opaque, const struct dpkg_package *from,
                                  struct mu_error *err)
{
    struct collection *all = opaque;
    struct image_package package = {.type = "deb",
                                    .name = text_keep(all->run, from->name),
                                    .version = text_keep(all->run, from->version),
                                    .source_name = text_keep(all->run, from->source_name),
                                    .source_version = text_keep(all->run, from->source_version),
                                    .architecture = text_keep(all->run, from->architecture),
                                    .layer_index = all->layer_index,
                                    .path = all->path};

    if (!package.name || !package.version || !package.source_name || !package.source_version ||
        (from->architecture.text && !package.architecture))
        return mu_fail(err, MU_E_NOMEM, "no memory for a package");
    if (collection_grow(all, err) != MU_OK)
        return err->status;
    all->items[all->count++] = package;
    return MU_OK;
}

static enum mu_status status_parse(struct collection *all, const struct evidence_file *file,
                                   enum dpkg_form form, struct mu_error *err)
{
    size_t unreadable;

    all->layer_index = file->layer_index;
    if (dpkg_status_parse(file->bytes, file->len, form, package_add, all, &unreadable, err) !=
        MU_OK)
        return err->status;
    if (unreadable > 0)
        return mu_fail(err, MU_E_INVALID, "%zu packages have no usable name or version",
                       unreadable);
    return MU_OK;
}

/* Reads the file when it is there. A failure is kept; MU_E_NOMEM is an error. */
static enum mu_status status_read(struct collection *all, const char *path, enum dpkg_form form,
                                  struct mu_error *err)
{
    struct evidence_file file;
    enum mu_status st = evidence_tree_find(all->tree, path, EVIDENCE_CONTENT, &file, err);

    if (st == MU_E_NOT_FOUND)
        return MU_OK;
    all->path = path;
    if (st == MU_OK)
        st = status_parse(all, &file, form, err);
    return st == MU_OK ? MU_OK : evidence_failed(all->run, path, err);
}

static enum mu_status status_d_read(void *opaque, const char *name, struct mu_error *err)
{
    struct collection *all = opaque;
    const char *path;

    if (!mu_utf8_valid(name, strlen(name))) {
        (void)mu_fail(err, MU_E_INVALID, "a file name that is no UTF-8");
        return evidence_failed(all->run, status_d_path, err);
    }
    path = mu_arena_printf(all->run->arena, "%s/%s", status_d_path, name);
    if (!path)
        return mu_fail(err, MU_E_NOMEM, "no memory for a path");
    return status_read(all, path, DPKG_STATUS_D, err);
}

static int text_order(const char *a, const char *b)
{
    return strcmp(a ? a : "", b ? b : "");
}

static int package_order(const void *left, const void *right)
{
    const struct image_package *a = left, *b = right;
    int order = text_order(a->name, b->name);

    if (order == 0)
        order = text_order(a->version, b->version);
    return order ? order : text_order(a->architecture, b->architecture);
}

static enum mu_status packages_hand_over(struct collection *all, struct mu_error *err)
{
    struct image_package *packages =
            mu_arena_alloc(all->run->arena, (all->count + 1) * sizeof(*packages));
    size_t kept = 0;

    if (!packages)
        return mu_fail(err, MU_E_NOMEM, "no memory for %zu packages", all->count);
    if (all->count > 0)
        qsort(all->items, all->count, sizeof(*all->items), package_order);
    for (size_t i = 0; i < all->count; i++) {
        if (kept == 0 || package_order(&packages[kept - 1], &all->items[i]) != 0)
            packages[kept++] = all->items[i];
    }
    all->run->analysis.packages = packages;
    all->run->analysis.package_count = kept;
    return MU_OK;
}

/* ---- distribution ---- */

static enum mu_status os_take(struct image_run *run, const struct evidence_file *file,
                              struct mu_error *err)
{
    struct os_release release;

    if (os_release_parse(file->bytes, file->len, run->arena, &release, err) != MU_OK)
        return err->status;
    run->analysis.os = (struct image_os){.found = true,
                                         .id = release.id,
                                         .version_id = release.version_id,
                                         .version_codename = release.version_codename,
                                         .pretty_name = release.pretty_name};
    return MU_OK;
}

/* The first of the two places, as os-release(5) says. */
static enum mu_status os_read(struct image_run *run, struct evidence_tree *tree,
                              struct mu_error *err)
{
    struct evidence_file file;

    for (size_t i = 0; i < COUNT_OF(os_release_paths); i++) {
        enum mu_status st =
                evidence_tree_find(tree, os_release_paths[i], EVIDENCE_CONTENT, &file, err);

        if (st == MU_OK)
            return os_take(run, &file, err);
        if (st != MU_E_NOT_FOUND && evidence_failed(run, os_release_paths[i], err) != MU_OK)
            return err->status;
    }
    return MU_OK;
}

/* An image whose packages we cannot read must not look like one without packages. */
static enum mu_status foreign_check(struct image_run *run, struct evidence_tree *tree,
                                    struct mu_error *err)
{
    struct evidence_file file;

    for (size_t i = 0; i < COUNT_OF(foreign_paths); i++) {
        if (evidence_tree_find(tree, foreign_paths[i], EVIDENCE_PRESENCE, &file, err) != MU_OK)
            continue;
        (void)mu_fail(err, MU_E_INVALID, "a package database of a kind that is not read");
        return evidence_failed(run, foreign_paths[i], err);
    }
    if (!run->analysis.os.found)
        return MU_OK;
    (void)mu_fail(err, MU_E_INVALID, "%s, but no package database was found",
                  run->analysis.os.pretty_name ? run->analysis.os.pretty_name : "an os-release");
    return evidence_failed(run, status_path, err);
}

static bool layers_all_scanned(const struct image_run *run)
{
    for (size_t i = 0; i < run->analysis.layer_count; i++) {
        if (!run->analysis.layers[i].scanned)
            return false;
    }
    return true;
}

/* What the merged tree says. Looks at every path, so that all links are known for another reading.
 */
static enum mu_status tree_read(struct image_run *run, struct collection *all, struct mu_error *err)
{
    if (os_read(run, all->tree, err) != MU_OK ||
        status_read(all, status_path, DPKG_STATUS, err) != MU_OK ||
        evidence_tree_list(all->tree, status_d_path, status_d_read, all, err) != MU_OK)
        return err->status;
    if (all->count > 0 || !layers_all_scanned(run))
        return MU_OK; /* what is missing may lie in a layer that could not be read */
    return foreign_check(run, all->tree, err);
}

static enum mu_status pass_run(struct image_run *run, struct collection *all, struct mu_error *err)
{
    all->count = 0;
    run->analysis.os = (struct image_os){.found = false};
    if (image_layers_read(run, all->tree, err) != MU_OK)
        return err->status;
    return tree_read(run, all, err);
}

/* Failures of a reading that is repeated are found again by the next. */
static enum mu_status passes_run(struct image_run *run, struct collection *all,
                                 struct mu_error *err)
{
    size_t failures = run->failure_count;

    for (int pass = 1; pass <= PASSES_MAX; pass++) {
        if (pass_run(run, all, err) != MU_OK)
            return err->status;
        if (!evidence_tree_again(all->tree) || !layers_all_scanned(run))
            return MU_OK;
        if (pass < PASSES_MAX) {
            evidence_tree_reset(all->tree);
            run->failure_count = failures;
        }
    }
    (void)mu_fail(err, MU_E_INVALID, "links lead from place to place without end");
    return image_run_fail(run, IMAGE_PART_BLOB, "evidence", err);
}

enum mu_status image_evidence_read(struct image_run *run, struct mu_error *err)
{
    MU_AUTO(evidence_tree) struct evidence_tree *tree = evidence_tree_new();
    struct collection all = {.run = run, .tree = tree};
    enum mu_status st;

    st = want_all(tree, err);
    if (st == MU_OK)
        st = passes_run(run, &all, err);
    if (st == MU_OK)
        st = packages_hand_over(&all, err);
    free(all.items);
    return st;
}
