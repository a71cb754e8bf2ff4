#include "image/evidence_node.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

/* FNV-1a: cheap, and only a filter before the comparison. */
static uint32_t name_hash(const char *name, size_t len)
{
    uint32_t hash = 2166136261u;

    for (size_t i = 0; i < len; i++)
        hash = (hash ^ (unsigned char)name[i]) * 16777619u;
    return hash;
}

struct node *node_child(const struct node *node, const char *name, size_t len)
{
    uint32_t hash = name_hash(name, len);

    for (struct node *child = node->first_child; child; child = child->next_sibling) {
        if (child->name_hash == hash && child->name_len == len &&
            memcmp(child->name, name, len) == 0)
            return child;
    }
    return NULL;
}

enum mu_status node_add(struct evidence_tree *tree, struct node *parent, const char *name,
                        size_t len, struct node **ret_node, struct mu_error *err)
{
    struct node *node;

    if (tree->node_count == EVIDENCE_NODES_MAX)
        return mu_fail(err, MU_E_LIMIT, "more than %d evidence files", EVIDENCE_NODES_MAX);
    if (parent && parent->depth == EVIDENCE_DEPTH_MAX)
        return mu_fail(err, MU_E_LIMIT, "an evidence path of more than %d components",
                       EVIDENCE_DEPTH_MAX);
    node = mu_xcalloc(1, sizeof(*node) + len + 1); /* a tar name: at most 8 KiB */
    memcpy(node->name, name, len);
    node->name_len = len;
    node->name_hash = name_hash(name, len);
    node->parent = parent;
    if (parent) {
        node->depth = parent->depth + 1;
        node->next_sibling = parent->first_child;
        parent->first_child = node;
    }
    node->next = tree->all;
    tree->all = node;
    tree->node_count++;
    *ret_node = node;
    return MU_OK;
}

enum mu_status content_new(struct evidence_tree *tree, const char *bytes, size_t len,
                           struct content **ret_content, struct mu_error *err)
{
    struct content *content;

    if (len > EVIDENCE_TOTAL_MAX_BYTES - tree->content_bytes)
        return mu_fail(err, MU_E_LIMIT, "more than %d bytes of evidence files",
                       EVIDENCE_TOTAL_MAX_BYTES);
    content = malloc(sizeof(*content) + len + 1);
    if (!content)
        return mu_fail(err, MU_E_NOMEM, "no memory for an evidence file of %zu bytes", len);
    content->refs = 1;
    content->len = len;
    if (len > 0)
        memcpy(content->bytes, bytes, len);
    content->bytes[len] = '\0';
    tree->content_bytes += len;
    *ret_content = content;
    return MU_OK;
}

void content_unref(struct evidence_tree *tree, struct content *content)
{
    if (!content || --content->refs > 0)
        return;
    tree->content_bytes -= content->len;
    free(content);
}

void state_replace(struct evidence_tree *tree, struct node_state *to, struct node_state by)
{
    content_unref(tree, to->content);
    *to = by;
}

static void node_clear_below(struct evidence_tree *tree, struct node *node)
{
    for (struct node *child = node->first_child; child; child = child->next_sibling) {
        node_clear_below(tree, child);
        state_replace(tree, &child->now, (struct node_state){.kind = NODE_ABSENT});
    }
}

/* Directories above an entry that no layer named. */
static void node_make_parents(struct evidence_tree *tree, struct node *node)
{
    for (struct node *at = node->parent; at; at = at->parent) {
        if (at->now.kind != NODE_DIRECTORY)
            state_replace(tree, &at->now,
                          (struct node_state){.kind = NODE_DIRECTORY, .layer = tree->layer});
    }
}

void node_put(struct evidence_tree *tree, struct node *node, struct node_state state)
{
    node_clear_below(tree, node);
    state_replace(tree, &node->now, state);
    node_make_parents(tree, node);
}

