/*
 * statement_remote: a statement told to a running `muster-inventory run` over HTTP: who states it
 * is whose credentials they are.
 *
 * Threads: one at a time.
 */
#ifndef INVENTORY_STATEMENT_REMOTE_H
#define INVENTORY_STATEMENT_REMOTE_H

#include "deviation/statement_document.h"
#include "remote/remote.h"

/* The record says when (`at`), so that it may be told again. Errors: MU_E_CONFLICT "field: reason"
 * (what is there does not allow it), as remote_ask. */
enum mu_status statement_remote_state(const struct remote_config *where, enum statement_kind kind,
                                      const struct record *record,
                                      struct mu_error *err) MU_MUST_CHECK;

#endif
