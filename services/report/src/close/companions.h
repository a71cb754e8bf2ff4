/*
 * companions: the files that a system file names (templates, other assets, statements), read once
 * for a close, so that what is kept is what was checked.
 *
 * Trust: the operator's files, bounded by their readers. Ownership: freed by companions_done.
 */
#ifndef REPORT_CLOSE_COMPANIONS_H
#define REPORT_CLOSE_COMPANIONS_H

#include "store/month_files.h"

struct companions {
    struct mu_buf bytes[SYSTEM_COMPANIONS];
    struct month_companion files[SYSTEM_COMPANIONS]; /* in the order of their keys */
    size_t count;
};

void companions_init(struct companions *companions);
void companions_done(struct companions *companions);

/*
 * Reads and checks them: the statements go into the system file, other assets are read, templates
 * opened (whether they are the right form shows when they are filled). Errors, with the key:
 * MU_E_NOT_FOUND, MU_E_INVALID, MU_E_LIMIT, MU_E_UNAVAILABLE, MU_E_NOMEM.
 */
enum mu_status companions_read(struct companions *companions, struct system_file *system,
                               struct mu_arena *arena, struct mu_error *err) MU_MUST_CHECK;

#endif
