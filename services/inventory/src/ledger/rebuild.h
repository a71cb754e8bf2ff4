/*
 * rebuild: the derived tables (store/tables.def) anew from the payloads in the ledger, with the
 * known times they had.
 *
 * While it is under way a row stands in ledger_rebuild: whoever wants to learn anything waits
 * (ledger_tick refuses), so the tables are whole before and after, and a rebuild that was cut off
 * goes on where it stopped. What was learned before the oldest payload is left as it is.
 *
 * Threads: one at a time.
 */
#ifndef INVENTORY_LEDGER_REBUILD_H
#define INVENTORY_LEDGER_REBUILD_H

#include "evidence/evidence_store.h"

#include "base/config.h"
#include "pg/pg.h"

#include <stdbool.h>

struct rebuild_config {
    const char *postgres, *evidence_dir;
    bool take_lock;
};

enum { REBUILD_OPTION_COUNT = 3 };
extern const struct mu_option rebuild_options[REBUILD_OPTION_COUNT];

int rebuild_command(void *config_struct, int argc, char **argv);

struct rebuild;

struct rebuild *rebuild_new(const struct evidence_store *evidence);
void rebuild_free(struct rebuild *rebuild); /* NULL is fine */
MU_DEFINE_AUTO(rebuild, struct rebuild, rebuild_free)

/* Locks, and empties the tables unless a rebuild is to be gone on with. Errors: MU_E_CONFLICT
 * (another rebuild, or processes that apply events and no `take_lock`), as mu_pg_execute. */
enum mu_status rebuild_begin(struct rebuild *rebuild, struct mu_pg *pg, bool take_lock,
                             struct mu_error *err) MU_MUST_CHECK;
/* Some transactions of the ledger in one. MU_END: that was all, and the tables are whole. Errors:
 * as batch_replay, mu_pg_execute; the next step or program goes on. */
enum mu_status rebuild_step(struct rebuild *rebuild, struct mu_pg *pg,
                            struct mu_error *err) MU_MUST_CHECK;

#endif
