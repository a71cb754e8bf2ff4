/*
 * closed_option: a month of a store as an option names it: "2026-10", or "2026-10-r1" for one of
 * its revisions.
 */
#ifndef REPORT_CLOSED_OPTION_H
#define REPORT_CLOSED_OPTION_H

#include "store/month_store.h"

/* `option` is for messages. Errors: MU_E_INVALID (no month), and month_store_load's. */
enum mu_status closed_option_load(const struct month_store *store, const char *option,
                                  const char *text, struct closed_month **ret_month,
                                  struct mu_error *err) MU_MUST_CHECK;

/* Path of a raw scan of the month, a struct closed_month, by its digest: for diff and sample. */
enum mu_status closed_raw_scan_path(const void *closed_month, const char *digest, char *ret_path,
                                    size_t size, struct mu_error *err) MU_MUST_CHECK;

/* 2 for what the caller can mend, 3 for the rest. */
int closed_exit_code(enum mu_status status);

#endif
