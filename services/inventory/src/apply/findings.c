#include "apply/findings.h"

#include "apply/vulnerability_facts.h"

#include "base/sha256.h"
#include "base/text.h"
#include "json/json_doc.h"

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

static void add_finding(struct effects *effects, const char *evidence, size_t ordinal,
                        const char *ecosystem, const json_t *finding)
{
    const char *id = mu_json_text_at(finding, "id");
    const char *package = mu_json_text_at(finding, "package");
    const char *version = mu_json_text_at(finding, "package_version");
    const char *severity = mu_json_text_at(finding, "severity");

    WRITE_SET_ADD(effects->set, WRITE_FINDINGS, evidence,
                  mu_arena_printf(effects->arena, "%zu", ordinal), id ? id : "",
                  package ? package : "", version ? version : "", ecosystem,
                  mu_json_text_at(finding, "purl"), mu_json_text_at(finding, "fixed_version"),
                  severity ? severity : "unknown", mu_json_text_at(finding, "status"));
}

static bool is_suppressed(const json_t *finding)
{
    return mu_text_equal(mu_json_text_at(finding, "status"), "suppressed");
}

static void add_findings(struct effects *effects, const struct event *event, const json_t *root,
                         const struct document *document)
{
    const struct mu_scan_result *result = event->message;
    const char *ecosystem = mu_json_text_at(root, "ecosystem");
    const json_t *finding;
    size_t index, loaded = 0;

    bool is_new;

    json_array_foreach (json_object_get(root, "findings"), index, finding)
        loaded += !is_suppressed(finding);
    is_new = write_set_add(effects->set, WRITE_EVIDENCE_LOADS,
                           (const char *const[]){result->evidence_digest,
                                                 effects_int(effects, result->evidence_size_bytes),
                                                 effects_int(effects, (int64_t)loaded),
                                                 event->event_id});
    json_array_foreach (json_object_get(root, "findings"), index, finding) {
        const char *own = mu_json_text_at(finding, document->ecosystem);

        if (is_suppressed(finding))
            continue;
        if (is_new)
            add_finding(effects, result->evidence_digest, index, own ? own : ecosystem, finding);
        vulnerability_facts_add(effects, event, mu_json_text_at(root, "database.built_at"),
                                finding);
    }
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
    enum mu_status st = mu_json_parse(bytes, len, &limits, &root, err);

    if (st == MU_OK)
        st = document_check(event->message, root, &document, err);
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
