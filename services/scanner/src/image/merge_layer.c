#include "image/merge_layer.h"

#include <stdlib.h>
#include <string.h>

/* ---- wants ---- */

static bool is_wanted(const struct merge *merge, uint32_t layer, const char *path, const char *as)
{
    for (size_t i = 0; i < merge->want_count; i++) {
        const struct merge_want *want = &merge->wants[i];

        if (want->layer == layer && strcmp(want->path, path) == 0 && strcmp(want->as, as) == 0)
            return true;
    }
    return false;
}

static enum mu_status want_keep(struct merge *merge, struct merge_want want, struct mu_error *err)
{
    struct merge_want *grown;

    if (merge->want_count == MERGE_WANTS_MAX)
        return mu_fail(err, MU_E_LIMIT, "more than %d evidence files are reached by links alone",
                       MERGE_WANTS_MAX);
    if (merge->want_count == merge->want_capacity) {
        size_t capacity = merge->want_capacity ? 2 * merge->want_capacity : 16;

        grown = realloc(merge->wants, capacity * sizeof(*grown));
        if (!grown)
            return mu_fail(err, MU_E_NOMEM, "no memory for %zu wants", capacity);
        merge->wants = grown;
        merge->want_capacity = capacity;
    }
    want.path = mu_arena_strdup(merge->arena, want.path);
    want.as = mu_arena_strdup(merge->arena, want.as);
    if (!want.path || !want.as)
        return mu_fail(err, MU_E_NOMEM, "no memory for a path");
    merge->wants[merge->want_count++] = want;
    return MU_OK;
}

enum mu_status merge_want_add(struct merge *merge, size_t top, const char *path, const char *as,
                              struct mu_error *err)
{
    uint64_t hash = path_hash(merge_tree_key(merge->tree), path, strlen(path));

    if (path[0] == '\0' || as[0] == '\0')
        return MU_OK;
    for (size_t i = 0; i < top && i < merge->layer_count; i++) {
        if (!merge->layers[i].head || layer_summary_path(&merge->layers[i], hash) == 0 ||
            is_wanted(merge, (uint32_t)i, path, as))
            continue;
        if (want_keep(merge, (struct merge_want){(uint32_t)i, path, as}, err) != MU_OK)
            return err->status;
    }
    return MU_OK;
}

/* ---- whiteouts ---- */

static void whiteout_apply(const struct merge_tree *tree, const struct summary_entry *entry,
                           struct merge_place *place)
{
    char dir[TAR_PATH_MAX_BYTES + 1];
    const char *slash = strrchr(entry->path, '/'), *base = slash ? slash + 1 : entry->path;
    size_t dir_len = slash ? (size_t)(slash - entry->path) : 0;
    struct merge_node *node;

    if (entry->kind == SUMMARY_OPAQUE) {
        merge_resolve(tree, entry->path, MERGE_ALL, place);
        if (place->node)
            merge_clear_below(place->node);
        return;
    }
    memcpy(dir, entry->path, dir_len);
    dir[dir_len] = '\0';
    merge_resolve(tree, dir, MERGE_ALL, place);
    node = place->node ? merge_child(tree, place->node, base, strlen(base)) : NULL;
    if (node)
        merge_clear(node);
}

static void whiteouts_apply(const struct merge_tree *tree, const struct layer_summary *summary,
                            struct merge_place *place)
{
    struct summary_cursor cursor;
    struct summary_entry entry;

    summary_entries_begin(summary, &cursor);
    while (summary_entries_next(&cursor, &entry)) {
        if (entry.kind == SUMMARY_WHITEOUT || entry.kind == SUMMARY_OPAQUE)
            whiteout_apply(tree, &entry, place);
    }
}

/* ---- what the layer's paths replace ---- */

enum { ALIASES_MAX = 1024 };

/* A name under which the layer may have entries of a directory of the tree. */
struct alias {
    struct merge_node *node;
    size_t len;
    char *name;
};

struct replacing {
    struct merge *merge;
    const struct layer_summary *summary;
    uint32_t layer;
    struct alias *aliases;
    size_t count;
    struct merge_place *place;
    size_t len;
    char path[TAR_PATH_MAX_BYTES + 1];
};

static enum mu_status alias_add(struct replacing *replacing, struct merge_node *node, size_t len,
                                struct mu_error *err)
{
    struct alias alias = {.node = node, .len = len};

