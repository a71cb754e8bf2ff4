/*
 * database_slot: the vulnerability database in use, replaced while scans run.
 *
 * Whoever needs it takes it and gives it back; between scans a file that has been replaced (by
 * rename, as `db build` and `db update` do) is opened and used from then on. A new file that
 * cannot be opened changes nothing: the old one stays, and the reason is told once.
 *
 * Threads: any number. Ownership: a holder's database is open until it is given back; its version
 * text lives as long as the slot.
 */
#ifndef SCANNER_DATABASE_SLOT_H
#define SCANNER_DATABASE_SLOT_H

#include "database/database.h"

struct database_slot;

struct database_holder {
    const struct database *database;
    const char *version;
};

/* Opens the file. Errors: as database_open. */
enum mu_status database_slot_open(const char *path, struct database_slot **ret_slot,
                                  struct mu_error *err) MU_MUST_CHECK;
/* Nobody holds anything of it any more. */
void database_slot_close(struct database_slot *slot); /* NULL is fine */
MU_DEFINE_AUTO(database_slot, struct database_slot, database_slot_close)

/* `ret_swapped`: 1 when this call found and opened another file; -1 when it found one that cannot
 * be opened, and `err` says why; else 0. */
const struct database_holder *database_slot_take(struct database_slot *slot, int *ret_swapped,
                                                 struct mu_error *err);
void database_slot_give(struct database_slot *slot, const struct database_holder *holder);

#endif
