/* Any bytes as index.json (and any list of referrers), as manifest.json of docker save, as a
 * manifest with a subject and as a config: what is accepted keeps its limits. */
#include "source/image_listing.h"
#include "source/referrer_kind.h"

#include <stdint.h>
#include <stdlib.h>

static void check_index(const struct layout_index *index)
{
    const struct layout_entry *entries = index->manifests.items;

    if (index->manifests.count > LISTING_IMAGES_MAX)
        abort();
    for (size_t i = 0; i < index->manifests.count; i++) {
        if (!entries[i].digest || entries[i].size_bytes < 0)
            abort();
        (void)referrer_kind(entries[i].artifact_type ? entries[i].artifact_type : "");
    }
}

static void check_saved(const struct mu_json_array *images)
{
    const struct saved_image *saved = images->items;

    for (size_t i = 0; i < images->count; i++) {
        if (!saved[i].config || saved[i].layers.count > LISTING_LAYERS_MAX)
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    MU_AUTO(arena) struct mu_arena *arena = mu_arena_new(16 << 20);
    const char *json = (const char *)bytes;
    struct layout_index index;
    struct layout_subject subject;
    struct mu_json_array images;
    struct mu_json_texts diff_ids;
    struct mu_error err;

    if (layout_index_parse(json, len, arena, &index, &err) == MU_OK)
        check_index(&index);
    if (saved_images_parse(json, len, arena, &images, &err) == MU_OK)
        check_saved(&images);
    (void)!layout_subject_parse(json, len, arena, &subject, &err);
    if (config_diff_ids_parse(json, len, arena, &diff_ids, &err) == MU_OK &&
        diff_ids.count > LISTING_LAYERS_MAX)
        abort();
    return 0;
}
