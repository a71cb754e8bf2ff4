/*
 * policy: what makes an image good enough, as people write it (schemas/policy.v1.schema.json).
 *
 * Ownership: texts live in the policy. Threads: constant after it was loaded.
 */
#ifndef INVENTORY_POLICY_H
#define INVENTORY_POLICY_H

#include "base/error.h"
#include "base/memory.h"
#include "base/sha256.h"
#include "json/json_table.h"

#include <stdbool.h>

/* As raw results name them, worst last. */
enum severity {
    SEVERITY_NONE,
    SEVERITY_UNKNOWN,
    SEVERITY_NEGLIGIBLE,
    SEVERITY_LOW,
    SEVERITY_MODERATE,
    SEVERITY_HIGH,
    SEVERITY_CRITICAL,
    SEVERITY_COUNT
};
const char *severity_word(enum severity severity);
/* What is no word of ours is unknown. */
enum severity severity_of_word(const char *word);

enum finding_kind { FINDING_NONE, FINDING_VULNERABILITY, FINDING_CONFIGURATION };

enum { POLICY_MAX_RULES = 64, POLICY_MAX_EXCEPTIONS = 10000 };

/* Broken when more than `max` findings are what it says, exceptions taken out. */
struct policy_rule {
    const char *name;
    int of;       /* enum finding_kind; none: vulnerabilities */
    int at_least; /* enum severity */
    bool kev, fixable;
    const char *older_than_text; /* only what was first detected longer ago; NULL: all */
    int64_t older_than_us, max;
};

struct policy_exception {
    const char *finding;         /* pattern over the id of a vulnerability or check */
    const char *image, *package; /* patterns; NULL: all */
    int64_t until_us;
    const char *by, *reason;
};

struct policy {
    struct mu_arena *arena;
    const char *name, *max_scan_age_text, *max_database_age_text, *max_image_age_text;
    struct mu_json_array rules, exceptions; /* struct policy_rule, struct policy_exception */
    struct mu_json_texts base_images; /* patterns over the operating system's name; none: all */
    struct mu_json_texts built_from;  /* patterns over repositories of base images; none: all */
    struct mu_json_texts approvers;   /* roles that may approve and revoke; none: all */
    struct mu_json_texts deviations;  /* kinds of approved deviations that count; none: no kind */
    int64_t max_scan_age_us;
    int64_t max_image_age_us;         /* since it was first seen; 0: not looked at */
    int64_t max_database_age_us;      /* between the database and the scan; 0: not looked at */
    char digest[MU_DIGEST_TEXT_SIZE]; /* of the content: its version */
};

/* Errors: MU_E_INVALID, MU_E_LIMIT, MU_E_NOMEM; naming path, and line or member. */
enum mu_status policy_parse(const char *path, const char *bytes, size_t len,
                            struct policy **ret_policy, struct mu_error *err) MU_MUST_CHECK;
void policy_free(struct policy *policy); /* NULL is fine */

/* What counts where nobody wrote one: no known exploited and no critical vulnerability, scans of
 * 30 days (FedRAMP Vulnerability Scanning Requirements for Containers). */
extern const char policy_default_text[];

/* Whether some rule asks how old findings are. */
bool policy_asks_ages(const struct policy *policy);

bool policy_role_may_approve(const struct policy *policy, const char *role);

MU_DEFINE_AUTO(policy, struct policy, policy_free)

#endif
