/*
 * cache_command: `muster-inventory gate-cache build|info|verify`: the gate's cache file by hand.
 */
#ifndef INVENTORY_GATE_CACHE_COMMAND_H
#define INVENTORY_GATE_CACHE_COMMAND_H

#include "base/config.h"

struct cache_command_config {
    const char *cache, *cache_key, *postgres, *image, *format;
    int64_t max_age_ms;
};

enum { CACHE_COMMAND_OPTION_COUNT = 6 };
extern const struct mu_option cache_command_options[CACHE_COMMAND_OPTION_COUNT];

/* Exit code 1: `verify`: the file is refused, or older than it may be; `info --image`: not in it.
 */
int cache_command(void *config_struct, int argc, char **argv);

#endif
