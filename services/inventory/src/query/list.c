#include "query/list.h"

#include "records/statement_kinds.h"

#include "base/clock.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>

/* ---- columns ---- */

static const struct list_column asset_columns[] = {
        {"uai", LIST_TEXT},       {"digest", LIST_TEXT},      {"digests", LIST_INT},
        {"floating", LIST_BOOL},  {"known_since", LIST_TIME}, {"state", LIST_TEXT},
        {"containers", LIST_INT}, {"repository", LIST_TEXT},  {"tag", LIST_TEXT},
        {"asset_id", LIST_TEXT},  {"gone_since", LIST_TIME}};
static const struct list_column instance_columns[] = {
        {"cluster", LIST_TEXT},     {"namespace", LIST_TEXT},  {"pod", LIST_TEXT},
        {"container", LIST_TEXT},   {"uai", LIST_TEXT},        {"state", LIST_TEXT},
        {"reason", LIST_TEXT},      {"started_at", LIST_TIME}, {"node", LIST_TEXT},
        {"owner", LIST_TEXT},       {"image", LIST_TEXT},      {"digest", LIST_TEXT},
        {"kind", LIST_TEXT},        {"evidence", LIST_TEXT},   {"pod_uid", LIST_TEXT},
        {"instance_id", LIST_TEXT}, {"since", LIST_TIME},      {"expires_at", LIST_TIME},
        {"cause_id", LIST_TEXT}};
static const struct list_column coverage_columns[] = {{"state", LIST_TEXT},
                                                      {"containers", LIST_INT}};
static const struct list_column totals_columns[] = {
        {"name", LIST_TEXT}, {"state", LIST_TEXT}, {"containers", LIST_INT}};
static const struct list_column history_columns[] = {
        {"at", LIST_TIME},     {"kind", LIST_TEXT},     {"subject", LIST_TEXT},
        {"detail", LIST_TEXT}, {"known_at", LIST_TIME}, {"event_id", LIST_TEXT}};
static const struct list_column whowas_columns[] = {
        {"cluster", LIST_TEXT},    {"namespace", LIST_TEXT}, {"pod", LIST_TEXT},
        {"container", LIST_TEXT},  {"owner", LIST_TEXT},     {"node", LIST_TEXT},
        {"uai", LIST_TEXT},        {"digest", LIST_TEXT},    {"started_at", LIST_TIME},
        {"ended_at", LIST_TIME},   {"image", LIST_TEXT},     {"pod_uid", LIST_TEXT},
        {"instance_id", LIST_TEXT}};
static const struct list_column source_columns[] = {{"source", LIST_TEXT},
                                                    {"kind", LIST_TEXT},
                                                    {"state", LIST_TEXT},
                                                    {"since", LIST_TIME},
                                                    {"last_event_at", LIST_TIME},
                                                    {"last_error", LIST_TEXT},
                                                    {"silent_after_seconds", LIST_INT},
                                                    {"usual_interval_seconds", LIST_INT}};
static const struct list_column failure_columns[] = {
        {"state", LIST_TEXT},      {"code", LIST_TEXT},      {"source", LIST_TEXT},
        {"repository", LIST_TEXT}, {"digest", LIST_TEXT},    {"opened_at", LIST_TIME},
        {"message", LIST_TEXT},    {"closed_at", LIST_TIME}, {"attempts", LIST_INT},
        {"failure_id", LIST_TEXT}};
static const struct list_column finding_columns[] = {
        {"uai", LIST_TEXT},     {"vulnerability", LIST_TEXT}, {"severity", LIST_TEXT},
        {"package", LIST_TEXT}, {"version", LIST_TEXT},       {"fixed_version", LIST_TEXT},
        {"status", LIST_TEXT},  {"digest", LIST_TEXT},        {"ecosystem", LIST_TEXT},
        {"purl", LIST_TEXT},    {"evidence", LIST_TEXT},      {"scanned_at", LIST_TIME}};
