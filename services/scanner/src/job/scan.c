#include "job/scan.h"

#include "import/import_record.h"
#include "metrics/metrics.h"

#include "base/log.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { RESULT_TEXT_MAX = 255, RESULT_MESSAGE_MAX = 1000 };

/* What one scan found out. */
struct examined {
    struct image_analysis image;
    struct match_result match;
    struct mu_json_array children;
    bool is_imported; /* another scanner judged it */
    struct imported_scan imported;
    struct import_target target;
    char imported_checksum[MU_DIGEST_TEXT_SIZE];
    struct raw_file original; /* fd -1: none */
};

void scan_files_close(struct scan_files *files)
{
    if (files->raw.fd >= 0)
        (void)close(files->raw.fd);
    if (files->original.fd >= 0)
        (void)close(files->original.fd);
    *files = SCAN_FILES_NONE;
}

void scan_context_checksum(struct scan_context *context)
{
    enum { TEXT_MAX_BYTES = 64 * 1024 };
    MU_AUTO_DONE(mu_buf_done) struct mu_buf text;
    const struct image_limits *limits = &context->limits;

    mu_buf_init(&text, TEXT_MAX_BYTES);
    mu_buf_printf(&text,
                  "muster-scanner %s max_layer_unpacked=%llu max_image_unpacked=%llu "
                  "max_layer=%llu max_entries=%llu max_layers=%u max_packages=%u ",
                  MU_VERSION, (unsigned long long)limits->max_layer_unpacked_bytes,
                  (unsigned long long)limits->max_image_unpacked_bytes,
                  (unsigned long long)limits->max_layer_bytes,
                  (unsigned long long)limits->max_layer_entries, limits->max_layers,
                  limits->max_packages);
    if (context->external)
        external_scanner_describe(context->external, &text);
    else
        layer_engine_describe(context->engine, &text);
    mu_sha256_text(text.data, text.len, context->configuration_checksum);
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
    result->failure =
            (struct mu_scan_failure){.code = first->code,
                                     .message = clip(arena, first->message, RESULT_MESSAGE_MAX),
                                     .retryable = retryable};
}

static enum mu_status fill_children(const struct image_analysis *image, struct mu_arena *arena,
                                    struct mu_json_array *ret_children, struct mu_error *err)
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
    *ret_children = (struct mu_json_array){children, count};
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
    return (struct mu_scan_result){
            .request_id = request->request_id,
            .job_id = request->job_id,
            .attempt = request->attempt,
            .repository = request->repository,
            .digest = request->digest,
            .uais = request->uais,
            .scanner_name =
                    context->external ? external_scanner_name(context->external) : "muster-scanner",
            .scanner_version = context->external ? "unknown" : MU_VERSION,
            .database_version = facts->version,
            .database_built_at_us = facts->built_at_us,
            .configuration_checksum = context->configuration_checksum};
}

/* The analysis with one more failure. */
static enum mu_status add_failure(struct image_analysis *image, struct mu_arena *arena,
                                  struct image_failure failure, struct mu_error *err)
{
    size_t count = image->failure_count;
    struct image_failure *failures = mu_arena_alloc(arena, (count + 1) * sizeof(*failures));

    if (!failures || !failure.message)
        return mu_fail(err, MU_E_NOMEM, "out of memory");
    if (count > 0)
        memcpy(failures, image->failures, count * sizeof(*failures));
    failures[count] = failure;
    image->failures = failures;
    image->failure_count = count + 1;
    return MU_OK;
}

/* Packages of a distribution nobody has advisories for must not look like packages without
 * vulnerabilities. */
static enum mu_status check_ecosystem(struct examined *examined, struct mu_arena *arena,
                                      struct mu_error *err)
{
    const struct image_os *os = &examined->image.os;
    const char *ecosystem = examined->match.ecosystem;
    const char *name = os->pretty_name ? os->pretty_name : os->id;
    struct image_failure failure = {.code = "unsupported", .component = "packages"};
    const struct match_gap *gap = NULL;

