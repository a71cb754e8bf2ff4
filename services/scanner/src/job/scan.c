#include "job/scan.h"

#include "metrics/metrics.h"

#include "base/text.h"

#include <stdio.h>
#include <string.h>

enum { RESULT_MAX_CHILDREN = 256, RESULT_TEXT_MAX = 255, RESULT_MESSAGE_MAX = 1000 };

void scan_context_checksum(struct scan_context *context)
{
    char text[512];
    int len = snprintf(text, sizeof(text),
                       "muster-scanner %s max_layer_unpacked=%llu max_image_unpacked=%llu "
                       "max_layer=%llu max_entries=%llu max_layers=%u max_packages=%u",
                       MU_VERSION, (unsigned long long)context->limits.max_layer_unpacked_bytes,
                       (unsigned long long)context->limits.max_image_unpacked_bytes,
                       (unsigned long long)context->limits.max_layer_bytes,
                       (unsigned long long)context->limits.max_layer_entries,
                       context->limits.max_layers, context->limits.max_packages);

    mu_sha256_text(text, (size_t)len, context->configuration_checksum);
}

/* Text cut to what a message may hold, at a character's border. */
static const char *clip(struct mu_arena *arena, const char *text, size_t most)
{
    size_t len = text ? strlen(text) : 0;

    if (len == 0)
        return NULL;
    if (len <= most)
        return text;
    for (len = most; len > 0 && !mu_utf8_valid(text, len); len--)
        continue;
    return mu_arena_strndup(arena, text, len);
}

static enum mu_scan_outcome outcome_of(const struct image_analysis *image)
{
    if (image->failure_count > 0)
        return MU_SCAN_FAILED;
    if (image->kind == MU_DIGEST_KIND_INDEX)
        return MU_SCAN_RESOLVED;
    return image->kind == MU_DIGEST_KIND_MANIFEST ? MU_SCAN_COMPLETE : MU_SCAN_NOT_SCANNABLE;
}

static void fill_failure(const struct image_analysis *image, struct mu_arena *arena,
                         struct mu_scan_result *result)
{
    const struct image_failure *first = image->failures;
    bool retryable = true;

    /* Another try helps only when it can help all of it. */
    for (size_t i = 0; i < image->failure_count; i++)
        retryable = retryable && image->failures[i].retryable;
    result->has_failure = true;
    result->failure = (struct mu_scan_failure){
            .code = first->code,
            .message =
                    clip(arena, mu_arena_printf(arena, "%s: %s", first->component, first->message),
                         RESULT_MESSAGE_MAX),
            .retryable = retryable};
}

static enum mu_status fill_children(const struct image_analysis *image, struct mu_arena *arena,
                                    struct mu_scan_result *result, struct mu_error *err)
{
    size_t count = image->child_count;
    struct mu_scan_child *children = mu_arena_alloc(arena, (count + 1) * sizeof(*children));

    if (!children)
        return mu_fail(err, MU_E_NOMEM, "children: out of memory");
    for (size_t i = 0; i < count; i++)
        children[i] = (struct mu_scan_child){
                .digest = image->children[i].digest,
                .kind = (int)image->children[i].kind,
                .media_type = clip(arena, image->children[i].media_type, RESULT_TEXT_MAX),
                .size_bytes = image->children[i].size_bytes,
                .platform = clip(arena, image->children[i].platform, RESULT_TEXT_MAX)};
    result->children = (struct mu_json_array){children, count};
    return MU_OK;
}

static void fill_image(const struct image_analysis *image, struct mu_arena *arena,
                       struct mu_scan_result *result)
{
    result->digest_kind = (int)image->kind;
    result->config_digest = image->config_digest;
    result->platform = clip(arena, image->platform, RESULT_TEXT_MAX);
    result->os_name = clip(arena, image->os.pretty_name, RESULT_TEXT_MAX);
    result->image_title = clip(arena, image->title, RESULT_TEXT_MAX);
    result->image_version = clip(arena, image->version, RESULT_TEXT_MAX);
    result->image_vendor = clip(arena, image->vendor, RESULT_TEXT_MAX);
}

static struct mu_scan_result result_of(const struct scan_context *context,
                                       const struct mu_scan_request *request,
                                       const struct database_facts *facts)
{
    return (struct mu_scan_result){.request_id = request->request_id,
                                   .job_id = request->job_id,
                                   .attempt = request->attempt,
                                   .repository = request->repository,
                                   .digest = request->digest,
                                   .uais = request->uais,
                                   .scanner_name = "muster-scanner",
                                   .scanner_version = MU_VERSION,
                                   .database_version = facts->version,
                                   .database_built_at_us = facts->built_at_us,
                                   .configuration_checksum = context->configuration_checksum};
}

/* An index of more children than a message holds is said to be too large rather than cut. */
static enum mu_status check_children(struct image_analysis *image, struct mu_arena *arena,
                                     struct mu_error *err)
{
    struct image_failure *failure;

    if (image->child_count <= RESULT_MAX_CHILDREN)
        return MU_OK;
    failure = mu_arena_alloc(arena, sizeof(*failure));
    if (!failure)
        return mu_fail(err, MU_E_NOMEM, "out of memory");
    *failure = (struct image_failure){"limit", "index", "the index names more than 256 manifests",
                                      false};
    image->failures = failure;
    image->failure_count = 1;
    return MU_OK;
}

enum mu_status scan_run(const struct scan_context *context, const struct mu_scan_request *request,
                        struct mu_arena *arena, struct mu_scan_result *ret_result,
                        struct raw_file *ret_file, struct mu_error *err)
{
    struct raw_scan raw = {.request = request,
                           .scanner_version = MU_VERSION,
                           .configuration_checksum = context->configuration_checksum,
                           .started_at_us = mu_now_us()};
    struct image_analysis image;
    struct match_result match = {0};
    struct database_facts facts;
    struct mu_scan_result result;
    struct raw_file file = {.fd = -1};
    enum mu_status st;

    database_facts(context->database, &facts);
    result = result_of(context, request, &facts);
    st = image_analyze(context->book, request->repository, request->digest, &context->limits, arena,
                       &image, err);
    if (st == MU_OK)
        st = check_children(&image, arena, err);
    if (st == MU_OK)
        st = match_image(context->database, &image, arena, &match, err);
    if (st == MU_OK)
        st = fill_children(&image, arena, &result, err);
    if (st != MU_OK)
        return st;
    fill_image(&image, arena, &result);
    result.outcome = (int)outcome_of(&image);
    result.started_at_us = raw.started_at_us;
    result.finished_at_us = raw.finished_at_us = mu_now_us();
    result.has_counts = result.outcome == MU_SCAN_COMPLETE;
    result.counts = match.counts;
    if (image.failure_count > 0)
        fill_failure(&image, arena, &result);
    if (result.outcome == MU_SCAN_COMPLETE || result.outcome == MU_SCAN_FAILED) {
        raw.image = &image;
        raw.match = &match;
        raw.database = &facts;
        st = raw_scan_write(&raw, context->temp_dir, &file, err);
        result.evidence_digest = mu_arena_strdup(arena, file.digest);
        result.evidence_size_bytes = (int64_t)file.size_bytes;
    }
    if (st != MU_OK)
        return st;
    *ret_result = result;
    *ret_file = file;
    return MU_OK;
}
