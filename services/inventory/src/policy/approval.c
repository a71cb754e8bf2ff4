#include "policy/approval.h"

#include "policy/assess.h"

#include "base/clock.h"
#include "base/sha256.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>

static bool is_blank(const char *text)
{
    return !text || text[strspn(text, " \t\r\n")] == '\0';
}

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
        if (is_blank(needed[i].text))
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

/* That the database refuses us says nothing of who decides. */
static enum mu_status from_database(enum mu_status st, struct mu_error *err)
{
    return st == MU_E_DENIED ? (err->status = MU_E_INTERNAL) : st;
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
        st = from_database(assess_policy(pg, &times, &policy, err), err);
    if (st == MU_OK && !policy_role_may_approve(policy, approval->role))
        return mu_fail(err, MU_E_DENIED,
                       "the policy '%s' gives the role '%.60s' no say: see its approvers",
                       policy->name, approval->role);
    if (st == MU_OK)
        st = from_database(assess_image(pg, policy, &reference, &times, arena, ret_found, err),
                           err);
    if (st == MU_OK && !ret_found->digest)
        st = mu_fail(err, MU_E_NOT_FOUND, "nothing is known of '%.300s': push it first",
                     approval->image);
    return st;
}

/* ---- the record ---- */

/* Columns of APPROVE, APPROVED_SO and APPROVED_BY_ID; the last has one more. */
enum {
    MADE_ID,
    MADE_AT,
    MADE_UNTIL,
    MADE_POLICY,
    MADE_NAME,
    MADE_REPOSITORY,
    MADE_DIGEST,
    MADE_SO
};

static const char *time_of(const struct mu_pg_result *row, int column, struct mu_arena *arena)
{
    char text[MU_TIME_TEXT_SIZE];

    if (mu_pg_null(row, 0, column))
        return NULL;
    mu_time_format(mu_pg_time_us(row, 0, column), text);
    return mu_arena_strdup(arena, text);
}

static const char *text_of(const struct mu_pg_result *row, int column, struct mu_arena *arena)
{
    const char *text = mu_pg_text(row, 0, column);

    return text ? mu_arena_strdup(arena, text) : NULL;
}

static enum mu_status read_made(const struct mu_pg_result *row, bool is_new, struct mu_arena *arena,
                                struct approval_made *ret_made, struct mu_error *err)
{
    const struct approval_made made = {.is_new = is_new,
                                       .id = text_of(row, MADE_ID, arena),
                                       .at = time_of(row, MADE_AT, arena),
                                       .until = time_of(row, MADE_UNTIL, arena),
                                       .policy = text_of(row, MADE_POLICY, arena),
                                       .name = text_of(row, MADE_NAME, arena),
                                       .repository = text_of(row, MADE_REPOSITORY, arena),
                                       .digest = text_of(row, MADE_DIGEST, arena)};

    if (!made.id || !made.at || !made.name || !made.repository || !made.digest)
        return mu_fail(err, MU_E_NOMEM, "no memory for the decision");
    *ret_made = made;
    return MU_OK;
}

/* There must be a word that holds to take back: a mistyped tag has none. */
static enum mu_status check_withdrawal(struct mu_pg *pg, const struct approval *approval,
                                       const struct assessment *found, const char *now,
                                       struct mu_error *err)
{
    MU_AUTO(pg_result) struct mu_pg_result *rows = NULL;
    enum mu_status st;

    if (!mu_text_equal(approval->decision, "withdraw"))
        return MU_OK;
    st = mu_pg_execute(pg, POLICY_PEOPLE, (const char *const[]){now, "infinity", found->repository},
                       &rows, err);
    for (size_t i = 0; st == MU_OK && i < mu_pg_rows(rows); i++)
        if (mu_text_equal(mu_pg_text(rows, i, ASSESS_PERSON_DIGEST), found->digest))
            return MU_OK;
    return st == MU_OK
                   ? mu_fail(err, MU_E_CONFLICT,
                             "nobody has said anything of '%.300s' that holds: there is nothing "
                             "to take back",
                             approval->image)
                   : st;
}

