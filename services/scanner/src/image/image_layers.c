#include "image/image_run.h"

#include "base/text.h"
#include "layer/layer_stream.h"

#include <stdio.h>

/* One layer on its way from the registry into the tree. */
struct layer_read {
    const struct image_run *run;
    struct layer_stream *stream;
    struct mu_error broken; /* status MU_OK: not broken */
};

/*
 * Content that cannot be read is remembered, and the rest still hashed: whether the bytes were
 * wrong on the way or in the image is for the digest to say.
 */
static enum mu_status layer_bytes(void *opaque, const void *bytes, size_t len, struct mu_error *err)
{
    struct layer_read *read = opaque;
    enum mu_status st;

    if (image_run_tick(read->run, err) != MU_OK)
        return err->status;
    if (read->broken.status != MU_OK)
        return MU_OK;
    st = layer_stream_write(read->stream, bytes, len, err);
    if (st != MU_E_INVALID)
        return st;
    read->broken = *err;
    return MU_OK;
}

static enum mu_status layer_check(const struct image_descriptor *descriptor,
                                  const struct image_limits *limits, struct mu_error *err)
{
    if (descriptor->urls.count > 0)
        return mu_fail(err, MU_E_INVALID, "a layer that is kept elsewhere, not in the registry");
    if ((uint64_t)descriptor->size_bytes > limits->max_layer_bytes)
        return mu_fail(err, MU_E_LIMIT, "a layer of %lld bytes, more than %llu",
                       (long long)descriptor->size_bytes,
                       (unsigned long long)limits->max_layer_bytes);
    return MU_OK;
}

static enum mu_status layer_end(struct layer_read *read, const struct image_layer *layer,
                                struct mu_error *err)
{
    struct layer_result result;

    if (read->broken.status != MU_OK) {
        *err = read->broken;
        return err->status;
    }
    if (layer_stream_finish(read->stream, &result, err) != MU_OK)
        return err->status;
    if (layer->diff_id && !mu_text_equal(layer->diff_id, result.diff_id))
        return mu_fail(err, MU_E_CONFLICT,
                       "unpacked it hashes to %s, not to the config's diff_id %s", result.diff_id,
                       layer->diff_id);
    return MU_OK;
}

/* `unpacked_bytes` is of all layers so far. */
static enum mu_status layer_pull(struct image_run *run, size_t index, struct evidence_tree *tree,
                                 uint64_t *unpacked_bytes, struct mu_error *err)
{
    const struct image_descriptor *descriptor = &run->descriptors[index];
    const struct mu_registry_blob blob = {.digest = descriptor->digest,
                                          .size_bytes = (uint64_t)descriptor->size_bytes};
    uint64_t left = run->limits->max_image_unpacked_bytes - *unpacked_bytes;
    struct layer_limits limits = {.max_unpacked_bytes = run->limits->max_layer_unpacked_bytes,
                                  .max_entries = run->limits->max_layer_entries};
    MU_AUTO(layer_stream) struct layer_stream *stream = NULL;
    struct layer_read read = {.run = run};
    struct tar_sink sink;
    enum mu_status st;

    if (left < limits.max_unpacked_bytes)
        limits.max_unpacked_bytes = left;
    evidence_tree_sink(tree, &sink);
    if (layer_check(descriptor, run->limits, err) != MU_OK ||
        layer_stream_new(&limits, &sink, &stream, err) != MU_OK)
        return err->status;
    read.stream = stream;
    st = image_source_fetch_blob(run->source, &blob, layer_bytes, &read, err);
    *unpacked_bytes +=
            layer_stream_unpacked_bytes(stream) < left ? layer_stream_unpacked_bytes(stream) : left;
    return st == MU_OK ? layer_end(&read, &run->layers[index], err) : st;
}

/* MU_E_UNAVAILABLE and MU_E_NOMEM end the reading; every other failure is kept and done with. */
static enum mu_status layer_failed(struct image_run *run, size_t index, struct mu_error *err)
{
    enum mu_status st = err->status;
    char component[160];

    (void)snprintf(component, sizeof(component), "layer %s", run->layers[index].digest);
    if (image_run_fail(run, IMAGE_PART_BLOB, component, err) != MU_OK)
        return err->status;
    return st == MU_E_UNAVAILABLE ? MU_END : MU_OK;
}

enum mu_status image_layers_read(struct image_run *run, struct evidence_tree *tree,
                                 struct mu_error *err)
{
    uint64_t unpacked_bytes = 0;
    enum mu_status st = MU_OK;

    for (size_t i = 0; i < run->analysis.layer_count; i++)
        run->layers[i].scanned = false; /* perhaps by an earlier reading */
    for (size_t i = 0; i < run->analysis.layer_count && st == MU_OK; i++) {
        if (image_run_tick(run, err) != MU_OK) { /* a registry must not hold us layer by layer */
            st = layer_failed(run, i, err);
            return st == MU_E_NOMEM ? st : MU_OK;
        }
        evidence_tree_layer_begin(tree, (uint32_t)i);
        run->layers[i].scanned = layer_pull(run, i, tree, &unpacked_bytes, err) == MU_OK;
        if (run->layers[i].scanned) {
            evidence_tree_layer_commit(tree);
        } else {
            evidence_tree_layer_rollback(tree);
            st = layer_failed(run, i, err);
        }
    }
    return st == MU_END ? MU_OK : st;
}
