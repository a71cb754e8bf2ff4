#include "numbers/numbers.h"

#include <stddef.h>

static const char clocks[] = "Playbook, remediation: high 30, moderate 90, low 180 days";
static const char counting[] = "one item per vulnerability and deviation (Playbook, POA&M)";
static const char window[] = "Playbook, containers: scanned within 30 days";
static const char kev_rule[] = "RA-5(d) of the Rev5 baseline: KEV due dates go first";
static const char scan_rule[] = "Playbook, vulnerability scanning";
static const char own[] = "counted by Muster";

#define AT(member) offsetof(struct numbers, member)
#define OF(member) offsetof(struct rating_numbers, member)
#define FIGURES_OF(name, label, at)                                                                \
    {"ratings." name ".unique", label "unique vulnerabilities", (at) + OF(unique), own},           \
            {"ratings." name ".items", label "POA&M items", (at) + OF(items), counting},           \
            {"ratings." name ".per_asset", label "findings per asset", (at) + OF(per_asset), own}, \
            {"ratings." name ".per_instance", label "findings per running container",              \
             (at) + OF(per_instance), own},                                                        \
            {"ratings." name ".late", label "items late", (at) + OF(states[ITEM_LATE]), clocks},   \
            {"ratings." name ".due", label "items due before the next submission",                 \
             (at) + OF(states[ITEM_DUE]), clocks},                                                 \
            {"ratings." name ".open", label "items due later", (at) + OF(states[ITEM_OPEN]),       \
             clocks},                                                                              \
            {"ratings." name ".held", label "items held by an approved deviation",                 \
             (at) + OF(states[ITEM_HELD]), clocks},                                                \
            {"ratings." name ".age_up_to_30", label "items up to 30 days old", (at) + OF(ages[0]), \
             own},                                                                                 \
            {"ratings." name ".age_up_to_90", label "items 31 to 90 days old", (at) + OF(ages[1]), \
             own},                                                                                 \
            {"ratings." name ".age_up_to_180", label "items 91 to 180 days old",                   \
             (at) + OF(ages[2]), own},                                                             \
    {                                                                                              \
        "ratings." name ".age_over_180", label "items over 180 days old", (at) + OF(ages[3]), own  \
    }
#define COVERAGE_OF(name, label, state)                            \
    {"coverage.containers_in." name, "running containers " label,  \
     AT(containers_in) + (state) * sizeof(int64_t), window},       \
    {                                                              \
        "coverage.images_in." name, "images in production " label, \
                AT(images_in) + (state) * sizeof(int64_t), window  \
    }

