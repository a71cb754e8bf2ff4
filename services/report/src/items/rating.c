#include "items/rating.h"

#include "base/text.h"

#include <stddef.h>

const char *const rating_names[RATING_COUNT] = {
        [RATING_CRITICAL] = "critical", [RATING_HIGH] = "high", [RATING_UNKNOWN] = "unknown",
        [RATING_MODERATE] = "moderate", [RATING_LOW] = "low",   [RATING_NEGLIGIBLE] = "negligible"};

enum rating rating_of(const char *severity)
{
    for (size_t i = 0; i < RATING_COUNT; i++)
        if (mu_text_equal(rating_names[i], severity))
            return (enum rating)i;
    return RATING_UNKNOWN;
}
