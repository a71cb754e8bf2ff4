/* Grype's JSON report. */
#include "import/import_build.h"

#include "base/text.h"

#include <string.h>

static void read_cvss(struct import_build *build, struct imported_finding *finding,
                      const json_t *vulnerability)
{
    const json_t *rows = mu_json_at(vulnerability, "cvss"), *row;
    size_t index;

    json_array_foreach (rows, index, row) {
        const char *source = mu_json_text_at(row, "source");

        if (!source) /* not said by older versions: whose record it is in */
            source = mu_json_text_at(vulnerability, "namespace");
        import_cvss(build, finding, mu_json_text_at(row, "vector"),
                    source && (strstr(source, "nvd") || strstr(source, "nist.gov")));
    }
}

/* An advisory of another kind names the CVE beside it; NVD's scores stand there too. */
static void read_related(struct import_build *build, struct imported_finding *finding,
                         const json_t *match)
{
    const json_t *rows = mu_json_at(match, "relatedVulnerabilities"), *row;
    bool has_cve = finding->id && mu_text_starts(finding->id, "CVE-");
    size_t index;

    json_array_foreach (rows, index, row) {
        const char *id = mu_json_text_at(row, "id");

        if (!has_cve && id && mu_text_starts(id, "CVE-")) {
            finding->id = import_text(build, row, "id");
            has_cve = true;
        }
        if (!finding->summary)
            finding->summary = import_text(build, row, "description");
        read_cvss(build, finding, row);
    }
}

static struct imported_finding finding_of(struct import_build *build, const json_t *match)
{
    const json_t *vulnerability = mu_json_at(match, "vulnerability");
    const json_t *artifact = mu_json_at(match, "artifact");
    struct imported_finding finding = import_finding();

    finding.id = import_text(build, vulnerability, "id");
    finding.advisory = finding.id;
    finding.package = import_text(build, artifact, "name");
    finding.version = import_text(build, artifact, "version");
    finding.type = import_text(build, artifact, "type");
    finding.purl = import_text(build, artifact, "purl");
    finding.path = import_text(build, artifact, "locations.0.path");
    finding.layer_digest = import_text(build, artifact, "locations.0.layerID");
    finding.fixed_version = import_text(build, vulnerability, "fix.versions.0");
    finding.vendor_status = import_text(build, vulnerability, "fix.state");
    finding.told_severity = import_text(build, vulnerability, "severity");
    finding.summary = import_text(build, vulnerability, "description");
    finding.url = import_text(build, vulnerability, "dataSource");
    read_cvss(build, &finding, vulnerability);
    read_related(build, &finding, match);
    return finding;
}

/* Why a match does not count: the first rule that applied. */
static const char *ignored_reason(struct import_build *build, const json_t *match)
{
    static const char *const members[] = {"reason",    "vex-justification", "vex-status",
                                          "namespace", "vulnerability",     "fix-state"};
    const json_t *rule = mu_json_at(match, "appliedIgnoreRules.0");

    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
        const char *text = import_text(build, rule, members[i]);

        if (text)
            return text;
    }
    return "ignored by a rule";
}

static enum mu_status read_matches(struct import_build *build, const json_t *matches, bool ignored,
                                   struct mu_error *err)
{
    const json_t *match;
    size_t index;

    json_array_foreach (matches, index, match) {
        struct imported_finding finding = finding_of(build, match);

        if (ignored)
            finding.suppressed_reason = ignored_reason(build, match);
        if (import_add(build, &finding, ignored ? "ignored match" : "match", index, err) != MU_OK)
            return err->status;
    }
    return MU_OK;
}

/* The digest of the repository where there is one; the manifest's own is made up when the image
 * came from an engine or an archive. */
static void read_digests(struct import_build *build, const json_t *target)
{
    const json_t *digests = mu_json_at(target, "repoDigests"), *digest;
    size_t index;

    json_array_foreach (digests, index, digest)
        import_digest_add(build, json_string_value(digest));
    if (build->digest_count == 0)
        import_digest_add(build, mu_json_text_at(target, "userInput"));
    if (build->digest_count == 0) {
        import_digest_add(build, mu_json_text_at(target, "manifestDigest"));
        import_note(build, "the digest is the scanner's own of the manifest");
    }
}

static void read_image(struct import_build *build, const json_t *root)
{
    const json_t *target = mu_json_at(root, "source.target");
    const json_t *descriptor = mu_json_at(root, "descriptor");
    struct imported_scan *scan = build->scan;

    read_digests(build, target);
    scan->tool = "grype";
    scan->tool_version = import_text(build, descriptor, "version");
    scan->reference = import_text(build, target, "userInput");
    scan->config_digest = import_text(build, target, "imageID");
    scan->os_id = import_text(build, root, "distro.name");
    scan->os_version = import_text(build, root, "distro.version");
    scan->scanned_at_us = import_time(mu_json_text_at(descriptor, "timestamp"));
    scan->database_version = import_text(build, descriptor, "db.status.schemaVersion");
    scan->database_built_at_us = import_time(mu_json_text_at(descriptor, "db.status.built"));
    if (!scan->database_version)
        scan->database_version = import_text(build, descriptor, "db.checksum");
    if (!mu_json_at(descriptor, "db.status"))
        scan->database_built_at_us = import_time(mu_json_text_at(descriptor, "db.built"));
    import_configuration(build, mu_json_at(descriptor, "configuration"));
}

enum mu_status import_grype(struct import_build *build, const json_t *root, struct mu_error *err)
{
    const char *type = mu_json_text_at(root, "source.type");

    if (type && strcmp(type, "image") != 0)
        return mu_fail(err, MU_E_INVALID, "it is about a '%.40s', not about an image", type);
    read_image(build, root);
    if (read_matches(build, mu_json_at(root, "matches"), false, err) != MU_OK)
        return err->status;
    return read_matches(build, mu_json_at(root, "ignoredMatches"), true, err);
}