static const struct list_column vulnerability_columns[] = {{"uai", LIST_TEXT},
                                                           {"vulnerability", LIST_TEXT},
                                                           {"severity", LIST_TEXT},
                                                           {"status", LIST_TEXT},
                                                           {"due_at", LIST_TIME},
                                                           {"due_by", LIST_TEXT},
                                                           {"instances", LIST_INT},
                                                           {"detected_at", LIST_TIME},
                                                           {"first_detected_at", LIST_TIME},
                                                           {"episode", LIST_INT},
                                                           {"kev_added", LIST_TEXT},
                                                           {"cvss", LIST_JSON},
                                                           {"epss", LIST_JSON},
                                                           {"public", LIST_BOOL},
                                                           {"packages", LIST_JSON},
                                                           {"fixed_versions", LIST_JSON},
                                                           {"reported_as", LIST_JSON},
                                                           {"deviations", LIST_JSON}};
static const struct list_column vulnerability_count_columns[] = {
        {"severity", LIST_TEXT},
        {"distinct_vulnerabilities", LIST_INT},
        {"per_asset", LIST_INT},
        {"per_instance", LIST_INT}};
static const struct list_column diff_columns[] = {
        {"change", LIST_TEXT},   {"subject", LIST_TEXT},     {"from_state", LIST_TEXT},
        {"to_state", LIST_TEXT}, {"from_digest", LIST_TEXT}, {"to_digest", LIST_TEXT},
        {"cause", LIST_TEXT},    {"cause_at", LIST_TIME},    {"from_image", LIST_TEXT},
        {"to_image", LIST_TEXT}};
static const struct list_column sample_columns[] = {{"place", LIST_INT},
                                                    {"uai", LIST_TEXT},
                                                    {"digest", LIST_TEXT},
                                                    {"cluster", LIST_TEXT},
                                                    {"namespace", LIST_TEXT},
                                                    {"pod", LIST_TEXT},
                                                    {"container", LIST_TEXT},
                                                    {"state", LIST_TEXT},
                                                    {"pod_uid", LIST_TEXT},
                                                    {"reason", LIST_TEXT},
                                                    {"evidence", LIST_TEXT},
                                                    {"scanned_at", LIST_TIME},
                                                    {"scanner_name", LIST_TEXT},
                                                    {"scanner_version", LIST_TEXT},
                                                    {"database_version", LIST_TEXT},
                                                    {"database_built_at", LIST_TIME}};
static const struct list_column ledger_columns[] = {
        {"topic", LIST_TEXT},      {"received", LIST_INT},   {"applied", LIST_INT},
        {"quarantined", LIST_INT}, {"duplicates", LIST_INT}, {"difference", LIST_INT}};
static const struct list_column audit_columns[] = {
        {"at", LIST_TIME},    {"principal", LIST_TEXT},  {"authentication", LIST_TEXT},
        {"roles", LIST_TEXT}, {"method", LIST_TEXT},     {"path", LIST_TEXT},
        {"status", LIST_INT}, {"parameters", LIST_JSON}, {"record_id", LIST_TEXT}};
static const struct list_column approval_columns[] = {
        {"at", LIST_TIME},         {"decision", LIST_TEXT}, {"state", LIST_TEXT},
        {"repository", LIST_TEXT}, {"digest", LIST_TEXT},   {"person", LIST_TEXT},
        {"role", LIST_TEXT},       {"reason", LIST_TEXT},   {"until", LIST_TIME},
        {"uai", LIST_TEXT},        {"policy", LIST_TEXT},   {"known_at", LIST_TIME},
        {"approval_id", LIST_TEXT}};
static const struct list_column decision_columns[] = {
        {"at", LIST_TIME},       {"image", LIST_TEXT},    {"verdict", LIST_TEXT},
        {"reason", LIST_TEXT},   {"rule", LIST_TEXT},     {"detail", LIST_TEXT},
        {"asked_by", LIST_TEXT}, {"digest", LIST_TEXT},   {"repository", LIST_TEXT},
        {"policy", LIST_TEXT},   {"known_at", LIST_TIME}, {"decision_id", LIST_TEXT}};
