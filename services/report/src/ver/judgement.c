#include "ver/judgement.h"

#include "ver/rules.h"

#include "base/clock.h"
#include "base/text.h"

#include <string.h>

char ver_class(const struct system_file *system)
{
    return system->certification_class && *system->certification_class
                   ? *system->certification_class
                   : ver_class_of_impact(system->impact_level);
}

/* ---- what was stated ---- */

static void set(const char **text, const char *stated)
{
    if (stated)
        *text = stated;
}

static void take_statement(const struct statement *row, struct ver_judgement *judgement)
{
    if (row->rating) {
        judgement->rating = row->rating;
        judgement->rating_stated = true;
    }
    if (row->likely_exploitable) {
        judgement->likely_exploitable = row->likely_exploitable == ANSWER_YES;
        judgement->exploitable_stated = true;
    }
    if (row->internet_reachable) {
        judgement->internet_reachable = row->internet_reachable == ANSWER_YES;
        judgement->reachable_stated = true;
    }
    if (row->target_rating) {
        judgement->target_rating = row->target_rating;
        judgement->target_at_us = row->target_at_us;
        judgement->target_stated = true;
    }
    /* Complete with the first rating: what follows are reductions, from the same evaluation. */
    if (judgement->rating_stated && judgement->evaluated_at_us == MU_TIME_NONE) {
        judgement->evaluated_at_us = row->at_us;
        judgement->evaluated_by = row->by;
    }
    set(&judgement->potential_agency_impact, row->potential_agency_impact);
    set(&judgement->overdue_explanation, row->overdue_explanation);
    set(&judgement->acceptance_rationale, row->acceptance_rationale);
    set(&judgement->supplementary_information, row->supplementary_information);
    set(&judgement->disposition, row->disposition);
}

/* ---- what follows from facts ---- */

static bool is_likely_exploitable(const struct ver_subject *subject)
{
    bool exploited = subject->exploitation && !mu_text_equal(subject->exploitation, "none");

    if (subject->is_failure)
        return false;
    return subject->in_kev || exploited || !mu_text_equal(subject->automatable, "no");
}

static bool is_reachable(const struct ver_subject *subject)
{
    return !subject->is_failure &&
           !(subject->assets > 0 && subject->not_exposed == subject->assets);
}

static void derive(const struct ver_subject *subject, struct ver_judgement *judgement)
{
    judgement->rating = subject->is_failure ? ver_default_failure_rating()
                                            : ver_default_rating(subject->severity);
    judgement->likely_exploitable = is_likely_exploitable(subject);
    judgement->internet_reachable = is_reachable(subject);
}

/* ---- what is due ---- */

static bool is_past(int64_t due_us, int64_t as_of_us)
{
    return due_us != MU_TIME_NONE && due_us <= as_of_us;
}

static void set_clocks(char certification_class, const struct ver_subject *subject,
                       struct ver_judgement *judgement)
{
    int64_t from_us = judgement->evaluated_at_us != MU_TIME_NONE ? judgement->evaluated_at_us
                                                                 : subject->detected_at_us;
    int hours = ver_reduction_hours(certification_class, judgement->rating,
                                    judgement->likely_exploitable, judgement->internet_reachable);

    judgement->evaluation_due_us =
            subject->detected_at_us + ver_evaluation_days(certification_class) * VER_DAY_US;
    judgement->accepted_after_us = from_us + VER_ACCEPTED_AFTER_DAYS * VER_DAY_US;
    judgement->kev_due_us = subject->kev_due_at_us;
    judgement->reduction_due_us = hours > 0 ? from_us + hours * VER_HOUR_US : MU_TIME_NONE;
    if (mu_text_equal(judgement->disposition, "Fully Mitigated"))
        judgement->reduction_due_us = MU_TIME_NONE;
}

static int64_t earlier(int64_t a_us, int64_t b_us)
{
    if (a_us == MU_TIME_NONE || b_us == MU_TIME_NONE)
        return a_us == MU_TIME_NONE ? b_us : a_us;
    return a_us < b_us ? a_us : b_us;
}

