/* Any bytes as the tars of an image's layers, each behind its 16-bit length: their summaries are
 * what they should be, and merge into a tree within its limits, whatever whiteouts and links say.
 */
#include "image/merge_see.h"
#include "layer/layer_run.h"
#include "layer/summary_box.h"
#include "package/finder.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { LAYERS_MAX = 6 };

static void read_layer(const struct summary_make *make, const uint8_t *bytes, size_t len,
                       struct summary_box *box)
{
    static const struct layer_want want = {"srv", "var/lib/dpkg"};
    struct tar_sink sink;
    struct layer_analysis *analysis = layer_analysis_new(make, (struct layer_wants){&want, 1}, -1);
    struct tar_walk *walk;
    struct summary_head head = {.tar_entries = 0};
    struct mu_error err;

    layer_analysis_sink(analysis, &sink);
    walk = tar_walk_new(&sink, 1000);
    if (tar_walk_write(walk, bytes, len, &err) == MU_OK && tar_walk_finish(walk, &err) == MU_OK) {
        struct summary_writer *writer = layer_analysis_writer(analysis);

        mu_sha256_text(bytes, len, head.diff_id);
        if (summary_box_begin(box, summary_writer_size(writer), "/tmp", &err) != MU_OK ||
            summary_writer_finish(writer, &head, summary_box_put, box, &err) != MU_OK ||
            summary_box_open(box, make, &err) != MU_OK)
            abort(); /* what we write we can read */
    }
    tar_walk_free(walk);
    layer_analysis_free(analysis);
}

static enum mu_status on_seen(void *opaque, const struct merge_seen *seen, struct mu_error *err)
{
    struct evidence_cursor cursor = seen->cursor;
    struct evidence_item item;

    (void)err;
    while (summary_evidence_next(&cursor, &item))
        *(size_t *)opaque += merge_seen_counts(seen, &item);
    return MU_OK;
}

static void merge_all(const struct summary_make *make, struct summary_box *boxes)
{
    struct layer_summary layers[LAYERS_MAX];
    struct merge merge = {.layers = layers, .layer_count = LAYERS_MAX};
    struct mu_error err;
    size_t told = 0;

    merge.tree = merge_tree_new(&make->key);
    merge.arena = mu_arena_new(1 << 20);
    for (size_t i = 0; i < LAYERS_MAX; i++)
        layers[i] = boxes[i].summary;
    for (uint32_t i = 0; i < LAYERS_MAX; i++)
        if (merge_layer(&merge, i, &err) != MU_OK)
            break;
    (void)!merge_see(&merge, on_seen, &told, &err);
    merge_tree_free(merge.tree);
    mu_arena_free(merge.arena);
    free(merge.wants);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct summary_make make = {.finders = finders, .finder_count = finder_count, .key = {{1, 2}}};
    struct summary_box boxes[LAYERS_MAX] = {{.bytes = NULL}};

    summary_make_id(&make);
    for (size_t i = 0; i < LAYERS_MAX && len >= 2; i++) {
        size_t take = (size_t)bytes[0] << 8 | bytes[1];

        take = take < len - 2 ? take : len - 2;
        read_layer(&make, bytes + 2, take, &boxes[i]);
        bytes += 2 + take;
        len -= 2 + take;
    }
    merge_all(&make, boxes);
    for (size_t i = 0; i < LAYERS_MAX; i++)
        summary_box_done(&boxes[i]);
    return 0;
}
