#include "schedule/registry_rates.h"

#include "base/config.h"
#include "pg/pg.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static enum mu_status take_part(const char *part, size_t len, struct registry_rates *rates,
                                struct mu_error *err)
{
    const char *equals = memchr(part, '=', len);
    size_t host_len = equals ? (size_t)(equals - part) : 0;
    char number[32];
    int64_t rate = 0;

    if (rates->count == REGISTRY_RATES_MAX)
        return mu_fail(err, MU_E_INVALID, "--registry-rates: more than %d registries",
                       REGISTRY_RATES_MAX);
    (void)snprintf(number, sizeof(number), "%.*s", equals ? (int)(len - host_len - 1) : 0,
                   equals ? equals + 1 : "");
    if (host_len == 0 || host_len >= REGISTRY_HOST_SIZE ||
        !mu_option_number(MU_OPTION_INT, number, &rate) || rate < 0)
        return mu_fail(err, MU_E_INVALID, "--registry-rates: '%.*s' is not as registry.example=60",
                       (int)(len < REGISTRY_HOST_SIZE ? len : REGISTRY_HOST_SIZE), part);
    memcpy(rates->hosts[rates->count], part, host_len);
    rates->hosts[rates->count][host_len] = '\0';
    rates->per_minute[rates->count++] = rate;
    return MU_OK;
}

enum mu_status registry_rates_parse(const char *text, int64_t others,
                                    struct registry_rates *ret_rates, struct mu_error *err)
{
    *ret_rates = (struct registry_rates){.others = others};
    while (text && *text) {
        size_t len = strcspn(text, ",");

        if (take_part(text, len, ret_rates, err) != MU_OK)
            return err->status;
        text += len + (text[len] == ',');
    }
    return MU_OK;
}

void registry_rates_arrays(const struct registry_rates *rates, struct mu_buf *hosts,
                           struct mu_buf *numbers)
{
    char number[32];

    mu_pg_array_begin(hosts);
    mu_pg_array_begin(numbers);
    for (size_t i = 0; i < rates->count; i++) {
        (void)snprintf(number, sizeof(number), "%" PRId64, rates->per_minute[i]);
        mu_pg_array_add(hosts, rates->hosts[i]);
        mu_pg_array_add(numbers, number);
    }
    mu_pg_array_end(hosts);
    mu_pg_array_end(numbers);
}
