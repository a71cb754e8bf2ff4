#include "image/image_run.h"

#include "base/memory.h"
#include "base/text.h"
#include "layer/tar_path.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    PASSES_MAX = 4,     /* readings of the layers; more than one only when links lead elsewhere */
    HOPS_MAX = 10000000 /* links followed while looking for other names of places */
};

/* Where package databases and os-release are looked for by fixed paths. A link that moves one of
 * them to where no finder would look makes the layers there be read for it. */
static const char *const places[] = {
        "etc/os-release",
        "usr/lib/os-release",
        "var/lib/dpkg",
        "var/lib/dpkg/status",
        "var/lib/dpkg/status.d",
        "usr/lib/dpkg",
        "var/lib/opkg",
        "lib/apk/db",
        "lib/apk/db/installed",
        "usr/lib/apk/db",
        "usr/lib/apk/db/installed",
        "var/lib/rpm",
        "usr/lib/sysimage/rpm",
        "usr/share/rpm",
        "var/lib/rpm/rpmdb.sqlite",
        "usr/lib/sysimage/rpm/rpmdb.sqlite",
};

static bool is_place(const char *path)
{
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        if (strcmp(places[i], path) == 0)
            return true;
    }
    return false;
}

/* Where links lead from `path`, into `ret_real`; false: nowhere, or not elsewhere. */
static bool moved(const struct merge *merge, const char *path, char *ret_real, size_t size)
{
    struct merge_place place;
    const struct merge_node *node;
    size_t len;

    merge_resolve(merge->tree, path, MERGE_ALL, &place);
    node = place.node ? place.node : place.parent;
    len = node ? merge_node_path(node, ret_real, size) : SIZE_MAX;
    if (len == SIZE_MAX)
        return false;
    if (!place.node) {
        if (len + 1 + strlen(place.rest) >= size)
            return false;
        if (len > 0)
            ret_real[len++] = '/';
        (void)tar_path_clean(place.rest, strlen(place.rest), ret_real + len);
    }
    return strcmp(ret_real, path) != 0;
}

static enum mu_status places_want(struct merge *merge, struct mu_error *err)
{
    char real[2 * TAR_PATH_MAX_BYTES];

    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        if (moved(merge, places[i], real, sizeof(real)) && !is_place(real) &&
            strlen(real) <= TAR_PATH_MAX_BYTES &&
            merge_want_add(merge, merge->layer_count, real, places[i], err) != MU_OK)
            return err->status;
    }
    return MU_OK;
}

/* A layer may have a place under another name, through a symbolic link that is not its own. */
static enum mu_status link_want(struct merge *merge, const char *link, const char *target,
                                struct mu_error *err)
{
    char name[2 * TAR_PATH_MAX_BYTES];
    size_t len = strlen(target);

    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        if (strncmp(places[i], target, len) != 0 || places[i][len] != '/')
            continue;
        if (snprintf(name, sizeof(name), "%s%s", link, places[i] + len) > TAR_PATH_MAX_BYTES ||
            is_place(name))
            continue;
        if (merge_want_add(merge, merge->layer_count, name, places[i], err) != MU_OK)
            return err->status;
    }
    return MU_OK;
}

/* Only the link's own target is looked at, not where a link behind it leads. */
static enum mu_status links_want(struct merge *merge, struct mu_error *err)
{
    struct merge_node *root = merge_tree_root(merge->tree);
    char link[2 * TAR_PATH_MAX_BYTES], target[TAR_PATH_MAX_BYTES + 1];
    struct merge_place place;
    uint64_t hops = 0;

    for (struct merge_node *node = root; node; node = merge_next(root, node)) {
        if (node->kind != MERGE_SYMLINK)
            continue;
        if (node->target[0] == '/' ||
            merge_node_path(node->parent, link, TAR_PATH_MAX_BYTES) == SIZE_MAX)
            link[0] = '\0';
        (void)snprintf(link + strlen(link), TAR_PATH_MAX_BYTES, "/%s", node->target);
        merge_resolve(merge->tree, link, MERGE_NOT_LAST, &place);
        hops += (uint64_t)place.hops;
        if (hops > HOPS_MAX)
            return mu_fail(err, MU_E_LIMIT, "links lead from place to place without end");
        if (!place.node || place.node->kind != MERGE_DIRECTORY || !place.node->parent ||
            merge_node_path(place.node, target, sizeof(target)) == SIZE_MAX ||
            merge_node_path(node, link, TAR_PATH_MAX_BYTES) == SIZE_MAX)
            continue;
        if (link_want(merge, link, target, err) != MU_OK)
            return err->status;
    }
    return MU_OK;
}

