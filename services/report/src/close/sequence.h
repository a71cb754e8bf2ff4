/*
 * sequence: which month may be closed next, and as what: months close in order, none twice, and
 * only what is past. Every refusal names the command that mends it.
 */
#ifndef REPORT_CLOSE_SEQUENCE_H
#define REPORT_CLOSE_SEQUENCE_H

#include "store/month_store.h"

struct sequence_wish {
    const char *month; /* valid */
    bool amend;        /* reopen */
    bool early;        /* though the month is not over */
    int64_t now_us;
};

/*
 * `store` may be NULL: nothing was closed yet. Fills in month, revision, previous_month and
 * replaces. Errors: MU_E_CONFLICT (`ret_already`: it is closed already), MU_E_INVALID (not over).
 */
enum mu_status sequence_next(const struct month_store *store, const struct sequence_wish *wish,
                             struct close_record *ret_record, bool *ret_already,
                             struct mu_error *err) MU_MUST_CHECK;

/* Closes of later months that rest on a revision that `record`, an amendment, replaces. */
size_t sequence_resting(const struct month_store *store, const struct close_record *record);

#endif