static const struct list_column gate_decision_columns[] = {
        {"at", LIST_TIME},           {"allowed", LIST_BOOL},    {"would_deny", LIST_BOOL},
        {"reason", LIST_TEXT},       {"scope", LIST_TEXT},      {"cluster", LIST_TEXT},
        {"namespace", LIST_TEXT},    {"object", LIST_TEXT},     {"image", LIST_TEXT},
        {"asked_by", LIST_TEXT},     {"container", LIST_TEXT},  {"source", LIST_TEXT},
        {"operation", LIST_TEXT},    {"digest", LIST_TEXT},     {"verdict", LIST_TEXT},
        {"rule", LIST_TEXT},         {"scan_id", LIST_TEXT},    {"cache_generation", LIST_INT},
        {"policy", LIST_TEXT},       {"lost_before", LIST_INT}, {"known_at", LIST_TIME},
        {"gate_decision", LIST_TEXT}};
static const struct list_column deviation_columns[] = {
        {"deviation", LIST_TEXT},         {"state", LIST_TEXT},         {"kind", LIST_TEXT},
        {"vulnerability", LIST_TEXT},     {"asset", LIST_TEXT},         {"package", LIST_TEXT},
        {"adjusted_severity", LIST_TEXT}, {"requested_by", LIST_TEXT},  {"decided_by", LIST_TEXT},
        {"decided_at", LIST_TIME},        {"expires_at", LIST_TIME},    {"rationale", LIST_TEXT},
        {"evidence", LIST_TEXT},          {"requested_at", LIST_TIME},  {"decided_role", LIST_TEXT},
        {"decision_evidence", LIST_TEXT}, {"checked_in_at", LIST_TIME}, {"released_at", LIST_TIME}};
static const struct list_column hardening_columns[] = {
        {"asset", LIST_TEXT},        {"state", LIST_TEXT},        {"baseline", LIST_TEXT},
        {"validated_by", LIST_TEXT}, {"validated_at", LIST_TIME}, {"digest", LIST_TEXT},
        {"evidence", LIST_TEXT},     {"expires_at", LIST_TIME},   {"drift", LIST_TEXT},
        {"role", LIST_TEXT}};
static const struct list_column exposure_columns[] = {
        {"asset", LIST_TEXT},    {"public", LIST_TEXT},   {"at", LIST_TIME},
        {"by", LIST_TEXT},       {"role", LIST_TEXT},     {"rationale", LIST_TEXT},
        {"evidence", LIST_TEXT}, {"known_at", LIST_TIME}, {"fact_id", LIST_TEXT}};
static const struct list_column ssvc_columns[] = {{"vulnerability", LIST_TEXT},
                                                  {"automatable", LIST_TEXT},
                                                  {"technical_impact", LIST_TEXT},
                                                  {"at", LIST_TIME},
                                                  {"by", LIST_TEXT},
                                                  {"role", LIST_TEXT},
                                                  {"rationale", LIST_TEXT},
                                                  {"evidence", LIST_TEXT},
                                                  {"known_at", LIST_TIME},
                                                  {"fact_id", LIST_TEXT}};
static const struct list_column exclusion_columns[] = {
        {"asset", LIST_TEXT},        {"state", LIST_TEXT},  {"rationale", LIST_TEXT},
        {"by", LIST_TEXT},           {"at", LIST_TIME},     {"ends_at", LIST_TIME},
        {"withdrawn_by", LIST_TEXT}, {"role", LIST_TEXT},   {"evidence", LIST_TEXT},
        {"known_at", LIST_TIME},     {"fact_id", LIST_TEXT}};
static const struct list_column move_columns[] = {
        {"repository", LIST_TEXT}, {"moved_to", LIST_TEXT},  {"at", LIST_TIME},
        {"by", LIST_TEXT},         {"rationale", LIST_TEXT}, {"evidence", LIST_TEXT},
        {"fact_id", LIST_TEXT}};

