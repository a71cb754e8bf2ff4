/*
 * kafka_world: librdkafka's mock cluster beside the world of the store, with what inventory sends
 * and receives. Header-only; for tests.
 */
#ifndef MU_TEST_INVENTORY_KAFKA_WORLD_H
#define MU_TEST_INVENTORY_KAFKA_WORLD_H

#include "world.h"

#include "../bus/mock_kafka.h"

static struct world w;
static struct mock_kafka kafka;
static struct mu_producer *producer;

static int open_kafka_world(void **state)
{
    struct mu_error err;

    (void)state;
    world_open(&w);
    mock_kafka_start(&kafka);
    kafka.config.message_timeout_ms = 1000;
    assert_int_equal(mu_producer_open(&kafka.config, &producer, &err), MU_OK);
    return 0;
}

static int close_kafka_world(void **state)
{
    (void)state;
    mu_producer_close(producer);
    mock_kafka_stop(&kafka);
    world_close(&w);
    return 0;
}

#endif
