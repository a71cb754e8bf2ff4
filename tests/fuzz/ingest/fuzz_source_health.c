/* What a restart reads of the health of sources: any bytes give rows that can be judged, or an
 * error. */
#include "health/health_row.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    MU_AUTO(health) struct health *health = NULL;
    const int64_t now_us = INT64_C(1795564800000000);
    struct health_row row;
    struct mu_error err;

    if (health_open(NULL, now_us, &health, &err) != MU_OK)
        abort();
    if (health_parse(health, (const char *)data, size, now_us, &err) != MU_OK && health->count > 0)
        abort(); /* all of it or nothing */
    for (size_t i = 0; health_row_at(health, i, now_us, &row); i++)
        if (row.last_event_at_us != MU_TIME_NONE && row.last_event_at_us < 0)
            abort();
    for (size_t i = 0; i < health->count; i++)
        source_health_heard(health->rows[i], now_us, 1, MU_TIME_NONE);
    return 0;
}