/* ---- filters ---- */

static const char *const states[] = {
        "covered",    "scan_expired",    "scan_failed", "never_scanned",
        "unresolved", "not_in_registry", "excluded",    NULL};
static const char *const dimensions[] = {"cluster", "namespace",  "node", "owner",
                                         "asset",   "repository", NULL};
static const char *const asset_states[] = {"running", "not_running", NULL};
static const char *const failure_states[] = {"open", "closed", NULL};
static const char *const source_states[] = {"silent", "speaking", "removed", NULL};
static const char *const approval_states[] = {"in_force", "ended", "replaced", NULL};
static const char *const approval_decisions[] = {"approve", "revoke", "withdraw", NULL};
static const char *const verdicts[] = {"approved", "rejected", "waiting", NULL};
static const char *const deviation_states[] = {"pending",   "approved", "rejected",
                                               "withdrawn", "expired",  NULL};
static const char *const hardening_states[] = {"valid",   "image_changed", "drifted",
                                               "expired", "withdrawn",     NULL};
static const char *const exclusion_states[] = {"holds", "to_come", "expired", "withdrawn", NULL};
static const char *const answers[] = {"yes", "no", NULL};
static const char *const severities[] = {"critical",   "high",    "moderate", "low",
                                         "negligible", "unknown", NULL};

static const char *const due_rules[] = {"rev5", "bod26-04", "strictest", NULL};
static const char *const due_states[] = {"late",
                                         "at_risk",
                                         "open",
                                         "no_due_date",
                                         "false_positive",
                                         "accepted",
                                         "operational_requirement",
                                         "vendor_dependency",
                                         NULL};

static const struct list_filter asset_filters[] = {
        {.name = "uai"},
        {.name = "repository"},
        {.name = "digest"},
        {.name = "floating", .type = FILTER_BOOL},
        {.name = "state", .type = FILTER_WORD, .words = asset_states}};
static const struct list_filter instance_filters[] = {
        {.name = "uai"},
        {.name = "digest"},
        {.name = "cluster"},
        {.name = "namespace"},
        {.name = "pod"},
        {.name = "node"},
        {.name = "state", .type = FILTER_WORD, .words = states}};
static const struct list_filter totals_filters[] = {
        {.name = "by", .type = FILTER_WORD, .flags = FILTER_REQUIRED, .words = dimensions}};
static const struct list_filter subject_filters[] = {{.name = "subject", .flags = FILTER_REQUIRED}};
static const struct list_filter source_filters[] = {
        {.name = "state", .type = FILTER_WORD, .words = source_states}};
static const struct list_filter failure_filters[] = {
        {.name = "state", .type = FILTER_WORD, .words = failure_states},
        {.name = "code"},
        {.name = "source"},
        {.name = "digest"}};
static const struct list_filter finding_filters[] = {
        {.name = "uai"},
        {.name = "digest"},
        {.name = "vulnerability"},
        {.name = "severity", .type = FILTER_WORD, .words = severities}};
static const struct list_filter vulnerability_filters[] = {
        {.name = "repository", .flags = FILTER_REQUIRED},
        {.name = "uai"},
        {.name = "vulnerability"},
        {.name = "status", .type = FILTER_WORD, .words = due_states},
        {.name = "rules", .type = FILTER_WORD, .words = due_rules}};
static const struct list_filter vulnerability_count_filters[] = {{.name = "repository"}};
static const struct list_filter diff_filters[] = {
        {.name = "from", .type = FILTER_TIME, .flags = FILTER_REQUIRED}};
static const struct list_filter sample_filters[] = {
        {.name = "seed", .flags = FILTER_REQUIRED},
        {.name = "n", .type = FILTER_COUNT, .flags = FILTER_REQUIRED}};
