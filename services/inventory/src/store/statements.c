#include "store/statements.h"

const struct mu_pg_statement inventory_statements[INVENTORY_STATEMENT_COUNT] = {
/* A write has the known time in front of its columns. */
#define WRITE(name, columns, sql)   {"write_" #name, sql, (columns) + 1},
#define READ(name, parameters, sql) {"read_" #name, sql, parameters},
#include "store/statements.def"
#undef WRITE
#undef READ
};

enum mu_status inventory_pg_open(const char *conninfo, const char *application_name,
                                 struct mu_pg **ret_pg, struct mu_error *err)
{
    return mu_pg_open(conninfo, application_name, inventory_statements, INVENTORY_STATEMENT_COUNT,
                      ret_pg, err);
}
