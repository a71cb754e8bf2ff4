#include "store/tables.h"

#include <string.h>

const struct inventory_table inventory_tables[] = {
#define DERIVED(name, learned) {#name, true, false, READ_EMPTY_##name, READ_FORGET_##name},
#define FOLLOWS(name)          {#name, true, true, READ_EMPTY_##name, READ_FORGET_##name},
#define KEPT(name)             {#name, false, false, INVENTORY_STATEMENT_COUNT, INVENTORY_STATEMENT_COUNT},
#include "store/tables.def"
#undef DERIVED
#undef FOLLOWS
#undef KEPT
};
const size_t inventory_table_count = sizeof(inventory_tables) / sizeof(inventory_tables[0]);

/* The first table that the statement inserts into; one that only updates changes no fact. */
bool inventory_write_is_derived(enum inventory_statement statement)
{
    static const char insert[] = "INSERT INTO ";
    const char *copied = (size_t)statement < WRITE_COUNT ? inventory_copied[statement].table : NULL;
    const char *name = copied ? copied : strstr(inventory_statements[statement].sql, insert);

    if (!name)
        return false;
    name += copied ? 0 : sizeof(insert) - 1;
    for (size_t i = 0; i < inventory_table_count; i++) {
        size_t len = strlen(inventory_tables[i].name);

        if (strncmp(name, inventory_tables[i].name, len) == 0 &&
            (name[len] == ' ' || name[len] == '\0'))
            return inventory_tables[i].derived;
    }
    return false;
}