static const struct list_filter audit_filters[] = {{.name = "principal"},
                                                   {.name = "since", .type = FILTER_TIME},
                                                   {.name = "until", .type = FILTER_TIME}};
static const struct list_filter approval_filters[] = {
        {.name = "state", .type = FILTER_WORD, .words = approval_states},
        {.name = "decision", .type = FILTER_WORD, .words = approval_decisions},
        {.name = "repository"},
        {.name = "digest"},
        {.name = "person"}};
static const struct list_filter decision_filters[] = {
        {.name = "image"},
        {.name = "digest"},
        {.name = "verdict", .type = FILTER_WORD, .words = verdicts},
        {.name = "asked_by"}};
static const struct list_filter gate_decision_filters[] = {
        {.name = "scope"},
        {.name = "reason"},
        {.name = "allowed", .type = FILTER_BOOL},
        {.name = "would_deny", .type = FILTER_BOOL},
        {.name = "cluster"},
        {.name = "namespace"},
        {.name = "image"},
        {.name = "since", .type = FILTER_TIME}};
static const struct list_filter deviation_filters[] = {
        {.name = "state", .type = FILTER_WORD, .words = deviation_states},
        {.name = "kind", .type = FILTER_WORD, .words = deviation_kinds},
        {.name = "vulnerability"},
        {.name = "asset"}};
static const struct list_filter hardening_filters[] = {
        {.name = "asset"}, {.name = "state", .type = FILTER_WORD, .words = hardening_states}};
static const struct list_filter exposure_filters[] = {
        {.name = "asset"}, {.name = "public", .type = FILTER_WORD, .words = answers}};
static const struct list_filter ssvc_filters[] = {{.name = "vulnerability"}};
static const struct list_filter exclusion_filters[] = {
        {.name = "asset"},
        {.name = "state", .type = FILTER_WORD, .words = exclusion_states},
        {.name = "by"}};
static const struct list_filter move_filters[] = {{.name = "repository"}, {.name = "moved_to"}};

#define COLUMNS(of) .columns = (of), .column_count = sizeof(of) / sizeof((of)[0])
#define FILTERS(of) .filters = (of), .filter_count = sizeof(of) / sizeof((of)[0])