const struct figure figures[] = {
        FIGURES_OF("all", "", AT(all)),
        FIGURES_OF("critical", "critical: ", AT(ratings[RATING_CRITICAL])),
        FIGURES_OF("high", "high: ", AT(ratings[RATING_HIGH])),
        FIGURES_OF("unknown", "not rated: ", AT(ratings[RATING_UNKNOWN])),
        FIGURES_OF("moderate", "moderate: ", AT(ratings[RATING_MODERATE])),
        FIGURES_OF("low", "low: ", AT(ratings[RATING_LOW])),
        FIGURES_OF("negligible", "negligible: ", AT(ratings[RATING_NEGLIGIBLE])),
        {"baseline.at_authorization", "unique vulnerabilities at authorization", AT(baseline),
         "system file: unique_vulnerability_baseline"},
        {"baseline.limit", "unique vulnerabilities that make an agency escalate",
         AT(baseline_limit), "Playbook, Table 1: 20 % or 10 more, the greater"},
        {"items.new", "items first detected in this month", AT(new_items), own},
        {"items.closed", "items closed in this month", AT(closed_items), own},
        {"items.false_positive", "items that are approved false positives",
         AT(all.states[ITEM_FALSE_POSITIVE]), "Playbook: approved false positives are closed"},
        {"items.false_positive_vulnerabilities",
         "vulnerabilities that are nothing but false positives", AT(false_positives),
         "Playbook: approved false positives are closed"},
        {"late.rev5_30_days", "high items late by the 30 days", AT(late_30), clocks},
        {"late.rev5_90_days", "moderate items late by the 90 days", AT(late_90), clocks},
        {"late.rev5_180_days", "low items late by the 180 days", AT(late_180), clocks},
        {"late.kev", "items past the due date of KEV", AT(late_kev), kev_rule},
        {"late.bod26_04", "items past the timeline of BOD 26-04", AT(late_bod),
         "BOD 26-04; binds agencies"},
        {"kev.vulnerabilities", "vulnerabilities known to be exploited (KEV) in production",
         AT(kev), kev_rule},
        {"kev.per_asset", "KEV findings per asset", AT(kev_per_asset), own},
        {"kev.per_instance", "KEV findings per running container", AT(kev_per_instance), own},
        {"kev.due", "KEV items due before the next submission", AT(kev_due), kev_rule},
        {"coverage.containers", "running containers", AT(containers), own},
        {"coverage.images", "images in production (asset and manifest)", AT(images), own},
        COVERAGE_OF("covered", "covered", COVERAGE_COVERED),
        COVERAGE_OF("scan_expired", "whose scan is older than 30 days", COVERAGE_EXPIRED),
        COVERAGE_OF("scan_failed", "whose scan failed", COVERAGE_FAILED),
        COVERAGE_OF("never_scanned", "never scanned", COVERAGE_NEVER),
        COVERAGE_OF("unresolved", "not resolved to an image", COVERAGE_UNRESOLVED),
        COVERAGE_OF("not_in_registry", "not in the registry", COVERAGE_NOT_IN_REGISTRY),
        COVERAGE_OF("excluded", "excluded with a reason", COVERAGE_EXCLUDED),
        {"coverage.window_ends", "images whose 30 days end before the next submission",
         AT(window_ends), window},
        {"coverage.floating", "images in production under a floating tag", AT(floating), own},
        {"scan_age.up_to_1_day", "images scanned within a day", AT(scan_ages[0]), window},
        {"scan_age.up_to_7_days", "images scanned 2 to 7 days ago", AT(scan_ages[1]), window},
        {"scan_age.up_to_14_days", "images scanned 8 to 14 days ago", AT(scan_ages[2]), window},
        {"scan_age.up_to_21_days", "images scanned 15 to 21 days ago", AT(scan_ages[3]), window},
        {"scan_age.up_to_30_days", "images scanned 22 to 30 days ago", AT(scan_ages[4]), window},
        {"scan_age.over_30_days", "images scanned more than 30 days ago", AT(scan_ages[5]), window},
        {"scan_age.none", "images without a complete scan", AT(scan_age_unknown), window},
        {"scans.raw", "raw scans", AT(raw_scans), own},
        {"scans.authenticated", "authenticated raw scans", AT(authenticated), scan_rule},
        {"scans.unauthenticated", "unauthenticated raw scans", AT(unauthenticated), scan_rule},
        {"scans.authentication_unknown", "raw scans that do not say, or failed",
         AT(authentication_unknown), scan_rule},
        {"scans.unauthenticated_per_mille", "unauthenticated share, per mille",
         AT(unauthenticated_per_mille), "Playbook, Table 1: 10 % or more"},
        {"scans.database_stale", "scans whose database was over 24 hours old", AT(databases_stale),
         "RA-5(2) of the Rev5 baseline"},
        {"scans.database_time_unknown", "scans that do not say how old their database was",
         AT(database_time_unknown), "RA-5(2) of the Rev5 baseline"},
        {"scans.configurations", "different scanner configurations", AT(configurations), scan_rule},
        {"scans.configuration_differs", "scans with another configuration than was validated",
         AT(configuration_differs), scan_rule},
        {"scans.configuration_unknown", "scans without a configuration checksum",
         AT(configuration_unknown), scan_rule},
        {"failures.open", "detection failures that are open", AT(failures_open), "VDR-CSO-FAV"},
        {"failures.opened", "detection failures that began in this month", AT(failures_opened),
         "VDR-CSO-FAV"},
        {"failures.closed", "detection failures that ended in this month", AT(failures_closed),
         "VDR-CSO-FAV"},
        {"deviations.pending", "deviations not yet decided", AT(deviations_pending),
         "Playbook: pending until approved"},
        {"deviations.approved", "approved deviations", AT(deviations_approved), "Playbook"},
        {"deviations.expiring", "approved deviations that end before the next submission",
         AT(deviations_expiring), own},
        {"deviations.check_ins_due", "vendor check-ins needed before the next submission",
         AT(check_ins_due), "Playbook: every 30 days"},
};
const size_t figure_count = sizeof(figures) / sizeof(figures[0]);

int64_t figure_value(const struct numbers *numbers, size_t index)
{
    return *(const int64_t *)(const void *)((const char *)numbers + figures[index].offset);
}
