#include "match/severity.h"

#include "database/ecosystem.h"

#include "base/text.h"

#include <string.h>
#include <strings.h>

/* ---- scores ---- */

static void add_score(struct severity_verdict *verdict, const char *type, const char *giver,
                      const char *vector, int tenths)
{
    verdict->scores[verdict->score_count++] = (struct severity_score){type, giver, vector, tenths};
}

static void add_v3(struct severity_verdict *verdict, const char *giver, const char *vector)
{
    int tenths;

    if (cvss_v3_base(vector, &tenths))
        add_score(verdict, "CVSS_V3", giver, vector, tenths);
}

static void add_v2(struct severity_verdict *verdict, const char *giver, const char *vector)
{
    int tenths;

    if (cvss_v2_base(vector, &tenths))
        add_score(verdict, "CVSS_V2", giver, vector, tenths);
}

/* In the order in which they count. */
static void collect(const struct advisory *advisory, const struct cve_facts *facts,
                    struct severity_verdict *verdict)
{
    add_v3(verdict, "nvd", facts->nvd_v3);
    if (verdict->score_count == 0 && facts->nvd_v3_tenths > 0)
        add_score(verdict, "CVSS_V3", "nvd", "", facts->nvd_v3_tenths);
    add_v3(verdict, "advisory", advisory->cvss_v3);
    add_v3(verdict, "cna", facts->cna_v3);
    add_v3(verdict, "cisa-adp", facts->adp_v3);
    add_v2(verdict, "advisory", advisory->cvss_v2);
    add_v2(verdict, "nvd", facts->nvd_v2);
    if (advisory->cvss_v4[0])
        add_score(verdict, "CVSS_V4", "advisory", advisory->cvss_v4, -1);
    else if (facts->any_v4[0])
        add_score(verdict, "CVSS_V4", "cna", facts->any_v4, -1);
}

const struct severity_score *severity_first(const struct severity_verdict *verdict,
                                            const char *type)
{
    for (size_t i = 0; i < verdict->score_count; i++)
        if (mu_text_equal(verdict->scores[i].type, type))
            return &verdict->scores[i];
    return NULL;
}

/* ---- the feed's own rating ---- */

static enum severity severity_of_word(const char *word)
{
    static const struct {
        const char *word;
        enum severity severity;
    } words[] = {{"unimportant", SEVERITY_NEGLIGIBLE},
                 {"negligible", SEVERITY_NEGLIGIBLE},
                 {"low", SEVERITY_LOW},
                 {"medium", SEVERITY_MODERATE},
                 {"moderate", SEVERITY_MODERATE},
                 {"important", SEVERITY_HIGH},
                 {"high", SEVERITY_HIGH},
                 {"critical", SEVERITY_CRITICAL}};

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (strcasecmp(word, words[i].word) == 0)
            return words[i].severity;
    return SEVERITY_UNKNOWN;
}

static const char *rater_of(const char *ecosystem, const char *id)
{
    static const struct {
        const char *family, *rater;
    } raters[] = {{"Debian", "debian"},
                  {"Ubuntu", "ubuntu"},
                  {"Red Hat", "redhat"},
                  {"AlmaLinux", "almalinux"},
                  {"Rocky Linux", "rocky"}};

    for (size_t i = 0; i < sizeof(raters) / sizeof(raters[0]); i++)
        if (ecosystem_is(ecosystem, raters[i].family))
            return raters[i].rater;
    return mu_text_starts(id, "GHSA-") ? "github" : "vendor";
}

void severity_judge(const char *ecosystem, const struct advisory *advisory,
                    const struct cve_facts *facts, struct severity_verdict *ret_verdict)
{
    struct severity_verdict verdict = {.source = "none",
                                       .rated = severity_of_word(advisory->rating)};
    const struct severity_score *v3, *v2;

    collect(advisory, facts, &verdict);
    v3 = severity_first(&verdict, "CVSS_V3");
    v2 = severity_first(&verdict, "CVSS_V2");
    if (verdict.rated != SEVERITY_UNKNOWN)
        verdict.rated_by = rater_of(ecosystem, advisory->id);
    if (v3) {
        verdict.severity = severity_of_v3(v3->tenths);
        verdict.source = "cvss_v3";
    } else if (v2) {
        verdict.severity = severity_of_v2(v2->tenths);
        verdict.source = "cvss_v2";
    } else if (verdict.rated_by) {
        verdict.severity = verdict.rated;
        verdict.source = verdict.rated_by;
    }
    *ret_verdict = verdict;
}
