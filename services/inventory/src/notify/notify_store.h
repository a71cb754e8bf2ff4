/* notify_store: every statement of webhooks, in one table (notify_statements.def). */
#ifndef INVENTORY_NOTIFY_STORE_H
#define INVENTORY_NOTIFY_STORE_H

#include "pg/pg.h"

enum notify_statement {
#define STATEMENT(name, parameters, sql) NOTIFY_##name,
#include "notify/notify_statements.def"
#undef STATEMENT
    NOTIFY_STATEMENT_COUNT
};

/* A connection with these statements. Errors: as mu_pg_open. */
enum mu_status notify_store_open(const char *conninfo, struct mu_pg **ret_pg,
                                 struct mu_error *err) MU_MUST_CHECK;

#endif
