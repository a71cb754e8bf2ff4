/*
 * dry_run: what a policy would have decided differently in a span of time: everything gates and
 * pipelines were asked for, and what began to run unasked, each judged by what was true and known
 * when it was first asked.
 */
#ifndef INVENTORY_POLICY_DRY_RUN_H
#define INVENTORY_POLICY_DRY_RUN_H

#include "policy/policy.h"
#include "policy/policy_statements.h"

#include "base/table.h"

struct dry_run {
    struct mu_pg *pg;
    const struct policy *policy; /* that is tried */
    const char *from, *to;       /* RFC 3339 */
};

struct dry_run_totals {
    size_t images, different; /* each image once for each verdict it got */
    size_t newly_rejected, newly_approved;
};

enum { DRY_RUN_COLUMNS = 7 };
extern const char *const dry_run_columns[DRY_RUN_COLUMNS];

/* Adds a row for each difference. Errors: as mu_pg_execute, MU_E_NOMEM. */
enum mu_status dry_run(const struct dry_run *run, struct mu_table *table,
                       struct dry_run_totals *ret_totals, struct mu_error *err) MU_MUST_CHECK;

#endif
