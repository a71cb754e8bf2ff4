/*
 * approval: what people decide about images, beside the policy: approve or revoke a digest with
 * name, role, reason and, for approvals, an end; or take that back. Facts, never changed.
 *
 * An approval is of what a tag points at now: what is pushed under it later is not approved. The
 * same decision again, while nobody has said otherwise since, is the one that is there; one with
 * the key of a decision of this person is that one, whatever has been said since.
 */
#ifndef INVENTORY_POLICY_APPROVAL_H
#define INVENTORY_POLICY_APPROVAL_H

#include "policy/policy_statements.h"

#include "base/memory.h"

struct approval {
    const char *image;    /* as people write it */
    const char *decision; /* "approve", "revoke" or "withdraw" */
    const char *person, *role, *reason;
    const char *until; /* RFC 3339; NULL or "": until further notice, which no approval is */
    const char *key;   /* what the person calls this request by; NULL: nothing */
};

struct approval_made {
    bool is_new;
    const char *id, *at, *until, *policy; /* until and policy may be NULL */
    const char *name, *repository, *digest;
};

/* What was recorded, in the arena. Errors: MU_E_INVALID (a member is missing or wrong), MU_E_DENIED
 * (the policy gives the role no say; nothing else), MU_E_NOT_FOUND (nothing is known of the image),
 * MU_E_CONFLICT (nothing to withdraw; the key is another decision's), as mu_pg_execute, MU_E_NOMEM.
 */
enum mu_status approval_record(struct mu_pg *pg, const struct approval *approval,
                               struct mu_arena *arena, struct approval_made *ret_made,
                               struct mu_error *err) MU_MUST_CHECK;

#endif
