#include "policy/report.h"

#include "base/clock.h"
#include "base/text.h"
#include "json/json_doc.h"

#include <inttypes.h>
#include <string.h>

enum { TEXT_MAX_BYTES = 64 * 1024 }; /* of one message */

static const char verdict_rule[] = "verdict"; /* what SARIF and JUnit call the verdict itself */

static json_t *text_or_null(const char *text)
{
    return text && *text ? json_string(text) : json_null();
}

static json_t *time_or_null(int64_t at_us)
{
    char text[MU_TIME_TEXT_SIZE];

    if (at_us == MU_TIME_NONE)
        return json_null();
    mu_time_format(at_us, text);
    return json_string(text);
}

static const char *find_fix(const struct report *report)
{
    static const char scan_asked_for[] = "wait for its scan, which has been asked for with "
                                         "priority: --wait 10m";
    static const char scan_missing[] = "have it scanned: 'muster-inventory gate' asks for that, "
                                       "unless it only looks";
    static const char rule_broken[] = "update the image and push it, or have it approved with "
                                      "'muster-inventory approve'";
    static const char *const fixes[REASON_COUNT] = {
            [REASON_UNKNOWN_IMAGE] = "push it to a registry that is watched",
            [REASON_NEVER_SCANNED] = scan_asked_for,
            [REASON_SCAN_EXPIRED] = scan_asked_for,
            [REASON_DATABASE_STALE] = scan_asked_for,
            [REASON_SCAN_FAILED] =
                    "see why with 'muster-inventory explain', mend it and push again",
            [REASON_NOT_IN_REGISTRY] = "push it again",
            [REASON_RULE_BROKEN] = rule_broken,
            [REASON_PERSON_REVOKED] = "use another image, or ask who revoked it",
    };
    const char *fix = fixes[report->assessment->judged.reason];

    return fix == scan_asked_for && report->only_looked ? scan_missing : fix;
}

/* One line that says why, and what mends it. */
static void report_reason(const struct report *report, struct mu_buf *out)
{
    const struct judged *judged = &report->assessment->judged;
    const char *fix = find_fix(report);

    mu_buf_puts(out, verdict_reason_word(judged->reason));
    if (judged->rule[0])
        mu_buf_printf(out, " %s", judged->rule);
    if (judged->detail[0])
        mu_buf_printf(out, ": %s", judged->detail);
    if (fix)
        mu_buf_printf(out, "; to mend it: %s", fix);
}

/* ---- facts ---- */

static json_t *facts_of(const struct assessed_manifest *manifest, int64_t at_us)
{
    const struct image_facts *facts = &manifest->facts;
    json_t *counts = json_object();

    for (size_t i = 0; i < facts->finding_count; i++) {
        const char *word = severity_word(judge_severity(&facts->findings[i], at_us));
        json_int_t count = json_integer_value(json_object_get(counts, word));

        (void)json_object_set_new(counts, word, json_integer(count + 1));
    }
    return json_pack("{s:s,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:s,s:s,s:s,s:s}", "digest", facts->digest,
                     "scan_id", text_or_null(facts->scan_id), "scanned_at",
                     time_or_null(facts->finished_at_us), "database_version",
                     text_or_null(facts->database_version), "os_name", text_or_null(facts->os_name),
                     "registry", text_or_null(facts->registry), "failure",
                     text_or_null(facts->failure_code), "findings", counts, "verdict",
                     verdict_word(manifest->judged.verdict), "reason",
                     verdict_reason_word(manifest->judged.reason), "rule", manifest->judged.rule,
                     "detail", manifest->judged.detail);
}

static json_t *person_of(const struct person_word *word)
{
    if (!word)
        return json_null();
    return json_pack("{s:s,s:s,s:s,s:s,s:s,s:o}", "approval_id", word->approval_id, "decision",
                     word->decision, "person", word->person, "role", word->role, "reason",
                     word->reason, "until", time_or_null(word->until_us));
}

static json_t *all_facts(const struct report *report)
{
    const struct assessment *assessment = report->assessment;
    json_t *manifests = json_array();

    for (size_t i = 0; i < assessment->manifest_count; i++)
        (void)json_array_append_new(manifests, facts_of(&assessment->manifests[i], report->at_us));
    return json_pack("{s:o,s:o}", "manifests", manifests, "person", person_of(assessment->word));
}

static enum mu_status print(json_t *root, struct mu_buf *out, struct mu_error *err)
{
    enum mu_status st = root ? mu_json_print(root, out, err)
                             : mu_fail(err, MU_E_NOMEM, "a report takes too much memory");

    json_decref(root);
    return st;
}

enum mu_status report_facts(const struct report *report, struct mu_buf *out, struct mu_error *err)
{
    return print(all_facts(report), out, err);
}

/* ---- text and JSON ---- */

static enum mu_status write_text(const struct report *report, struct mu_buf *out,
                                 struct mu_error *err)
{
    const struct assessment *assessment = report->assessment;

