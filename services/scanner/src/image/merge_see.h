/*
 * merge_see: the evidence of all files that are visible in an image once its layers are merged.
 *
 * Threads: none held. Trust: as merge_layer.h.
 */
#ifndef SCANNER_IMAGE_MERGE_SEE_H
#define SCANNER_IMAGE_MERGE_SEE_H

#include "image/merge_layer.h"

/* Evidence at one place of the image. */
struct merge_seen {
    const struct merge_node *node;
    const char *path;              /* where it is reported; borrowed during the call */
    struct evidence_cursor cursor; /* at its beginning */
    bool shared;                   /* of a file that the node is a hard link to */
};

/* Whether the item counts here: of a shared file, what a finder tells that wants this path or
 * looked at the content. */
bool merge_seen_counts(const struct merge_seen *seen, const struct evidence_item *item);

typedef enum mu_status merge_seen_fn(void *opaque, const struct merge_seen *seen,
                                     struct mu_error *err);

/* Calls `on_seen` for each. Errors: its own. */
enum mu_status merge_see(const struct merge *merge, merge_seen_fn *on_seen, void *opaque,
                         struct mu_error *err) MU_MUST_CHECK;

#endif
