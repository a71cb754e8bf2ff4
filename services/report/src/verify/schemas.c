/* The tables of schema.h. */
#include "verify/schema.h"

#include "bundle/layout.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
#define RULES(array)    (array), COUNT_OF(array)
#define MUST            true
#define MAY             false
#define SEVERITIES      "|critical|high|moderate|low|negligible|unknown|"

/* ---- ours ---- */

static const struct schema_rule manifest_rules[] = {
        {"system", SCHEMA_OBJECT, MUST, NULL},
        {"system.name", SCHEMA_TEXT, MUST, NULL},
        {"system.fedramp_id", SCHEMA_ANY_TEXT, MUST, NULL},
        {"system.impact_level", SCHEMA_WORD, MUST, "|Low|Moderate|High|"},
        {"month", SCHEMA_MONTH, MUST, NULL},
        {"as_of", SCHEMA_TIME, MUST, NULL},
        {"known_at", SCHEMA_TIME, MUST, NULL},
        {"generator", SCHEMA_OBJECT, MUST, NULL},
        {"generator.name", SCHEMA_TEXT, MUST, NULL},
        {"generator.version", SCHEMA_TEXT, MUST, NULL},
        {"running_containers", SCHEMA_OBJECT, MUST, NULL},
        {"running_containers.*", SCHEMA_COUNT, MUST, NULL},
        {"counts", SCHEMA_OBJECT, MUST, NULL},
        {"counts.*", SCHEMA_COUNT, MUST, NULL},
        {"counts.containers", SCHEMA_COUNT, MUST, NULL},
};

static const struct schema_rule raw_scan_rules[] = {
        {"targets", SCHEMA_LIST, MUST, NULL},
        {"image", SCHEMA_OBJECT, MUST, NULL},
        {"image.repository", SCHEMA_ANY_TEXT, MUST, NULL},
        {"image.manifest_digest", SCHEMA_DIGEST, MUST, NULL},
        {"image.layers", SCHEMA_LIST, MUST, NULL},
        {"image.layers.*.digest", SCHEMA_TEXT, MUST, NULL},
        {"image.layers.*.scanned", SCHEMA_BOOL, MUST, NULL},
        {"scanner", SCHEMA_OBJECT, MUST, NULL},
        {"scanner.name", SCHEMA_TEXT, MUST, NULL},
        {"scanner.version", SCHEMA_ANY_TEXT, MUST, NULL},
        {"scanner.configuration_checksum", SCHEMA_DIGEST, MUST, NULL},
        {"database", SCHEMA_OBJECT, MUST, NULL},
        {"database.version", SCHEMA_DIGEST_NULL, MUST, NULL},
        {"database.built_at", SCHEMA_TIME_NULL, MUST, NULL},
        {"authentication", SCHEMA_OBJECT, MUST, NULL},
        {"authentication.authorized", SCHEMA_BOOL, MUST, NULL},
        {"started_at", SCHEMA_TIME, MUST, NULL},
        {"finished_at", SCHEMA_TIME, MUST, NULL},
        {"status", SCHEMA_WORD, MUST, "|complete|failed|"},
        {"failures", SCHEMA_LIST, MUST, NULL},
        {"counts", SCHEMA_OBJECT, MUST, NULL},
        {"counts.*", SCHEMA_COUNT, MUST, NULL},
        {"counts.findings", SCHEMA_COUNT, MUST, NULL},
        {"findings", SCHEMA_LIST, MAY, NULL},
        {"findings.*.id", SCHEMA_TEXT, MUST, NULL},
        {"findings.*.severity", SCHEMA_WORD, MUST, SEVERITIES},
};

static const struct schema_rule imported_scan_rules[] = {
        {"kind", SCHEMA_WORD, MUST, "|trivy|grype|cyclonedx|sarif|"},
        {"targets", SCHEMA_LIST, MUST, NULL},
        {"original", SCHEMA_OBJECT, MUST, NULL},
        {"original.digest", SCHEMA_DIGEST, MUST, NULL},
        {"original.size_bytes", SCHEMA_COUNT, MUST, NULL},
        {"scanner", SCHEMA_OBJECT, MUST, NULL},
        {"scanner.name", SCHEMA_TEXT, MUST, NULL},
        {"scanner.version", SCHEMA_TEXT_NULL, MUST, NULL},
        {"database", SCHEMA_OBJECT, MUST, NULL},
        {"database.built_at", SCHEMA_TIME_NULL, MUST, NULL},
        {"scanned_at", SCHEMA_TIME_NULL, MUST, NULL},
        {"image", SCHEMA_OBJECT, MUST, NULL},
        {"image.digest", SCHEMA_DIGEST, MUST, NULL},
        {"image.digest_from", SCHEMA_WORD, MUST, "|report|option|"},
        {"counts", SCHEMA_OBJECT, MUST, NULL},
        {"counts.*", SCHEMA_COUNT, MUST, NULL},
        {"findings.*.id", SCHEMA_TEXT, MUST, NULL},
        {"findings.*.severity", SCHEMA_WORD, MUST, SEVERITIES},
};

