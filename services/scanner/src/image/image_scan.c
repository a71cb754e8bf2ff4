#include "image/image_scan.h"

#include "base/clock.h"
#include "base/stop.h"
#include "base/text.h"
#include "image/image_run.h"
#include "oci/reference.h"

#include <string.h>

static enum mu_status no_memory(struct mu_error *err)
{
    return mu_fail(err, MU_E_NOMEM, "an image's analysis needs more memory than it may have");
}

struct failure_row {
    enum mu_status status;
    const char *code[2]; /* by enum image_part */
    bool retryable;
};

/* Credentials may be put right, so a refusal is worth another try. */
static const struct failure_row failure_rows[] = {
        {MU_E_NOT_FOUND, {"manifest_missing", "layer_missing"}, false},
        {MU_E_DENIED, {"registry_unavailable", "registry_unavailable"}, true},
        {MU_E_UNAVAILABLE, {"registry_unavailable", "registry_unavailable"}, true},
        {MU_E_CONFLICT, {"digest_mismatch", "digest_mismatch"}, false},
        {MU_E_LIMIT, {"limit", "limit"}, false},
        {MU_E_INVALID, {"unsupported", "unsupported"}, false},
};

static void failure_name(enum mu_status status, enum image_part part, struct image_failure *failure)
{
    failure->code = "internal";
    failure->retryable = true;
    for (size_t i = 0; i < sizeof(failure_rows) / sizeof(failure_rows[0]); i++) {
        if (failure_rows[i].status == status) {
            failure->code = failure_rows[i].code[part];
            failure->retryable = failure_rows[i].retryable;
        }
    }
}

enum mu_status image_run_fail(struct image_run *run, enum image_part part, const char *component,
                              struct mu_error *err)
{
    struct image_failure failure;

    if (err->status == MU_E_NOMEM)
        return MU_E_NOMEM;
    if (run->failure_count == IMAGE_FAILURES_MAX)
        return MU_OK; /* as many as anybody reads; incomplete either way */
    failure_name(err->status, part, &failure);
    failure.component = mu_arena_strdup(run->arena, component);
    failure.message = mu_arena_printf(run->arena, "%s: %s", component, err->message);
    if (!failure.component || !failure.message)
        return no_memory(err);
    run->failures[run->failure_count++] = failure;
    return MU_OK;
}

enum mu_status image_run_tick(const struct image_run *run, struct mu_error *err)
{
    if (mu_stop_requested())
        return mu_fail(err, MU_E_UNAVAILABLE, "the scanner is stopping");
    if (mu_monotonic_ms() > run->deadline_at_ms)
        return mu_fail(err, MU_E_LIMIT, "the image takes longer than %lld ms",
                       (long long)run->limits->deadline_ms);
    return MU_OK;
}

static enum mu_status children_fill(struct image_run *run, const struct image_manifest *manifest,
                                    struct mu_error *err)
{
    const struct image_descriptor *from = manifest->manifests.items;
    size_t count = manifest->manifests.count;
    struct image_child *children = mu_arena_alloc(run->arena, (count + 1) * sizeof(*children));

    if (!children)
        return no_memory(err);
    for (size_t i = 0; i < count; i++) {
        children[i].digest = from[i].digest;
        children[i].kind = image_child_kind(&from[i]);
        children[i].media_type = from[i].media_type ? from[i].media_type : "";
        children[i].size_bytes = from[i].size_bytes;
        children[i].platform = image_platform_text(&from[i].platform, run->arena);
    }
    run->analysis.children = children;
    run->analysis.child_count = count;
    return MU_OK;
}

static enum mu_status layers_fill(struct image_run *run, const struct image_manifest *manifest,
                                  struct mu_error *err)
{
    size_t count = manifest->layers.count;

    run->descriptors = manifest->layers.items;
    run->layers = mu_arena_alloc(run->arena, (count + 1) * sizeof(*run->layers));
    if (!run->layers)
        return no_memory(err);
    for (size_t i = 0; i < count; i++) {
        const struct image_descriptor *from = &run->descriptors[i];

        run->layers[i] =
                (struct image_layer){.digest = from->digest,
                                     .media_type = from->media_type ? from->media_type : "",
                                     .size_bytes = from->size_bytes};
    }
    run->analysis.layers = run->layers;
    run->analysis.layer_count = count;
    return MU_OK;
}

