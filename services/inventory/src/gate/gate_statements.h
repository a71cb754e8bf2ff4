/*
 * gate_statements: every statement of the gate's side that talks to the database, prepared at
 * connect.
 */
#ifndef INVENTORY_GATE_STATEMENTS_H
#define INVENTORY_GATE_STATEMENTS_H

#include "schedule/urgent_jobs.h" /* of the .def */

#include "pg/pg.h"

enum gate_statement {
#define STATEMENT(name, parameters, sql) GATE_##name,
#include "gate/gate_statements.def"
#undef STATEMENT
    GATE_STATEMENT_COUNT
};

/* A connection with these statements. Errors: as mu_pg_open. */
enum mu_status gate_pg_open(const char *conninfo, struct mu_pg **ret_pg,
                            struct mu_error *err) MU_MUST_CHECK;

#endif
