/*
 * checks: what must hold between the things of a package, as one table of questions to the store.
 * Each answer of a question is a difference.
 */
#ifndef REPORT_VERIFY_CHECKS_H
#define REPORT_VERIFY_CHECKS_H

#include "verify/state.h"

/* What must have been read for a question to make sense. */
enum verify_group {
    VERIFY_ALWAYS = 0,
    VERIFY_HAS_CONTAINERS = 1 << 0, /* running-containers.csv, whole */
    VERIFY_HAS_FINDINGS = 1 << 1,   /* findings.csv, whole */
    VERIFY_HAS_CLOSED = 1 << 2,     /* closed-findings.csv, whole */
    VERIFY_HAS_ASSETS = 1 << 3,     /* assets.csv, whole */
    VERIFY_FOREIGN = 1 << 4         /* another's package; then only its questions are asked */
};

void verify_run_checks(struct verify_state *state, unsigned groups);

#endif