const struct list inventory_lists[LIST_COUNT] = {
        [LIST_ASSETS] = {.name = "assets",
                         .query = QUERY_LIST_ASSETS,
                         .timed = true,
                         .valid_name = "valid_at",
                         .short_columns = 7,
                         COLUMNS(asset_columns),
                         FILTERS(asset_filters)},
        [LIST_INSTANCES] = {.name = "instances",
                            .query = QUERY_LIST_INSTANCES,
                            .timed = true,
                            .valid_name = "valid_at",
                            .short_columns = 7,
                            COLUMNS(instance_columns),
                            FILTERS(instance_filters)},
        [LIST_COVERAGE] = {.name = "coverage",
                           .query = QUERY_LIST_COVERAGE,
                           .timed = true,
                           .valid_name = "valid_at",
                           COLUMNS(coverage_columns)},
        [LIST_TOTALS] = {.name = "totals",
                         .query = QUERY_LIST_TOTALS,
                         .timed = true,
                         .valid_name = "valid_at",
                         COLUMNS(totals_columns),
                         FILTERS(totals_filters)},
        [LIST_HISTORY] = {.name = "history",
                          .query = QUERY_LIST_HISTORY,
                          .timed = true,
                          .valid_name = "valid_at",
                          .short_columns = 4,
                          COLUMNS(history_columns),
                          FILTERS(subject_filters)},
        [LIST_WHOWAS] = {.name = "whowas",
                         .query = QUERY_LIST_WHOWAS,
                         .timed = true,
                         .valid_name = "valid_at",
                         .short_columns = 9,
                         COLUMNS(whowas_columns),
                         FILTERS(subject_filters)},
        [LIST_SOURCES] = {.name = "sources",
                          .query = QUERY_LIST_SOURCES,
                          .timed = true,
                          .valid_name = "valid_at",
                          .short_columns = 6,
                          COLUMNS(source_columns),
                          FILTERS(source_filters)},
        [LIST_FAILURES] = {.name = "failures",
                           .query = QUERY_LIST_FAILURES,
                           .timed = true,
                           .valid_name = "valid_at",
                           .short_columns = 7,
                           COLUMNS(failure_columns),
                           FILTERS(failure_filters)},
        [LIST_FINDINGS] = {.name = "findings",
                           .query = QUERY_LIST_FINDINGS,
                           .timed = true,
                           .valid_name = "valid_at",
                           .short_columns = 6,
                           COLUMNS(finding_columns),
                           FILTERS(finding_filters)},
        [LIST_VULNERABILITIES] = {.name = "vulnerabilities",
                                  .query = QUERY_LIST_VULNERABILITIES,
                                  .timed = true,
                                  .valid_name = "valid_at",
                                  COLUMNS(vulnerability_columns),
                                  FILTERS(vulnerability_filters)},
        [LIST_VULNERABILITY_COUNTS] = {.name = "vulnerability-counts",
                                       .query = QUERY_LIST_VULNERABILITY_COUNTS,
                                       .timed = true,
                                       .valid_name = "valid_at",
                                       COLUMNS(vulnerability_count_columns),
                                       FILTERS(vulnerability_count_filters)},
        [LIST_DIFF] = {.name = "diff",
                       .query = QUERY_LIST_DIFF,
                       .timed = true,
                       .valid_name = "to",
                       .short_columns = 8,
                       COLUMNS(diff_columns),
                       FILTERS(diff_filters)},
        [LIST_SAMPLE] = {.name = "sample",
                         .query = QUERY_LIST_SAMPLE,
                         .timed = true,
                         .valid_name = "valid_at",
                         .short_columns = 8,
                         COLUMNS(sample_columns),
                         FILTERS(sample_filters)},
        [LIST_LEDGER] = {.name = "ledger", .query = QUERY_LIST_LEDGER, COLUMNS(ledger_columns)},
        [LIST_AUDIT] = {.name = "audit",
                        .query = QUERY_LIST_AUDIT,
                        COLUMNS(audit_columns),
                        FILTERS(audit_filters)},
        [LIST_APPROVALS] = {.name = "approvals",
                            .query = QUERY_LIST_APPROVALS,
                            .timed = true,
                            .valid_name = "valid_at",
                            .short_columns = 9,
                            COLUMNS(approval_columns),
                            FILTERS(approval_filters)},
        [LIST_DECISIONS] = {.name = "decisions",
                            .query = QUERY_LIST_DECISIONS,
                            .timed = true,
                            .valid_name = "valid_at",
                            .short_columns = 7,
                            COLUMNS(decision_columns),
                            FILTERS(decision_filters)},
        [LIST_GATE_DECISIONS] = {.name = "gate-decisions",
                                 .query = QUERY_LIST_GATE_DECISIONS,
                                 .timed = true,
                                 .valid_name = "valid_at",
                                 .short_columns = 10,
                                 COLUMNS(gate_decision_columns),
                                 FILTERS(gate_decision_filters)},
        [LIST_DEVIATIONS] = {.name = "deviations",
                             .query = QUERY_LIST_DEVIATIONS,
                             .timed = true,
                             .valid_name = "valid_at",
                             COLUMNS(deviation_columns),
                             FILTERS(deviation_filters)},
        [LIST_HARDENING] = {.name = "hardening",
                            .query = QUERY_LIST_HARDENING,
                            .timed = true,
                            .valid_name = "valid_at",
                            COLUMNS(hardening_columns),
                            FILTERS(hardening_filters)},
        [LIST_EXPOSURES] = {.name = "exposures",
                            .query = QUERY_LIST_EXPOSURES,
                            .timed = true,
                            .valid_name = "valid_at",
                            COLUMNS(exposure_columns),
                            FILTERS(exposure_filters)},
        [LIST_SSVC] = {.name = "ssvc",
                       .query = QUERY_LIST_SSVC,
                       .timed = true,
                       .valid_name = "valid_at",
                       COLUMNS(ssvc_columns),
                       FILTERS(ssvc_filters)},
        [LIST_EXCLUSIONS] = {.name = "exclusions",
                             .query = QUERY_LIST_EXCLUSIONS,
                             .timed = true,
                             .valid_name = "valid_at",
                             COLUMNS(exclusion_columns),
                             FILTERS(exclusion_filters)},
        [LIST_MOVES] = {.name = "moves",
                        .query = QUERY_LIST_MOVES,
                        .timed = true,
                        .valid_name = "valid_at",
                        COLUMNS(move_columns),
                        FILTERS(move_filters)},
};

