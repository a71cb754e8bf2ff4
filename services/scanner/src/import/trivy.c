/* Trivy's JSON report, schema version 2. */
#include "import/import_build.h"

#include "base/text.h"

#include <string.h>

static void read_cvss(struct import_build *build, struct imported_finding *finding, json_t *cvss)
{
    const char *source;
    json_t *scores;

    json_object_foreach (cvss, source, scores) {
        bool nvd = mu_text_equal(source, "nvd");

        import_cvss(build, finding, mu_json_text_at(scores, "V3Vector"), nvd);
        import_cvss(build, finding, mu_json_text_at(scores, "V2Vector"), nvd);
    }
}

static struct imported_finding finding_of(struct import_build *build, const json_t *result,
                                          const json_t *row)
{
    struct imported_finding finding = import_finding();

    finding.id = import_text(build, row, "VulnerabilityID");
    finding.package = import_text(build, row, "PkgName");
    finding.version = import_text(build, row, "InstalledVersion");
    finding.advisory = import_text(build, row, "VendorIDs.0");
    finding.type = import_text(build, result, "Type");
    finding.purl = import_text(build, row, "PkgIdentifier.PURL");
    finding.path = import_text(build, row, "PkgPath");
    if (!finding.path && mu_text_equal(mu_json_text_at(result, "Class"), "lang-pkgs"))
        finding.path = import_text(build, result, "Target");
    finding.layer_digest = import_text(build, row, "Layer.Digest");
    finding.fixed_version = import_text(build, row, "FixedVersion");
    finding.vendor_status = import_text(build, row, "Status");
    finding.told_severity = import_text(build, row, "Severity");
    finding.summary = import_text(build, row, "Title");
    finding.url = import_text(build, row, "PrimaryURL");
    read_cvss(build, &finding, json_object_get(row, "CVSS"));
    return finding;
}

/* Findings that a VEX document or an ignore file took out. */
static enum mu_status read_modified(struct import_build *build, const json_t *result,
                                    struct mu_error *err)
{
    const json_t *rows = mu_json_at(result, "ExperimentalModifiedFindings"), *row;
    size_t index;

    json_array_foreach (rows, index, row) {
        struct imported_finding finding;

        if (!mu_text_equal(mu_json_text_at(row, "Type"), "vulnerability"))
            continue;
        finding = finding_of(build, result, mu_json_at(row, "Finding"));
        finding.suppressed_reason = import_text(build, row, "Statement");
        if (!finding.suppressed_reason)
            finding.suppressed_reason = import_text(build, row, "Status");
        if (!finding.suppressed_reason)
            finding.suppressed_reason = "modified";
        if (import_add(build, &finding, "modified finding", index, err) != MU_OK)
            return err->status;
    }
    return MU_OK;
}

static enum mu_status read_result(struct import_build *build, const json_t *result,
                                  struct mu_error *err)
{
    const json_t *rows = mu_json_at(result, "Vulnerabilities"), *row;
    size_t index;

    json_array_foreach (rows, index, row) {
        struct imported_finding finding = finding_of(build, result, row);

        if (import_add(build, &finding, "vulnerability", index, err) != MU_OK)
            return err->status;
    }
    return read_modified(build, result, err);
}

static void read_image(struct import_build *build, const json_t *root)
{
    const json_t *digests = mu_json_at(root, "Metadata.RepoDigests"), *digest;
    struct imported_scan *scan = build->scan;
    size_t index;

    scan->tool = "trivy";
    scan->tool_version = import_text(build, root, "Trivy.Version");
    scan->reference = import_text(build, root, "ArtifactName");
    scan->config_digest = import_text(build, root, "Metadata.ImageID");
    scan->os_id = import_text(build, root, "Metadata.OS.Family");
    scan->os_version = import_text(build, root, "Metadata.OS.Name");
    scan->scanned_at_us = import_time(mu_json_text_at(root, "CreatedAt"));
    json_array_foreach (digests, index, digest)
        import_digest_add(build, json_string_value(digest));
    if (json_is_true(mu_json_at(root, "Metadata.OS.EOSL")))
        import_note(build, "the scanner says that the distribution gets no more security updates");
}

static void note_others(struct import_build *build, const json_t *results)
{
    static const char *const members[] = {"Secrets", "Misconfigurations", "Licenses"};
    const json_t *result;
    size_t index;

    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
        size_t count = 0;

        json_array_foreach (results, index, result)
            count += json_array_size(mu_json_at(result, members[i]));
        if (count > 0)
            import_note(build, "%s: %zu, in the original only", members[i], count);
    }
}

enum mu_status import_trivy(struct import_build *build, const json_t *root, struct mu_error *err)
{
    const json_t *results = mu_json_at(root, "Results"), *result;
    const char *type = mu_json_text_at(root, "ArtifactType");
    size_t index;

    if (type && strcmp(type, "container_image") != 0)
        return mu_fail(err, MU_E_INVALID, "it is about a '%.40s', not about an image", type);
    read_image(build, root);
    if (!json_is_array(results))
        import_note(build, "the report has no results: the scanner found no packages");
    json_array_foreach (results, index, result) {
        if (read_result(build, result, err) != MU_OK)
            return mu_wrap(err, "result %zu", index);
    }
    note_others(build, results);
    return MU_OK;
}
