/*
 * registry_rates: how many requests a registry may get in a minute, from an option's text.
 */
#ifndef INVENTORY_REGISTRY_RATES_H
#define INVENTORY_REGISTRY_RATES_H

#include "base/buf.h"
#include "base/error.h"

#include <stdint.h>

enum { REGISTRY_RATES_MAX = 64, REGISTRY_HOST_SIZE = 256 };

struct registry_rates {
    char hosts[REGISTRY_RATES_MAX][REGISTRY_HOST_SIZE];
    int64_t per_minute[REGISTRY_RATES_MAX];
    size_t count;
    int64_t others; /* 0: no limit */
};

/* "registry.example=60,other.example:5000=10"; NULL is none. Errors: MU_E_INVALID naming the part.
 */
enum mu_status registry_rates_parse(const char *text, int64_t others,
                                    struct registry_rates *ret_rates,
                                    struct mu_error *err) MU_MUST_CHECK;

/* Hosts and rates as two arrays for the database. */
void registry_rates_arrays(const struct registry_rates *rates, struct mu_buf *hosts,
                           struct mu_buf *numbers);

#endif
