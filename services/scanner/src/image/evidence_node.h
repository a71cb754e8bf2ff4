/*
 * evidence_node: the nodes of an evidence tree and what a layer makes of them. Internal to
 * evidence_tree.
 */
#ifndef SCANNER_IMAGE_EVIDENCE_NODE_H
#define SCANNER_IMAGE_EVIDENCE_NODE_H

#include "image/evidence_tree.h"

enum node_kind { NODE_ABSENT, NODE_DIRECTORY, NODE_FILE, NODE_SPARSE, NODE_SYMLINK, NODE_OTHER };

/* Bytes of a file or target of a symbolic link; shared by hard links and saved states. */
struct content {
    size_t refs;
    size_t len;
    char bytes[]; /* and a NUL */
};

struct node_state {
    enum node_kind kind;
    uint32_t layer;          /* that put it there */
    struct content *content; /* NULL: none kept */
};

struct node {
    struct node *parent; /* NULL: the root */
    struct node *first_child, *next_sibling;
    struct node *next; /* of all nodes */
    unsigned wants;
    size_t depth;
    struct node_state now, saved;
    uint32_t name_hash;
    size_t name_len;
    char name[];
};

struct evidence_tree {
    struct node *root;
    struct node *all; /* newest first; the root is last */
    size_t node_count;
    size_t content_bytes;
    uint32_t layer;
    bool again;
    struct node *filling; /* whose content is coming in */
    char *fill;
    size_t fill_len, fill_capacity;
};

struct node *node_child(const struct node *node, const char *name, size_t len);
/* Errors: MU_E_LIMIT. */
enum mu_status node_add(struct evidence_tree *tree, struct node *parent, const char *name,
                        size_t len, struct node **ret_node, struct mu_error *err) MU_MUST_CHECK;

/* New content with one reference. Errors: MU_E_LIMIT, MU_E_NOMEM. */
enum mu_status content_new(struct evidence_tree *tree, const char *bytes, size_t len,
                           struct content **ret_content, struct mu_error *err) MU_MUST_CHECK;
void content_unref(struct evidence_tree *tree, struct content *content);

/* Replaces `node` by `state` (whose reference is taken over) and hides what was below it. */
void node_put(struct evidence_tree *tree, struct node *node, struct node_state state);
/* A directory entry: keeps what is below when it was a directory. */
void node_put_directory(struct evidence_tree *tree, struct node *node);
/* Whiteout: takes away what lower layers put at and below `node`. True when something stays. */
bool node_hide_lower(struct evidence_tree *tree, struct node *node);
void node_hide_children(struct evidence_tree *tree, struct node *node); /* opaque whiteout */
void state_replace(struct evidence_tree *tree, struct node_state *to, struct node_state by);

/* Where a look-up ended. */
struct node_place {
    struct node *node;   /* NULL: outside of what is known, or a loop */
    struct node *parent; /* last known node above; NULL with a loop */
    const char *rest;    /* below `parent` and not known; in `buffer` */
    char buffer[2 * TAR_PATH_MAX_BYTES + 2];
};

enum node_follow { FOLLOW_NOT_LAST, FOLLOW_ALL };

/* `ret_place` is written in full; too large to be zeroed for each entry. */
void node_resolve(const struct evidence_tree *tree, const char *path, enum node_follow follow,
                  struct node_place *ret_place);

#endif
