/*
 * severity: how bad a finding is, by whom.
 *
 * Shown severity, as FedRAMP wants it: CVSS v3 base score (NVD's, else the advisory's, else the
 * CNA's, else CISA's), else v2 (the advisory's, else NVD's), else the feed's own rating, else
 * unknown. The feed's own rating stands beside it and is never lost: Debian's urgency, Red Hat's
 * impact, the rating of GitHub, Ubuntu, AlmaLinux, Rocky Linux. Every score is kept with its
 * giver; base scores are computed from vectors, since published ones are sometimes temporal. CVSS
 * v4 stands beside them. KEV, EPSS and SSVC are facts of their own and change no severity.
 */
#ifndef SCANNER_MATCH_SEVERITY_H
#define SCANNER_MATCH_SEVERITY_H

#include "database/database.h"
#include "match/cvss.h"

enum { SEVERITY_SCORES_MAX = 7 };

struct severity_score {
    const char *type;   /* "CVSS_V4" "CVSS_V3" "CVSS_V2" */
    const char *giver;  /* "advisory" "nvd" "cna" "cisa-adp" */
    const char *vector; /* "": only the score is known */
    int tenths;         /* -1: not computed (v4) */
};

struct severity_verdict {
    enum severity severity;
    const char *source; /* "cvss_v3" "cvss_v2" "none", or who rated: "debian" "redhat" .. */
    enum severity rated;
    const char *rated_by; /* NULL: the feed has no rating */
    struct severity_score scores[SEVERITY_SCORES_MAX];
    size_t score_count;
};

void severity_judge(const char *ecosystem, const struct advisory *advisory,
                    const struct cve_facts *facts, struct severity_verdict *ret_verdict);

/* First score of that type; NULL: none. */
const struct severity_score *severity_first(const struct severity_verdict *verdict,
                                            const char *type);

#endif
