/*
 * seen: which rows the database has already, so that they are not sent again. Sources repeat
 * themselves: most of what an event teaches was known before.
 *
 * Two batches may be under way, 0 and 1: the rows of the second are made while the first is
 * written, and count on it. What a batch asked for counts from then on when the batch is kept; when
 * one fails so does the other. When a quarter of a million were added since the last time, what
 * nobody asked for since then is forgotten, and of more than a million all but those that were
 * asked for last (24 to 96 MiB; more only for batches of that size).
 * Rows are told apart by 16 bytes of a SHA-256, so that nobody can make one that is taken for
 * another.
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
/* This batch is committed; none of them is. */
void seen_keep(struct seen *seen, int batch);
void seen_drop(struct seen *seen);

/* Whether this row of the table was asked for before; from now on it was. `values[skipped]` does
 * not count. */
bool seen_before(struct seen *seen, int batch, size_t table, const char *const *values,
                 size_t count, size_t skipped);
/* The same of a row that has an id made of all that tells it apart (mu_stable_id), or all but one
 * word of ours (NULL: none). */
bool seen_before_id(struct seen *seen, int batch, size_t table, const char *id, const char *word);

#endif
