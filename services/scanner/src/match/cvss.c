#include "match/cvss.h"

#include "base/text.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

struct metric_value {
    char value;
    double weight;
};

struct metric {
    const char *name;
    struct metric_value values[4];
};

/* Value character of "NAME:x" in a vector of parts joined by '/'; 0 when absent or longer. */
static char metric_char(const char *vector, const char *name)
{
    size_t len = strlen(name);

    while (*vector) {
        if (strncmp(vector, name, len) == 0 && vector[len] == ':' && vector[len + 1] != '\0' &&
            (vector[len + 2] == '/' || vector[len + 2] == '\0'))
            return vector[len + 1];
        vector += strcspn(vector, "/");
        vector += *vector == '/';
    }
    return '\0';
}

static bool weigh(const char *vector, const struct metric *metric, double *ret_weight)
{
    char value = metric_char(vector, metric->name);

    for (size_t i = 0; i < 4 && metric->values[i].value; i++) {
        if (metric->values[i].value == value) {
            *ret_weight = metric->values[i].weight;
            return true;
        }
    }
    return false;
}

static bool weigh_all(const char *vector, const struct metric *metrics, size_t count,
                      double *ret_weights)
{
    for (size_t i = 0; i < count; i++)
        if (!weigh(vector, &metrics[i], &ret_weights[i]))
            return false;
    return true;
}

/* ---- version 3 ---- */

enum { V3_AV, V3_AC, V3_UI, V3_C, V3_I, V3_A, V3_COUNT };
static const struct metric v3_metrics[V3_COUNT] = {
        [V3_AV] = {"AV", {{'N', 0.85}, {'A', 0.62}, {'L', 0.55}, {'P', 0.2}}},
        [V3_AC] = {"AC", {{'L', 0.77}, {'H', 0.44}}},
        [V3_UI] = {"UI", {{'N', 0.85}, {'R', 0.62}}},
        [V3_C] = {"C", {{'H', 0.56}, {'L', 0.22}, {'N', 0}}},
        [V3_I] = {"I", {{'H', 0.56}, {'L', 0.22}, {'N', 0}}},
        [V3_A] = {"A", {{'H', 0.56}, {'L', 0.22}, {'N', 0}}},
};
static const struct metric v3_privileges_unchanged = {"PR",
                                                      {{'N', 0.85}, {'L', 0.62}, {'H', 0.27}}};
static const struct metric v3_privileges_changed = {"PR", {{'N', 0.85}, {'L', 0.68}, {'H', 0.5}}};

/* Specification, appendix A: up to one decimal, without floating-point noise. */
static int round_up_tenths(double score)
{
    long scaled = lround(score * 100000);

    return (int)(scaled % 10000 == 0 ? scaled / 10000 : scaled / 10000 + 1);
}

bool cvss_v3_base(const char *vector, int *ret_tenths)
{
    double w[V3_COUNT], privileges, impact_base, impact, exploitability, score;
    char scope = metric_char(vector, "S");
    bool changed = scope == 'C';

    if (!mu_text_starts(vector, "CVSS:3.") || (scope != 'C' && scope != 'U') ||
        !weigh_all(vector, v3_metrics, V3_COUNT, w) ||
        !weigh(vector, changed ? &v3_privileges_changed : &v3_privileges_unchanged, &privileges))
        return false;
    impact_base = 1 - (1 - w[V3_C]) * (1 - w[V3_I]) * (1 - w[V3_A]);
    impact = changed ? 7.52 * (impact_base - 0.029) - 3.25 * pow(impact_base - 0.02, 15)
                     : 6.42 * impact_base;
    exploitability = 8.22 * w[V3_AV] * w[V3_AC] * privileges * w[V3_UI];
    score = changed ? 1.08 * (impact + exploitability) : impact + exploitability;
    *ret_tenths = impact <= 0 ? 0 : round_up_tenths(fmin(score, 10));
    return true;
}

/* ---- version 2 ---- */

enum { V2_AV, V2_AC, V2_AU, V2_C, V2_I, V2_A, V2_COUNT };
static const struct metric v2_metrics[V2_COUNT] = {
        [V2_AV] = {"AV", {{'L', 0.395}, {'A', 0.646}, {'N', 1.0}}},
        [V2_AC] = {"AC", {{'H', 0.35}, {'M', 0.61}, {'L', 0.71}}},
        [V2_AU] = {"Au", {{'M', 0.45}, {'S', 0.56}, {'N', 0.704}}},
        [V2_C] = {"C", {{'N', 0}, {'P', 0.275}, {'C', 0.66}}},
        [V2_I] = {"I", {{'N', 0}, {'P', 0.275}, {'C', 0.66}}},
        [V2_A] = {"A", {{'N', 0}, {'P', 0.275}, {'C', 0.66}}},
};

bool cvss_v2_base(const char *vector, int *ret_tenths)
{
    double w[V2_COUNT], impact, exploitability, score;

    if (!weigh_all(vector, v2_metrics, V2_COUNT, w))
        return false;
    impact = 10.41 * (1 - (1 - w[V2_C]) * (1 - w[V2_I]) * (1 - w[V2_A]));
    exploitability = 20 * w[V2_AV] * w[V2_AC] * w[V2_AU];
    score = impact <= 0 ? 0 : (0.6 * impact + 0.4 * exploitability - 1.5) * 1.176;
    *ret_tenths = (int)lround(score * 10);
    return true;
}

/* ---- bands ---- */

const char *severity_word(enum severity severity)
{
    static const char *const words[] = {"unknown",  "negligible", "low",
                                        "moderate", "high",       "critical"};

    return words[severity];
}

enum severity severity_of_v3(int tenths)
{
    if (tenths >= 90)
        return SEVERITY_CRITICAL;
    if (tenths >= 70)
        return SEVERITY_HIGH;
    if (tenths >= 40)
        return SEVERITY_MODERATE;
    return tenths >= 1 ? SEVERITY_LOW : SEVERITY_NEGLIGIBLE;
}

enum severity severity_of_v2(int tenths)
{
    if (tenths >= 70)
        return SEVERITY_HIGH;
    return tenths >= 40 ? SEVERITY_MODERATE : SEVERITY_LOW;
}
