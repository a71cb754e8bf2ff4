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
    bool follows; /* derived, and from the facts alone: of those that a rebuild empties twice */
    /* Of derived ones: removes all rows; those learned after $1. */
    enum inventory_statement empty, forget;
};

extern const struct inventory_table inventory_tables[];
extern const size_t inventory_table_count;

/* Whether the statement writes a derived table. */
bool inventory_write_is_derived(enum inventory_statement statement);

#endif
