#include "policy/dry_run.h"

#include "policy/assess.h"

#include "base/clock.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>

enum { ARENA_BYTES = 256 * 1024 * 1024 };

const char *const dry_run_columns[DRY_RUN_COLUMNS] = {"image",    "first_asked_at", "times", "was",
                                                      "would_be", "reason",         "detail"};

/* Columns of ASKED and STARTED. */
enum { ROW_REPOSITORY, ROW_TAG, ROW_DIGEST, ROW_VERDICT, ROW_FIRST, ROW_LAST, ROW_TIMES };

struct trial {
    const struct dry_run *run;
    struct mu_arena *arena;
    struct mu_table *table;
    struct dry_run_totals totals;
};

/* By its tag where one was named: what that pointed at then. False when it was neither. */
static bool read_reference(const struct mu_pg_result *rows, size_t row,
                           struct mu_oci_reference *ret_reference)
{
    const char *tag = mu_pg_text(rows, row, ROW_TAG), *digest = mu_pg_text(rows, row, ROW_DIGEST);

    *ret_reference = (struct mu_oci_reference){0};
    (void)snprintf(ret_reference->repository, sizeof(ret_reference->repository), "%s",
                   mu_pg_text(rows, row, ROW_REPOSITORY));
    if (tag)
        (void)snprintf(ret_reference->tag, sizeof(ret_reference->tag), "%s", tag);
    else if (digest)
        (void)snprintf(ret_reference->digest, sizeof(ret_reference->digest), "%s", digest);
    return tag || digest;
}

/* What was said then; of what nobody asked about, what the policy of that time would have said. */
static enum mu_status verdict_then(const struct trial *trial, const struct mu_pg_result *rows,
                                   size_t row, const struct mu_oci_reference *reference,
                                   const struct assess_times *times, enum verdict *ret_verdict,
                                   struct mu_error *err)
{
    MU_AUTO(policy) struct policy *policy = NULL;
    struct assessment then;
    enum mu_status st;

    *ret_verdict = verdict_of_word(mu_pg_text(rows, row, ROW_VERDICT));
    if (*ret_verdict != VERDICT_NONE)
        return MU_OK;
    st = assess_policy(trial->run->pg, times, &policy, err);
    if (st == MU_OK)
        st = assess_image(trial->run->pg, policy, reference, times, trial->arena, &then, err);
    if (st == MU_OK)
        *ret_verdict = then.judged.verdict;
    return st;
}

static void tell(struct trial *trial, const struct mu_pg_result *rows, size_t row,
                 enum verdict then, const struct assessment *now)
{
    char reason[128];

    trial->totals.images++;
    if (then == now->judged.verdict)
        return;
    trial->totals.different++;
    trial->totals.newly_rejected += now->judged.verdict == VERDICT_REJECTED;
    trial->totals.newly_approved += now->judged.verdict == VERDICT_APPROVED;
    (void)snprintf(reason, sizeof(reason), "%s%s%s", verdict_reason_word(now->judged.reason),
                   now->judged.rule[0] ? " " : "", now->judged.rule);
    mu_table_row(trial->table,
                 (const char *const[]){now->name, mu_pg_text(rows, row, ROW_FIRST),
                                       mu_pg_text(rows, row, ROW_TIMES), verdict_word(then),
                                       verdict_word(now->judged.verdict), reason,
                                       now->judged.detail[0] ? now->judged.detail : NULL});
}

static enum mu_status try_row(struct trial *trial, const struct mu_pg_result *rows, size_t row,
                              struct mu_error *err)
{
    char as_of[MU_TIME_TEXT_SIZE];
    struct assess_times times = {as_of, as_of, mu_pg_time_us(rows, row, ROW_FIRST)};
    struct mu_oci_reference reference;
    enum verdict then = VERDICT_NONE;
    struct assessment now;
    enum mu_status st;

    if (!read_reference(rows, row, &reference))
        return MU_OK;
    mu_time_format(times.as_of_us, as_of);
    mu_arena_reset(trial->arena);
    st = assess_image(trial->run->pg, trial->run->policy, &reference, &times, trial->arena, &now,
                      err);
    if (st == MU_OK)
        st = verdict_then(trial, rows, row, &reference, &times, &then, err);
    if (st == MU_OK)
        tell(trial, rows, row, then, &now);
    return st;
}

static enum mu_status try_all(struct trial *trial, enum policy_statement statement,
                              struct mu_error *err)
{
    MU_AUTO(pg_result) struct mu_pg_result *rows = NULL;
    const char *values[] = {trial->run->from, trial->run->to};
    enum mu_status st = mu_pg_execute(trial->run->pg, (int)statement, values, &rows, err);

    for (size_t i = 0; st == MU_OK && i < mu_pg_rows(rows); i++)
        st = try_row(trial, rows, i, err);
    return st;
}

enum mu_status dry_run(const struct dry_run *run, struct mu_table *table,
                       struct dry_run_totals *ret_totals, struct mu_error *err)
{
    MU_AUTO(arena) struct mu_arena *arena = mu_arena_new(ARENA_BYTES);
    struct trial trial = {.run = run, .arena = arena, .table = table};
    enum mu_status st = try_all(&trial, POLICY_ASKED, err);

    if (st == MU_OK)
        st = try_all(&trial, POLICY_STARTED, err);
    if (st == MU_OK)
        *ret_totals = trial.totals;
    return st;
}