/* A plan that somebody stated, else the last day the rules leave. */
static void set_target(const struct ver_subject *subject, int64_t as_of_us,
                       struct ver_judgement *judgement)
{
    if (judgement->target_stated && judgement->target_at_us > as_of_us)
        return;
    judgement->target_stated = false;
    judgement->target_at_us = earlier(judgement->reduction_due_us, judgement->kev_due_us);
    judgement->target_rating =
            subject->fixed_versions || judgement->rating == 1 ? 1 : judgement->rating - 1;
    if (is_past(judgement->target_at_us, as_of_us))
        judgement->target_at_us = MU_TIME_NONE;
}

void ver_judge(const struct system_file *system, const struct ver_subject *subject,
               int64_t as_of_us, struct ver_judgement *ret_judgement)
{
    struct ver_judgement judgement = {.evaluated_at_us = MU_TIME_NONE,
                                      .target_at_us = MU_TIME_NONE};
    struct statements_of of =
            statements_about(&system->statements, subject->id, subject->vulnerability, as_of_us);
    const struct statement *row;

    derive(subject, &judgement);
    while ((row = statements_next(&of)))
        take_statement(row, &judgement);
    if (judgement.evaluated_at_us == MU_TIME_NONE &&
        mu_text_equal(system->automatic_evaluation, "Yes"))
        judgement.evaluated_at_us = subject->detected_at_us;
    set_clocks(ver_class(system), subject, &judgement);
    set_target(subject, as_of_us, &judgement);
    judgement.accepted =
            !subject->false_positive &&
            (subject->accepted || (judgement.accepted_after_us < as_of_us &&
                                   !mu_text_equal(judgement.disposition, "Fully Mitigated")));
    if (!subject->false_positive && !judgement.accepted) {
        judgement.evaluation_overdue = judgement.evaluated_at_us == MU_TIME_NONE &&
                                       is_past(judgement.evaluation_due_us, as_of_us);
        judgement.reduction_overdue = is_past(judgement.reduction_due_us, as_of_us);
        judgement.kev_overdue = is_past(judgement.kev_due_us, as_of_us);
    }
    if (subject->false_positive || judgement.accepted)
        judgement.target_at_us = MU_TIME_NONE;
    *ret_judgement = judgement;
}

/* ---- in words ---- */

bool ver_is_overdue(const struct ver_judgement *judgement)
{
    return judgement->evaluation_overdue || judgement->reduction_overdue || judgement->kev_overdue;
}

static void put_sentence(struct mu_buf *out, const char *text)
{
    mu_buf_printf(out, "%s%s", out->len > 0 ? " " : "", text);
}

static void put_time(struct mu_buf *out, const char *before, int64_t at_us, const char *after)
{
    char text[MU_TIME_TEXT_SIZE];

    mu_time_format(at_us, text);
    mu_buf_printf(out, "%s%.10sT%.8sZ%s", before, text, text + 11, after);
}

void ver_explain_overdue(const struct system_file *system, const struct ver_judgement *judgement,
                         struct mu_buf *out)
{
    if (!ver_is_overdue(judgement))
        return;
    if (judgement->overdue_explanation)
        put_sentence(out, judgement->overdue_explanation);
    if (judgement->evaluation_overdue) {
        put_sentence(out, "No person has evaluated it");
        put_time(out, "; VER-TFR-EVU asked for that by ", judgement->evaluation_due_us, ".");
    }
    if (judgement->reduction_overdue) {
        mu_buf_printf(out, "%sVDR-TFR-PVR (class %c, N%d, %s, %s)", out->len > 0 ? " " : "",
                      ver_class(system), judgement->rating,
                      judgement->likely_exploitable ? "LEV" : "NLEV",
                      judgement->internet_reachable ? "IRV" : "NIRV");
        put_time(out, " asked for a lower rating by ", judgement->reduction_due_us, ".");
    }
    if (judgement->kev_overdue)
        put_time(out,
                 out->len > 0 ? " CISA's KEV catalog asks for remediation before "
                              : "CISA's KEV catalog asks for remediation before ",
                 judgement->kev_due_us, " (VDR-TFR-KEV).");
    if (!judgement->overdue_explanation)
        put_sentence(out, "No person has stated a reason.");
}

