/*
 * ask: the question of a pipeline, "may this image go on?", asked of the database. The command
 * `gate` and the API's /v1/verdicts both ask it here.
 *
 * What is still to be scanned is asked for with priority. A decision is written down before it is
 * told: no record, no verdict. The same decision on one question is written once, however often
 * writing is tried.
 *
 * Ownership: the policy is the asked's; the assessment is in the arena given. Threads: one at a
 * time.
 */
#ifndef INVENTORY_POLICY_ASK_H
#define INVENTORY_POLICY_ASK_H

#include "policy/report.h"

#include "base/sha256.h"

enum ask_flag {
    ASK_WAITS = 1 << 0, /* who asks comes again while the verdict is waiting: that is no decision */
    ASK_LOOKS = 1 << 1  /* only looks: nothing is decided, and no scan asked for */
};

struct asked {
    const char *image; /* as it was asked for; borrowed */
    struct mu_oci_reference reference;
    struct policy *policy;
    struct assessment assessment;
    int64_t at_us;
    bool only_looked;
    char decision_id[MU_UUID_TEXT_SIZE]; /* of the record; "": none was made */
    char nonce[MU_UUID_TEXT_SIZE];       /* of this question: random, or by its key */
};

/* Errors: MU_E_INVALID (no image reference), MU_E_UNAVAILABLE (no random numbers). */
enum mu_status ask_begin(const char *image, struct asked *ret_asked,
                         struct mu_error *err) MU_MUST_CHECK;

/* The question is the one that `who` calls by this key, of his choice: asked again, after an answer
 * that did not arrive, the same decision is the same record. */
void ask_by_key(struct asked *asked, const char *who, const char *key);

/* `by` is who asks, for the record. May be called again: the arena is the caller's to reset.
 * Errors: as mu_pg_execute; MU_E_LIMIT, MU_E_NOMEM (more findings than there is room for). */
enum mu_status ask(struct asked *asked, struct mu_pg *pg, const char *by, unsigned flags,
                   struct mu_arena *arena, struct mu_error *err) MU_MUST_CHECK;

/* For report.h; borrowed from the asked. */
struct report asked_report(const struct asked *asked);

void asked_done(struct asked *asked);

#endif