/* The decision that this person made by this key; MU_END: there is none. */
static enum mu_status find_by_key(struct mu_pg *pg, const struct approval *approval,
                                  const struct assessment *found, const char *until, const char *id,
                                  struct mu_arena *arena, struct approval_made *ret_made,
                                  struct mu_error *err)
{
    MU_AUTO(pg_result) struct mu_pg_result *there = NULL;
    enum mu_status st =
            mu_pg_execute(pg, POLICY_APPROVED_BY_ID,
                          (const char *const[]){id, found->name, approval->decision, approval->role,
                                                approval->reason, until},
                          &there, err);

    if (st != MU_OK)
        return st;
    if (mu_pg_rows(there) == 0)
        return MU_END;
    if (!mu_pg_bool(there, 0, MADE_SO))
        return mu_fail(err, MU_E_CONFLICT,
                       "Idempotency-Key: you have made another decision by it: take a new one");
    return read_made(there, false, arena, ret_made, err);
}

/* The last word, when it is this one; MU_END: it is another. */
static enum mu_status find_last(struct mu_pg *pg, const struct approval *approval,
                                const struct assessment *found, const char *until,
                                struct mu_arena *arena, struct approval_made *ret_made,
                                struct mu_error *err)
{
    MU_AUTO(pg_result) struct mu_pg_result *there = NULL;
    enum mu_status st = mu_pg_execute(
            pg, POLICY_APPROVED_SO,
            (const char *const[]){found->repository, found->digest, found->name, approval->decision,
                                  approval->person, approval->role, approval->reason, until},
            &there, err);

    if (st != MU_OK)
        return st;
    return mu_pg_rows(there) > 0 ? read_made(there, false, arena, ret_made, err) : MU_END;
}

/* Under the ledger's clock, so that of two at once the second finds the first. */
static enum mu_status make(struct mu_pg *pg, const struct approval *approval,
                           const struct assessment *found, const char *until,
                           struct mu_arena *arena, struct approval_made *ret_made,
                           struct mu_error *err)
{
    const char *const parts[] = {approval->person, approval->key};
    MU_AUTO(pg_result) struct mu_pg_result *made = NULL;
    char known_at[POLICY_TIME_SIZE], id[MU_UUID_TEXT_SIZE];
    enum mu_status st = policy_tick(pg, known_at, err);

    if (approval->key)
        mu_stable_id("image_approval", parts, sizeof(parts) / sizeof(parts[0]), id);
    if (st == MU_OK)
        st = approval->key ? find_by_key(pg, approval, found, until, id, arena, ret_made, err)
                           : MU_END;
    if (st == MU_END)
        st = find_last(pg, approval, found, until, arena, ret_made, err);
    if (st != MU_END)
        return st;
    if (check_withdrawal(pg, approval, found, known_at, err) != MU_OK)
        return err->status;
    st = mu_pg_execute(pg, POLICY_APPROVE,
                       (const char *const[]){known_at, found->repository, found->digest,
                                             found->name, approval->decision, approval->person,
                                             approval->role, approval->reason, until,
                                             approval->key ? id : NULL},
                       &made, err);
    return st == MU_OK ? read_made(made, true, arena, ret_made, err) : st;
}

static enum mu_status make_in_transaction(struct mu_pg *pg, const struct approval *approval,
                                          const struct assessment *found, const char *until,
                                          struct mu_arena *arena, struct approval_made *ret_made,
                                          struct mu_error *err)
{
    MU_AUTO(pg_transaction) struct mu_pg *transaction = pg;
    struct approval_made made;
    enum mu_status st = mu_pg_begin(pg, MU_PG_READ_COMMITTED, err);

    (void)transaction;
    if (st == MU_OK)
        st = make(pg, approval, found, until, arena, &made, err);
    if (st == MU_OK)
        st = mu_pg_commit(pg, err);
    if (st == MU_OK)
        *ret_made = made;
    return from_database(st, err);
}

enum mu_status approval_record(struct mu_pg *pg, const struct approval *approval,
                               struct mu_arena *arena, struct approval_made *ret_made,
                               struct mu_error *err)
{
    char until[MU_TIME_TEXT_SIZE];
    struct assessment found;
    enum mu_status st = check_members(approval, err);

    if (st == MU_OK)
        st = read_until(approval, mu_now_us(), until, err);
    if (st == MU_OK)
        st = find_image(pg, approval, arena, &found, err);
    return st == MU_OK ? make_in_transaction(pg, approval, &found, until[0] ? until : NULL, arena,
                                             ret_made, err)
                       : st;
}
