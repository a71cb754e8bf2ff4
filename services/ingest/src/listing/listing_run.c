#include "listing/listing_run.h"

#include "listing/tag_events.h"

#include "base/log.h"
#include "base/text.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

struct pass {
    const struct listing_run *run;
    struct listing_result *result;
    const struct known_tags_head *head;
    int64_t began_at_us;
};

static void path_of(const char *folder, const struct source_config *source, const char *ending,
                    char ret_path[PATH_MAX])
{
    (void)snprintf(ret_path, PATH_MAX, "%s/listed-%s.%s", folder, source->name, ending);
}

int64_t listing_last_at_us(const char *folder, const struct source_config *source)
{
    MU_AUTO(known_tags) struct known_tags *known = NULL;
    struct mu_error ignored;
    char path[PATH_MAX];

    path_of(folder, source, "tsv", path);
    return known_tags_open(path, &known, &ignored) == MU_OK ? known_tags_head(known)->listed_at_us
                                                            : MU_TIME_NONE;
}

/* ---- what was known ---- */

static enum mu_status put_aside(const char *path, struct mu_error *err)
{
    char aside[PATH_MAX];

    if ((size_t)snprintf(aside, sizeof(aside), "%s.damaged", path) >= sizeof(aside) ||
        rename(path, aside) != 0)
        return mu_fail(err, MU_E_UNAVAILABLE, "rename '%s': %s", path, strerror(errno));
    return MU_OK;
}

static enum mu_status open_known(const struct listing_run *run, const char *path,
                                 struct known_tags **ret_known, struct mu_error *err)
{
    enum mu_status st = known_tags_open(path, ret_known, err);

    if (st != MU_E_INVALID || !run->events)
        return st;
    MU_LOG(MU_LOG_ERROR,
           "what was listed before is lost: every tag is told again, and no deleted one",
           MU_KV("source", run->source->name), MU_KV("error", err->message));
    st = put_aside(path, err);
    return st == MU_OK ? known_tags_open(path, ret_known, err) : st;
}

/* A new epoch is on disk before anything is told under it, so that after a kill the same is told by
 * the same id. Generation 0 has no tags yet. */
static enum mu_status keep_epoch(const struct listing_run *run, const char *path,
                                 const struct known_tags_head *head, struct mu_error *err)
{
    MU_AUTO(known_tags_writer) struct known_tags_writer *writer = NULL;
    enum mu_status st;

    if (!run->events || head->generation > 0)
        return MU_OK;
    st = known_tags_write(path, head, &writer, err);
    return st == MU_OK ? known_tags_commit(writer, err) : st;
}

/* ---- the difference ---- */

static bool is_wanted(void *opaque, const char *repository)
{
    const struct pass *pass = opaque;

    return registry_walk_wants(pass->run->source, repository);
}

static enum mu_status on_change(void *opaque, const struct tag_change *change, struct mu_error *err)
{
    const struct pass *pass = opaque;
    const struct listing_run *run = pass->run;
    size_t *counts[] = {&pass->result->new_tags, &pass->result->moved, &pass->result->gone};
    enum mu_status st = run->on_change ? run->on_change(run->opaque, change, err) : MU_OK;

    ++*counts[change->kind];
    if (st != MU_OK || !run->events)
        return st;
    /* What is gone was gone at the latest when the listing was over, and maybe pushed again since
     * it began. */
    return tag_events_add(run->events, pass->head, change,
                          change->kind == TAG_GONE ? pass->began_at_us : change->line->seen_at_us,
                          err);
}

static enum mu_status tell_difference(struct pass *pass, struct known_tags *known,
                                      struct tag_sorter *seen, bool complete, const char *path,
                                      struct mu_error *err)
{
    MU_AUTO(known_tags_writer) struct known_tags_writer *writer = NULL;
    const struct known_tags_head head = {pass->head->epoch, pass->head->generation + 1,
                                         complete ? mu_now_us() : pass->head->listed_at_us, 0};
    struct tag_diff diff = {.known = known,
                            .seen = seen,
                            .complete = complete,
                            .is_wanted = is_wanted,
                            .on_change = on_change,
                            .opaque = pass};
    enum mu_status st = MU_OK;

    if (pass->run->events)
        st = known_tags_write(path, &head, &writer, err);
    diff.writer = writer;
    if (st == MU_OK)
        st = tag_diff_run(&diff, err);
    if (!pass->run->events)
        return st;
    if (st == MU_OK)
        st = tag_events_settle(pass->run->events, err);
    return st == MU_OK ? known_tags_commit(writer, err) : st;
}

/* ---- all of it ---- */

static enum mu_status walk(const struct listing_run *run, struct tag_sorter *seen,
                           struct registry_walk_result *ret_result, struct mu_error *err)
{
    const struct registry_walk walk = {.source = run->source,
                                       .stopping = run->stopping,
                                       .retry_min_ms = run->retry_min_ms,
                                       .seen = seen};

    return registry_walk_run(&walk, ret_result, err);
}

static enum mu_status run_with(struct pass *pass, const char *path, struct tag_sorter *seen,
                               struct mu_error *err)
{
    MU_AUTO(known_tags) struct known_tags *known = NULL;
    struct mu_error walk_err;
    enum mu_status walked, st;

    pass->began_at_us = mu_now_us();
    walked = walk(pass->run, seen, &pass->result->walk, &walk_err);
    st = tag_sorter_finish(seen, err);
    if (st == MU_OK)
        st = open_known(pass->run, path, &known, err);
    if (st != MU_OK)
        return st;
    pass->head = known_tags_head(known);
    st = keep_epoch(pass->run, path, pass->head, err);
    if (st == MU_OK)
        st = tell_difference(pass, known, seen, walked == MU_OK, path, err);
    if (st == MU_OK && walked != MU_OK) {
        *err = walk_err;
        st = walked;
    }
    return st;
}

enum mu_status listing_run(const struct listing_run *run, struct listing_result *ret_result,
                           struct mu_error *err)
{
    MU_AUTO(tag_sorter) struct tag_sorter *seen = NULL;
    struct pass pass = {.run = run, .result = ret_result};
    char path[PATH_MAX], spill[PATH_MAX];
    enum mu_status st;

    *ret_result = (struct listing_result){0};
    path_of(run->folder, run->source, "tsv", path);
    path_of(run->folder, run->source, "sort", spill);
    st = tag_sorter_new(run->spill ? run->spill : spill, TAG_SORTER_MEMORY_BYTES, &seen, err);
    return st == MU_OK ? run_with(&pass, path, seen, err) : st;
}
