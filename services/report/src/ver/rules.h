/*
 * rules: the figures of FedRAMP's rules for vulnerabilities, and what is taken where no person has
 * judged. Every one of them stands in rules.c and nowhere else.
 *
 * Source: FedRAMP Consolidated Rules 2026, release 2026.07.14.01: VDR-TFR-PVR, VDR-TFR-KEV,
 * VER-TFR-EVU, VER-TFR-MAV, VER-TFR-IRI, VER-TFR-NRI, VER-EVA-AIA. The table of default ratings is
 * ours: the rules leave it to the provider.
 */
#ifndef REPORT_VER_RULES_H
#define REPORT_VER_RULES_H

#include <stdbool.h>
#include <stdint.h>

enum { VER_ACCEPTED_AFTER_DAYS = 192, VER_RATING_MAX = 5 };

#define VER_HOUR_US (INT64_C(3600) * 1000000)
#define VER_DAY_US  (24 * VER_HOUR_US)

/* Class of a system that does not state one, by its impact level: Low B, Moderate C, High D. */
char ver_class_of_impact(const char *impact_level);

/* VDR-TFR-PVR: hours from evaluation until the rating is to be lower; 0: N1, and what is no rating,
 * have no such time. `certification_class`: A to D. */
int ver_reduction_hours(char certification_class, int rating, bool likely_exploitable,
                        bool internet_reachable);

/* VER-TFR-EVU: days from detection. */
int ver_evaluation_days(char certification_class);

/* VER-TFR-IRI and -NRI: the rule by which to treat it as a reportable incident; NULL: none that
 * says SHOULD. */
const char *ver_incident_rule(char certification_class, int rating, bool likely_exploitable,
                              bool internet_reachable);

/* N1 to N5 by the severity after approved risk adjustments, where no person has rated: critical 5,
 * high 4, moderate 3, low 2, negligible 1, unknown and any other 3. */
int ver_default_rating(const char *severity);

/* Failures of detection hide vulnerabilities of any severity: as unknown. */
int ver_default_failure_rating(void);

#endif
