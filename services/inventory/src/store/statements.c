#include "store/statements.h"

const struct mu_pg_statement inventory_statements[INVENTORY_STATEMENT_COUNT] = {
/* A write has the known time in front of its columns. */
#define WRITE(name, columns, sql) {"write_" #name, sql, (columns) + 1},
#define COPIED(name, table, columns, types, keys, probe) \
    {"write_" #name, probe, sizeof(probe) > 1 ? (keys) + 1 : 0},
#define READ(name, parameters, sql) {"read_" #name, sql, parameters},
#include "store/statements.def"
#undef WRITE
#undef COPIED
#undef READ
};

const struct inventory_copied inventory_copied[WRITE_COUNT] = {
#define WRITE(name, columns, sql)
#define READ(name, parameters, sql)
#define COPIED(name, table, columns, types, keys, probe)                                      \
    [WRITE_PLACE_##name] = {table, "COPY " table " (" columns ") FROM STDIN (FORMAT binary)", \
                            types, keys},
#include "store/statements.def"
#undef WRITE
#undef COPIED
#undef READ
};

enum mu_status inventory_pg_open(const char *conninfo, const char *application_name,
                                 struct mu_pg **ret_pg, struct mu_error *err)
{
    return mu_pg_open(conninfo, application_name, inventory_statements, INVENTORY_STATEMENT_COUNT,
                      ret_pg, err);
}
