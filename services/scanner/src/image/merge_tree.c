#include "image/merge_tree.h"

#include "base/scratch.h"
#include "layer/tar_path.h"

#include <stdlib.h>
#include <string.h>

enum { FIRST_SLOTS = 1024 }; /* a power of two */

struct merge_tree {
    struct path_key key;
    struct mu_arena *arena;
    struct merge_node *root;
    struct merge_node **slots; /* by parent and name */
    size_t slot_count, node_count;
};

static uint32_t hash_of(const struct merge_tree *tree, const struct merge_node *parent,
                        const char *name, size_t len)
{
    uint64_t hash =
            path_hash(&tree->key, name, len) ^ (parent->id + 1u) * UINT64_C(0x9e3779b97f4a7c15);

    return (uint32_t)(hash >> 32 ^ hash);
}

static struct merge_node **slot_of(const struct merge_tree *tree, const struct merge_node *parent,
                                   uint32_t hash, const char *name, size_t len)
{
    size_t at = (size_t)hash & (tree->slot_count - 1);

    mu_scratch_look();
    for (;; at = (at + 1) & (tree->slot_count - 1)) {
        const struct merge_node *node = tree->slots[at];

        if (!node || (node->name_hash == hash && node->parent == parent && node->name_len == len &&
                      memcmp(node->name, name, len) == 0))
            return &tree->slots[at];
    }
}

static enum mu_status slots_grow(struct merge_tree *tree, struct mu_error *err)
{
    size_t count = tree->slot_count ? 2 * tree->slot_count : FIRST_SLOTS;
    struct merge_node **old = tree->slots, **slots = calloc(count, sizeof(struct merge_node *));
    size_t old_count = tree->slot_count;

    if (!slots)
        return mu_fail(err, MU_E_NOMEM, "no memory for %zu paths", count);
    tree->slots = slots;
    tree->slot_count = count;
    for (size_t i = 0; i < old_count; i++) {
        struct merge_node *node = old[i];

        if (node)
            *slot_of(tree, node->parent, node->name_hash, node->name, node->name_len) = node;
    }
    free(old);
    return MU_OK;
}

static struct merge_node *node_new(struct merge_tree *tree, struct merge_node *parent,
                                   const char *name, size_t len)
{
    struct merge_node *node = mu_arena_alloc(tree->arena, sizeof(*node) + len + 1);

    if (!node)
        return NULL;
    memcpy(node->name, name, len);
    node->name_len = (uint16_t)len; /* at most TAR_PATH_MAX_BYTES */
    node->id = (uint32_t)tree->node_count++;
    node->parent = parent;
    if (parent) {
        node->depth = (uint16_t)(parent->depth + 1);
        node->next_sibling = parent->first_child;
        parent->first_child = node;
    }
    return node;
}

struct merge_tree *merge_tree_new(const struct path_key *key)
{
    struct merge_tree *tree = mu_xcalloc(1, sizeof(*tree));
    struct mu_error err;

    tree->key = *key;
    tree->arena = mu_arena_new_scratch(MERGE_BYTES_MAX);
    tree->root = node_new(tree, NULL, "", 0);
    if (!tree->root || slots_grow(tree, &err) != MU_OK)
        abort(); /* small */
    tree->root->kind = MERGE_DIRECTORY;
    return tree;
}

void merge_tree_free(struct merge_tree *tree)
{
    if (!tree)
        return;
    mu_arena_free(tree->arena);
    free(tree->slots);
    free(tree);
}

struct merge_node *merge_tree_root(const struct merge_tree *tree)
{
    return tree->root;
}

const struct path_key *merge_tree_key(const struct merge_tree *tree)
{
    return &tree->key;
}

struct merge_node *merge_child(const struct merge_tree *tree, const struct merge_node *node,
                               const char *name, size_t len)
{
    return *slot_of(tree, node, hash_of(tree, node, name, len), name, len);
}

static enum mu_status child_make(struct merge_tree *tree, struct merge_node *parent,
                                 const char *name, size_t len, struct merge_node **ret_node,
                                 struct mu_error *err)
{
    uint32_t hash = hash_of(tree, parent, name, len);
    struct merge_node **slot = slot_of(tree, parent, hash, name, len);