    if (replacing->count == ALIASES_MAX)
        return mu_fail(err, MU_E_LIMIT, "links lead from place to place without end");
    alias.name = malloc(len + 1);
    if (!alias.name)
        return mu_fail(err, MU_E_NOMEM, "no memory for a path");
    memcpy(alias.name, replacing->path, len);
    alias.name[len] = '\0';
    replacing->aliases[replacing->count++] = alias;
    return MU_OK;
}

/* The layer has entries through the symbolic link `node`, whose name is replacing->path. */
static enum mu_status link_enter(struct replacing *replacing, const struct merge_node *node,
                                 size_t len, struct mu_error *err)
{
    char own[TAR_PATH_MAX_BYTES + 1];

    if (merge_node_path(node, own, sizeof(own)) == SIZE_MAX)
        return MU_OK;
    merge_resolve(replacing->merge->tree, own, MERGE_ALL, replacing->place);
    if (!replacing->place->node || replacing->place->node->kind != MERGE_DIRECTORY)
        return MU_OK; /* nothing below it is in the tree */
    return alias_add(replacing, replacing->place->node, len, err);
}

static enum mu_status below_replace(struct replacing *replacing, struct merge_node *node,
                                    size_t len, struct mu_error *err);

/* `node` has the name replacing->path in this layer, and the layer says `flags` of it. */
static enum mu_status node_replace(struct replacing *replacing, struct merge_node *node, size_t len,
                                   unsigned flags, struct mu_error *err)
{
    if (flags & PATH_NO_DIRECTORY) {
        merge_clear(node);
        return MU_OK;
    }
    if (node->kind == MERGE_SYMLINK && !(flags & PATH_DIRECTORY))
        return link_enter(replacing, node, len, err);
    if (node->kind != MERGE_DIRECTORY || (flags & PATH_DIRECTORY))
        merge_put_directory(node, replacing->layer);
    return flags & PATH_PARENT ? below_replace(replacing, node, len, err) : MU_OK;
}

/* At most as deep as a name has components. */
static enum mu_status below_replace(struct replacing *replacing, struct merge_node *node,
                                    size_t len, struct mu_error *err)
{
    for (struct merge_node *child = node->first_child; child; child = child->next_sibling) {
        size_t at = len > 0 ? len + 1 : 0, child_len = at + child->name_len;
        unsigned flags;

        if (child->kind == MERGE_ABSENT || child_len > TAR_PATH_MAX_BYTES)
            continue;
        if (len > 0)
            replacing->path[len] = '/';
        memcpy(replacing->path + at, child->name, child->name_len);
        flags = layer_summary_path(
                replacing->summary,
                path_hash(merge_tree_key(replacing->merge->tree), replacing->path, child_len));
        if (flags != 0 && node_replace(replacing, child, child_len, flags, err) != MU_OK)
            return err->status;
    }
    return MU_OK;
}

static enum mu_status paths_replace(struct merge *merge, uint32_t layer, struct merge_place *place,
                                    struct mu_error *err)
{
    struct replacing replacing = {.merge = merge,
                                  .summary = &merge->layers[layer],
                                  .layer = layer,
                                  .place = place,
                                  .aliases = calloc(ALIASES_MAX, sizeof(struct alias))};
    enum mu_status st;

    if (!replacing.aliases)
        return mu_fail(err, MU_E_NOMEM, "no memory for a layer's links");
    st = below_replace(&replacing, merge_tree_root(merge->tree), 0, err);
    for (size_t i = 0; i < replacing.count; i++) {
        const struct alias *alias = &replacing.aliases[i];

        memcpy(replacing.path, alias->name, alias->len);
        if (st == MU_OK)
            st = below_replace(&replacing, alias->node, alias->len, err);
        free(alias->name);
    }
    free(replacing.aliases);
    return st;
}

/* ---- entries ---- */

/* The finders, by bit, that read the node's file because of a path. Found out once: a file may have
 * any number of links, and much evidence. */
static enum mu_status readers_find(const struct merge *merge, struct merge_node *node,
                                   struct mu_error *err)
{
    struct merge_evidence own = merge_node_evidence(node);
    struct evidence_cursor cursor;
    struct evidence_item item;

