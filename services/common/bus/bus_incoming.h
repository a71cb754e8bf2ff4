/*
 * bus_incoming: a fetched message as the application sees it. Nothing is copied: key, value
 * and header texts point into librdkafka's message, which `internal` owns until release.
 * Internal to the bus.
 *
 * Trust: whoever may write to the topic. A header that is no UTF-8 text counts as missing.
 */
#ifndef MU_BUS_INCOMING_H
#define MU_BUS_INCOMING_H

#include "bus/bus.h"

#include <librdkafka/rdkafka.h>
#include <stdbool.h>

/* False, and `message` is still the caller's, when its topic is none of ours. */
bool bus_incoming_fill(struct mu_incoming *ret_incoming, rd_kafka_message_t *message);
void bus_incoming_release(struct mu_incoming *incoming);

#endif
