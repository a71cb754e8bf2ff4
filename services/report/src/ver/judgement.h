/*
 * judgement: how a vulnerability, or a failure of detection, stands under FedRAMP's VDR and VER
 * rules at the snapshot's instant: what people stated of it (statements/statements.h), what follows
 * from facts where they did not, and what is due.
 *
 * Derived where nobody stated it:
 * - rating: by severity (ver/rules.h);
 * - likely exploitable: unless there is evidence that it cannot be automated (SSVC "no"), nobody
 *   exploits it, and it is not in KEV (VER-EVA-AIA); a failure of detection is not;
 * - internet-reachable: unless of every asset somebody stated that it is not exposed;
 * - evaluation: none was completed, so clocks that run from it run from the detection; with the
 *   system's `automatic_evaluation` the provider states that these rules are its evaluation.
 */
#ifndef REPORT_VER_JUDGEMENT_H
#define REPORT_VER_JUDGEMENT_H

#include "statements/statements.h"
#include "system/system_file.h"

#include "base/buf.h"

/* The facts. Texts are NULL where there are none. */
struct ver_subject {
    const char *id, *vulnerability;                    /* vulnerability: NULL of a failure */
    const char *severity;                              /* after approved risk adjustments */
    bool is_failure, in_kev, false_positive, accepted; /* by approved deviations */
    const char *exploitation, *automatable;
    const char *fixed_versions;
    size_t assets, exposed, not_exposed;
    int64_t detected_at_us, kev_due_at_us; /* MU_TIME_NONE: no due date of KEV */
};

struct ver_judgement {
    int rating;
    bool likely_exploitable, internet_reachable;
    bool rating_stated, exploitable_stated, reachable_stated;
    int64_t evaluated_at_us; /* MU_TIME_NONE: not yet */
    const char *evaluated_by;
    const char *potential_agency_impact, *overdue_explanation, *acceptance_rationale;
    const char *supplementary_information, *disposition; /* stated, or NULL */
    int64_t evaluation_due_us;
    int64_t reduction_due_us, kev_due_us; /* MU_TIME_NONE: none */
    int64_t accepted_after_us;            /* what is open then is accepted */
    int64_t target_at_us;                 /* of the next reduction; MU_TIME_NONE: none to tell */
    int target_rating;
    bool target_stated;
    bool evaluation_overdue, reduction_overdue, kev_overdue;
    bool accepted;
};

char ver_class(const struct system_file *system);

void ver_judge(const struct system_file *system, const struct ver_subject *subject,
               int64_t as_of_us, struct ver_judgement *ret_judgement);

bool ver_is_overdue(const struct ver_judgement *judgement);
/* Why, as sentences, appended; nothing when it is not overdue. */
void ver_explain_overdue(const struct system_file *system, const struct ver_judgement *judgement,
                         struct mu_buf *out);
/* What of it was derived, stated and by whom, and what follows. */
void ver_explain(const struct system_file *system, const struct ver_subject *subject,
                 const struct ver_judgement *judgement, struct mu_buf *out);

#endif