    if (*slot) {
        *ret_node = *slot;
        return MU_OK;
    }
    if (parent->depth == MERGE_DEPTH_MAX)
        return mu_fail(err, MU_E_LIMIT, "links lead to a path of more than %d components",
                       MERGE_DEPTH_MAX);
    if (2 * tree->node_count >= tree->slot_count) {
        if (slots_grow(tree, err) != MU_OK)
            return err->status;
        slot = slot_of(tree, parent, hash, name, len);
    }
    *slot = tree->node_count < MERGE_NODES_MAX ? node_new(tree, parent, name, len) : NULL;
    if (!*slot)
        return mu_fail(err, MU_E_LIMIT, "more than %d links, evidence files and their directories",
                       MERGE_NODES_MAX);
    (*slot)->name_hash = hash;
    *ret_node = *slot;
    return MU_OK;
}

/* ---- states ---- */

static void state_set(struct merge_node *node, enum merge_kind kind, uint32_t layer)
{
    node->kind = (uint8_t)kind;
    node->layer = layer;
    node->own = 0;
    node->links = NULL;
    node->target = NULL;
}

struct merge_evidence merge_node_evidence(const struct merge_node *node)
{
    return (struct merge_evidence){.place = (uint64_t)node->own - 1, .layer = node->layer};
}

void merge_node_bear(struct merge_node *node, uint64_t place)
{
    node->own = (uint32_t)(place + 1); /* below SUMMARY_EVIDENCE_BYTES_MAX, or none */
}

enum mu_status merge_node_link(struct merge_tree *tree, struct merge_node *node,
                               struct mu_error *err)
{
    if (node->links)
        return MU_OK;
    node->links = mu_arena_alloc(tree->arena, sizeof(*node->links));
    if (!node->links)
        return mu_fail(err, MU_E_LIMIT, "links of more than %d bytes", MERGE_BYTES_MAX);
    node->links->shared.place = SUMMARY_NO_EVIDENCE;
    return MU_OK;
}

struct merge_node *merge_next(struct merge_node *top, struct merge_node *node)
{
    if (!node)
        return top;
    if (node->first_child)
        return node->first_child;
    while (node != top && !node->next_sibling)
        node = node->parent;
    return node == top ? NULL : node->next_sibling;
}

void merge_clear(struct merge_node *node)
{
    for (struct merge_node *at = node; at; at = merge_next(node, at))
        state_set(at, MERGE_ABSENT, 0);
}

void merge_clear_below(struct merge_node *node)
{
    for (struct merge_node *child = node->first_child; child; child = child->next_sibling) {
        if (child->kind != MERGE_ABSENT)
            merge_clear(child);
    }
}

static void parents_make(struct merge_node *node, uint32_t layer)
{
    for (struct merge_node *at = node->parent; at; at = at->parent) {
        if (at->kind != MERGE_DIRECTORY)
            state_set(at, MERGE_DIRECTORY, layer);
    }
}

enum mu_status merge_put(struct merge_tree *tree, struct merge_node *node, enum merge_kind kind,
                         uint32_t layer, const char *target, struct mu_error *err)
{
    const char *kept = target ? mu_arena_strdup(tree->arena, target) : NULL;

    if (target && !kept)
        return mu_fail(err, MU_E_LIMIT, "links of more than %d bytes", MERGE_BYTES_MAX);
    if (node->kind != MERGE_ABSENT)
        merge_clear(node);
    state_set(node, kind, layer);
    node->target = kept;
    parents_make(node, layer);
    return MU_OK;
}

void merge_put_directory(struct merge_node *node, uint32_t layer)
{
    state_set(node, MERGE_DIRECTORY, layer);
    parents_make(node, layer);
}

size_t merge_node_path(const struct merge_node *node, char *ret_path, size_t size)
{
    size_t len = 0, at;

    for (const struct merge_node *up = node; up->parent; up = up->parent)
        len += up->name_len + (up->parent->parent != NULL);
    if (len >= size)
        return SIZE_MAX;
    ret_path[len] = '\0';
    at = len;
    for (const struct merge_node *up = node; up->parent; up = up->parent) {
        at -= up->name_len;
        memcpy(ret_path + at, up->name, up->name_len);
        if (up->parent->parent)
            ret_path[--at] = '/';
    }
    return len;
}