    for (size_t i = 0; !gap && i < examined->match.gap_count; i++)
        gap = examined->match.gaps[i].os ? &examined->match.gaps[i] : NULL;
    if (!gap || examined->image.failure_count > 0)
        return MU_OK;
    if (!name)
        name = "a distribution without os-release";
    failure.message =
            ecosystem && !mu_text_equal(gap->ecosystem, ecosystem)
                    ? mu_arena_printf(arena, "packages: nobody judges packages of type %s in %s",
                                      gap->ecosystem, name)
                    : mu_arena_printf(arena,
                                      "packages: the vulnerability database knows nothing of %s",
                                      ecosystem ? ecosystem : name);
    return add_failure(&examined->image, arena, failure, err);
}

/* FedRAMP (VDR-CSO-FAV): what a stale database did not find is a failure of detection. */
static enum mu_status check_age(const struct scan_context *context, const struct database *database,
                                struct examined *examined, struct mu_arena *arena,
                                struct mu_error *err)
{
    struct image_failure failure = {
            .code = "stale_database", .component = "database", .retryable = true};
    struct database_facts facts;
    int64_t age_ms;

    database_facts(database, &facts);
    age_ms = (mu_now_us() - facts.built_at_us) / 1000;
    if (context->stale_after_ms == 0 || age_ms <= context->stale_after_ms ||
        examined->image.kind != MU_DIGEST_KIND_MANIFEST)
        return MU_OK;
    failure.message = mu_arena_printf(
            arena, "database: it is %lld hours old, and stale after %lld: run 'db update'",
            (long long)(age_ms / 3600000), (long long)(context->stale_after_ms / 3600000));
    return add_failure(&examined->image, arena, failure, err);
}

/* ---- another scanner's judgement ---- */

/* What it could not do is a failed scan; MU_E_NOMEM and MU_E_UNAVAILABLE alone are errors. */
static enum mu_status external_failed(struct examined *examined, struct mu_arena *arena,
                                      const struct external_fault *fault, struct mu_error *err)
{
    const struct image_failure failure = {
            .code = fault->code,
            .component = "scanner",
            .message = mu_arena_printf(arena, "scanner: %s", err->message),
            .retryable = fault->retryable};

    return add_failure(&examined->image, arena, failure, err);
}

static enum mu_status external_take(const struct scan_context *context,
                                    const struct mu_scan_request *request, struct mu_arena *arena,
                                    struct examined *examined, const struct mu_buf *report,
                                    struct mu_error *err)
{
    const struct import_options options = {.digest = request->digest};
    struct imported_scan scan;
    enum mu_status st = import_read(report->data, report->len, &options, arena, &scan, err);

    if (st == MU_E_INVALID)
        return external_failed(examined, arena, &(struct external_fault){"scanner_output", false},
                               err);
    if (st == MU_E_LIMIT)
        return external_failed(examined, arena, &(struct external_fault){"limit", false}, err);
    if (st == MU_OK)
        st = result_file_keep(context->temp_dir, report->data, report->len, &examined->original,
                              err);
    if (st != MU_OK)
        return st;
    examined->is_imported = true;
    examined->imported = scan;
    import_record_checksum(&scan, context->configuration_checksum, examined->imported_checksum);
    return MU_OK;
}

static enum mu_status external_examine(const struct scan_context *context,
                                       const struct mu_scan_request *request,
                                       struct mu_arena *arena, struct examined *examined,
                                       struct mu_error *err)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf report;
    struct external_fault fault;
    enum mu_status st;

    mu_buf_init(&report, IMPORT_MAX_BYTES);
    if (examined->image.kind != MU_DIGEST_KIND_MANIFEST || examined->image.failure_count > 0)
        return MU_OK;
    st = external_scanner_run(context->external, request->repository, request->digest, &report,
                              &fault, err);
    if (st == MU_E_INVALID)
        return external_failed(examined, arena, &fault, err);
    if (st == MU_E_UNAVAILABLE) /* no process, no disk: or we are stopping */
        return external_failed(examined, arena, &(struct external_fault){"internal", true}, err);
    return st == MU_OK ? external_take(context, request, arena, examined, &report, err) : st;
}

