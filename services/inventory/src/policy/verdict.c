#include "policy/verdict.h"

#include "base/text.h"

static const char *const verdict_words[VERDICT_COUNT] = {"none", "approved", "rejected", "waiting"};

static const char *const reason_words[REASON_COUNT] = {
        [REASON_NONE] = "none",
        [REASON_POLICY_PASSED] = "policy_passed",
        [REASON_RULE_BROKEN] = "rule_broken",
        [REASON_NEVER_SCANNED] = "never_scanned",
        [REASON_SCAN_EXPIRED] = "scan_expired",
        [REASON_SCAN_FAILED] = "scan_failed",
        [REASON_DATABASE_STALE] = "database_stale",
        [REASON_NOT_IN_REGISTRY] = "not_in_registry",
        [REASON_PERSON_APPROVED] = "person_approved",
        [REASON_PERSON_REVOKED] = "person_revoked",
        [REASON_UNKNOWN_IMAGE] = "unknown_image",
        [REASON_BAD_REFERENCE] = "bad_reference",
        [REASON_ALLOWLISTED] = "allowlisted",
        [REASON_EXEMPT] = "exempt",
        [REASON_UNCHANGED] = "unchanged",
        [REASON_CACHE_AWAY] = "cache_away",
        [REASON_CACHE_STALE] = "cache_stale",
        [REASON_LOG_FULL] = "log_full",
};

const char *verdict_word(enum verdict verdict)
{
    return verdict_words[verdict];
}

const char *verdict_reason_word(enum verdict_reason reason)
{
    return reason_words[reason];
}

enum verdict verdict_of_word(const char *word)
{
    for (int i = 1; i < VERDICT_COUNT; i++)
        if (mu_text_equal(word, verdict_words[i]))
            return (enum verdict)i;
    return VERDICT_NONE;
}
