/*
 * history: numbers.json of the months that a close rests on, for its trend: each month names the
 * one before it (previous_month) in the revision of then, so that a later amendment changes no
 * trend that was submitted.
 */
#ifndef REPORT_STORE_HISTORY_H
#define REPORT_STORE_HISTORY_H

#include "store/month_store.h"

enum { HISTORY_MONTHS = 12 };

/*
 * The newest first, up to HISTORY_MONTHS; each was compared with its hash. Paths live in the arena.
 * Errors: MU_E_CONFLICT (the chain is broken, a file is not what was closed), MU_E_UNAVAILABLE,
 * MU_E_LIMIT, MU_E_NOMEM.
 */
enum mu_status store_history(const struct month_store *store, const struct close_record *record,
                             struct mu_arena *arena, struct numbers_files *ret_files,
                             struct mu_error *err) MU_MUST_CHECK;

#endif