/* ---- one reading ---- */

static enum mu_status layers_merge(const struct layer_state *states, struct merge *merge,
                                   struct layer_summary *summaries, struct mu_error *err)
{
    for (size_t i = 0; i < merge->layer_count; i++)
        summaries[i] = states[i].box.summary;
    merge->layers = summaries;
    for (size_t i = 0; i < merge->layer_count; i++) {
        if (merge_layer(merge, (uint32_t)i, err) != MU_OK)
            return err->status;
    }
    return places_want(merge, err) == MU_OK ? links_want(merge, err) : err->status;
}

/* Gives the wants from `first` on to their layers, which are stale then. */
static enum mu_status wants_hand_out(const struct merge *merge, size_t first,
                                     struct layer_state *states, struct mu_error *err)
{
    for (size_t i = first; i < merge->want_count; i++) {
        struct layer_state *state = &states[merge->wants[i].layer];
        struct layer_want *grown;

        if (state->want_count == LAYER_WANTS_MAX)
            return mu_fail(err, MU_E_LIMIT,
                           "more than %d evidence files of a layer are reached by links alone",
                           LAYER_WANTS_MAX);
        grown = realloc(state->wants, (state->want_count + 1) * sizeof(*grown));
        if (!grown)
            return mu_fail(err, MU_E_NOMEM, "no memory for wants");
        state->wants = grown;
        grown[state->want_count++] =
                (struct layer_want){.path = merge->wants[i].path, .as = merge->wants[i].as};
        state->stale = true;
    }
    return MU_OK;
}

static bool layers_all_scanned(const struct image_run *run)
{
    for (size_t i = 0; i < run->analysis.layer_count; i++) {
        if (!run->analysis.layers[i].scanned)
            return false;
    }
    return true;
}

static enum mu_status evidence_failed(struct image_run *run, struct mu_error *err)
{
    return image_run_fail(run, IMAGE_PART_BLOB, "evidence", err);
}

/* Reads and merges; `ret_again`: links made us want more of some layers. */
static enum mu_status pass_run(struct image_run *run, struct layer_state *states,
                               struct merge *merge, struct layer_summary *summaries,
                               bool *ret_again, struct mu_error *err)
{
    size_t wanted = merge->want_count;

    *ret_again = false;
    if (image_layers_read(run, states, err) != MU_OK)
        return err->status;
    merge_tree_free(merge->tree);
    merge->tree = merge_tree_new(&layer_engine_make(run->engine)->key);
    if (layers_merge(states, merge, summaries, err) != MU_OK)
        return evidence_failed(run, err);
    if (merge->want_count == wanted || !layers_all_scanned(run))
        return MU_OK;
    if (wants_hand_out(merge, wanted, states, err) != MU_OK)
        return evidence_failed(run, err);
    *ret_again = true;
    return MU_OK;
}

/* Failures of a reading that is repeated are found again by the next. */
static enum mu_status passes_run(struct image_run *run, struct layer_state *states,
                                 struct merge *merge, struct layer_summary *summaries,
                                 struct mu_error *err)
{
    size_t failures = run->failure_count;
    bool again = true;

    for (int pass = 0; again && pass < PASSES_MAX; pass++) {
        run->failure_count = failures;
        if (pass_run(run, states, merge, summaries, &again, err) != MU_OK)
            return err->status;
    }
    if (!again)
        return MU_OK;
    (void)mu_fail(err, MU_E_INVALID, "links lead from place to place without end");
    return evidence_failed(run, err);
}

static void states_free(struct layer_state *states, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        summary_box_done(&states[i].box);
        free(states[i].wants);
    }
    free(states);
}

enum mu_status image_evidence_read(struct image_run *run, struct mu_error *err)
{
    size_t count = run->analysis.layer_count;
    struct layer_state *states = calloc(count + 1, sizeof(*states)); /* bounded by max_layers */
    struct layer_summary *summaries = calloc(count + 1, sizeof(*summaries));
    struct merge merge = {.layer_count = count, .arena = run->arena};
    enum mu_status st = MU_OK;

    if (!states || !summaries)
        st = mu_fail(err, MU_E_NOMEM, "no memory for %zu layers", count);
    for (size_t i = 0; states && i < count; i++)
        states[i].stale = true;
    if (st == MU_OK)
        st = passes_run(run, states, &merge, summaries, err);
    if (st == MU_OK)
        st = image_collect(run, &merge, err);
    merge_tree_free(merge.tree);
    free(merge.wants);
    free(summaries);
    if (states)
        states_free(states, count);
    return st;
}