static enum mu_status examine(const struct scan_context *context, const struct database *database,
                              const struct mu_scan_request *request, struct mu_arena *arena,
                              struct examined *examined, struct mu_error *err)
{
    const struct match_rules rules = {
            .database = database, .vex = context->vex, .image = request->digest};
    struct layer_engine *engine = context->external ? NULL : context->engine;
    enum mu_status st =
            context->source
                    ? image_analyze_from(context->source, request->repository, request->digest,
                                         &context->limits, engine, arena, &examined->image, err)
                    : image_analyze(context->book, request->repository, request->digest,
                                    &context->limits, engine, arena, &examined->image, err);

    if (st == MU_OK && context->external)
        st = external_examine(context, request, arena, examined, err);

    if (st == MU_OK && database)
        st = match_image(&rules, &examined->image, arena, &examined->match, err);
    if (st == MU_OK && database)
        st = check_ecosystem(examined, arena, err);
    if (st == MU_OK && database)
        st = check_age(context, database, examined, arena, err);
    if (st == MU_OK)
        st = fill_children(&examined->image, arena, &examined->children, err);
    return st;
}

/* An image that cannot even be analysed (it needs too much memory; its name is none) is a failed
 * scan like any other: what can be said of it is `err`. */
static enum mu_status give_up(struct mu_arena *arena, struct examined *examined,
                              struct mu_error *err)
{
    const struct mu_error why = *err;
    struct image_failure failure = {.component = "image"};

    mu_arena_reset(arena);
    if (examined->original.fd >= 0)
        (void)close(examined->original.fd);
    *examined = (struct examined){.image = {.created_at_us = MU_TIME_NONE}, .original.fd = -1};
    failure.code = why.status == MU_E_INVALID ? "unsupported" : "limit";
    failure.message = mu_arena_printf(arena, "image: %s", why.message);
    failure.retryable = why.status == MU_E_NOMEM; /* a machine short of memory recovers */
    return add_failure(&examined->image, arena, failure, err);
}

static struct mu_scan_result summarize(struct mu_scan_result result,
                                       const struct examined *examined, struct mu_arena *arena)
{
    fill_image(&examined->image, arena, &result);
    result.outcome = (int)outcome_of(&examined->image);
    result.children = examined->children;
    result.finished_at_us = mu_now_us();
    result.has_counts = result.outcome == MU_SCAN_COMPLETE;
    result.counts = examined->match.counts;
    if (examined->image.failure_count > 0)
        fill_failure(&examined->image, arena, &result);
    return result;
}

/* The raw result, or the bill of materials that was asked for instead. */
static enum mu_status
file_write(const struct scan_context *context, const struct mu_scan_request *request,
           const struct mu_scan_result *result, const struct examined *examined,
           const struct database_facts *facts, struct raw_file *ret_file, struct mu_error *err)
{
    const struct raw_scan raw = {.request = request,
                                 .image = &examined->image,
                                 .match = &examined->match,
                                 .database = facts,
                                 .scanner_name = result->scanner_name,
                                 .scanner_version = result->scanner_version,
                                 .configuration_checksum = context->configuration_checksum,
                                 .started_at_us = result->started_at_us,
                                 .finished_at_us = result->finished_at_us};
    const struct sbom sbom = {.image = &examined->image,
                              .repository = request->repository,
                              .digest = request->digest,
                              .scanner_version = MU_VERSION,
                              .at_us = MU_TIME_NONE};

    if (examined->is_imported)
        return import_record_write(&examined->imported, context->temp_dir, ret_file, err);
    return context->sbom ? context->sbom(&sbom, context->temp_dir, ret_file, err)
                         : raw_scan_write(&raw, context->temp_dir, ret_file, err);
}

