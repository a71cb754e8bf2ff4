/*
 * verdict: what may be said of an image, and why; words of the database, the API and the caches.
 */
#ifndef INVENTORY_POLICY_VERDICT_H
#define INVENTORY_POLICY_VERDICT_H

#include <stdbool.h>

enum verdict {
    VERDICT_NONE,
    VERDICT_APPROVED,
    VERDICT_REJECTED,
    VERDICT_WAITING, /* nothing can be said yet: images are untrusted until they are scanned */
    VERDICT_COUNT
};

enum verdict_reason {
    REASON_NONE,
    REASON_POLICY_PASSED,
    REASON_RULE_BROKEN,     /* the rule is named beside it */
    REASON_NEVER_SCANNED,   /* known to a registry, no complete scan of it */
    REASON_SCAN_EXPIRED,    /* older than the policy allows */
    REASON_SCAN_FAILED,     /* given up into a detection failure */
    REASON_DATABASE_STALE,  /* the scan's vulnerability database was older than the policy allows */
    REASON_NOT_IN_REGISTRY, /* deleted, or its registry does not have it */
    REASON_PERSON_APPROVED, /* somebody with a role and a reason */
    REASON_PERSON_REVOKED,
    /* of the gate alone: */
    REASON_UNKNOWN_IMAGE, /* nothing is known of it */
    REASON_BAD_REFERENCE, /* no image reference */
    REASON_ALLOWLISTED,
    REASON_EXEMPT,      /* the scope is not looked at */
    REASON_UNCHANGED,   /* an update that brings no new image */
    REASON_CACHE_AWAY,  /* there is no cache, or it was refused */
    REASON_CACHE_STALE, /* older than its bound */
    REASON_LOG_FULL,    /* the decision could not be written down */
    REASON_COUNT
};

const char *verdict_word(enum verdict verdict);              /* "approved" */
const char *verdict_reason_word(enum verdict_reason reason); /* "never_scanned" */
/* VERDICT_NONE when it is no word of ours. */
enum verdict verdict_of_word(const char *word);

#endif