    mu_buf_printf(out, "%s  %s\n  ", verdict_word(assessment->judged.verdict), report->image);
    report_reason(report, out);
    if (assessment->digest)
        mu_buf_printf(out, "\n  digest %s", assessment->digest);
    mu_buf_printf(out, "\n  policy %s (%s)\n", report->policy->name, report->policy->digest);
    if (report->decision_id[0])
        mu_buf_printf(out, "  decision %s\n", report->decision_id);
    return mu_buf_status(out, "the report", err);
}

static enum mu_status write_json(const struct report *report, struct mu_buf *out,
                                 struct mu_error *err)
{
    const struct assessment *assessment = report->assessment;
    const struct judged *judged = &assessment->judged;
    enum mu_status st = print(
            json_pack("{s:s,s:s,s:o,s:s,s:s,s:o,s:o,s:o,s:s,s:s,s:o,s:o,s:o}", "image",
                      report->image, "name", assessment->name, "digest",
                      text_or_null(assessment->digest), "verdict", verdict_word(judged->verdict),
                      "reason", verdict_reason_word(judged->reason), "rule",
                      text_or_null(judged->rule), "detail", text_or_null(judged->detail),
                      "expires_at", time_or_null(judged->expires_at_us), "policy",
                      report->policy->digest, "policy_name", report->policy->name, "decided_at",
                      time_or_null(report->at_us), "decision_id", text_or_null(report->decision_id),
                      "facts", all_facts(report)),
            out, err);

    mu_buf_puts(out, "\n");
    return st;
}

/* ---- SARIF: a rule of the policy is a rule, a finding that breaks it a result ---- */

/* The rule is named by its place too: one of the policy may be called as the verdict's own is
 * (SARIF 2.1.0, section 3.27.6). */
static json_t *sarif_result(const struct report *report, size_t rule, const char *message)
{
    const struct policy_rule *rules = report->policy->rules.items;
    const char *id = rule < report->policy->rules.count ? rules[rule].name : verdict_rule;
    MU_AUTO_DONE(mu_buf_done) struct mu_buf uri;

    mu_buf_init(&uri, 2 * MU_OCI_UAI_SIZE);
    mu_buf_printf(&uri, "docker://%s", report->assessment->name);
    return json_pack("{s:s,s:I,s:s,s:{s:s},s:[{s:{s:{s:s}},s:[{s:s,s:s}]}]}", "ruleId", id,
                     "ruleIndex", (json_int_t)rule, "level", "error", "message", "text", message,
                     "locations", "physicalLocation", "artifactLocation", "uri", uri.data,
                     "logicalLocations", "fullyQualifiedName", report->assessment->name, "kind",
                     "module");
}

static void sarif_finding(const struct report *report, size_t rule,
                          const struct finding_fact *finding, json_t *results)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf text;

    mu_buf_init(&text, TEXT_MAX_BYTES);
    mu_buf_printf(&text, "%s in %s: %s%s%s%s", finding->id,
                  finding->package ? finding->package : "the image",
                  severity_word(judge_severity(finding, report->at_us)),
                  finding->kev ? ", known to be exploited" : "",
                  finding->fixed ? ", fixed in " : "", finding->fixed ? finding->fixed : "");
    (void)json_array_append_new(results,
                                sarif_result(report, rule, text.failed ? finding->id : text.data));
}

static int64_t count_for(const struct report *report, const struct policy_rule *rule,
                         const struct assessed_manifest *manifest)
{
    int64_t count = 0;

    for (size_t i = 0; i < manifest->facts.finding_count; i++)
        count += judge_counts(report->policy, rule, &manifest->facts, &manifest->facts.findings[i],
                              report->at_us);
    return count;
}

static void sarif_rule(const struct report *report, size_t place, json_t *results)
{
    const struct policy_rule *rules = report->policy->rules.items, *rule = &rules[place];

    for (size_t m = 0; m < report->assessment->manifest_count; m++) {
        const struct assessed_manifest *manifest = &report->assessment->manifests[m];

        if (count_for(report, rule, manifest) <= rule->max)
            continue;
        for (size_t i = 0; i < manifest->facts.finding_count; i++)
            if (judge_counts(report->policy, rule, &manifest->facts, &manifest->facts.findings[i],
                             report->at_us))
                sarif_finding(report, place, &manifest->facts.findings[i], results);
    }
}

static json_t *sarif_rules(const struct report *report)
{
    const struct policy_rule *rules = report->policy->rules.items;
    json_t *described = json_array();

    for (size_t i = 0; i < report->policy->rules.count; i++)
        (void)json_array_append_new(described,
                                    json_pack("{s:s,s:{s:s}}", "id", rules[i].name,
                                              "shortDescription", "text", rules[i].name));
    (void)json_array_append_new(described,
                                json_pack("{s:s,s:{s:s}}", "id", verdict_rule, "shortDescription",
                                          "text", "The image is approved"));
    return described;
}

