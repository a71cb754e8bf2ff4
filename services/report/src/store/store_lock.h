/*
 * store_lock: one writer at a time. An advisory lock on the store's file `lock`, which goes with
 * the process; the file's text says who holds it, and stays.
 */
#ifndef REPORT_STORE_LOCK_H
#define REPORT_STORE_LOCK_H

#include "base/error.h"

/* Errors: MU_E_CONFLICT (held: the message says by whom), MU_E_UNAVAILABLE, MU_E_LIMIT. */
enum mu_status store_lock_take(const char *folder, const char *doing, int *ret_fd,
                               struct mu_error *err) MU_MUST_CHECK;

#endif
