#include "ver/rules.h"

#include "base/text.h"

#include <stddef.h>

enum reach { IRV_LEV, NIRV_LEV, NLEV, REACH_COUNT };
enum { DAY = 24 };

/* VDR-TFR-PVR, "pain_timeframes", in hours; A and B are alike. */
static const int reduction_hours[][VER_RATING_MAX + 1][REACH_COUNT] = {
        ['B' - 'B'] = {[2] = {96 * DAY, 160 * DAY, 192 * DAY},
                       [3] = {32 * DAY, 64 * DAY, 192 * DAY},
                       [4] = {8 * DAY, 32 * DAY, 64 * DAY},
                       [5] = {4 * DAY, 8 * DAY, 32 * DAY}},
        ['C' - 'B'] = {[2] = {48 * DAY, 128 * DAY, 192 * DAY},
                       [3] = {16 * DAY, 32 * DAY, 128 * DAY},
                       [4] = {4 * DAY, 8 * DAY, 64 * DAY},
                       [5] = {2 * DAY, 4 * DAY, 16 * DAY}},
        ['D' - 'B'] = {[2] = {24 * DAY, 96 * DAY, 192 * DAY},
                       [3] = {8 * DAY, 16 * DAY, 64 * DAY},
                       [4] = {2 * DAY, 8 * DAY, 32 * DAY},
                       [5] = {12, 1 * DAY, 8 * DAY}},
};

/* VER-TFR-EVU. */
static const int evaluation_days[] = {
        ['A' - 'A'] = 14, ['B' - 'A'] = 7, ['C' - 'A'] = 5, ['D' - 'A'] = 2};

static const struct {
    const char *severity;
    int rating;
} default_ratings[] = {
        {"critical", 5}, {"high", 4}, {"moderate", 3}, {"low", 2}, {"negligible", 1},
};

enum { UNKNOWN_RATING = 3 };

char ver_class_of_impact(const char *impact_level)
{
    if (mu_text_equal(impact_level, "High"))
        return 'D';
    return mu_text_equal(impact_level, "Low") ? 'B' : 'C';
}

static enum reach reach_of(bool likely_exploitable, bool internet_reachable)
{
    if (!likely_exploitable)
        return NLEV;
    return internet_reachable ? IRV_LEV : NIRV_LEV;
}

int ver_reduction_hours(char certification_class, int rating, bool likely_exploitable,
                        bool internet_reachable)
{
    int row = certification_class == 'A' ? 0 : certification_class - 'B';

    if (row < 0 || row > 'D' - 'B' || rating < 1 || rating > VER_RATING_MAX)
        return 0;
    return reduction_hours[row][rating][reach_of(likely_exploitable, internet_reachable)];
}

int ver_evaluation_days(char certification_class)
{
    return certification_class >= 'A' && certification_class <= 'D'
                   ? evaluation_days[certification_class - 'A']
                   : evaluation_days['D' - 'A'];
}

const char *ver_incident_rule(char certification_class, int rating, bool likely_exploitable,
                              bool internet_reachable)
{
    if (!likely_exploitable || certification_class < 'C')
        return NULL;
    if (internet_reachable)
        return rating > 3 ? "VER-TFR-IRI" : NULL;
    return certification_class == 'D' && rating == VER_RATING_MAX ? "VER-TFR-NRI" : NULL;
}

int ver_default_rating(const char *severity)
{
    for (size_t i = 0; i < sizeof(default_ratings) / sizeof(default_ratings[0]); i++)
        if (mu_text_equal(default_ratings[i].severity, severity))
            return default_ratings[i].rating;
    return UNKNOWN_RATING;
}

int ver_default_failure_rating(void)
{
    return UNKNOWN_RATING;
}
