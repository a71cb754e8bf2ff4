/*
 * policy_statements: every statement of policies and approvals, prepared at connect.
 */
#ifndef INVENTORY_POLICY_STATEMENTS_H
#define INVENTORY_POLICY_STATEMENTS_H

#include "schedule/urgent_jobs.h" /* of the .def */

#include "pg/pg.h"

enum policy_statement {
#define STATEMENT(name, parameters, sql) POLICY_##name,
#include "policy/policy_statements.def"
#undef STATEMENT
    POLICY_STATEMENT_COUNT
};

/* A connection with these statements. Errors: as mu_pg_open. */
enum mu_status policy_pg_open(const char *conninfo, struct mu_pg **ret_pg,
                              struct mu_error *err) MU_MUST_CHECK;

/* The time that facts of the open transaction become known at; holds the ledger's clock. */
enum { POLICY_TIME_SIZE = 64 };
enum mu_status policy_tick(struct mu_pg *pg, char ret_known[POLICY_TIME_SIZE],
                           struct mu_error *err) MU_MUST_CHECK;

#endif