/* ---- look-up ---- */

struct lookup {
    const struct merge_tree *tree;
    enum merge_follow follow;
    struct merge_place *place;
    struct merge_node *at;
    const char *todo;
    int hops;
    bool lost; /* a loop, or a target that is too long */
};

/* Puts "target/rest" into the place's buffer; false when it does not fit. */
static bool todo_replace(struct merge_place *place, const char *target, const char *rest)
{
    size_t target_len = strlen(target), rest_len = strlen(rest);

    if (target_len + 1 + rest_len >= sizeof(place->buffer))
        return false;
    memmove(place->buffer + target_len + 1, rest, rest_len + 1);
    memcpy(place->buffer, target, target_len);
    place->buffer[target_len] = '/';
    return true;
}

static const char *skip_slashes(const char *at)
{
    while (*at == '/')
        at++;
    return at;
}

/* The child `node` of lookup->at; `rest` is behind it. */
static void lookup_enter(struct lookup *lookup, struct merge_node *node, const char *rest)
{
    bool last = *rest == '\0';

    if (node->kind != MERGE_SYMLINK || (last && lookup->follow == MERGE_NOT_LAST)) {
        lookup->at = node;
        lookup->todo = rest;
        return;
    }
    if (++lookup->hops > MERGE_HOPS_MAX || !todo_replace(lookup->place, node->target, rest)) {
        lookup->lost = true;
        return;
    }
    if (node->target[0] == '/')
        lookup->at = lookup->tree->root;
    lookup->todo = skip_slashes(lookup->place->buffer);
}

/* One component. False: it is not in the tree. */
static bool lookup_step(struct lookup *lookup)
{
    size_t len = strcspn(lookup->todo, "/");
    const char *rest = skip_slashes(lookup->todo + len);
    struct merge_node *child;

    if (len == 1 && lookup->todo[0] == '.') {
        lookup->todo = rest;
        return true;
    }
    if (len == 2 && memcmp(lookup->todo, "..", 2) == 0) {
        lookup->at = lookup->at->parent ? lookup->at->parent : lookup->at;
        lookup->todo = rest;
        return true;
    }
    child = merge_child(lookup->tree, lookup->at, lookup->todo, len);
    if (!child)
        return false;
    lookup_enter(lookup, child, rest);
    return true;
}

void merge_resolve(const struct merge_tree *tree, const char *path, enum merge_follow follow,
                   struct merge_place *ret_place)
{
    struct lookup lookup = {.tree = tree,
                            .follow = follow,
                            .place = ret_place,
                            .at = tree->root,
                            .todo = skip_slashes(path)};

    ret_place->node = NULL;
    ret_place->rest = "";
    ret_place->hops = 0;
    while (*lookup.todo != '\0' && !lookup.lost) {
        if (!lookup_step(&lookup)) {
            ret_place->parent = lookup.at;
            ret_place->rest = lookup.todo;
            ret_place->hops = lookup.hops;
            return;
        }
    }
    ret_place->parent = lookup.lost ? NULL : lookup.at->parent;
    ret_place->node = lookup.lost ? NULL : lookup.at;
    ret_place->hops = lookup.hops;
}

enum mu_status merge_node_of(struct merge_tree *tree, const char *path,
                             struct merge_node **ret_node, struct mu_error *err)
{
    struct merge_place place;
    char rest[sizeof(place.buffer)];
    struct merge_node *at;
    size_t len;

    merge_resolve(tree, path, MERGE_NOT_LAST, &place);
    at = place.node;
    if (!at && place.parent) {
        at = place.parent;
        len = tar_path_clean(place.rest, strlen(place.rest), rest);
        for (size_t from = 0, part; from < len; from += part + 1) {
            part = strcspn(rest + from, "/");
            if (child_make(tree, at, rest + from, part, &at, err) != MU_OK)
                return err->status;
        }
    }
    *ret_node = at;
    return MU_OK;
}
