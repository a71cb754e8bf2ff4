#include "poam/rating.h"

#include "items/rating.h"

#include <stddef.h>

const char *poam_rating_of(const char *severity)
{
    static const char *const ratings[RATING_COUNT] = {[RATING_CRITICAL] = "High",
                                                      [RATING_HIGH] = "High",
                                                      [RATING_UNKNOWN] = "High",
                                                      [RATING_MODERATE] = "Moderate",
                                                      [RATING_LOW] = "Low"};

    return severity ? ratings[rating_of(severity)] : NULL;
}
