/*
 * checks: the table of what an image can get wrong apart from vulnerabilities.
 *
 * An id is never given to another check, and a check that is dropped leaves its number unused:
 * findings of last year still mean what they said.
 *
 * Threads: the table is constant. Sources are named by document and section in each row:
 * CIS Docker Benchmark 1.6.0, NIST SP 800-190 (2017).
 */
#ifndef SCANNER_CHECK_CHECKS_H
#define SCANNER_CHECK_CHECKS_H

#include "package/finder.h"

enum check_kind {
    CHECK_ROOT_USER,
    CHECK_UNKNOWN_USER,
    CHECK_SETUID_FILE,
    CHECK_WRITABLE_FILE,
    CHECK_WRITABLE_DIRECTORY,
    CHECK_SECRET_IN_ENVIRONMENT,
    CHECK_SECRET_IN_HISTORY,
    CHECK_SECRET_IN_CONFIG,
    CHECK_SECRET_IN_FILE,
    CHECK_PRIVATE_KEY,
    CHECK_CREDENTIALS_FILE,
    CHECK_EMPTY_PASSWORD,
    CHECK_SECOND_ROOT,
    CHECK_SUDO_WITHOUT_PASSWORD,
    CHECK_REMOTE_SHELL,
    CHECK_REMOTE_SHELL_PORT,
    CHECK_PACKAGE_LEFTOVERS,
    CHECK_ADD_FROM_URL,
    CHECK_PIPE_TO_SHELL,
    CHECK_UNVERIFIED_PACKAGES,
    CHECK_UPDATE_ALONE,
    CHECK_NO_HEALTHCHECK,
    CHECK_NO_BASE_DIGEST,
    CHECK_FLOATING_BASE,
    CHECK_RELATIVE_PATH,
    CHECK_END_OF_LIFE,
    CHECK_EXTENDED_SUPPORT,
    CHECK_COUNT
};

struct check {
    const char *id;       /* "MUSTER-IMG-0001" */
    const char *title;    /* what is wrong */
    const char *severity; /* "critical" "high" "moderate" "low" */
    const char *source;   /* document and section */
    const char *remediation;
};

extern const struct check checks[CHECK_COUNT]; /* by enum check_kind, which is by id */

/* NULL: there is no such check. */
const struct check *check_find(const char *id);

enum { CHECK_EVIDENCE_MAX_BYTES = 300 };

/* Hands one issue to the sink. `evidence` is cleaned: no control bytes, valid UTF-8, at most
 * CHECK_EVIDENCE_MAX_BYTES; NULL: none. Errors: the sink's. */
enum mu_status check_tell(enum check_kind kind, const char *evidence, uint32_t line,
                          const struct finder_sink *sink, struct mu_error *err) MU_MUST_CHECK;

#endif