/* ---- values ---- */

enum mu_status list_instant(const char *name, const char *value, char ret_text[QUERY_TIME_SIZE],
                            struct mu_error *err)
{
    int64_t at_us;

    if (mu_time_parse(value, strlen(value), &at_us, err) != MU_OK)
        return mu_wrap(err, "%s", name);
    mu_time_format(at_us, ret_text);
    return MU_OK;
}

static enum mu_status check_word(const struct list_filter *filter, const char *value,
                                 struct mu_error *err)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf words;

    mu_buf_init(&words, MU_ERROR_MESSAGE_MAX);
    for (const char *const *word = filter->words; *word; word++) {
        if (mu_text_equal(*word, value))
            return MU_OK;
        mu_buf_printf(&words, "%s%s", words.len > 0 ? ", " : "", *word);
    }
    return mu_fail(err, MU_E_INVALID, "'%.100s' is not one of %s", value, words.data);
}

static enum mu_status check_count(const char *value, struct mu_error *err)
{
    uint64_t number;

    if (mu_text_to_u64(value, "it", &number, err) != MU_OK)
        return err->status;
    return number >= 1 && number <= LIST_MAX_ROWS
                   ? MU_OK
                   : mu_fail(err, MU_E_INVALID, "must be between 1 and %d", LIST_MAX_ROWS);
}

static enum mu_status check_time(const char *value, struct mu_error *err)
{
    int64_t ignored;

    return mu_time_parse(value, strlen(value), &ignored, err);
}

static enum mu_status check(const struct list_filter *filter, const char *value,
                            struct mu_error *err)
{
    size_t len = strlen(value);

    if (!mu_utf8_valid(value, len))
        return mu_fail(err, MU_E_INVALID, "is no UTF-8");
    if (len > LIST_TEXT_MAX_BYTES || mu_utf8_count(value, len) > LIST_TEXT_MAX_CHARACTERS)
        return mu_fail(err, MU_E_INVALID, "has more than %d characters", LIST_TEXT_MAX_CHARACTERS);
    switch (filter->type) {
    case FILTER_TEXT:
        return *value ? MU_OK : mu_fail(err, MU_E_INVALID, "is empty");
    case FILTER_WORD:
        return check_word(filter, value, err);
    case FILTER_TIME:
        return check_time(value, err);
    case FILTER_BOOL:
        return mu_text_equal(value, "true") || mu_text_equal(value, "false")
                       ? MU_OK
                       : mu_fail(err, MU_E_INVALID, "must be true or false");
    case FILTER_COUNT:
        return check_count(value, err);
    }
    return mu_fail(err, MU_E_INTERNAL, "has no type");
}

enum mu_status list_filter_value(const struct list_filter *filter, const char *label,
                                 const char *value, char ret_text[LIST_TEXT_MAX_BYTES + 1],
                                 struct mu_error *err)
{
    if (check(filter, value, err) != MU_OK)
        return mu_wrap(err, "%s", label);
    if (filter->type == FILTER_TIME)
        return list_instant(label, value, ret_text, err);
    memcpy(ret_text, value, strlen(value) + 1);
    return MU_OK;
}
