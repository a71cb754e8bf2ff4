/*
 * silence: tells inventory which sources went silent, speak again, or are no longer configured:
 * once each, again until the message is durable, and not again after a restart (health.h keeps what
 * was told).
 *
 * Threads: silence_check from one thread.
 */
#ifndef INGEST_SILENCE_H
#define INGEST_SILENCE_H

#include "delivery/delivery.h"
#include "health/health.h"

struct silence;

/* Both outlive it. */
struct silence *silence_new(struct health *health, struct delivery *delivery);
/* Only when nothing of it is under way any more: after delivery and producer are closed. */
void silence_free(struct silence *silence); /* NULL is fine */

void silence_check(struct silence *silence, int64_t now_us);

#endif
