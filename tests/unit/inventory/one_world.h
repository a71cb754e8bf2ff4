/*
 * one_world: the world (world.h) of a test program, opened anew for each of its tests. Header-only;
 * for tests.
 */
#ifndef MU_TEST_INVENTORY_ONE_WORLD_H
#define MU_TEST_INVENTORY_ONE_WORLD_H

#include "world.h"

static struct world w;

static inline int open_world(void **state)
{
    (void)state;
    world_open(&w);
    return 0;
}

static inline int close_world(void **state)
{
    (void)state;
    world_close(&w);
    return 0;
}

#define WORLD_TEST(name) cmocka_unit_test_setup_teardown(name, open_world, close_world)

#endif
