#include "numbers/triggers.h"

const char trigger_source[] = "FedRAMP Continuous Monitoring Playbook (2025-11), Table 1";

const struct trigger_rule trigger_rules[TRIGGER_COUNT] = {
        [TRIGGER_UNIQUE] =
                {"unique_vulnerabilities", "Unique vulnerabilities above the baseline",
                 "vulnerabilities", MEASURE_UNIQUE, -1, 0, "DFR",
                 "Remediate the vulnerabilities that most images share, or ask the agency "
                 "for a new baseline with a justification."},
        [TRIGGER_UNAUTHENTICATED] = {"unauthenticated_scans", "Unauthenticated scans", "per mille",
                                     MEASURE_UNAUTHENTICATED, 100, 0, "DFR",
                                     "Give the scanner credentials for the registries concerned "
                                     "and scan again before the submission."},
        [TRIGGER_HIGH_30] = {"high_over_30_days", "High, older than 30 days", "items",
                             MEASURE_AGED_HIGH, 5, 0, "DFR",
                             "Remediate the items concerned; an operational requirement is never "
                             "approved for a high risk before it is adjusted."},
        [TRIGGER_HIGH_60] =
                {"high_over_60_days", "High, older than 60 days", "items", MEASURE_AGED_HIGH, 5, 30,
                 "CAP",
                 "Remediate the oldest items first and prepare the plan that the agency "
                 "will ask for."},
        [TRIGGER_MODERATE_90] =
                {"moderate_over_90_days", "Moderate, older than 90 days", "items",
                 MEASURE_AGED_MODERATE, 10, 0, "DFR",
                 "Remediate the items concerned, or ask for deviations with evidence."},
        [TRIGGER_MODERATE_120] = {"moderate_over_120_days", "Moderate, older than 120 days",
                                  "items", MEASURE_AGED_MODERATE, 10, 30, "CAP",
                                  "Remediate the oldest items first and prepare the plan that the "
                                  "agency will ask for."},
};