static enum mu_status write_sarif(const struct report *report, struct mu_buf *out,
                                  struct mu_error *err)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf reason;
    json_t *results = json_array();
    enum mu_status st;

    mu_buf_init(&reason, TEXT_MAX_BYTES);
    report_reason(report, &reason);
    if (report->assessment->judged.verdict != VERDICT_APPROVED) {
        (void)json_array_append_new(results,
                                    sarif_result(report, report->policy->rules.count, reason.data));
        for (size_t i = 0; i < report->policy->rules.count; i++)
            sarif_rule(report, i, results);
    }
    st = print(json_pack("{s:s,s:s,s:[{s:{s:{s:s,s:s,s:o}},s:[{s:b}],s:o}]}", "$schema",
                         "https://json.schemastore.org/sarif-2.1.0.json", "version", "2.1.0",
                         "runs", "tool", "driver", "name", "muster-inventory gate", "version",
                         MU_VERSION, "rules", sarif_rules(report), "invocations",
                         "executionSuccessful", 1, "results", results),
               out, err);
    mu_buf_puts(out, "\n");
    return st;
}

/* ---- JUnit: the verdict and each rule are test cases ---- */

/* U+FFFE and U+FFFF are no characters of XML. */
static bool is_no_character(const char *text)
{
    return strncmp(text, "\xef\xbf", 2) == 0 && (text[2] == '\xbe' || text[2] == '\xbf');
}

/* As XML 1.0 (section 2.2) wants it in an attribute: controls have no place there. */
static void xml_text(const char *text, struct mu_buf *out)
{
    static const struct {
        char c;
        const char *name;
    } names[] = {{'&', "&amp;"}, {'<', "&lt;"}, {'>', "&gt;"}, {'"', "&quot;"}};

    for (; *text; text++) {
        const char *name = NULL;

        for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
            if (*text == names[i].c)
                name = names[i].name;
        if (name) {
            mu_buf_puts(out, name);
        } else if (is_no_character(text)) {
            mu_buf_puts(out, " ");
            text += 2;
        } else {
            mu_buf_append(out, (unsigned char)*text < ' ' ? " " : text, 1);
        }
    }
}

static void junit_case(const struct report *report, const char *name, const char *type,
                       const char *failure, struct mu_buf *out)
{
    mu_buf_puts(out, "    <testcase classname=\"");
    xml_text(report->assessment->name, out);
    mu_buf_puts(out, "\" name=\"");
    xml_text(name, out);
    if (!failure) {
        mu_buf_puts(out, "\"/>\n");
        return;
    }
    mu_buf_printf(out, "\">\n      <failure type=\"%s\" message=\"", type);
    xml_text(failure, out);
    mu_buf_puts(out, "\"/>\n    </testcase>\n");
}

/* Gives 1 when it is broken. */
static size_t junit_rule(const struct report *report, const struct policy_rule *rule,
                         struct mu_buf *out)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf text;
    int64_t most = 0;

    mu_buf_init(&text, 1024);
    for (size_t m = 0; m < report->assessment->manifest_count; m++) {
        int64_t count = count_for(report, rule, &report->assessment->manifests[m]);

        most = count > most ? count : most;
    }
    mu_buf_printf(&text, "%" PRId64 " findings, %" PRId64 " allowed", most, rule->max);
    junit_case(report, rule->name, "rejected", most > rule->max ? text.data : NULL, out);
    return most > rule->max;
}

static enum mu_status write_junit(const struct report *report, struct mu_buf *out,
                                  struct mu_error *err)
{
    const struct policy_rule *rules = report->policy->rules.items;
    const struct judged *judged = &report->assessment->judged;
    bool approved = judged->verdict == VERDICT_APPROVED;
    MU_AUTO_DONE(mu_buf_done) struct mu_buf cases, reason;
    size_t failures = !approved;

    mu_buf_init(&cases, out->max_bytes);
    mu_buf_init(&reason, TEXT_MAX_BYTES);
    report_reason(report, &reason);
    junit_case(report, verdict_rule, verdict_word(judged->verdict), approved ? NULL : reason.data,
               &cases);
    for (size_t i = 0; !approved && i < report->policy->rules.count; i++)
        failures += junit_rule(report, &rules[i], &cases);
    mu_buf_printf(out,
                  "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n"
                  "  <testsuite name=\"muster-inventory gate\" tests=\"%zu\" failures=\"%zu\" "
                  "errors=\"0\" skipped=\"0\">\n%s  </testsuite>\n</testsuites>\n",
                  1 + (approved ? 0 : report->policy->rules.count), failures, cases.data);
    return mu_buf_status(out, "the report", err);
}

/* ---- formats ---- */

/* SARIF's media type is OASIS's (SARIF 2.1.0, section 3.2.2, and IANA); JUnit's files have none of
 * their own. */
const struct report_format report_formats[REPORT_FORMAT_COUNT] = {
        {"json", "application/json", write_json},
        {"text", "text/plain", write_text},
        {"sarif", "application/sarif+json", write_sarif},
        {"junit", "application/xml", write_junit},
};

const struct report_format *report_format(const char *name)
{
    for (size_t i = 0; i < REPORT_FORMAT_COUNT; i++)
        if (mu_text_equal(name, report_formats[i].name))
            return &report_formats[i];
    return NULL;
}
