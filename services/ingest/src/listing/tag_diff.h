/*
 * tag_diff: what a registry has now against what it was known to have, as one merge.
 *
 * Threads: one at a time.
 */
#ifndef INGEST_TAG_DIFF_H
#define INGEST_TAG_DIFF_H

#include "listing/known_tags.h"
#include "listing/tag_sorter.h"

enum tag_change_kind { TAG_NEW, TAG_MOVED, TAG_GONE };

struct tag_change {
    enum tag_change_kind kind;
    const struct tag_line *line; /* as it is now; of one that is gone: as it was */
    const char *previous;        /* digest; "" of a new one */
};

struct tag_diff {
    struct known_tags *known;
    struct tag_sorter *seen; /* finished */
    bool complete;           /* what was not seen is gone, but for marked repositories */
    /* Whether the repository was looked for at all; NULL: every one was. */
    bool (*is_wanted)(void *opaque, const char *repository);
    enum mu_status (*on_change)(void *opaque, const struct tag_change *change,
                                struct mu_error *err);
    void *opaque;
    struct known_tags_writer *writer; /* gets what is known from now on; NULL: nobody does */
};

/* Calls on_change for every difference, in order. Errors: those of the files, and of on_change. */
enum mu_status tag_diff_run(const struct tag_diff *diff, struct mu_error *err) MU_MUST_CHECK;

#endif
