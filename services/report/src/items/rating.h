/*
 * rating: how bad a finding is, in the order in which the worst of several counts.
 *
 * Without a rating a finding keeps the clock of a high one (FedRAMP Continuous Monitoring Playbook,
 * "Vulnerability Scanning"), and stands behind it.
 */
#ifndef REPORT_ITEMS_RATING_H
#define REPORT_ITEMS_RATING_H

enum rating {
    RATING_CRITICAL,
    RATING_HIGH,
    RATING_UNKNOWN,
    RATING_MODERATE,
    RATING_LOW,
    RATING_NEGLIGIBLE,
    RATING_COUNT
};

extern const char *const rating_names[RATING_COUNT]; /* as finding_row.severity has them */

enum rating rating_of(const char *severity); /* NULL, and what is none of them: RATING_UNKNOWN */

#endif