static const char *label_or(const char *label, const char *legacy)
{
    const char *text = label && label[0] != '\0' ? label : legacy;
    enum { LABEL_SHOWN_MAX = 1024 };

    return text && text[0] != '\0' && strlen(text) <= LABEL_SHOWN_MAX ? text : NULL;
}

static enum mu_status config_apply(struct image_run *run, const struct image_config *config,
                                   struct mu_error *err)
{
    const struct image_labels *labels = &config->settings.labels;
    const struct mu_json_texts *diff_ids = &config->rootfs.diff_ids;
    struct image_analysis *analysis = &run->analysis;
    struct mu_error ignored;

    analysis->platform = image_platform_text(&config->platform, run->arena);
    analysis->title = label_or(labels->title, labels->schema_name);
    analysis->version = label_or(labels->version, labels->schema_version);
    analysis->vendor = label_or(labels->vendor, labels->schema_vendor);
    if (!config->created || mu_time_parse(config->created, strlen(config->created),
                                          &analysis->created_at_us, &ignored) != MU_OK)
        analysis->created_at_us = MU_TIME_NONE;
    if (diff_ids->count != analysis->layer_count)
        return mu_fail(err, MU_E_INVALID, "%zu diff_ids for %zu layers", diff_ids->count,
                       analysis->layer_count);
    for (size_t i = 0; i < diff_ids->count; i++)
        run->layers[i].diff_id = diff_ids->items[i];
    return MU_OK;
}

static enum mu_status config_bytes(void *opaque, const void *bytes, size_t len,
                                   struct mu_error *err)
{
    struct mu_buf *out = opaque;

    mu_buf_append(out, bytes, len);
    return mu_buf_status(out, "image config", err);
}

static enum mu_status config_pull(struct image_run *run, const struct image_descriptor *descriptor,
                                  struct mu_error *err)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf json;
    const struct mu_registry_blob blob = {.digest = descriptor->digest,
                                          .size_bytes = (uint64_t)descriptor->size_bytes};
    struct image_config config;

    mu_buf_init(&json, IMAGE_CONFIG_MAX_BYTES);
    if (descriptor->size_bytes > IMAGE_CONFIG_MAX_BYTES)
        return mu_fail(err, MU_E_LIMIT, "a config of %lld bytes, more than %d",
                       (long long)descriptor->size_bytes, IMAGE_CONFIG_MAX_BYTES);
    if (image_source_fetch_blob(run->source, &blob, config_bytes, &json, err) != MU_OK ||
        image_config_parse(json.data, json.len, run->arena, &config, err) != MU_OK)
        return err->status;
    run->config = mu_arena_strndup(run->arena, json.data, json.len);
    run->config_len = json.len;
    if (!run->config)
        return no_memory(err);
    return config_apply(run, &config, err);
}

/* An image: its config, then its layers. MU_E_NOMEM alone is an error. */
static enum mu_status image_fill(struct image_run *run, const struct image_manifest *manifest,
                                 struct mu_error *err)
{
    enum mu_status st;

    run->analysis.config_digest = manifest->config.digest;
    run->base = manifest->base;
    if (layers_fill(run, manifest, err) != MU_OK)
        return err->status;
    if (manifest->layers.count > run->limits->max_layers) {
        (void)mu_fail(err, MU_E_LIMIT, "%zu layers, more than %u", manifest->layers.count,
                      run->limits->max_layers);
        return image_run_fail(run, IMAGE_PART_MANIFEST, "manifest", err);
    }
    st = config_pull(run, &manifest->config, err);
    if (st != MU_OK && image_run_fail(run, IMAGE_PART_BLOB, "config", err) != MU_OK)
        return err->status;
    return st == MU_E_UNAVAILABLE || !run->engine ? MU_OK : image_evidence_read(run, err);
}

static enum mu_status manifest_pull(struct image_run *run, const char *digest,
                                    struct image_manifest *ret_manifest, struct mu_error *err)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf json;
    struct mu_registry_manifest head;

    mu_buf_init(&json, MU_REGISTRY_MANIFEST_MAX_BYTES);
    if (image_source_fetch_manifest(run->source, digest, &json, &head, err) != MU_OK)
        return err->status;
    return image_manifest_parse(json.data, json.len, head.media_type, run->arena, ret_manifest,
                                err);
}

/* What cannot be listed does not make the scan incomplete, but is told. */
static enum mu_status referrers_list(struct image_run *run, const char *digest,
                                     struct mu_error *err)
{
    enum mu_status st =
            image_source_referrers(run->source, digest, run->arena, &run->analysis.referrers,
                                   &run->analysis.referrer_count, err);

