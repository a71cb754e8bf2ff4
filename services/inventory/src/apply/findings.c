#include "apply/findings.h"

#include "apply/vulnerability_facts.h"
#include "store/copied_rows.h"

#include "base/sha256.h"
#include "base/text.h"
#include "json/json_doc.h"

#include <stdint.h>
#include <string.h>

static const struct mu_json_limits limits = {EVIDENCE_MAX_BYTES, 16};

/* The documents that are evidence of a scan: ours, and another scanner's report in our terms. */
struct document {
    const char *schema;
    const char *digest;    /* where it says whose it is */
    const char *ecosystem; /* where a finding says its kind of package */
    bool imported; /* it stands beside a verbatim report; suppressed ones are among findings */
};

static const struct document documents[] = {
        {"muster.raw-scan.v1", "image.manifest_digest", "reason.ecosystem", false},
        {"muster.imported-scan.v1", "image.digest", "type", true},
};

static const struct document *document_of(const json_t *root)
{
    const char *schema = mu_json_text_at(root, "schema");

    for (size_t i = 0; i < sizeof(documents) / sizeof(documents[0]); i++) {
        if (mu_text_equal(documents[i].schema, schema))
            return &documents[i];
    }
    return NULL;
}

/* ---- whose it is ---- */

static bool targets_name(const json_t *root, const char *uai, const char *digest)
{
    const json_t *target;
    size_t index;

    json_array_foreach (json_object_get(root, "targets"), index, target) {
        if (mu_text_equal(mu_json_text_at(target, "uai"), uai) &&
            mu_text_equal(mu_json_text_at(target, "digest"), digest))
            return true;
    }
    return false;
}

/* An imported document was made by whoever handed it in: UAI and digest must literally be there,
 * and the hash of the report. */
static enum mu_status imported_check(const struct mu_scan_result *result, const json_t *root,
                                     struct mu_error *err)
{
    const char *original = mu_json_text_at(root, "original.digest");

    if (!original || !mu_digest_valid(original, strlen(original)))
        return mu_fail(err, MU_E_INVALID, "evidence %s names no original", result->evidence_digest);
    for (size_t i = 0; i < result->uais.count; i++) {
        if (!targets_name(root, result->uais.items[i], result->digest))
            return mu_fail(err, MU_E_INVALID, "evidence %s does not carry '%.200s' with %s",
                           result->evidence_digest, result->uais.items[i], result->digest);
    }
    return MU_OK;
}

static enum mu_status document_check(const struct mu_scan_result *result, const json_t *root,
                                     const struct document **ret_document, struct mu_error *err)
{
    const struct document *document = document_of(root);
    const char *digest = document ? mu_json_text_at(root, document->digest) : NULL;

    if (!document || !json_is_array(json_object_get(root, "findings")))
        return mu_fail(err, MU_E_INVALID, "evidence %s is no raw result", result->evidence_digest);
    if (!mu_text_equal(digest, result->digest))
        return mu_fail(err, MU_E_INVALID, "evidence %s is of %.80s, not of %s",
                       result->evidence_digest, digest ? digest : "nothing", result->digest);
    *ret_document = document;
    return document->imported ? imported_check(result, root, err) : MU_OK;
}

/* ---- rows ---- */

enum { ARRAY_MAX_BYTES = EVIDENCE_MAX_BYTES };

/* Places and ids of what evidence lists, as arrays. */
struct listing {
    struct mu_buf ordinals, ids;
    size_t count;
};

static bool is_suppressed(const json_t *finding)
{
    return mu_text_equal(mu_json_text_at(finding, "status"), "suppressed");
}

static const char *text_or(const char *text, const char *otherwise)
{
    return text ? text : otherwise;
}

/* The last part tells which of the others are absent: "" is not. */
static void kind_id(const char *const parts[8], char ret_id[MU_UUID_TEXT_SIZE])
{
    const char *all[9];
    char absent[9] = "";

    for (size_t i = 0; i < 8; i++) {
        all[i] = parts[i];
        absent[i] = parts[i] ? '1' : '0';
    }
    all[8] = absent;
    mu_stable_id("muster.finding", all, 9, ret_id);
}