static void put_reach(const struct ver_subject *subject, const struct ver_judgement *judgement,
                      struct mu_buf *out)
{
    size_t unknown = subject->assets - subject->exposed - subject->not_exposed;

    if (!judgement->internet_reachable)
        put_sentence(out, subject->is_failure ? "internet-reachable no (a failure of detection);"
                                              : "internet-reachable no (no asset is exposed);");
    else if (unknown > 0)
        mu_buf_printf(out,
                      " internet-reachable yes (ASSUMED: of %zu of %zu assets nobody stated the "
                      "exposure);",
                      unknown, subject->assets);
    else
        mu_buf_printf(out, " internet-reachable yes (%zu of %zu assets are exposed);",
                      subject->exposed, subject->assets);
}

static const char *why_exploitable(const struct ver_subject *subject)
{
    if (subject->is_failure)
        return "a failure of detection";
    if (subject->in_kev)
        return "in CISA's KEV catalog";
    if (subject->exploitation && !mu_text_equal(subject->exploitation, "none"))
        return "exploitation is known of";
    if (mu_text_equal(subject->automatable, "no"))
        return "evidence that it cannot be automated, no exploitation known";
    return mu_text_equal(subject->automatable, "yes") ? "can be automated"
                                                      : "assumed to be automatable, VER-EVA-AIA";
}

static void put_derived(const struct ver_subject *subject, const struct ver_judgement *judgement,
                        struct mu_buf *out)
{
    if (judgement->rating_stated && judgement->exploitable_stated && judgement->reachable_stated)
        return;
    put_sentence(out, "Derived by rule, not stated by a person:");
    if (!judgement->rating_stated)
        mu_buf_printf(out, " rating N%d (%s%s);", judgement->rating,
                      subject->is_failure ? "a failure of detection" : "severity ",
                      subject->is_failure ? ""
                                          : (subject->severity ? subject->severity : "unknown"));
    if (!judgement->exploitable_stated)
        mu_buf_printf(out, " likely exploitable %s (%s);",
                      judgement->likely_exploitable ? "yes" : "no", why_exploitable(subject));
    if (!judgement->reachable_stated)
        put_reach(subject, judgement, out);
    if (out->len > 0 && out->data[out->len - 1] == ';') {
        mu_buf_cut(out, out->len - 1);
        mu_buf_puts(out, ".");
    }
}

static void put_evaluation(const struct ver_judgement *judgement, struct mu_buf *out)
{
    if (judgement->evaluated_at_us == MU_TIME_NONE) {
        put_sentence(out, "No evaluation was completed: clocks run from the detection.");
    } else if (judgement->evaluated_by) {
        mu_buf_printf(out, "%sEvaluated by %s.", out->len > 0 ? " " : "", judgement->evaluated_by);
    } else {
        put_sentence(out, "Evaluated by rule with the detection, as the provider has stated.");
    }
}

void ver_explain(const struct system_file *system, const struct ver_subject *subject,
                 const struct ver_judgement *judgement, struct mu_buf *out)
{
    const char *incident = judgement->accepted || subject->false_positive
                                   ? NULL
                                   : ver_incident_rule(ver_class(system), judgement->rating,
                                                       judgement->likely_exploitable,
                                                       judgement->internet_reachable);

    if (judgement->supplementary_information)
        put_sentence(out, judgement->supplementary_information);
    put_derived(subject, judgement, out);
    put_evaluation(judgement, out);
    if (judgement->target_at_us != MU_TIME_NONE && !judgement->target_stated)
        put_sentence(out, "The next reduction is the time the rules leave: no person has stated a "
                          "plan.");
    if (incident)
        mu_buf_printf(out, " To be treated as a reportable incident (%s).", incident);
}
