#include "poam/rating.h"

#include "base/text.h"

#include <stddef.h>

static const struct {
    const char *severity, *rating;
    int rank;
} ratings[] = {{"critical", "High", 4},
               {"high", "High", 3},
               {"unknown", "High", 3},
               {"moderate", "Moderate", 2},
               {"low", "Low", 1}};

const char *poam_rating_of(const char *severity)
{
    for (size_t i = 0; i < sizeof(ratings) / sizeof(ratings[0]); i++)
        if (mu_text_equal(ratings[i].severity, severity))
            return ratings[i].rating;
    return NULL;
}

int rating_rank(const char *severity)
{
    for (size_t i = 0; i < sizeof(ratings) / sizeof(ratings[0]); i++)
        if (mu_text_equal(ratings[i].severity, severity))
            return ratings[i].rank;
    return 0;
}
