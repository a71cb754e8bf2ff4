/*
 * completeness: what in a month would get its package sent back, found before it is closed, each
 * with its fix and the rule it comes from. A function of the snapshot and the system file alone,
 * so that a closed month can be asked again.
 *
 * Sources of the rules: FedRAMP Continuous Monitoring Playbook ("Vulnerability Scanning",
 * containers, Table 1), Integrated Inventory Workbook v3.1 (row "Mandatory or Optional?"), POA&M
 * template v3.0, Deviation Request Form v2.1, NIST SP 800-53 Rev5 baseline parameters (RA-5(2),
 * CM-8(3)), Consolidated Rules 2026 (VDR, VER, KSI). Each check names its own in `rule`.
 *
 * Threads: one at a time per object. Memory: at most COMPLETENESS_MAX_SUBJECTS of each check are
 * named, all are counted.
 */
#ifndef REPORT_COMPLETENESS_H
#define REPORT_COMPLETENESS_H

#include "snapshot/snapshot.h"
#include "system/system_file.h"

#include "base/scope.h"

enum { COMPLETENESS_MAX_SUBJECTS = 1000 };

enum completeness_severity { COMPLETENESS_REJECTS, COMPLETENESS_WARNS, COMPLETENESS_SEVERITIES };

enum completeness_id {
    CHECK_NO_CONTAINERS,
    CHECK_NOT_COVERED,
    CHECK_NO_SCAN,
    CHECK_UNRESOLVED,
    CHECK_DATABASE,
    CHECK_CONFIGURATION,
    CHECK_UNAUTHENTICATED,
    CHECK_COLUMN,
    CHECK_BASELINE,
    CHECK_TWINS,
    CHECK_SOURCE,
    CHECK_LEDGER,
    CHECK_UNRATED,
    CHECK_RATIONALE,
    CHECK_VENDOR,
    CHECK_CONTACT,
    CHECK_PACKAGE_URI,
    CHECK_EXCLUDED,
    CHECK_CONFIGURATION_UNKNOWN,
    CHECK_SOME_UNAUTHENTICATED,
    CHECK_FLOATING,
    CHECK_QUARANTINE,
    CHECK_FAILURE,
    CHECK_DEVIATION_ENDLESS,
    CHECK_DEVIATION_EXPIRED,
    CHECK_DEVIATION_PENDING,
    CHECK_NO_BASELINE,
    CHECK_NO_FEDRAMP_ID,
    CHECK_MONTH_OPEN,
    COMPLETENESS_CHECKS
};

struct completeness_check {
    const char *name; /* "containers-not-covered": stays */
    enum completeness_severity severity;
    const char *rule, *fix;
};

extern const struct completeness_check completeness_checks[COMPLETENESS_CHECKS];
const char *completeness_severity_name(enum completeness_severity severity);

struct completeness_subject {
    const char *subject, *says;
};

struct completeness_result {
    size_t count; /* of all */
    size_t named; /* in `subjects` */
    struct completeness_subject *subjects;
};

struct completeness;

/* Errors: those of the snapshot, MU_E_NOMEM. */
enum mu_status completeness_check(const struct snapshot *snapshot, const struct system_file *system,
                                  struct completeness **ret_completeness,
                                  struct mu_error *err) MU_MUST_CHECK;
void completeness_free(struct completeness *completeness); /* NULL is fine */

const struct completeness_result *completeness_of(const struct completeness *completeness,
                                                  enum completeness_id id);
size_t completeness_count(const struct completeness *completeness,
                          enum completeness_severity severity);

MU_DEFINE_AUTO(completeness, struct completeness, completeness_free)

#endif