/* The document names what the message does. */
static enum mu_status tell_imported(struct examined *examined,
                                    const struct mu_scan_request *request, struct mu_arena *arena,
                                    struct mu_scan_result *result, struct mu_error *err)
{
    if (!examined->is_imported || result->outcome != MU_SCAN_COMPLETE)
        return MU_OK;
    examined->target = (struct import_target){
            .repository = request->repository,
            .uais = request->uais,
            .configuration_checksum = mu_arena_strdup(arena, examined->imported_checksum),
            .started_at_us = result->started_at_us,
            .finished_at_us = result->finished_at_us};
    if (!examined->target.configuration_checksum)
        return mu_fail(err, MU_E_NOMEM, "out of memory");
    examined->imported.target = &examined->target;
    return import_record_tell(&examined->imported, arena, result, err);
}

static enum mu_status conclude(const struct scan_context *context,
                               const struct mu_scan_request *request,
                               const struct database_facts *facts, struct examined *examined,
                               struct mu_arena *arena, struct mu_scan_result *result,
                               struct scan_files *ret_files, struct mu_error *err)
{
    struct raw_file file = {.fd = -1};
    enum mu_status st;

    *result = summarize(*result, examined, arena);
    st = tell_imported(examined, request, arena, result, err);
    if (st == MU_OK && (result->outcome == MU_SCAN_COMPLETE || result->outcome == MU_SCAN_FAILED))
        st = file_write(context, request, result, examined, facts, &file, err);
    if (st != MU_OK)
        return st;
    *ret_files = (struct scan_files){.raw = file, .original = examined->original};
    examined->original.fd = -1;
    if (file.fd >= 0) {
        result->evidence_digest = ret_files->raw.digest;
        result->evidence_size_bytes = (int64_t)file.size_bytes;
    }
    return MU_OK;
}

static enum mu_status scan_with(const struct scan_context *context,
                                const struct database_holder *holder,
                                const struct mu_scan_request *request, struct mu_arena *arena,
                                struct mu_scan_result *ret_result, struct scan_files *ret_files,
                                struct mu_error *err)
{
    struct examined examined = {.original.fd = -1};
    struct database_facts facts = {0};
    struct mu_scan_result result;
    enum mu_status st;

    if (holder->database)
        database_facts(holder->database, &facts);
    facts.version = holder->version; /* outlives the database */
    result = result_of(context, request, &facts);
    result.started_at_us = mu_now_us();
    st = examine(context, holder->database, request, arena, &examined, err);
    if (st == MU_E_NOMEM || st == MU_E_INVALID)
        st = give_up(arena, &examined, err);
    if (st == MU_OK)
        st = conclude(context, request, &facts, &examined, arena, &result, ret_files, err);
    if (examined.original.fd >= 0)
        (void)close(examined.original.fd);
    if (st == MU_OK)
        *ret_result = result;
    return st;
}

/* The database this scan uses from its beginning to its end. */
static const struct database_holder *take_database(const struct scan_context *context)
{
    const struct database_holder *holder;
    struct database_facts facts;
    struct mu_error err;
    int swapped;

    holder = database_slot_take(context->databases, &swapped, &err);
    database_facts(holder->database, &facts);
    if (swapped > 0) {
        MU_LOG(MU_LOG_INFO, "new vulnerability database", MU_KV("version", facts.version));
        mu_metric_set(&metric_database_built_at, facts.built_at_us / 1000000);
    }
    if (swapped < 0)
        MU_LOG(MU_LOG_ERROR, "new vulnerability database refused, the old one stays",
               MU_KV("error", err.message));
    return holder;
}

enum mu_status scan_run(const struct scan_context *context, const struct mu_scan_request *request,
                        struct mu_arena *arena, struct mu_scan_result *ret_result,
                        struct scan_files *ret_files, struct mu_error *err)
{
    struct database_holder fixed = {.database = context->database};
    const struct database_holder *holder;
    struct database_facts facts = {0};
    enum mu_status st;

    if (!context->databases) {
        if (context->database)
            database_facts(context->database, &facts);
        fixed.version = facts.version;
        return scan_with(context, &fixed, request, arena, ret_result, ret_files, err);
    }
    holder = take_database(context);
    st = scan_with(context, holder, request, arena, ret_result, ret_files, err);
    database_slot_give(context->databases, holder);
    return st;
}
