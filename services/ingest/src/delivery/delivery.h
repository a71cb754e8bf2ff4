/*
 * delivery: makes the messages of one request durable, then says so.
 *
 * Each message goes to Kafka; one that Kafka does not take (queue full, not connected, delivery
 * failed, refused; or another one's delivery failed and none has succeeded since) goes to the
 * spool. `done` runs once, from the thread that made the last message durable, with MU_OK only when
 * every one is. A drainer thread carries the spool to Kafka when that is back, in the order in
 * which it was filled; new messages do not wait for it, so that the two may pass each other: events
 * carry their own time and order.
 *
 * What Kafka refuses for good (larger than the broker allows) is not sent for ever: its segment is
 * kept as *.refused, and an error is logged.
 *
 * Threads: delivery_send from any thread.
 */
#ifndef INGEST_DELIVERY_H
#define INGEST_DELIVERY_H

#include "base/memory.h"
#include "bus/bus.h"
#include "spool/spool.h"

struct delivery;

/* Both outlive the delivery. Errors: MU_E_UNAVAILABLE (no thread). */
enum mu_status delivery_start(struct mu_producer *producer, struct spool *spool,
                              struct delivery **ret_delivery, struct mu_error *err) MU_MUST_CHECK;
/*
 * To end: delivery_stop (the drainer goes; messages under way still get their callbacks), then
 * mu_producer_close and spool_close, which run the last of them, then delivery_free. NULL is fine.
 */
void delivery_stop(struct delivery *delivery);
void delivery_free(struct delivery *delivery);

/* MU_OK, MU_E_LIMIT (the spool is full too), MU_E_UNAVAILABLE. */
typedef void delivery_done_fn(void *opaque, enum mu_status status);

/* Messages are copied. With count 0 `done` runs at once. */
void delivery_send(struct delivery *delivery, const struct mu_outgoing *messages, size_t count,
                   delivery_done_fn *done, void *opaque);
/* The same without copies: messages, their texts and the arena must stay until `done` runs. */
void delivery_send_kept(struct delivery *delivery, const struct mu_outgoing *messages, size_t count,
                        struct mu_arena *arena, delivery_done_fn *done, void *opaque);

#endif
