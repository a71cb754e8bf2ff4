/* image_limits: the limits that muster-scanner's options have when nobody sets them, and an engine
 * that reads layers in the test's own process. For tests. */
#ifndef MU_TEST_IMAGE_LIMITS_H
#define MU_TEST_IMAGE_LIMITS_H

#include "image/image_scan.h"
#include "package/finder.h"

#include <stdlib.h>

#define IMAGE_LIMITS_GIB ((uint64_t)1 << 30)

static const struct image_limits image_limits_default = {
        .max_layer_unpacked_bytes = 16 * IMAGE_LIMITS_GIB,
        .max_image_unpacked_bytes = 64 * IMAGE_LIMITS_GIB,
        .max_layer_bytes = 16 * IMAGE_LIMITS_GIB,
        .max_layer_entries = 10000000,
        .max_layers = 512,
        .max_packages = 200000,
        .deadline_ms = 30 * 60 * 1000};

static inline struct layer_engine *image_limits_engine(void)
{
    const struct layer_engine_config config = {.isolation = LAYER_IN_PROCESS,
                                               .temp_dir = "/tmp",
                                               .finders = finders,
                                               .finder_count = finder_count};
    struct layer_engine *engine = NULL;
    struct mu_error err;

    if (layer_engine_new(&config, &engine, &err) != MU_OK)
        abort();
    return engine;
}

#endif
