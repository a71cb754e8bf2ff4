/*
 * judge: facts about an image against a policy. No clock and no database in here: the same facts at
 * the same instant give the same verdict, this year and next.
 *
 * Threads: any; nothing is changed but what the caller owns.
 */
#ifndef INVENTORY_POLICY_JUDGE_H
#define INVENTORY_POLICY_JUDGE_H

#include "policy/policy.h"
#include "policy/verdict.h"

#include "base/buf.h"

/* Texts may be NULL where nothing is known. */
struct finding_fact {
    const char *id, *package, *fixed;
    enum severity severity;
    enum finding_kind kind;
    bool kev;
    int64_t since_us; /* first detection */
    /* What an approved deviation makes of it, and until when; MU_TIME_NONE: without an end. */
    bool held; /* it does not count */
    int64_t held_until_us;
    enum severity adjusted; /* none: as it is */
    int64_t adjusted_until_us;
};

/* Of one platform manifest in one repository. */
struct image_facts {
    const char *repository, *digest, *os_name, *registry, *scan_id, *database_version,
            *failure_code, *failure_message;
    int64_t finished_at_us; /* of the newest complete scan; MU_TIME_NONE: there is none */
    int64_t database_built_at_us, first_seen_at_us;
    const struct finding_fact *findings;
    size_t finding_count;
    struct mu_json_texts bases; /* repositories of images whose layers it begins with */
    bool has_layers;            /* they are known */
    bool named;                 /* the scan carries the name that is asked for */
    bool has_read;              /* what the evidence says beside its findings is among them */
};

enum { JUDGED_DETAIL_SIZE = 400 };

struct judged {
    enum verdict verdict;
    enum verdict_reason reason;
    const char *rule;                /* of the policy; "" when none was broken */
    char detail[JUDGED_DETAIL_SIZE]; /* one line; approved: what ends it, unless it is the scan's
                                        age */
    int64_t expires_at_us;           /* when an approval ends by itself */
};

void judge_image(const struct policy *policy, const struct image_facts *facts, int64_t now_us,
                 struct judged *ret_judged);

/* Whether the finding counts for the rule then, exceptions and deviations looked at. */
bool judge_counts(const struct policy *policy, const struct policy_rule *rule,
                  const struct image_facts *facts, const struct finding_fact *finding,
                  int64_t now_us);

/* What its severity is then. */
enum severity judge_severity(const struct finding_fact *finding, int64_t now_us);

/* Of several manifests behind one name the worst counts. */
void judge_worst(struct judged *worst, const struct judged *judged);

#endif