static void add_finding(struct effects *effects, struct listing *listing, size_t ordinal,
                        const char *ecosystem, const json_t *finding)
{
    const char *parts[] = {text_or(mu_json_text_at(finding, "id"), ""),
                           text_or(mu_json_text_at(finding, "package"), ""),
                           text_or(mu_json_text_at(finding, "package_version"), ""),
                           ecosystem,
                           mu_json_text_at(finding, "purl"),
                           mu_json_text_at(finding, "fixed_version"),
                           text_or(mu_json_text_at(finding, "severity"), "unknown"),
                           mu_json_text_at(finding, "status")};
    char id[MU_UUID_TEXT_SIZE];

    kind_id(parts, id);
    WRITE_SET_ADD(effects->set, WRITE_FINDING_KINDS, id, parts[0], parts[1], parts[2], parts[3],
                  parts[4], parts[5], parts[6], parts[7]);
    copied_rows_array_add(&listing->ordinals, 'i', mu_arena_printf(effects->arena, "%zu", ordinal));
    copied_rows_array_add(&listing->ids, 'u', id);
}

static void add_listed(struct effects *effects, const struct event *event, const json_t *root,
                       const struct document *document, struct listing *listing)
{
    const char *ecosystem = mu_json_text_at(root, "ecosystem");
    const json_t *finding;
    size_t index;

    copied_rows_array_begin(&listing->ordinals, 'i', listing->count);
    copied_rows_array_begin(&listing->ids, 'u', listing->count);
    json_array_foreach (json_object_get(root, "findings"), index, finding) {
        if (is_suppressed(finding))
            continue;
        add_finding(effects, listing, index,
                    text_or(mu_json_text_at(finding, document->ecosystem), ecosystem), finding);
        vulnerability_facts_add(effects, event, mu_json_text_at(root, "database.built_at"),
                                finding);
    }
}

static void add_findings(struct effects *effects, const struct event *event, const json_t *root,
                         const struct document *document)
{
    const struct mu_scan_result *result = event->message;
    struct listing listing = {.count = 0};
    const json_t *finding;
    size_t index;

    json_array_foreach (json_object_get(root, "findings"), index, finding)
        listing.count += !is_suppressed(finding);
    mu_buf_init(&listing.ordinals, ARRAY_MAX_BYTES);
    mu_buf_init(&listing.ids, ARRAY_MAX_BYTES);
    add_listed(effects, event, root, document, &listing);
    if (write_set_add(effects->set, WRITE_EVIDENCE_LOADS,
                      (const char *const[]){result->evidence_digest,
                                            effects_int(effects, result->evidence_size_bytes),
                                            effects_int(effects, (int64_t)listing.count),
                                            event->event_id}) &&
        listing.count > 0) {
        WRITE_SET_ADD(effects->set, WRITE_FINDINGS, result->evidence_digest,
                      (const char *)(const void *)&listing.ordinals,
                      (const char *)(const void *)&listing.ids);
        effects->findings += (int64_t)listing.count;
    }
    mu_buf_done(&listing.ordinals);
    mu_buf_done(&listing.ids);
    if (document->imported)
        WRITE_SET_ADD(effects->set, WRITE_EVIDENCE_ORIGINALS, result->evidence_digest,
                      mu_arena_strdup(effects->arena, mu_json_text_at(root, "original.digest")));
}

/* `store` NULL: the original is not looked for. */
static enum mu_status load(struct effects *effects, const struct evidence_store *store,
                           const struct event *event, const char *bytes, size_t len,
                           struct mu_error *err)
{
    json_auto_t *root = NULL;
    const struct document *document = NULL;
    const struct mu_scan_result *result = event->message;
    size_t max_values = effects->is_replay ? SIZE_MAX : EVIDENCE_MAX_VALUES;
    enum mu_status st = mu_json_parse_bounded(bytes, len, &limits, max_values, &root, err);

    if (st != MU_OK)
        return mu_wrap(err, "evidence %.80s", result->evidence_digest);
    st = document_check(result, root, &document, err);
    if (st != MU_OK)
        return st;
    if (document->imported && store)
        st = evidence_store_look(store, mu_json_text_at(root, "original.digest"), err);
    if (st == MU_OK)
        add_findings(effects, event, root, document);
    return st;
}

enum mu_status findings_parse(struct effects *effects, const struct event *event, const char *bytes,
                              size_t len, struct mu_error *err)
{
    return load(effects, NULL, event, bytes, len, err);
}

enum mu_status findings_load(struct effects *effects, const struct evidence_store *store,
                             const struct event *event, struct mu_error *err)
{
    const struct mu_scan_result *result = event->message;
    MU_AUTO_DONE(mu_buf_done) struct mu_buf text;
    enum mu_status st;

    mu_buf_init(&text, EVIDENCE_MAX_BYTES);
    st = evidence_store_read(store, result->evidence_digest, &text, err);
    return st == MU_OK ? load(effects, store, event, text.data, text.len, err) : st;
}
