/*
 * key_ring: the key stores of all sources' rules; one for each place that keys come from, however
 * many sources name it. A ring that follows another shares what both need, so that keys once
 * fetched are there after a reload; keys of a file are read again.
 *
 * Threads: opened and closed by one; rules may be checked by any in between.
 */
#ifndef INGEST_KEY_RING_H
#define INGEST_KEY_RING_H

#include "auth/auth.h"

struct key_ring;

/* Sets `keys` of every rule that needs them. `previous` may be NULL. Errors: as mu_key_store_open;
 * then nothing new is open. */
enum mu_status key_ring_open(const struct source_config *sources, size_t count,
                             const struct key_ring *previous, struct key_ring **ret_ring,
                             struct mu_error *err) MU_MUST_CHECK;
void key_ring_close(struct key_ring *ring); /* NULL is fine; the rules must not be checked again */

#endif
