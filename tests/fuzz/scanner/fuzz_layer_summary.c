/* Any bytes as a layer's summary, with the checksum and the make put right: what opens is merged
 * and read to its end without fault. */
#include "image/merge_see.h"
#include "package/finder.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static enum mu_status on_seen(void *opaque, const struct merge_seen *seen, struct mu_error *err)
{
    struct evidence_cursor cursor = seen->cursor;
    struct evidence_item item;

    (void)err;
    while (summary_evidence_next(&cursor, &item)) {
        if (item.kind == EVIDENCE_PACKAGE)
            *(size_t *)opaque += strlen(item.package.name);
        if (item.kind == EVIDENCE_END && item.last && !item.message)
            abort();
    }
    if (cursor.in.bad)
        abort(); /* it was looked at when it was opened */
    return MU_OK;
}

static void merge_twice(const struct summary_make *make, const struct layer_summary *summary)
{
    const struct layer_summary layers[] = {*summary, *summary};
    struct merge merge = {.layers = layers, .layer_count = 2};
    struct mu_error err;
    size_t told = 0;

    merge.tree = merge_tree_new(&make->key);
    merge.arena = mu_arena_new(1 << 20);
    for (uint32_t i = 0; i < 2; i++)
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
    struct layer_summary summary;
    MU_AUTO(sha256) struct mu_sha256 *hash = mu_sha256_new();
    uint8_t *copy = malloc(len + MU_SHA256_BYTES);
    struct mu_error err;

    if (!copy)
        abort();
    if (len > 0)
        memcpy(copy, bytes, len);
    summary_make_id(&make);
    if (len >= sizeof(struct summary_head)) {
        struct summary_head *head = (void *)copy;

        memcpy(head->magic, summary_magic, sizeof(head->magic));
        memcpy(head->make_id, make.id, sizeof(head->make_id));
        mu_sha256_text("", 0, head->diff_id);
    }
    mu_sha256_update(hash, copy, len);
    mu_sha256_final(hash, copy + len);
    if (layer_summary_open(copy, len + MU_SHA256_BYTES, &make, &summary, &err) == MU_OK)
        merge_twice(&make, &summary);
    free(copy);
    return 0;
}