    if (node->links)
        return MU_OK;
    if (merge_node_link(merge->tree, node, err) != MU_OK)
        return err->status;
    if (own.place == SUMMARY_NO_EVIDENCE)
        return MU_OK;
    summary_evidence_begin(&merge->layers[own.layer], own.place, &cursor);
    while (summary_evidence_next(&cursor, &item)) {
        if (item.how == EVIDENCE_BY_PATH)
            node->links->readers |= UINT64_C(1) << item.finder;
    }
    return MU_OK;
}

/* What the link gets from its target's file. */
static enum mu_status target_share(const struct merge *merge, struct merge_node *target,
                                   struct merge_links *ret_links, struct mu_error *err)
{
    *ret_links = (struct merge_links){.shared = {.place = SUMMARY_NO_EVIDENCE}};
    if (!target || target->kind == MERGE_ABSENT)
        return MU_OK;
    if (readers_find(merge, target, err) != MU_OK)
        return err->status;
    ret_links->readers = target->links->readers;
    ret_links->shared = target->links->shared.place != SUMMARY_NO_EVIDENCE
                                ? target->links->shared
                                : merge_node_evidence(target);
    return MU_OK;
}

/* What the target has is shared; what nobody read of it is wanted for another reading. */
static enum mu_status hardlink_put(struct merge *merge, uint32_t layer, struct merge_node *node,
                                   const struct summary_entry *entry, struct merge_place *place,
                                   struct mu_error *err)
{
    struct merge_links links;

    merge_resolve(merge->tree, entry->link, MERGE_NOT_LAST, place);
    if (place->node == node)
        return MU_OK;
    if (place->node && place->node->kind == MERGE_SYMLINK)
        return merge_put(merge->tree, node, MERGE_SYMLINK, layer, place->node->target, err);
    if (target_share(merge, place->node, &links, err) != MU_OK)
        return err->status;
    links.wanted = entry->wanted;
    if ((links.wanted & ~links.readers) != 0 &&
        merge_want_add(merge, (size_t)layer + 1, entry->link, entry->path, err) != MU_OK)
        return err->status;
    if (merge_put(merge->tree, node, MERGE_FILE, layer, NULL, err) != MU_OK ||
        merge_node_link(merge->tree, node, err) != MU_OK)
        return err->status;
    *node->links = links;
    merge_node_bear(node, entry->evidence);
    return MU_OK;
}

static enum mu_status entry_apply(struct merge *merge, uint32_t layer,
                                  const struct summary_entry *entry, struct merge_place *place,
                                  struct mu_error *err)
{
    static const enum merge_kind kinds[SUMMARY_KINDS] = {[SUMMARY_FILE] = MERGE_FILE,
                                                         [SUMMARY_SYMLINK] = MERGE_SYMLINK,
                                                         [SUMMARY_OTHER] = MERGE_OTHER};
    struct merge_node *node;

    if (merge_node_of(merge->tree, entry->path, &node, err) != MU_OK)
        return err->status;
    if (!node || !node->parent)
        return MU_OK; /* a loop, or the root */
    if (entry->kind == SUMMARY_HARDLINK)
        return hardlink_put(merge, layer, node, entry, place, err);
    if (entry->kind == SUMMARY_DIRECTORY) {
        if (node->kind != MERGE_DIRECTORY)
            merge_clear(node);
        merge_put_directory(node, layer);
    } else if (merge_put(merge->tree, node, kinds[entry->kind], layer,
                         entry->kind == SUMMARY_SYMLINK ? entry->link : NULL, err) != MU_OK) {
        return err->status;
    }
    merge_node_bear(node, entry->evidence);
    return MU_OK;
}

enum mu_status merge_layer(struct merge *merge, uint32_t layer, struct mu_error *err)
{
    const struct layer_summary *summary = &merge->layers[layer];
    struct summary_cursor cursor;
    struct summary_entry entry;
    struct merge_place place;

    if (!summary->head)
        return MU_OK;
    whiteouts_apply(merge->tree, summary, &place);
    if (paths_replace(merge, layer, &place, err) != MU_OK)
        return err->status;
    summary_entries_begin(summary, &cursor);
    while (summary_entries_next(&cursor, &entry)) {
        if (entry.kind != SUMMARY_WHITEOUT && entry.kind != SUMMARY_OPAQUE &&
            entry_apply(merge, layer, &entry, &place, err) != MU_OK)
            return err->status;
    }
    return MU_OK;
}
