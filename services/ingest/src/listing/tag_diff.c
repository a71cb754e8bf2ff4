#include "listing/tag_diff.h"

#include "base/text.h"

#include <string.h>

struct merge {
    const struct tag_diff *diff;
    struct tag_line old, now;
    enum mu_status old_st, now_st;       /* MU_OK: is there; MU_END: no more */
    char marked[MU_OCI_REPOSITORY_SIZE]; /* not all of it was seen */
};

static enum mu_status next_old(struct merge *merge, struct mu_error *err)
{
    merge->old_st = known_tags_next(merge->diff->known, &merge->old, err);
    return merge->old_st == MU_END ? MU_OK : merge->old_st;
}

static enum mu_status next_now(struct merge *merge, struct mu_error *err)
{
    merge->now_st = tag_sorter_next(merge->diff->seen, &merge->now, err);
    return merge->now_st == MU_END ? MU_OK : merge->now_st;
}

static enum mu_status keep(const struct merge *merge, const struct tag_line *line,
                           struct mu_error *err)
{
    return merge->diff->writer ? known_tags_add(merge->diff->writer, line, err) : MU_OK;
}

static enum mu_status tell(const struct merge *merge, enum tag_change_kind kind,
                           const struct tag_line *line, const char *previous, struct mu_error *err)
{
    const struct tag_change change = {.kind = kind, .line = line, .previous = previous};

    return merge->diff->on_change(merge->diff->opaque, &change, err);
}

/* Known and not seen. The mark of a repository stands before its tags. */
static enum mu_status take_unseen(const struct merge *merge, struct mu_error *err)
{
    const struct tag_diff *diff = merge->diff;

    if (!diff->complete || mu_text_equal(merge->marked, merge->old.repository) ||
        (diff->is_wanted && !diff->is_wanted(diff->opaque, merge->old.repository)))
        return keep(merge, &merge->old, err);
    return tell(merge, TAG_GONE, &merge->old, merge->old.digest, err);
}

static enum mu_status take_seen(struct merge *merge, const struct tag_line *old,
                                struct mu_error *err)
{
    enum mu_status st;

    if (merge->now.tag[0] == '\0') {
        memcpy(merge->marked, merge->now.repository, sizeof(merge->marked));
        return MU_OK;
    }
    if (old && mu_text_equal(old->digest, merge->now.digest))
        return keep(merge, old, err);
    st = tell(merge, old ? TAG_MOVED : TAG_NEW, &merge->now, old ? old->digest : "", err);
    return st == MU_OK ? keep(merge, &merge->now, err) : st;
}

static enum mu_status step(struct merge *merge, struct mu_error *err)
{
    int order = merge->old_st == MU_END   ? 1
                : merge->now_st == MU_END ? -1
                                          : tag_line_compare(&merge->old, &merge->now);
    enum mu_status st = order < 0 ? take_unseen(merge, err)
                                  : take_seen(merge, order == 0 ? &merge->old : NULL, err);

    if (st == MU_OK && order <= 0)
        st = next_old(merge, err);
    if (st == MU_OK && order >= 0)
        st = next_now(merge, err);
    return st;
}

enum mu_status tag_diff_run(const struct tag_diff *diff, struct mu_error *err)
{
    struct merge merge = {.diff = diff};
    enum mu_status st = next_old(&merge, err);

    if (st == MU_OK)
        st = next_now(&merge, err);
    while (st == MU_OK && (merge.old_st == MU_OK || merge.now_st == MU_OK))
        st = step(&merge, err);
    return st;
}
