/*
 * evidence_tree: the few files of an image that say what it holds, merged over its layers as
 * a runtime would: whiteouts, replaced directories, hard links, symbolic links.
 *
 * The tree knows only the paths somebody wants and the directories above them, so its size does
 * not depend on the image. A link can lead out of what is known; then the place it leads to
 * is added to the wants, evidence_tree_again() says true, and the layers must be read once more.
 *
 * Use: want paths; then for each layer, lowest first: layer_begin, the layer's entries through the
 * sink, and layer_commit when its digests were right, else layer_rollback; then find and list.
 *
 * Rules: OCI image-spec layer.md "Whiteouts" (they hide lower layers only; an opaque one the
 * directory's lower content); names are entered as containerd does: symbolic links above the last
 * component are followed inside the root, the last component is replaced unless both are
 * directories.
 *
 * Threads: one at a time per tree. Trust: entries are hostile; the numbers below bound memory.
 */
#ifndef SCANNER_IMAGE_EVIDENCE_TREE_H
#define SCANNER_IMAGE_EVIDENCE_TREE_H

#include "base/error.h"
#include "base/scope.h"
#include "layer/tar_walk.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    EVIDENCE_FILE_MAX_BYTES = 64 * 1024 * 1024,   /* of one file */
    EVIDENCE_TOTAL_MAX_BYTES = 160 * 1024 * 1024, /* of all kept contents */
    EVIDENCE_NODES_MAX = 8192,
    EVIDENCE_DEPTH_MAX = 64, /* components of a wanted path */
    EVIDENCE_HOPS_MAX = 40   /* symbolic links in one look-up, as Linux */
};

enum evidence_want {
    EVIDENCE_PRESENCE = 1 << 0, /* only whether it is there */
    EVIDENCE_CONTENT = 1 << 1,
    EVIDENCE_CHILDREN =
            1 << 2 /* of a directory: the content of each file right in it, but *.md5sums */
};

struct evidence_tree;

struct evidence_tree *evidence_tree_new(void);
void evidence_tree_free(struct evidence_tree *tree); /* NULL is fine */
MU_DEFINE_AUTO(evidence_tree, struct evidence_tree, evidence_tree_free)

/* `path` is cleaned. Errors: MU_E_LIMIT (depth, nodes). */
enum mu_status evidence_tree_want(struct evidence_tree *tree, const char *path, unsigned wants,
                                  struct mu_error *err) MU_MUST_CHECK;

void evidence_tree_layer_begin(struct evidence_tree *tree, uint32_t layer_index);
void evidence_tree_layer_commit(struct evidence_tree *tree);
void evidence_tree_layer_rollback(struct evidence_tree *tree);
/* Takes the entries of the layer that was begun. Its errors: MU_E_LIMIT, MU_E_NOMEM. */
void evidence_tree_sink(struct evidence_tree *tree, struct tar_sink *ret_sink);

/* True when links led out of what was wanted: reset and read the layers again. */
bool evidence_tree_again(const struct evidence_tree *tree);
/* Forgets all layers, keeps the wants. */
void evidence_tree_reset(struct evidence_tree *tree);

struct evidence_file {
    const char *bytes; /* borrowed until the tree changes; NULL for one wanted only for presence */
    size_t len;
    uint32_t layer_index; /* whose entry is the visible one */
};

/*
 * The regular file behind `path`, symbolic links followed. Errors: MU_E_NOT_FOUND (nothing there,
 * no regular file, a loop; or not known yet, see evidence_tree_again), MU_E_INVALID (a sparse
 * file), MU_E_LIMIT as evidence_tree_want.
 */
enum mu_status evidence_tree_find(struct evidence_tree *tree, const char *path, unsigned wants,
                                  struct evidence_file *ret_file,
                                  struct mu_error *err) MU_MUST_CHECK;

/* Calls `on_name` for each name in the directory behind `path`; none when there is no directory. */
typedef enum mu_status evidence_name_fn(void *opaque, const char *name, struct mu_error *err);
enum mu_status evidence_tree_list(struct evidence_tree *tree, const char *path,
                                  evidence_name_fn *on_name, void *opaque,
                                  struct mu_error *err) MU_MUST_CHECK;

#endif
