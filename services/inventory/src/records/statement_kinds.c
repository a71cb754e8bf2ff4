#include "records/statement_kinds.h"

#define FIELD_COUNT(fields) (sizeof(fields) / sizeof((fields)[0]))

static const char *const deviation_words[] = {"request",  "approve", "reject", "withdraw",
                                              "check_in", "release", NULL};
const char *const deviation_kinds[] = {
        "false_positive",    "risk_adjustment", "operational_requirement",
        "vendor_dependency", "accepted",        NULL};
static const char *const severity_words[] = {"critical", "high", "moderate", "low", NULL};
static const char *const hardening_words[] = {"validate", "withdraw", NULL};
static const char *const exclusion_words[] = {"exclude", "withdraw", NULL};
static const char *const move_words[] = {"move", "withdraw", NULL};
static const char *const drift_words[] = {"none", "found", NULL};
static const char *const answer_words[] = {"yes", "no", NULL};
static const char *const impact_words[] = {"partial", "total", NULL};

enum {
    DEVIATION,
    DEVIATION_RECORD,
    DEVIATION_AT,
    DEVIATION_BY,
    DEVIATION_ROLE,
    DEVIATION_KIND,
    DEVIATION_VULNERABILITY,
    DEVIATION_ASSET,
    DEVIATION_PACKAGE,
    DEVIATION_SEVERITY,
    DEVIATION_RATIONALE,
    DEVIATION_EVIDENCE,
    DEVIATION_EXPIRES
};
#define BIT(field) (1U << (field))

static const struct record_field deviation_fields[] = {
        [DEVIATION] = {"deviation", RECORD_NAME, NULL},
        [DEVIATION_RECORD] = {"record", RECORD_WORD, deviation_words},
        [DEVIATION_AT] = {"at", RECORD_TIME, NULL},
        [DEVIATION_BY] = {"by", RECORD_TEXT, NULL},
        [DEVIATION_ROLE] = {"role", RECORD_TEXT, NULL},
        [DEVIATION_KIND] = {"kind", RECORD_WORD, deviation_kinds},
        [DEVIATION_VULNERABILITY] = {"vulnerability", RECORD_NAME, NULL},
        [DEVIATION_ASSET] = {"asset", RECORD_NAME, NULL},
        [DEVIATION_PACKAGE] = {"package", RECORD_NAME, NULL},
        [DEVIATION_SEVERITY] = {"adjusted_severity", RECORD_WORD, severity_words},
        [DEVIATION_RATIONALE] = {"rationale", RECORD_TEXT, NULL},
        [DEVIATION_EVIDENCE] = {"evidence", RECORD_TEXT, NULL},
        [DEVIATION_EXPIRES] = {"expires_at", RECORD_TIME, NULL},
};

#define WHO (BIT(DEVIATION) | BIT(DEVIATION_RECORD) | BIT(DEVIATION_AT) | BIT(DEVIATION_BY))
#define WHY (BIT(DEVIATION_ROLE) | BIT(DEVIATION_RATIONALE) | BIT(DEVIATION_EVIDENCE))

static const struct record_rule deviation_rules[] = {
        {"request",
         WHO | BIT(DEVIATION_KIND) | BIT(DEVIATION_VULNERABILITY) | BIT(DEVIATION_ASSET) |
                 BIT(DEVIATION_RATIONALE),
         WHY | BIT(DEVIATION_PACKAGE) | BIT(DEVIATION_SEVERITY) | BIT(DEVIATION_EXPIRES)},
        {"approve", WHO | BIT(DEVIATION_ROLE) | BIT(DEVIATION_EVIDENCE),
         WHY | BIT(DEVIATION_EXPIRES)},
        {"reject", WHO, WHY},
        {"withdraw", WHO, WHY},
        {"check_in", WHO | BIT(DEVIATION_EVIDENCE), WHY},
        {"release", WHO | BIT(DEVIATION_EVIDENCE), WHY},
};

