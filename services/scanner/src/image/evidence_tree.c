#include "image/evidence_tree.h"

#include "base/memory.h"
#include "base/text.h"
#include "image/evidence_node.h"
#include "layer/tar_path.h"

#include <stdlib.h>
#include <string.h>

struct evidence_tree *evidence_tree_new(void)
{
    struct evidence_tree *tree = mu_xcalloc(1, sizeof(*tree));
    struct mu_error err;

    if (node_add(tree, NULL, "", 0, &tree->root, &err) != MU_OK)
        abort(); /* the first node is within every limit */
    tree->root->now.kind = NODE_DIRECTORY;
    return tree;
}

void evidence_tree_free(struct evidence_tree *tree)
{
    if (!tree)
        return;
    while (tree->all) {
        struct node *node = tree->all;

        tree->all = node->next;
        content_unref(tree, node->now.content);
        content_unref(tree, node->saved.content);
        free(node);
    }
    free(tree->fill);
    free(tree);
}

enum mu_status evidence_tree_want(struct evidence_tree *tree, const char *path, unsigned wants,
                                  struct mu_error *err)
{
    struct node *at = tree->root;

    while (*path != '\0') {
        size_t len = strcspn(path, "/");
        struct node *child = node_child(at, path, len);

        if (!child && node_add(tree, at, path, len, &child, err) != MU_OK)
            return err->status;
        at = child;
        path += len;
        path += *path == '/';
    }
    at->wants |= wants;
    return MU_OK;
}

/* ---- layers ---- */

static void state_copy(struct evidence_tree *tree, struct node_state *to,
                       const struct node_state *from)
{
    struct node_state copy = *from;

    if (copy.content)
        copy.content->refs++;
    state_replace(tree, to, copy);
}

static void filling_stop(struct evidence_tree *tree)
{
    tree->filling = NULL;
    tree->fill_len = 0;
}

void evidence_tree_layer_begin(struct evidence_tree *tree, uint32_t layer_index)
{
    filling_stop(tree);
    tree->layer = layer_index;
    for (struct node *node = tree->all; node; node = node->next)
        state_copy(tree, &node->saved, &node->now);
}

void evidence_tree_layer_commit(struct evidence_tree *tree)
{
    filling_stop(tree);
    free(tree->fill); /* may be as large as the largest file */
    tree->fill = NULL;
    tree->fill_capacity = 0;
    for (struct node *node = tree->all; node; node = node->next)
        state_replace(tree, &node->saved, (struct node_state){.kind = NODE_ABSENT});
}

void evidence_tree_layer_rollback(struct evidence_tree *tree)
{
    for (struct node *node = tree->all; node; node = node->next)
        state_copy(tree, &node->now, &node->saved);
    evidence_tree_layer_commit(tree);
}

bool evidence_tree_again(const struct evidence_tree *tree)
{
    return tree->again;
}

void evidence_tree_reset(struct evidence_tree *tree)
{
    tree->again = false;
    evidence_tree_layer_commit(tree);
    for (struct node *node = tree->all; node; node = node->next)
        state_replace(tree, &node->now, (struct node_state){.kind = NODE_ABSENT});
    tree->root->now.kind = NODE_DIRECTORY;
}

/* Wants what a link leads to: place->rest below place->parent. */
static enum mu_status want_outside(struct evidence_tree *tree, const struct node_place *place,
                                   unsigned wants, struct mu_error *err)
{
    char rest[sizeof(place->buffer)];
    struct node *at = place->parent;
    size_t len = tar_path_clean(place->rest, strlen(place->rest), rest);

    for (size_t from = 0; from < len;) {
        size_t part = strcspn(rest + from, "/");
        struct node *child = node_child(at, rest + from, part);

        if (!child && node_add(tree, at, rest + from, part, &child, err) != MU_OK)
            return err->status;
        at = child;
        from += part + 1;
    }
    at->wants |= wants;
    tree->again = true;
    return MU_OK;
}

/* ---- entries ---- */

/* The node of an entry, or NULL when nobody wants it; made when its directory's files are wanted.
 */
static enum mu_status entry_node(struct evidence_tree *tree, const struct tar_entry *entry,
                                 struct node_place *place, struct node **ret_node,
                                 struct mu_error *err)
{
    *ret_node = NULL;
    node_resolve(tree, entry->path, FOLLOW_NOT_LAST, place);
    if (place->node) {
        *ret_node = place->node;
        return MU_OK;
    }
    if (!place->parent || !(place->parent->wants & EVIDENCE_CHILDREN) || strchr(place->rest, '/') ||
        mu_text_ends(place->rest, ".md5sums") || entry->kind == TAR_DIRECTORY ||
        entry->kind == TAR_OTHER)
        return MU_OK;
    if (node_add(tree, place->parent, place->rest, strlen(place->rest), ret_node, err) != MU_OK)
        return err->status;
    (*ret_node)->wants = EVIDENCE_CONTENT;
    return MU_OK;
}

