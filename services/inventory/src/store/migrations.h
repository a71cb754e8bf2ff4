/*
 * migrations: the files of sql/migrations, compiled in (see migrations.cmake), oldest first.
 */
#ifndef INVENTORY_STORE_MIGRATIONS_H
#define INVENTORY_STORE_MIGRATIONS_H

#include "pg/pg.h"

#include <stddef.h>

extern const struct mu_pg_migration inventory_migrations[];
extern const size_t inventory_migration_count;

#endif
