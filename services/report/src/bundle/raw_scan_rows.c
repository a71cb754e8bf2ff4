#include "bundle/raw_scan_rows.h"

#include "bundle/raw_scan_file.h"

#include "base/buf.h"
#include "json/json_doc.h"

enum { REFERENCES_MAX_BYTES = 64 * 1024 };

static void join_references(const json_t *finding, struct mu_buf *out)
{
    const json_t *reference;
    size_t i;

    mu_buf_reset(out);
    json_array_foreach (json_object_get(finding, "references"), i, reference) {
        const char *text = json_string_value(reference);

        if (text && out->len + json_string_length(reference) + 1 < REFERENCES_MAX_BYTES)
            mu_buf_printf(out, "%s%s", out->len > 0 ? "\n" : "", text);
    }
}

static enum mu_status add_descriptions(struct snapshot *snapshot, const char *evidence_digest,
                                       const json_t *findings, struct mu_error *err)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf references;
    const json_t *finding;
    enum mu_status st = MU_OK;
    size_t i;

    mu_buf_init(&references, REFERENCES_MAX_BYTES);
    json_array_foreach (findings, i, finding) {
        struct description_row row = {.vulnerability = mu_json_text_at(finding, "id"),
                                      .summary = mu_json_text_at(finding, "summary"),
                                      .advisory = mu_json_text_at(finding, "advisory"),
                                      .evidence_digest = evidence_digest};

        if (!row.vulnerability)
            continue;
        join_references(finding, &references);
        row.references = references.len > 0 ? references.data : NULL;
        st = snapshot_add(snapshot, SNAPSHOT_DESCRIPTIONS, &row, err);
        if (st != MU_OK)
            return st;
    }
    return MU_OK;
}

static enum mu_status add_issues(struct snapshot *snapshot, const char *evidence_digest,
                                 const json_t *issues, struct mu_error *err)
{
    const json_t *issue;
    enum mu_status st = MU_OK;
    size_t i;

    json_array_foreach (issues, i, issue) {
        const struct issue_row row = {.evidence_digest = evidence_digest,
                                      .check = mu_json_text_at(issue, "check"),
                                      .severity = mu_json_text_at(issue, "severity"),
                                      .title = mu_json_text_at(issue, "title"),
                                      .source = mu_json_text_at(issue, "source"),
                                      .path = mu_json_text_at(issue, "path"),
                                      .evidence = mu_json_text_at(issue, "evidence")};

        if (row.check)
            st = snapshot_add(snapshot, SNAPSHOT_ISSUES, &row, err);
        if (st != MU_OK)
            return st;
    }
    return MU_OK;
}

static enum mu_status add_scan(struct snapshot *snapshot, const char *evidence_digest,
                               const json_t *scan, struct mu_error *err)
{
    const json_t *authorized = mu_json_at(scan, "authentication.authorized");
    const struct scan_row row = {.evidence_digest = evidence_digest,
                                 .status = mu_json_text_at(scan, "status"),
                                 .started_at = mu_json_text_at(scan, "started_at"),
                                 .finished_at = mu_json_text_at(scan, "finished_at"),
                                 .authentication = mu_json_text_at(scan, "authentication.method"),
                                 .authorized = json_is_true(authorized)    ? "yes"
                                               : json_is_false(authorized) ? "no"
                                                                           : NULL};

    return snapshot_add(snapshot, SNAPSHOT_SCANS, &row, err);
}

enum mu_status raw_scan_rows_add(struct snapshot *snapshot, const char *evidence_digest,
                                 const char *path, struct mu_error *err)
{
    MU_AUTO(json_document) json_t *scan = NULL;
    enum mu_status st = raw_scan_read(path, NULL, &scan, err);

    if (st == MU_OK)
        st = add_scan(snapshot, evidence_digest, scan, err);
    if (st == MU_OK)
        st = add_descriptions(snapshot, evidence_digest, json_object_get(scan, "findings"), err);
    if (st == MU_OK)
        st = add_issues(snapshot, evidence_digest, json_object_get(scan, "issues"), err);
    return st == MU_OK ? MU_OK : mu_wrap(err, "raw scan %s", evidence_digest);
}