void node_put_directory(struct evidence_tree *tree, struct node *node)
{
    state_replace(tree, &node->now,
                  (struct node_state){.kind = NODE_DIRECTORY, .layer = tree->layer});
    node_make_parents(tree, node);
}

void node_hide_children(struct evidence_tree *tree, struct node *node)
{
    for (struct node *child = node->first_child; child; child = child->next_sibling)
        (void)node_hide_lower(tree, child);
}

bool node_hide_lower(struct evidence_tree *tree, struct node *node)
{
    bool stays = false;

    for (struct node *child = node->first_child; child; child = child->next_sibling)
        stays |= node_hide_lower(tree, child);
    if (node->now.kind == NODE_ABSENT || node->now.layer == tree->layer)
        return node->now.kind != NODE_ABSENT;
    state_replace(tree, &node->now,
                  (struct node_state){.kind = stays ? NODE_DIRECTORY : NODE_ABSENT,
                                      .layer = tree->layer});
    return stays;
}

/* ---- look-up ---- */

/* Puts "target/rest" into the place's buffer; false when it does not fit. */
static bool todo_replace(struct node_place *place, const struct content *target, const char *rest)
{
    size_t rest_len = strlen(rest);

    if (target->len + 1 + rest_len >= sizeof(place->buffer))
        return false;
    memmove(place->buffer + target->len + 1, rest, rest_len + 1);
    memcpy(place->buffer, target->bytes, target->len);
    place->buffer[target->len] = '/';
    return true;
}

static const char *skip_slashes(const char *at)
{
    while (*at == '/')
        at++;
    return at;
}

struct lookup {
    const struct evidence_tree *tree;
    enum node_follow follow;
    struct node_place *place;
    struct node *at;
    const char *todo;
    int hops;
    bool lost; /* a loop, or a target that is too long */
};

/* The child `node` of lookup->at; `rest` is behind it. */
static void lookup_enter(struct lookup *lookup, struct node *node, const char *rest)
{
    bool last = *rest == '\0';

    if (node->now.kind != NODE_SYMLINK || (last && lookup->follow == FOLLOW_NOT_LAST)) {
        lookup->at = node;
        lookup->todo = rest;
        return;
    }
    lookup->lost = ++lookup->hops > EVIDENCE_HOPS_MAX ||
                   !todo_replace(lookup->place, node->now.content, rest);
    if (node->now.content->bytes[0] == '/')
        lookup->at = lookup->tree->root;
    lookup->todo = skip_slashes(lookup->place->buffer);
}

/* One component. False: it is not known; place->rest says where the look-up stands. */
static bool lookup_step(struct lookup *lookup)
{
    size_t len = strcspn(lookup->todo, "/");
    const char *rest = skip_slashes(lookup->todo + len);
    struct node *child;

    if (len == 1 && lookup->todo[0] == '.') {
        lookup->todo = rest;
        return true;
    }
    if (len == 2 && memcmp(lookup->todo, "..", 2) == 0) {
        lookup->at = lookup->at->parent ? lookup->at->parent : lookup->at;
        lookup->todo = rest;
        return true;
    }
    child = node_child(lookup->at, lookup->todo, len);
    if (!child)
        return false;
    lookup_enter(lookup, child, rest);
    return true;
}

void node_resolve(const struct evidence_tree *tree, const char *path, enum node_follow follow,
                  struct node_place *ret_place)
{
    struct lookup lookup = {.tree = tree,
                            .follow = follow,
                            .place = ret_place,
                            .at = tree->root,
                            .todo = skip_slashes(path)};

    ret_place->node = NULL;
    ret_place->rest = "";
    while (*lookup.todo != '\0' && !lookup.lost) {
        if (!lookup_step(&lookup)) {
            ret_place->parent = lookup.at;
            ret_place->rest = lookup.todo;
            return;
        }
    }
    ret_place->parent = lookup.lost ? NULL : lookup.at->parent;
    ret_place->node = lookup.lost ? NULL : lookup.at;
}