    if (st == MU_OK || st == MU_E_NOMEM)
        return st;
    run->analysis.referrers_error = mu_arena_strdup(run->arena, err->message);
    return run->analysis.referrers_error ? MU_OK : no_memory(err);
}

static enum mu_status run_all(struct image_run *run, const char *digest, struct mu_error *err)
{
    struct image_manifest manifest = {0};

    if (manifest_pull(run, digest, &manifest, err) != MU_OK)
        return image_run_fail(run, IMAGE_PART_MANIFEST, "manifest", err);
    run->analysis.kind = manifest.kind;
    run->analysis.media_type = manifest.media_type;
    if (manifest.kind == MU_DIGEST_KIND_INDEX)
        return children_fill(run, &manifest, err);
    if (manifest.kind == MU_DIGEST_KIND_MANIFEST)
        return referrers_list(run, digest, err) == MU_OK ? image_fill(run, &manifest, err)
                                                         : err->status;
    run->analysis.config_digest = manifest.config.digest;
    return layers_fill(run, &manifest, err);
}

static enum mu_status target_check(const char *repository, const char *digest, struct mu_error *err)
{
    struct mu_oci_reference reference;

    if (mu_oci_reference_parse(repository, strlen(repository), &reference, err) != MU_OK)
        return err->status;
    if (!mu_text_equal(reference.repository, repository))
        return mu_fail(err, MU_E_INVALID, "repository '%.200s' is not in its canonical form",
                       repository);
    if (!mu_oci_digest_valid(digest, strlen(digest)))
        return mu_fail(err, MU_E_INVALID, "'%.100s' is no digest", digest);
    return MU_OK;
}

static enum mu_status failures_hand_over(struct image_run *run, struct mu_error *err)
{
    size_t size = run->failure_count * sizeof(struct image_failure);
    struct image_failure *failures = mu_arena_alloc(run->arena, size + 1);

    if (!failures)
        return no_memory(err);
    memcpy(failures, run->failures, size);
    run->analysis.failures = failures;
    run->analysis.failure_count = run->failure_count;
    return MU_OK;
}

/* `source` NULL: `err` says why there is none. */
static enum mu_status analyze(struct image_run *run, struct image_source *source,
                              const char *digest, struct image_analysis *ret_analysis,
                              struct mu_error *err)
{
    enum mu_status st;

    run->source = source;
    if (source) {
        st = run_all(run, digest, err);
        run->analysis.authentication = image_source_authentication(source);
    } else {
        st = image_run_fail(run, IMAGE_PART_MANIFEST, "registry", err);
    }
    if (st != MU_OK || failures_hand_over(run, err) != MU_OK)
        return err->status;
    *ret_analysis = run->analysis;
    return MU_OK;
}

static struct image_run run_of(const struct image_limits *limits, struct layer_engine *engine,
                               struct mu_arena *arena)
{
    return (struct image_run){
            .limits = limits,
            .engine = engine,
            .arena = arena,
            .deadline_at_ms = mu_monotonic_ms() + (uint64_t)limits->deadline_ms,
            .analysis = {.authentication = "anonymous", .created_at_us = MU_TIME_NONE}};
}

enum mu_status image_analyze(const struct registry_book *book, const char *repository,
                             const char *digest, const struct image_limits *limits,
                             struct layer_engine *engine, struct mu_arena *arena,
                             struct image_analysis *ret_analysis, struct mu_error *err)
{
    MU_AUTO(image_source) struct image_source *source = NULL;
    struct image_run run = run_of(limits, engine, arena);
    enum mu_status opened;

    if (target_check(repository, digest, err) != MU_OK)
        return err->status;
    opened = image_source_open_registry(book, repository, limits->deadline_ms, &source, err);
    return analyze(&run, opened == MU_OK ? source : NULL, digest, ret_analysis, err);
}

enum mu_status image_analyze_from(struct image_source *source, const char *repository,
                                  const char *digest, const struct image_limits *limits,
                                  struct layer_engine *engine, struct mu_arena *arena,
                                  struct image_analysis *ret_analysis, struct mu_error *err)
{
    struct image_run run = run_of(limits, engine, arena);

    if (target_check(repository, digest, err) != MU_OK)
        return err->status;
    return analyze(&run, source, digest, ret_analysis, err);
}
