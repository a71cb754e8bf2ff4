#include "apply/findings.h"

#include "apply/vulnerability_facts.h"

#include "base/text.h"
#include "json/json_doc.h"

static const struct mu_json_limits limits = {EVIDENCE_MAX_BYTES, 16};

static void add_finding(struct effects *effects, const char *evidence, size_t ordinal,
                        const char *ecosystem, const json_t *finding)
{
    const char *id = mu_json_text_at(finding, "id");
    const char *package = mu_json_text_at(finding, "package");
    const char *version = mu_json_text_at(finding, "package_version");
    const char *severity = mu_json_text_at(finding, "severity");
    const char *looked_up = mu_json_text_at(finding, "reason.ecosystem");

    WRITE_SET_ADD(effects->set, WRITE_FINDINGS, evidence,
                  mu_arena_printf(effects->arena, "%zu", ordinal), id ? id : "",
                  package ? package : "", version ? version : "", looked_up ? looked_up : ecosystem,
                  mu_json_text_at(finding, "purl"), mu_json_text_at(finding, "fixed_version"),
                  severity ? severity : "unknown", mu_json_text_at(finding, "status"));
}

static enum mu_status add_findings(struct effects *effects, const struct event *event,
                                   const json_t *root, struct mu_error *err)
{
    const struct mu_scan_result *result = event->message;
    const json_t *findings = json_object_get(root, "findings"), *finding;
    size_t index;

    const char *manifest = mu_json_text_at(root, "image.manifest_digest");

    if (!json_is_array(findings) ||
        !mu_text_equal(mu_json_text_at(root, "schema"), "muster.raw-scan.v1"))
        return mu_fail(err, MU_E_INVALID, "evidence %s is no raw result", result->evidence_digest);
    if (!mu_text_equal(manifest, result->digest))
        return mu_fail(err, MU_E_INVALID, "evidence %s is of %.80s, not of %s",
                       result->evidence_digest, manifest ? manifest : "nothing", result->digest);
    json_array_foreach (findings, index, finding) {
        add_finding(effects, result->evidence_digest, index, mu_json_text_at(root, "ecosystem"),
                    finding);
        vulnerability_facts_add(effects, event, mu_json_text_at(root, "database.built_at"),
                                finding);
    }
    WRITE_SET_ADD(effects->set, WRITE_EVIDENCE_LOADS, result->evidence_digest,
                  effects_int(effects, result->evidence_size_bytes),
                  effects_int(effects, (int64_t)json_array_size(findings)), event->event_id);
    return MU_OK;
}

enum mu_status findings_parse(struct effects *effects, const struct event *event, const char *bytes,
                              size_t len, struct mu_error *err)
{
    json_auto_t *root = NULL;
    enum mu_status st = mu_json_parse(bytes, len, &limits, &root, err);

    return st == MU_OK ? add_findings(effects, event, root, err) : st;
}

enum mu_status findings_load(struct effects *effects, const struct evidence_store *store,
                             const struct event *event, struct mu_error *err)
{
    const struct mu_scan_result *result = event->message;
    MU_AUTO_DONE(mu_buf_done) struct mu_buf text;
    enum mu_status st;

    mu_buf_init(&text, EVIDENCE_MAX_BYTES);
    st = evidence_store_read(store, result->evidence_digest, &text, err);
    return st == MU_OK ? findings_parse(effects, event, text.data, text.len, err) : st;
}
