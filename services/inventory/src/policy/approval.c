#include "policy/approval.h"

#include "policy/assess.h"

#include "base/clock.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>

enum { ARENA_BYTES = 64 * 1024 * 1024 };

static enum mu_status check_members(const struct approval *approval, struct mu_error *err)
{
    const struct {
        const char *name, *text;
    } needed[] = {
            {"person", approval->person}, {"role", approval->role}, {"reason", approval->reason}};
    bool approves = mu_text_equal(approval->decision, "approve");

    if (!approves && !mu_text_equal(approval->decision, "revoke") &&
        !mu_text_equal(approval->decision, "withdraw"))
        return mu_fail(err, MU_E_INVALID, "decision must be approve, revoke or withdraw");
    for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++)
        if (!needed[i].text || !*needed[i].text)
            return mu_fail(err, MU_E_INVALID,
                           "%s is missing: every decision has a person, a role "
                           "and a reason",
                           needed[i].name);
    if (approves && (!approval->until || !*approval->until))
        return mu_fail(err, MU_E_INVALID, "until is missing: an approval has an end");
    return MU_OK;
}

static enum mu_status read_until(const struct approval *approval, int64_t now_us,
                                 char ret_until[MU_TIME_TEXT_SIZE], struct mu_error *err)
{
    int64_t until_us = 0;
    enum mu_status st;

    ret_until[0] = '\0';
    if (!approval->until || !*approval->until)
        return MU_OK;
    st = mu_time_parse(approval->until, strlen(approval->until), &until_us, err);
    if (st == MU_OK && until_us <= now_us)
        st = mu_fail(err, MU_E_INVALID, "until is in the past: '%s'", approval->until);
    if (st == MU_OK)
        mu_time_format(until_us, ret_until);
    return st;
}

/* The digest that the image is now. */
static enum mu_status find_image(struct mu_pg *pg, const struct approval *approval,
                                 struct mu_arena *arena, struct assessment *ret_found,
                                 struct mu_error *err)
{
    MU_AUTO(policy) struct policy *policy = NULL;
    char as_of[MU_TIME_TEXT_SIZE];
    struct assess_times times = {as_of, "infinity", mu_now_us()};
    struct mu_oci_reference reference;
    enum mu_status st =
            mu_oci_reference_parse(approval->image, strlen(approval->image), &reference, err);

    mu_time_format(times.as_of_us, as_of);
    if (st == MU_OK)
        st = assess_policy(pg, &times, &policy, err);
    if (st == MU_OK && !policy_role_may_approve(policy, approval->role))
        st = mu_fail(err, MU_E_DENIED,
                     "the policy '%s' gives the role '%.60s' no say: see its approvers",
                     policy->name, approval->role);
    if (st == MU_OK)
        st = assess_image(pg, policy, &reference, &times, arena, ret_found, err);
    if (st == MU_OK && !ret_found->digest)
        st = mu_fail(err, MU_E_NOT_FOUND, "nothing is known of '%.300s': push it first",
                     approval->image);
    return st;
}

enum mu_status approval_record(struct mu_pg *pg, const struct approval *approval,
                               char ret_id[APPROVAL_ID_SIZE], struct mu_error *err)
{
    MU_AUTO(arena) struct mu_arena *arena = mu_arena_new(ARENA_BYTES);
    MU_AUTO(pg_result) struct mu_pg_result *made = NULL;
    MU_AUTO(pg_transaction) struct mu_pg *transaction = pg;
    char known_at[POLICY_TIME_SIZE], until[MU_TIME_TEXT_SIZE];
    struct assessment found;
    enum mu_status st = check_members(approval, err);

    (void)transaction;
    if (st == MU_OK)
        st = read_until(approval, mu_now_us(), until, err);
    if (st == MU_OK)
        st = find_image(pg, approval, arena, &found, err);
    if (st == MU_OK)
        st = mu_pg_begin(pg, MU_PG_READ_COMMITTED, err);
    if (st == MU_OK)
        st = policy_tick(pg, known_at, err);
    if (st == MU_OK)
        st = mu_pg_execute(pg, POLICY_APPROVE,
                           (const char *const[]){known_at, found.repository, found.digest,
                                                 found.name, approval->decision, approval->person,
                                                 approval->role, approval->reason,
                                                 until[0] ? until : NULL},
                           &made, err);
    if (st == MU_OK)
        (void)snprintf(ret_id, APPROVAL_ID_SIZE, "%s", mu_pg_text(made, 0, 0));
    return st == MU_OK ? mu_pg_commit(pg, err) : st;
}
