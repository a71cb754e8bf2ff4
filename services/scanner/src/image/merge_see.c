#include "image/merge_see.h"

#include "base/scratch.h"

bool merge_seen_counts(const struct merge_seen *seen, const struct evidence_item *item)
{
    if (!seen->shared || item->how == EVIDENCE_BY_HEAD)
        return true;
    return item->how == EVIDENCE_BY_PATH && (seen->node->links->wanted >> item->finder & 1);
}

/* What was read under another path counts only where that path leads. */
static enum mu_status evidence_see(const struct merge *merge, struct merge_node *node,
                                   struct merge_evidence evidence, bool shared,
                                   merge_seen_fn *on_seen, void *opaque, struct mu_error *err)
{
    struct merge_seen seen = {.node = node, .shared = shared};
    char path[2 * TAR_PATH_MAX_BYTES];
    struct merge_place place;

    if (evidence.place == SUMMARY_NO_EVIDENCE)
        return MU_OK;
    summary_evidence_begin(&merge->layers[evidence.layer], evidence.place, &seen.cursor);
    seen.path = seen.cursor.as;
    if (seen.path) {
        merge_resolve(merge->tree, seen.path, MERGE_ALL, &place);
        if (place.node != node)
            return MU_OK;
    } else {
        if (merge_node_path(node, path, sizeof(path)) == SIZE_MAX)
            return MU_OK; /* longer than any path that can be opened */
        seen.path = path;
    }
    return on_seen(opaque, &seen, err);
}

enum mu_status merge_see(const struct merge *merge, merge_seen_fn *on_seen, void *opaque,
                         struct mu_error *err)
{
    struct merge_node *root = merge_tree_root(merge->tree);

    for (struct merge_node *node = root; node; node = merge_next(root, node)) {
        if (node->kind == MERGE_ABSENT)
            continue;
        mu_scratch_look();
        if (evidence_see(merge, node, merge_node_evidence(node), false, on_seen, opaque, err) !=
            MU_OK)
            return err->status;
        if (node->links &&
            evidence_see(merge, node, node->links->shared, true, on_seen, opaque, err) != MU_OK)
            return err->status;
    }
    return MU_OK;
}