static const struct schema_rule gap_rules[] = {
        {"*.uai", SCHEMA_TEXT, MUST, NULL},
        {"*.images", SCHEMA_LIST, MUST, NULL},
        {"*.containers", SCHEMA_LIST, MUST, NULL},
        {"*.images.*.state", SCHEMA_TEXT, MUST, NULL},
};

static const struct schema_rule other_asset_rules[] = {
        {"*.uai", SCHEMA_TEXT, MUST, NULL},
};
static const struct schema_rule not_running_rules[] = {
        {"*.uai", SCHEMA_TEXT, MUST, NULL},
        {"*.digest", SCHEMA_DIGEST_NULL, MUST, NULL},
};

#define SCAN_LISTS "|findings|suppressed|packages|"
const struct schema schema_manifest = {"bundle-manifest.v1", BUNDLE_MANIFEST, false, "|files|",
                                       RULES(manifest_rules)};
const struct schema schema_raw_scan = {"raw-scan.v1", BUNDLE_RAW_SCANS "/*", false, SCAN_LISTS,
                                       RULES(raw_scan_rules)};
const struct schema schema_imported_scan = {"imported-scan.v1", BUNDLE_RAW_SCANS "/*", false,
                                            SCAN_LISTS, RULES(imported_scan_rules)};
const struct schema schema_gaps = {"coverage gaps", BUNDLE_GAPS, true, NULL, RULES(gap_rules)};
const struct schema schema_not_running = {"targets not running", BUNDLE_NOT_RUNNING, true, NULL,
                                          RULES(not_running_rules)};
const struct schema schema_other_assets = {"other assets", BUNDLE_OTHER_ASSETS, true, NULL,
                                           RULES(other_asset_rules)};

/* ---- FedRAMP CR26 ---- */

#define VULNERABILITY(at)                                                          \
    {at "providerTrackingId", SCHEMA_TEXT, MUST, NULL},                            \
            {at "detection", SCHEMA_OBJECT, MUST, NULL},                           \
            {at "detection.detectedAt", SCHEMA_TIME, MUST, NULL},                  \
            {at "detection.detectionSource", SCHEMA_TEXT, MUST, NULL},             \
            {at "vulnerabilityDescription", SCHEMA_TEXT, MUST, NULL},              \
            {at "evaluationCompletedAt", SCHEMA_TIME, MAY, NULL},                  \
            {at "isInternetReachable", SCHEMA_BOOL, MAY, NULL},                    \
            {at "isLikelyExploitable", SCHEMA_BOOL, MAY, NULL},                    \
            {at "currentRating", SCHEMA_RATING, MAY, NULL},                        \
            {at "overdueStatus.isOverdue", SCHEMA_BOOL, MUST, NULL},               \
            {at "projectedNextReduction.estimatedAt", SCHEMA_TIME, MUST, NULL},    \
            {at "projectedNextReduction.targetRating", SCHEMA_RATING, MUST, NULL}, \
    {                                                                              \
        at "finalDisposition", SCHEMA_WORD, MAY,                                   \
                "|Fully Mitigated|Partially Mitigated|False Positive|"             \
    }

