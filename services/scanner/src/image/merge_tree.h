/*
 * merge_tree: those paths of an image that must be known by name, while its layers are put on each
 * other: links, whatever bears evidence, and the directories above them.
 *
 * What is not in the tree is a directory or a file nobody asks about: every symbolic link is in it,
 * so a look-up that leaves the tree meets no more links.
 *
 * Threads: one at a time per tree. Trust: names are hostile; the numbers below bound memory.
 */
#ifndef SCANNER_IMAGE_MERGE_TREE_H
#define SCANNER_IMAGE_MERGE_TREE_H

#include "base/error.h"
#include "base/memory.h"
#include "layer/layer_summary.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    MERGE_NODES_MAX = 750000,
    MERGE_BYTES_MAX =
            64 * 1024 * 1024, /* of all nodes, most of it reached by none but hostile images */
    MERGE_DEPTH_MAX = 4096,
    MERGE_HOPS_MAX = 40 /* symbolic links in one look-up, as Linux */
};

enum merge_kind { MERGE_ABSENT, MERGE_DIRECTORY, MERGE_FILE, MERGE_SYMLINK, MERGE_OTHER };

/* A group of evidence in the summary of a layer. */
struct merge_evidence {
    uint64_t place; /* SUMMARY_NO_EVIDENCE: none */
    uint32_t layer;
};

/* What few nodes have: that of hard links and their targets. */
struct merge_links {
    struct merge_evidence shared; /* of the file that the node is a hard link to */
    uint64_t wanted;              /* finders, by bit, that want a file of this path */
    uint64_t readers;             /* those that read the file because of a path */
};

/* There may be a million: kept small. */
struct merge_node {
    struct merge_node *parent; /* NULL: the root */
    struct merge_node *first_child, *next_sibling;
    const char *target;        /* of a symbolic link */
    struct merge_links *links; /* NULL: none */
    uint32_t own;              /* evidence of its entry: place and one; 0: none */
    uint32_t layer;            /* that put it there, and has the evidence */
    uint32_t id, name_hash;
    uint16_t name_len, depth;
    uint8_t kind; /* enum merge_kind */
    bool marked;  /* for who goes through a tree that is complete */
    char name[];
};

struct merge_tree;

/* `key` is copied. */
struct merge_tree *merge_tree_new(const struct path_key *key);
void merge_tree_free(struct merge_tree *tree); /* NULL is fine */
MU_DEFINE_AUTO(merge_tree, struct merge_tree, merge_tree_free)

struct merge_node *merge_tree_root(const struct merge_tree *tree);
const struct path_key *merge_tree_key(const struct merge_tree *tree);

struct merge_node *merge_child(const struct merge_tree *tree, const struct merge_node *node,
                               const char *name, size_t len);

enum merge_follow { MERGE_NOT_LAST, MERGE_ALL };

/* Where a look-up ended. */
struct merge_place {
    struct merge_node *node;   /* NULL: not in the tree, or a loop */
    struct merge_node *parent; /* the last one of the tree above it; NULL with a loop */
    const char *rest;          /* below `parent`; in `buffer` */
    int hops;                  /* links that were followed */
    char buffer[2 * TAR_PATH_MAX_BYTES + 2];
};

/* `ret_place` is written in full; too large to be zeroed for each entry. */
void merge_resolve(const struct merge_tree *tree, const char *path, enum merge_follow follow,
                   struct merge_place *ret_place);

/* The node of an entry, made when it is missing; NULL with a loop. Errors: MU_E_LIMIT. */
enum mu_status merge_node_of(struct merge_tree *tree, const char *path,
                             struct merge_node **ret_node, struct mu_error *err) MU_MUST_CHECK;

/* Puts something at `node` in place of it and all below; directories above come to be. `target` is
 * copied. Errors: MU_E_LIMIT. */
enum mu_status merge_put(struct merge_tree *tree, struct merge_node *node, enum merge_kind kind,
                         uint32_t layer, const char *target, struct mu_error *err) MU_MUST_CHECK;
/* The same with a directory, which keeps what is below when it was one. */
void merge_put_directory(struct merge_node *node, uint32_t layer);
/* Takes away the node and all below, or only what is below. */
void merge_clear(struct merge_node *node);
void merge_clear_below(struct merge_node *node);

struct merge_evidence merge_node_evidence(const struct merge_node *node);
void merge_node_bear(struct merge_node *node, uint64_t place);
/* Gives the node links, all empty, when it has none. Errors: MU_E_LIMIT. */
enum mu_status merge_node_link(struct merge_tree *tree, struct merge_node *node,
                               struct mu_error *err) MU_MUST_CHECK;

/* The next of all nodes at and below `top`, parents first; begins with NULL. */
struct merge_node *merge_next(struct merge_node *top, struct merge_node *node);

/* Its path and a NUL into `ret_path`; the length, or SIZE_MAX when it does not fit. */
size_t merge_node_path(const struct merge_node *node, char *ret_path, size_t size);

#endif
