/*
 * SARIF 2.1.0. The form itself has no place for package and version, so the messages of the two
 * tools that write them are read: Trivy's lines "Package: ", "Installed Version: " and Grype's
 * sentence "... vulnerability in TYPE package: NAME, version VERSION was found ...".
 */
#include "import/import_build.h"

#include "base/text.h"

#include <string.h>

/* ---- messages ---- */

/* The rest of the line that begins with `name`. */
static const char *line_value(struct import_build *build, const char *message, const char *name)
{
    size_t len = strlen(name);

    for (const char *line = message; line; line = strchr(line, '\n')) {
        line += line[0] == '\n' ? 1 : 0;
        if (strncmp(line, name, len) == 0)
            return import_keep(build, line + len, strcspn(line + len, "\n"));
    }
    return NULL;
}

/* What stands between two marks; `ret_rest` is what comes after the second. */
static const char *between(struct import_build *build, const char *text, const char *first,
                           const char *second, const char **ret_rest)
{
    const char *start = text ? strstr(text, first) : NULL, *end;

    if (!start)
        return NULL;
    start += strlen(first);
    end = strstr(start, second);
    if (!end)
        return NULL;
    *ret_rest = end;
    return import_keep(build, start, (size_t)(end - start));
}

static void read_sentence(struct import_build *build, struct imported_finding *finding,
                          const char *message)
{
    const char *rest = message;

    finding->told_severity = between(build, rest, "A ", " vulnerability in ", &rest);
    finding->type = between(build, rest, " vulnerability in ", " package: ", &rest);
    finding->package = between(build, rest, " package: ", ", version ", &rest);
    finding->version = between(build, rest, ", version ", " was found", &rest);
}

static void read_message(struct import_build *build, struct imported_finding *finding,
                         const char *message)
{
    if (!message)
        return;
    finding->package = line_value(build, message, "Package: ");
    finding->version = line_value(build, message, "Installed Version: ");
    finding->told_severity = line_value(build, message, "Severity: ");
    finding->fixed_version = line_value(build, message, "Fixed Version: ");
    if (!finding->package)
        read_sentence(build, finding, message);
}

/* ---- rules ---- */

static const json_t *rule_of(const json_t *run, const json_t *result)
{
    const json_t *rules = mu_json_at(run, "tool.driver.rules");
    const json_t *index = mu_json_at(result, "ruleIndex"), *rule;
    const char *id = mu_json_text_at(result, "ruleId");
    json_int_t at = json_is_integer(index) ? json_integer_value(index) : -1;

    rule = at >= 0 ? json_array_get(rules, (size_t)at) : NULL;
    return rule && mu_text_equal(mu_json_text_at(rule, "id"), id) ? rule : NULL;
}

static bool looks_like_vulnerability(const char *id)
{
    static const char *const prefixes[] = {"CVE-",  "GHSA-", "DSA-", "ALAS",   "RHSA-",
                                           "ELSA-", "USN-",  "GO-",  "PYSEC-", "RUSTSEC-"};

    for (size_t i = 0; id && i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
        if (mu_text_starts(id, prefixes[i]))
            return true;
    }
    return false;
}

/* Grype's rules are "ID-PACKAGE". */
static const char *id_of(struct import_build *build, const char *rule_id, const char *package)
{
    size_t len = rule_id ? strlen(rule_id) : 0, tail = package ? strlen(package) : 0;

    if (tail > 0 && len > tail + 1 && rule_id[len - tail - 1] == '-' &&
        strcmp(rule_id + len - tail, package) == 0)
        len -= tail + 1;
    return import_keep(build, rule_id, len);
}

static const char *suppressed_reason(struct import_build *build, const json_t *result)
{
    const json_t *first = mu_json_at(result, "suppressions.0");
    const char *why = import_text(build, first, "justification");

    if (!first || mu_text_equal(mu_json_text_at(first, "status"), "rejected") ||
        mu_text_equal(mu_json_text_at(first, "status"), "underReview"))
        return NULL;
    return why ? why : "suppressed";
}

static enum mu_status read_result(struct import_build *build, const json_t *run,
                                  const json_t *result, size_t number, struct mu_error *err)
{
    const json_t *rule = rule_of(run, result);
    struct imported_finding finding = import_finding();

    read_message(build, &finding, mu_json_text_at(result, "message.text"));
    finding.id = id_of(build, mu_json_text_at(result, "ruleId"), finding.package);
    finding.path = import_text(build, result, "locations.0.physicalLocation.artifactLocation.uri");
    finding.summary = import_text(build, rule, "shortDescription.text");
    finding.url = import_text(build, rule, "helpUri");
    finding.purl = import_text(build, rule, "properties.purls.0");
    finding.suppressed_reason = suppressed_reason(build, result);
    return import_add(build, &finding, "result", number, err);
}

/* ---- runs ---- */

static void read_image(struct import_build *build, const json_t *run)
{
    const json_t *digests = mu_json_at(run, "properties.repoDigests"), *digest;
    struct imported_scan *scan = build->scan;
    size_t index;

    scan->tool = import_text(build, run, "tool.driver.name");
    scan->tool_version = import_text(build, run, "tool.driver.version");
    if (!scan->tool_version)
        scan->tool_version = import_text(build, run, "tool.driver.semanticVersion");
    scan->reference = import_text(build, run, "properties.imageName");
    scan->config_digest = import_text(build, run, "properties.imageID");
    scan->scanned_at_us = import_time(mu_json_text_at(run, "invocations.0.endTimeUtc"));
    json_array_foreach (digests, index, digest)
        import_digest_add(build, json_string_value(digest));
}

/* Rows that are no vulnerabilities (secrets, misconfigurations) stay in the original. */
static enum mu_status read_run(struct import_build *build, const json_t *run, struct mu_error *err)
{
    const json_t *results = mu_json_at(run, "results"), *result;
    size_t index, others = 0;

    read_image(build, run);
    json_array_foreach (results, index, result) {
        if (!looks_like_vulnerability(mu_json_text_at(result, "ruleId"))) {
            others++;
            continue;
        }
        if (read_result(build, run, result, index, err) != MU_OK)
            return err->status;
    }
    if (others > 0)
        import_note(build, "results that are no vulnerabilities: %zu, in the original only",
                    others);
    return MU_OK;
}

enum mu_status import_sarif(struct import_build *build, const json_t *root, struct mu_error *err)
{
    const json_t *runs = mu_json_at(root, "runs");

    if (!mu_text_equal(mu_json_text_at(root, "version"), "2.1.0"))
        return mu_fail(err, MU_E_INVALID, "SARIF of a version that is not 2.1.0");
    if (json_array_size(runs) != 1)
        return mu_fail(err, MU_E_INVALID, "%zu runs: one is of one image", json_array_size(runs));
    return read_run(build, json_array_get(runs, 0), err);
}