/* "dir/.wh.name": hides `name` or, as ".wh..wh..opq", all of dir. */
static void whiteout_take(struct evidence_tree *tree, const struct tar_entry *entry,
                          const char *base, struct node_place *place)
{
    static const char special[] = ".wh..wh.";
    char dir[TAR_PATH_MAX_BYTES + 1];
    size_t dir_len = (size_t)(base - entry->path);
    struct node *node;

    memcpy(dir, entry->path, dir_len);
    dir[dir_len] = '\0';
    node_resolve(tree, dir, FOLLOW_ALL, place);
    if (!place->node)
        return;
    if (strcmp(base, ".wh..wh..opq") == 0) {
        node_hide_children(tree, place->node);
        return;
    }
    if (strncmp(base, special, sizeof(special) - 1) == 0)
        return; /* aufs' own */
    base += strlen(".wh.");
    node = node_child(place->node, base, strlen(base));
    if (node)
        (void)node_hide_lower(tree, node);
}

static const char *base_of(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

static enum mu_status file_take(struct evidence_tree *tree, struct node *node,
                                const struct tar_entry *entry, enum tar_want *ret_want,
                                struct mu_error *err)
{
    node_put(tree, node, (struct node_state){.kind = NODE_FILE, .layer = tree->layer});
    if (!(node->wants & EVIDENCE_CONTENT))
        return MU_OK;
    if (entry->size_bytes > EVIDENCE_FILE_MAX_BYTES)
        return mu_fail(err, MU_E_LIMIT, "file '%.200s' of %llu bytes, more than %d", entry->path,
                       (unsigned long long)entry->size_bytes, EVIDENCE_FILE_MAX_BYTES);
    tree->filling = node;
    tree->fill_len = 0;
    *ret_want = TAR_KEEP;
    return MU_OK;
}

static enum mu_status symlink_take(struct evidence_tree *tree, struct node *node,
                                   const struct tar_entry *entry, struct mu_error *err)
{
    struct node_state state = {.kind = NODE_SYMLINK, .layer = tree->layer};

    if (content_new(tree, entry->link, entry->link_len, &state.content, err) != MU_OK)
        return err->status;
    node_put(tree, node, state);
    return MU_OK;
}

/* Shares what the link's target is now; a target that was not kept is wanted for the next reading.
 */
static enum mu_status hardlink_take(struct evidence_tree *tree, struct node *node,
                                    const struct tar_entry *entry, struct node_place *place,
                                    struct mu_error *err)
{
    struct node_state state = {.kind = NODE_OTHER, .layer = tree->layer};
    unsigned wants = node->wants | EVIDENCE_PRESENCE;

    node_resolve(tree, entry->link, FOLLOW_NOT_LAST, place);
    if (!place->node && place->parent && want_outside(tree, place, wants, err) != MU_OK)
        return err->status;
    if (place->node == node)
        return MU_OK;
    if (place->node && (wants & ~place->node->wants & EVIDENCE_CONTENT)) {
        place->node->wants |= wants;
        tree->again = true;
    }
    if (place->node && place->node->now.kind != NODE_ABSENT &&
        place->node->now.kind != NODE_DIRECTORY) {
        state.kind = place->node->now.kind;
        state.content = place->node->now.content;
        if (state.content)
            state.content->refs++;
    }
    node_put(tree, node, state);
    return MU_OK;
}

static void plain_put(struct evidence_tree *tree, struct node *node, enum node_kind kind)
{
    node_put(tree, node, (struct node_state){.kind = kind, .layer = tree->layer});
}

static enum mu_status entry_put(struct evidence_tree *tree, struct node *node,
                                const struct tar_entry *entry, enum tar_want *ret_want,
                                struct mu_error *err)
{
    switch (entry->kind) {
    case TAR_FILE:
        return file_take(tree, node, entry, ret_want, err);
    case TAR_SYMLINK:
        return symlink_take(tree, node, entry, err);
    case TAR_DIRECTORY:
        node_put_directory(tree, node);
        break;
    case TAR_SPARSE_FILE:
        plain_put(tree, node, NODE_SPARSE);
        break;
    case TAR_OTHER:
    case TAR_HARDLINK: /* has its own way */
        plain_put(tree, node, NODE_OTHER);
        break;
    }
    return MU_OK;
}

static enum mu_status sink_entry(void *opaque, const struct tar_entry *entry,
                                 enum tar_want *ret_want, struct mu_error *err)
{
    struct evidence_tree *tree = opaque;
    const char *base = base_of(entry->path);
    struct node_place place;
    struct node *node;

    if (strncmp(base, ".wh.", 4) == 0) {
        whiteout_take(tree, entry, base, &place);
        return MU_OK;
    }
    if (entry_node(tree, entry, &place, &node, err) != MU_OK)
        return err->status;
    if (!node || node == tree->root)
        return MU_OK;
    if (entry->kind == TAR_HARDLINK)
        return hardlink_take(tree, node, entry, &place, err);
    return entry_put(tree, node, entry, ret_want, err);
}

/* Grows with what arrives, so that a claimed size reserves nothing. */
static enum mu_status fill_reserve(struct evidence_tree *tree, size_t more, struct mu_error *err)
{
    size_t capacity = tree->fill_capacity ? tree->fill_capacity : 64 * 1024;
    char *grown;

    while (capacity - tree->fill_len < more)
        capacity *= 2;
    if (capacity == tree->fill_capacity)
        return MU_OK;
    grown = realloc(tree->fill, capacity);
    if (!grown)
        return mu_fail(err, MU_E_NOMEM, "no memory for an evidence file");
    tree->fill = grown;
    tree->fill_capacity = capacity;
    return MU_OK;
}

static enum mu_status sink_content(void *opaque, const void *bytes, size_t len,
                                   struct mu_error *err)
{
    struct evidence_tree *tree = opaque;

    if (fill_reserve(tree, len, err) != MU_OK) /* size_bytes was checked: at most 64 MiB */
        return err->status;
    memcpy(tree->fill + tree->fill_len, bytes, len);
    tree->fill_len += len;
    return MU_OK;
}

static enum mu_status sink_end(void *opaque, struct mu_error *err)
{
    struct evidence_tree *tree = opaque;
    struct node_state state = {.kind = NODE_FILE, .layer = tree->layer};

    if (content_new(tree, tree->fill, tree->fill_len, &state.content, err) != MU_OK)
        return err->status;
    state_replace(tree, &tree->filling->now, state);
    filling_stop(tree);
    return MU_OK;
}

void evidence_tree_sink(struct evidence_tree *tree, struct tar_sink *ret_sink)
{
    *ret_sink = (struct tar_sink){
            .opaque = tree, .on_entry = sink_entry, .on_content = sink_content, .on_end = sink_end};
}

/* ---- what is there in the end ---- */

static enum mu_status not_there(const char *path, struct mu_error *err)
{
    return mu_fail(err, MU_E_NOT_FOUND, "no file '%.200s'", path);
}

/* The node behind `path`, with `wants` on it; NULL: nothing there, or not known yet. */
static enum mu_status wanted_node(struct evidence_tree *tree, const char *path, unsigned wants,
                                  struct node **ret_node, struct mu_error *err)
{
    struct node_place place;
    unsigned missing;

    node_resolve(tree, path, FOLLOW_ALL, &place);
    *ret_node = place.node;
    if (!place.node) {
        bool may_be_there = place.parent && place.parent->now.kind == NODE_DIRECTORY;

        return may_be_there ? want_outside(tree, &place, wants, err) : MU_OK;
    }
    missing = wants & ~place.node->wants;
    place.node->wants |= wants;
    if (missing && place.node->now.kind != NODE_ABSENT && missing != EVIDENCE_PRESENCE)
        tree->again = true;
    return MU_OK;
}

enum mu_status evidence_tree_find(struct evidence_tree *tree, const char *path, unsigned wants,
                                  struct evidence_file *ret_file, struct mu_error *err)
{
    struct node *node;

    if (wanted_node(tree, path, wants, &node, err) != MU_OK)
        return err->status;
    if (node && node->now.kind == NODE_SPARSE)
        return mu_fail(err, MU_E_INVALID, "file '%.200s' is stored sparse", path);
    if (!node || node->now.kind != NODE_FILE)
        return not_there(path, err);
    if ((wants & EVIDENCE_CONTENT) && !node->now.content)
        return not_there(path, err);
    ret_file->bytes = node->now.content ? node->now.content->bytes : NULL;
    ret_file->len = node->now.content ? node->now.content->len : 0;
    ret_file->layer_index = node->now.layer;
    return MU_OK;
}

enum mu_status evidence_tree_list(struct evidence_tree *tree, const char *path,
                                  evidence_name_fn *on_name, void *opaque, struct mu_error *err)
{
    struct node *node;

    if (wanted_node(tree, path, EVIDENCE_CHILDREN, &node, err) != MU_OK)
        return err->status;
    if (!node || node->now.kind != NODE_DIRECTORY)
        return MU_OK;
    for (struct node *child = node->first_child; child; child = child->next_sibling) {
        if (child->now.kind != NODE_ABSENT && on_name(opaque, child->name, err) != MU_OK)
            return err->status;
    }
    return MU_OK;
}
