/*
 * summary_stage: layers read in the test's own process and merged, with a finder of the tests' own:
 * of each file it wants it tells one package whose name is the file's text. Include cmocka.h first.
 */
#ifndef TESTS_SUPPORT_SUMMARY_STAGE_H
#define TESTS_SUPPORT_SUMMARY_STAGE_H

#include "base/text.h"
#include "image/merge_see.h"
#include "layer/layer_run.h"
#include "layer/summary_box.h"
#include "layer_build.h"

enum { STAGE_LAYERS_MAX = 16, STAGE_TEXT_MAX = 256 };

static bool stage_wants(const struct finder_entry *entry)
{
    static const char dir[] = "var/lib/dpkg/status.d/";

    if (mu_text_equal(entry->path, "var/lib/dpkg/status") ||
        mu_text_equal(entry->path, "etc/os-release") ||
        mu_text_equal(entry->path, "usr/lib/os-release"))
        return true;
    return mu_text_starts(entry->path, dir) && !strchr(entry->path + strlen(dir), '/') &&
           !mu_text_ends(entry->path, ".md5sums");
}

static enum mu_status stage_tell(const struct finder_input *input, const char *type,
                                 const struct finder_sink *sink, struct mu_error *err)
{
    char text[STAGE_TEXT_MAX];
    const struct found_package package = {.type = type, .name = text, .version = "1"};

    (void)snprintf(text, sizeof(text), "%.*s", (int)input->len, (const char *)input->bytes);
    return sink->package(sink->opaque, &package, err);
}

static enum mu_status stage_read(const struct finder_input *input, const struct finder_sink *sink,
                                 struct mu_error *err)
{
    if (mu_text_equal(input->path, "etc/os-release") && input->len > 4 &&
        memcmp(input->bytes, "owns", 4) == 0)
        return sink->owns(sink->opaque, "deb", "base", "etc/os-release", err);
    return stage_tell(input, "path", sink, err);
}

static bool stage_wants_head(const struct finder_entry *entry, const uint8_t *head, size_t len)
{
    (void)entry;
    return len >= 6 && memcmp(head, "magic:", 6) == 0;
}

static enum mu_status stage_read_head(const struct finder_input *input,
                                      const struct finder_sink *sink, struct mu_error *err)
{
    return stage_tell(input, "head", sink, err);
}

static enum mu_status stage_look(const struct finder_entry *entry, const struct finder_sink *sink,
                                 struct mu_error *err)
{
    const struct found_issue issue = {.check = "SETUID"};

    return entry->mode & 04000 ? sink->issue(sink->opaque, &issue, err) : MU_OK;
}

static const struct finder stage_by_path = {.name = "stage-path",
                                            .version = 1,
                                            .max_bytes = 64 << 20,
                                            .required = true,
                                            .wants = stage_wants,
                                            .read = stage_read};
static const struct finder stage_by_head = {.name = "stage-head",
                                            .version = 1,
                                            .max_bytes = 1 << 30,
                                            .wants_head = stage_wants_head,
                                            .read = stage_read_head};
static const struct finder stage_by_look = {.name = "stage-look", .version = 1, .look = stage_look};
static const struct finder *const stage_finders[] = {&stage_by_path, &stage_by_head,
                                                     &stage_by_look};

struct summary_stage {
    struct summary_make make;
    struct summary_box boxes[STAGE_LAYERS_MAX];
    struct layer_summary layers[STAGE_LAYERS_MAX];
    struct merge merge;
};

static inline void summary_stage_open(struct summary_stage *stage)
{
    *stage = (struct summary_stage){
            .make = {.finders = stage_finders, .finder_count = 3, .key = {{1, 2}}}};
    summary_make_id(&stage->make);
    stage->merge.tree = merge_tree_new(&stage->make.key);
    stage->merge.layers = stage->layers;
    stage->merge.arena = mu_arena_new(1 << 20);
}

static inline void summary_stage_close(struct summary_stage *stage)
{
    for (size_t i = 0; i < stage->merge.layer_count; i++)
        summary_box_done(&stage->boxes[i]);
    merge_tree_free(stage->merge.tree);
    mu_arena_free(stage->merge.arena);
    free(stage->merge.wants);
}

/* The summary of a layer's bytes, packed or not. */
static inline enum mu_status summary_stage_read(const struct summary_stage *stage,
                                                const struct mu_buf *bytes,
                                                struct layer_wants wants, int temp_fd,
                                                struct summary_box *ret_box, struct mu_error *err)
{
    const struct layer_task task = {
            .make = &stage->make,
            .wants = wants,
            .limits = {.max_unpacked_bytes = 1 << 30, .max_entries = 2000000},
            .temp_fd = temp_fd};
    MU_AUTO(layer_run) struct layer_run *run = NULL;
    uint64_t size;

    if (layer_run_new(&task, &run, err) != MU_OK ||
        layer_run_write(run, bytes->data, bytes->len, err) != MU_OK ||
        layer_run_finish(run, &size, err) != MU_OK ||
        summary_box_begin(ret_box, size, "/tmp", err) != MU_OK ||
        layer_run_output(run, summary_box_put, ret_box, err) != MU_OK)
        return err->status;
    return summary_box_open(ret_box, &stage->make, err);
}

/* Reads the next layer and merges it. */
static inline enum mu_status summary_stage_apply(struct summary_stage *stage,
                                                 const struct mu_buf *bytes,
                                                 struct layer_wants wants, struct mu_error *err)
{
    size_t index = stage->merge.layer_count;
    enum mu_status st = summary_stage_read(stage, bytes, wants, -1, &stage->boxes[index], err);

    if (st != MU_OK)
        return st;
    stage->layers[index] = stage->boxes[index].summary;
    stage->merge.layer_count++;
    return merge_layer(&stage->merge, (uint32_t)index, err);
}

struct stage_search {
    const char *path, *type;
    char text[STAGE_TEXT_MAX];
    uint32_t layer;
    size_t hits;
};

static inline enum mu_status stage_seen(void *opaque, const struct merge_seen *seen,
                                        struct mu_error *err)
{
    struct stage_search *search = opaque;
    struct evidence_cursor cursor = seen->cursor;
    struct evidence_item item;

    (void)err;
    while (summary_evidence_next(&cursor, &item)) {
        bool here = mu_text_equal(seen->path, search->path) && merge_seen_counts(seen, &item);
        const char *type = item.kind == EVIDENCE_PACKAGE ? item.package.type
                           : item.kind == EVIDENCE_ISSUE ? item.issue.check
                                                         : NULL;

        if (!here || !mu_text_equal(type, search->type))
            continue;
        search->hits++;
        search->layer = seen->node->layer;
        (void)snprintf(search->text, sizeof(search->text), "%s",
                       item.kind == EVIDENCE_PACKAGE ? item.package.name : "");
    }
    return MU_OK;
}

/* What is visible at `path` (links in it followed) of that type: "path", "head", "SETUID". */
static inline struct stage_search summary_stage_find(const struct summary_stage *stage,
                                                     const char *path, const char *type)
{
    struct stage_search search = {.type = type};
    struct merge_place place;
    char real[TAR_PATH_MAX_BYTES];
    struct mu_error err;

    merge_resolve(stage->merge.tree, path, MERGE_ALL, &place);
    if (!place.node || merge_node_path(place.node, real, sizeof(real)) == SIZE_MAX)
        return search;
    search.path = real;
    assert_int_equal(merge_see(&stage->merge, stage_seen, &search, &err), MU_OK);
    search.path = NULL;
    return search;
}

#endif
