/*
 * seen: which rows the database has already, so that they are not sent again. Sources repeat
 * themselves: most of what an event teaches was known before.
 *
 * It forgets everything when there is much and seen_trim is called. Rows are told apart by the
 * first 16 bytes of a SHA-256, so that nobody can make one that is taken for another.
 *
 * Threads: one at a time.
 */
#ifndef INVENTORY_STORE_SEEN_H
#define INVENTORY_STORE_SEEN_H

#include <stdbool.h>
#include <stddef.h>

struct seen;

struct seen *seen_new(void);
void seen_free(struct seen *seen); /* NULL is fine */
void seen_forget(struct seen *seen);
/* Forgets when there is too much: never while a batch is under way, whose rows must stay apart. */
void seen_trim(struct seen *seen);

/* Whether this row of the table was asked for before; from now on it was. `values[skipped]` does
 * not count. */
bool seen_before(struct seen *seen, size_t table, const char *const *values, size_t count,
                 size_t skipped);

#endif