static const struct schema_rule detail_rules[] = {
        {"certificationPackageOverviewUri", SCHEMA_URI, MUST, NULL},
        {"reportPeriod", SCHEMA_OBJECT, MUST, NULL},
        {"reportPeriod.from", SCHEMA_TIME, MUST, NULL},
        {"reportPeriod.to", SCHEMA_TIME, MUST, NULL},
        {"vulnerabilities", SCHEMA_LIST, MAY, NULL},
        VULNERABILITY("vulnerabilities.*."),
};
static const struct schema_rule accepted_rules[] = {
        {"certificationPackageOverviewUri", SCHEMA_URI, MUST, NULL},
        {"reportPeriod", SCHEMA_OBJECT, MUST, NULL},
        {"reportPeriod.from", SCHEMA_TIME, MUST, NULL},
        {"reportPeriod.to", SCHEMA_TIME, MUST, NULL},
        {"acceptedVulnerabilities.*.vulnerabilityDetail", SCHEMA_OBJECT, MUST, NULL},
        {"acceptedVulnerabilities.*.acceptanceRationale", SCHEMA_TEXT, MUST, NULL},
        VULNERABILITY("acceptedVulnerabilities.*.vulnerabilityDetail."),
};
static const struct schema_rule history_rules[] = {
        {"certificationPackageOverviewUri", SCHEMA_URI, MUST, NULL},
        {"generatedAt", SCHEMA_TIME, MUST, NULL},
        {"acceptedVulnerabilities.*.vulnerabilityDetail", SCHEMA_OBJECT, MUST, NULL},
        {"acceptedVulnerabilities.*.acceptanceRationale", SCHEMA_TEXT, MUST, NULL},
        VULNERABILITY("activeVulnerabilities.*."),
        VULNERABILITY("acceptedVulnerabilities.*.vulnerabilityDetail."),
};

/* ---- OSCAL and CycloneDX ---- */

#define OSCAL(at)                                                                       \
    {at ".uuid", SCHEMA_UUID, MUST, NULL}, {at ".metadata", SCHEMA_OBJECT, MUST, NULL}, \
            {at ".metadata.title", SCHEMA_TEXT, MUST, NULL},                            \
            {at ".metadata.last-modified", SCHEMA_TIME, MUST, NULL},                    \
            {at ".metadata.version", SCHEMA_TEXT, MUST, NULL},                          \
    {                                                                                   \
        at ".metadata.oscal-version", SCHEMA_TEXT, MUST, NULL                           \
    }

static const struct schema_rule component_rules[] = {
        {"component-definition", SCHEMA_OBJECT, MUST, NULL},
        OSCAL("component-definition"),
        {"component-definition.components.*.uuid", SCHEMA_UUID, MUST, NULL},
        {"component-definition.components.*.type", SCHEMA_TEXT, MUST, NULL},
        {"component-definition.components.*.title", SCHEMA_TEXT, MUST, NULL},
        {"component-definition.components.*.description", SCHEMA_TEXT, MUST, NULL},
};
static const struct schema_rule poam_rules[] = {
        {"plan-of-action-and-milestones", SCHEMA_OBJECT, MUST, NULL},
        OSCAL("plan-of-action-and-milestones"),
        {"plan-of-action-and-milestones.poam-items.*.title", SCHEMA_TEXT, MUST, NULL},
        {"plan-of-action-and-milestones.poam-items.*.description", SCHEMA_TEXT, MUST, NULL},
        {"plan-of-action-and-milestones.risks.*.uuid", SCHEMA_UUID, MUST, NULL},
        {"plan-of-action-and-milestones.observations.*.uuid", SCHEMA_UUID, MUST, NULL},
};
static const struct schema_rule sbom_rules[] = {
        {"bomFormat", SCHEMA_WORD, MUST, "|CycloneDX|"},
        {"specVersion", SCHEMA_WORD, MUST, "|1.4|1.5|1.6|1.7|"},
        {"components.*.type", SCHEMA_TEXT, MUST, NULL},
        {"components.*.name", SCHEMA_TEXT, MUST, NULL},
};

const struct schema schema_documents[] = {
        {"vulnerability-detail-report", "vulnerability-detail-report.json", false,
         "|vulnerabilities|", RULES(detail_rules)},
        {"accepted-vulnerability-info", "accepted-vulnerability-info.json", false,
         "|acceptedVulnerabilities|", RULES(accepted_rules)},
        {"historical-ver-activity", "historical-ver-activity.json", false,
         "|activeVulnerabilities|acceptedVulnerabilities|", RULES(history_rules)},
        {"OSCAL component-definition", "oscal/component-definition.json", false,
         "|component-definition|component-definition/components|", RULES(component_rules)},
        {"OSCAL plan-of-action-and-milestones", "oscal/poam.json", false,
         "|plan-of-action-and-milestones|plan-of-action-and-milestones/poam-items|"
         "plan-of-action-and-milestones/risks|plan-of-action-and-milestones/observations|",
         RULES(poam_rules)},
        {"CycloneDX", "sbom/*", false, "|components|dependencies|vulnerabilities|",
         RULES(sbom_rules)},
        {"numbers", "numbers.json", false, NULL, NULL, 0},
};
const size_t schema_document_count = COUNT_OF(schema_documents);
