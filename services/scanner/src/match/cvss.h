/*
 * cvss: base scores from vectors. Formulas: CVSS v3.1 specification, section 7.1 (v3.0 differs only
 * in rounding edge cases); CVSS v2 guide, section 3.2.1. Temporal and environmental members are
 * ignored.
 */
#ifndef SCANNER_MATCH_CVSS_H
#define SCANNER_MATCH_CVSS_H

#include <stdbool.h>

/* Score in tenths (0 to 100). False: the vector is not well-formed or lacks a base metric. */
bool cvss_v3_base(const char *vector, int *ret_tenths);
bool cvss_v2_base(const char *vector, int *ret_tenths);

enum severity {
    SEVERITY_UNKNOWN,
    SEVERITY_NEGLIGIBLE,
    SEVERITY_LOW,
    SEVERITY_MODERATE,
    SEVERITY_HIGH,
    SEVERITY_CRITICAL
};

const char *severity_word(enum severity severity);
/* Bands of v3: 0.1-3.9, 4.0-6.9, 7.0-8.9, 9.0-10; v2 has no critical. */
enum severity severity_of_v3(int tenths);
enum severity severity_of_v2(int tenths);

#endif
