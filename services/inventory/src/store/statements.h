/*
 * statements: every statement of inventory's writing side, in one table (statements.def), prepared
 * at connect. The WRITE rows come first: statement i writes table i of a write set.
 */
#ifndef INVENTORY_STORE_STATEMENTS_H
#define INVENTORY_STORE_STATEMENTS_H

#include "pg/pg.h"

#include <stddef.h>

enum inventory_statement {
#define WRITE(name, columns, sql)                        WRITE_##name,
#define COPIED(name, table, columns, types, keys, probe) WRITE_##name,
#define READ(name, parameters, sql)                      READ_##name,
#include "store/statements.def"
#undef WRITE
#undef COPIED
#undef READ
    INVENTORY_STATEMENT_COUNT
};

enum inventory_write {
#define WRITE(name, columns, sql)                        WRITE_PLACE_##name,
#define COPIED(name, table, columns, types, keys, probe) WRITE_PLACE_##name,
#define READ(name, parameters, sql)
#include "store/statements.def"
#undef WRITE
#undef COPIED
#undef READ
    WRITE_COUNT
};

extern const struct mu_pg_statement inventory_statements[INVENTORY_STATEMENT_COUNT];

/* A table written with COPY; its statement is the question which keys are there ("": none is). */
struct inventory_copied {
    const char *table; /* NULL: not written so */
    const char *sql;
    const char *types; /* of its columns, one letter each */
    int keys;          /* the first columns are its key; 0: no row is there already */
};

extern const struct inventory_copied inventory_copied[WRITE_COUNT];

/* A connection with these statements. Errors: as mu_pg_open. */
enum mu_status inventory_pg_open(const char *conninfo, const char *application_name,
                                 struct mu_pg **ret_pg, struct mu_error *err) MU_MUST_CHECK;

#endif