static const struct record_field hardening_fields[] = {
        {"asset", RECORD_NAME, NULL},
        {"baseline", RECORD_TEXT, NULL},
        {"record", RECORD_WORD, hardening_words},
        {"at", RECORD_TIME, NULL},
        {"by", RECORD_TEXT, NULL},
        {"role", RECORD_TEXT, NULL},
        {"digest", RECORD_NAME, NULL},
        {"drift", RECORD_WORD, drift_words},
        {"rationale", RECORD_TEXT, NULL},
        {"evidence", RECORD_TEXT, NULL},
        {"expires_at", RECORD_TIME, NULL},
};
static const struct record_rule hardening_rules[] = {
        {"validate", 0x21f, 0x7ff}, /* asset to by, and evidence */
        {"withdraw", 0x01f, 0x320}, /* may: role, rationale, evidence */
};

static const struct record_field exposure_fields[] = {
        {"asset", RECORD_NAME, NULL},    {"public", RECORD_WORD, answer_words},
        {"at", RECORD_TIME, NULL},       {"by", RECORD_TEXT, NULL},
        {"role", RECORD_TEXT, NULL},     {"rationale", RECORD_TEXT, NULL},
        {"evidence", RECORD_TEXT, NULL},
};
static const struct record_rule exposure_rules[] = {{NULL, 0x0f, 0x7f}}; /* asset to by */

static const struct record_field ssvc_fields[] = {
        {"vulnerability", RECORD_NAME, NULL},
        {"automatable", RECORD_WORD, answer_words},
        {"technical_impact", RECORD_WORD, impact_words},
        {"at", RECORD_TIME, NULL},
        {"by", RECORD_TEXT, NULL},
        {"role", RECORD_TEXT, NULL},
        {"rationale", RECORD_TEXT, NULL},
        {"evidence", RECORD_TEXT, NULL},
};
static const struct record_rule ssvc_rules[] = {{NULL, 0x1f, 0xff}}; /* vulnerability to by */

static const struct record_field exclusion_fields[] = {
        {"asset", RECORD_NAME, NULL},    {"record", RECORD_WORD, exclusion_words},
        {"at", RECORD_TIME, NULL},       {"by", RECORD_TEXT, NULL},
        {"role", RECORD_TEXT, NULL},     {"rationale", RECORD_TEXT, NULL},
        {"evidence", RECORD_TEXT, NULL}, {"expires_at", RECORD_TIME, NULL},
};
static const struct record_rule exclusion_rules[] = {
        {"exclude", 0xaf, 0xff},  /* asset to by, rationale, expires_at */
        {"withdraw", 0x0f, 0x7f}, /* asset to by */
};

static const struct record_field move_fields[] = {
        {"repository", RECORD_NAME, NULL},   {"moved_to", RECORD_NAME, NULL},
        {"record", RECORD_WORD, move_words}, {"at", RECORD_TIME, NULL},
        {"by", RECORD_TEXT, NULL},           {"role", RECORD_TEXT, NULL},
        {"rationale", RECORD_TEXT, NULL},    {"evidence", RECORD_TEXT, NULL},
};
static const struct record_rule move_rules[] = {
        {"move", 0x5f, 0xff},     /* repository to by, rationale */
        {"withdraw", 0x1f, 0xff}, /* repository to by */
};

#define KIND(name, prefix)                                                   \
    {                                                                        \
        name, prefix##_fields, FIELD_COUNT(prefix##_fields), prefix##_rules, \
                FIELD_COUNT(prefix##_rules)                                  \
    }

const struct record_kind statement_records[STATEMENT_KIND_COUNT] = {
        [STATEMENT_DEVIATION] = KIND("deviations", deviation),
        [STATEMENT_HARDENING] = KIND("hardening", hardening),
        [STATEMENT_EXPOSURE] = KIND("exposures", exposure),
        [STATEMENT_SSVC] = KIND("ssvc", ssvc),
        [STATEMENT_EXCLUSION] = KIND("exclusions", exclusion),
        [STATEMENT_MOVE] = KIND("moves", move),
};
