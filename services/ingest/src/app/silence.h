/*
 * silence: tells inventory which sources went silent, speak again, or are no longer configured:
 * once each, again until the message is durable, and not again after a restart (health.h keeps what
 * was told). One that is no longer configured is silent while pods that its watch told to run are
 * not told as removed (known_pods.h): they count as running until somebody retires it.
 *
 * Threads: silence_check from one thread.
 */
#ifndef INGEST_SILENCE_H
#define INGEST_SILENCE_H

#include "delivery/delivery.h"
#include "health/health.h"

struct silence;

/* What it is given outlives it. `state_folder`: where watches leave their pods; NULL: nowhere. */
struct silence *silence_new(struct health *health, struct delivery *delivery,
                            const char *state_folder);
/* Only when nothing of it is under way any more: after delivery and producer are closed. */
void silence_free(struct silence *silence); /* NULL is fine */

void silence_check(struct silence *silence, int64_t now_us);

#endif
