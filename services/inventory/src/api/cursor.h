/*
 * cursor: where a list goes on: opaque to the client. It holds the two instants of the first page,
 * so that all pages are of one state however much is learned meanwhile, a mark of the question, so
 * that it is not used for another, and the key of the last row.
 *
 * Trust: comes back from clients; it holds nothing that they could not have asked for themselves.
 */
#ifndef INVENTORY_API_CURSOR_H
#define INVENTORY_API_CURSOR_H

#include "query/instants.h"

#include "base/buf.h"
#include "base/memory.h"

#include <stddef.h>

enum { CURSOR_MAX_BYTES = 8192, CURSOR_MARK_SIZE = 17 };

struct cursor {
    struct instants instants;
    char mark[CURSOR_MARK_SIZE];
    const char *key; /* in the arena */
};

/* Errors: MU_E_LIMIT (the key is too long). */
enum mu_status cursor_write(const struct cursor *cursor, struct mu_buf *out,
                            struct mu_error *err) MU_MUST_CHECK;
/* Errors: MU_E_INVALID, MU_E_NOMEM. */
enum mu_status cursor_parse(const char *text, size_t len, struct mu_arena *arena,
                            struct cursor *ret_cursor, struct mu_error *err) MU_MUST_CHECK;

#endif
