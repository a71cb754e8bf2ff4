/*
 * tables: what a rebuild empties and what it keeps; the list is tables.def.
 */
#ifndef INVENTORY_STORE_TABLES_H
#define INVENTORY_STORE_TABLES_H

#include "store/statements.h"

#include <stdbool.h>
#include <stddef.h>

struct inventory_table {
    const char *name;
    bool derived;
    const char *learned; /* condition of the rows learned after $1; NULL: known_at > $1 */
};

extern const struct inventory_table inventory_tables[];
extern const size_t inventory_table_count;

/* Whether the statement writes a derived table. */
bool inventory_write_is_derived(enum inventory_statement statement);

#endif
