#include "import/import.h"

#include "import/import_build.h"

#include "base/clock.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

struct kind {
    const char *name;
    enum import_kind kind;
    import_reader *read;
    bool (*is)(const json_t *root);
};

static bool is_trivy(const json_t *root)
{
    return json_is_integer(mu_json_at(root, "SchemaVersion")) &&
           mu_json_text_at(root, "ArtifactName") != NULL;
}

static bool is_grype(const json_t *root)
{
    return json_is_array(mu_json_at(root, "matches")) &&
           json_is_object(mu_json_at(root, "descriptor"));
}

static bool is_cyclonedx(const json_t *root)
{
    return mu_text_equal(mu_json_text_at(root, "bomFormat"), "CycloneDX");
}

static bool is_sarif(const json_t *root)
{
    return json_is_array(mu_json_at(root, "runs")) && json_is_string(mu_json_at(root, "version"));
}

static const struct kind kinds[] = {
        {"trivy", IMPORT_TRIVY, import_trivy, is_trivy},
        {"grype", IMPORT_GRYPE, import_grype, is_grype},
        {"cyclonedx", IMPORT_CYCLONEDX, import_cyclonedx, is_cyclonedx},
        {"sarif", IMPORT_SARIF, import_sarif, is_sarif},
};

#define KIND_COUNT (sizeof(kinds) / sizeof(kinds[0]))

enum import_kind import_kind_of(const char *name)
{
    for (size_t i = 0; i < KIND_COUNT; i++) {
        if (mu_text_equal(kinds[i].name, name))
            return kinds[i].kind;
    }
    return IMPORT_ANY;
}

static enum mu_status kind_decide(const json_t *root, enum import_kind wanted,
                                  const struct kind **ret_kind, struct mu_error *err)
{
    for (size_t i = 0; i < KIND_COUNT; i++) {
        if (wanted != IMPORT_ANY && kinds[i].kind != wanted)
            continue;
        if (!kinds[i].is(root)) {
            if (wanted == IMPORT_ANY)
                continue;
            return mu_fail(err, MU_E_INVALID, "this is no report of the kind %s", kinds[i].name);
        }
        *ret_kind = &kinds[i];
        return MU_OK;
    }
    return mu_fail(err, MU_E_INVALID,
                   "this is no report of Trivy or Grype, no CycloneDX and no SARIF");
}

/* ---- which image ---- */

static bool digest_named(const struct import_build *build, const char *digest)
{
    for (size_t i = 0; i < build->digest_count; i++) {
        if (mu_text_equal(build->digests[i], digest))
            return true;
    }
    return false;
}

static bool index_named(const struct import_build *build, const struct mu_json_texts *indexes)
{
    for (size_t i = 0; i < indexes->count; i++) {
        if (digest_named(build, indexes->items[i]))
            return true;
    }
    return false;
}

/* The digest that was given against what the report says of its image. */
static enum mu_status given_check(struct import_build *build, const struct import_options *options,
                                  struct mu_error *err)
{
    const char *given = options->digest, *config = build->scan->config_digest;

    if (!mu_digest_valid(given, strlen(given)))
        return mu_fail(err, MU_E_INVALID, "'%.80s' is no digest", given);
    if (build->digest_count > 0 && !digest_named(build, given)) {
        if (!index_named(build, &options->indexes))
            return mu_fail(err, MU_E_INVALID, "the report is about %s, not about %s",
                           build->digests[0], given);
        import_note(build, "the report names the index that holds the image");
    }
    if (options->config_digest && config && mu_digest_valid(config, strlen(config)) &&
        !mu_text_equal(config, options->config_digest))
        return mu_fail(err, MU_E_INVALID, "the report's image has the config %s, not %s", config,
                       options->config_digest);
    return MU_OK;
}

/* An image pulled by several names has several digests only when one is an index's: then only the
 * caller can say which is meant. */
static enum mu_status digest_decide(struct import_build *build,
                                    const struct import_options *options, struct mu_error *err)
{
    struct imported_scan *scan = build->scan;
    const char *given = options->digest;

    if (given && given_check(build, options, err) != MU_OK)
        return err->status;
    if (!given && build->digest_count == 0)
        return mu_fail(err, MU_E_INVALID, "the report names no digest of an image: give it");
    if (!given && build->digest_count > 1)
        return mu_fail(err, MU_E_INVALID, "the report names %zu digests, %s and %s: give one",
                       build->digest_count, build->digests[0], build->digests[1]);
    scan->digest = given ? import_keep(build, given, strlen(given)) : build->digests[0];
    scan->digest_given = given && !digest_named(build, given);
    return MU_OK;
}

/* ---- order ---- */

static int text_order(const char *a, const char *b)
{
    return strcmp(a ? a : "", b ? b : "");
}

static int finding_order(const void *left, const void *right)
{
    const struct imported_finding *a = left, *b = right;
    int order = text_order(a->package, b->package);

    if (order == 0)
        order = text_order(a->version, b->version);
    if (order == 0)
        order = text_order(a->id, b->id);
    if (order == 0)
        order = text_order(a->path, b->path);
    if (order == 0)
        order = text_order(a->advisory, b->advisory);
    return order ? order : text_order(a->suppressed_reason, b->suppressed_reason);
}

static enum mu_status findings_hand_over(struct import_build *build, struct mu_error *err)
{
    struct imported_scan *scan = build->scan;
    size_t size = (scan->finding_count + 1) * sizeof(*scan->findings);
    struct imported_finding *kept = mu_arena_alloc(build->arena, size);

    if (!kept || build->no_memory)
        return mu_fail(err, MU_E_NOMEM, "no memory for a report of this size");
    if (scan->finding_count > 0) {
        memcpy(kept, scan->findings, scan->finding_count * sizeof(*kept));
        qsort(kept, scan->finding_count, sizeof(*kept), finding_order);
    }
    free(scan->findings);
    scan->findings = kept;
    return MU_OK;
}

static enum mu_status read_kind(struct import_build *build, const json_t *root,
                                const struct import_options *options, struct mu_error *err)
{
    const struct kind *kind = NULL;
    enum mu_status st = kind_decide(root, options->kind, &kind, err);

    if (!kind)
        return st; /* the failure's */
    build->scan->kind = kind->kind;
    st = kind->read(build, root, err);
    if (st == MU_OK)
        st = digest_decide(build, options, err);
    if (st == MU_OK)
        st = findings_hand_over(build, err);
    return st == MU_OK ? MU_OK : mu_wrap(err, "%s report", kind->name);
}

enum mu_status import_read(const char *bytes, size_t len, const struct import_options *options,
                           struct mu_arena *arena, struct imported_scan *ret_scan,
                           struct mu_error *err)
{
    static const struct mu_json_limits limits = {IMPORT_MAX_BYTES, 64};
    struct imported_scan scan = {.scanned_at_us = MU_TIME_NONE,
                                 .database_built_at_us = MU_TIME_NONE,
                                 .original_size_bytes = len};
    struct import_build build = {.arena = arena, .scan = &scan};
    json_auto_t *root = NULL;
    enum mu_status st = mu_json_parse(bytes, len, &limits, &root, err);

    if (st != MU_OK)
        return mu_wrap(err, "report");
    mu_sha256_text(bytes, len, scan.original_digest);
    st = read_kind(&build, root, options, err);
    if (st != MU_OK) {
        free(scan.findings); /* not handed over */
        return st;
    }
    *ret_scan = scan;
    return MU_OK;
}
