/*
 * merge_layer: puts one layer, by its summary, on the layers below it, as a runtime would.
 *
 * Rules: OCI image-spec layer.md "Whiteouts": they hide lower layers only, and are applied before
 * the layer's entries; an opaque one hides the directory's lower content. Names are entered as
 * containerd does: symbolic links above the last component are followed inside the root, the last
 * component is replaced unless both are directories. A hard link has its target's content, also
 * when that lies in a lower layer.
 *
 * Threads: one at a time per merge. Trust: summaries were checked when they were opened; what they
 * say is hostile all the same. Errors: MU_E_LIMIT, MU_E_NOMEM.
 */
#ifndef SCANNER_IMAGE_MERGE_LAYER_H
#define SCANNER_IMAGE_MERGE_LAYER_H

#include "image/merge_tree.h"

/* What a layer must be read once more for: a file there that finders want under another path. */
struct merge_want {
    uint32_t layer;
    const char *path, *as;
};

enum { MERGE_WANTS_MAX = 4096 };

/* The layers of an image while they are merged, lowest first. */
struct merge {
    struct merge_tree *tree;
    const struct layer_summary *layers; /* head NULL: not scanned, left out */
    size_t layer_count;
    struct mu_arena *arena;   /* of the wants' texts */
    struct merge_want *wants; /* all so far, also of earlier merges */
    size_t want_count, want_capacity;
};

/* Layers 0 to `layer` - 1 were merged before. */
enum mu_status merge_layer(struct merge *merge, uint32_t layer, struct mu_error *err) MU_MUST_CHECK;

/* Wants `path` of the layers up to `top` that have it, to be seen as `as`. What is wanted already
 * is not wanted again. */
enum mu_status merge_want_add(struct merge *merge, size_t top, const char *path, const char *as,
                              struct mu_error *err) MU_MUST_CHECK;

#endif
