#include "ver/ver_detail.h"

#include "bundle/json_file.h"

#include "base/clock.h"
#include "base/text.h"

static void put_detection(struct json_stream *out, const struct ver_detail *detail)
{
    json_open(out, "detection", '{');
    json_time(out, "detectedAt", detail->subject->detected_at_us);
    json_text(out, "detectionSource", detail->detection_source);
    json_close(out, '}');
}

static void put_next_reduction(struct json_stream *out, const struct ver_judgement *judgement)
{
    if (judgement->target_at_us == MU_TIME_NONE)
        return;
    json_open(out, "projectedNextReduction", '{');
    json_time(out, "estimatedAt", judgement->target_at_us);
    json_int(out, "targetRating", judgement->target_rating);
    json_close(out, '}');
}

static void put_overdue(struct json_stream *out, const struct system_file *system,
                        const struct ver_judgement *judgement, struct mu_buf *text)
{
    mu_buf_reset(text);
    ver_explain_overdue(system, judgement, text);
    json_open(out, "overdueStatus", '{');
    json_bool(out, "isOverdue", ver_is_overdue(judgement));
    json_known_text(out, "explanation", text->data);
    json_close(out, '}');
}

static void put_supplement(struct json_stream *out, const struct system_file *system,
                           const struct ver_detail *detail, struct mu_buf *text)
{
    mu_buf_reset(text);
    if (detail->remediated_at_us == MU_TIME_NONE)
        ver_explain(system, detail->subject, detail->judgement, text);
    if (detail->facts && *detail->facts)
        mu_buf_printf(text, "%s%s", text->len > 0 ? " " : "", detail->facts);
    json_known_text(out, "supplementaryRiskInformation", text->data);
}

/* VER-RPT-VDT, items 6 and 7, which the schema has no member for. */
static void put_history(struct json_stream *out, const struct system_file *system, int64_t as_of_us,
                        const struct ver_subject *subject)
{
    for (int reductions = 0; reductions < 2; reductions++) {
        struct statements_of of = statements_about(&system->statements, subject->id,
                                                   subject->vulnerability, as_of_us);
        const struct statement *row;
        int before = 0;

        json_open(out, reductions ? "completedReductions" : "ratingHistory", '[');
        while ((row = statements_next(&of))) {
            if (row->rating && (!reductions || (before && row->rating < before))) {
                json_open(out, NULL, '{');
                json_time(out, reductions ? "reducedAt" : "ratedAt", row->at_us);
                json_int(out, "rating", row->rating);
                json_text(out, "by", row->by);
                json_close(out, '}');
            }
            before = row->rating ? row->rating : before;
        }
        json_close(out, ']');
    }
}

static const char *disposition_of(const struct ver_detail *detail)
{
    return detail->subject->false_positive ? "False Positive" : detail->judgement->disposition;
}

void ver_detail_put(struct json_stream *out, const struct system_file *system, int64_t as_of_us,
                    const struct ver_detail *detail, struct mu_buf *text)
{
    const struct ver_judgement *judgement = detail->judgement;
    bool gone = detail->remediated_at_us != MU_TIME_NONE;

    json_text(out, "providerTrackingId", detail->subject->id);
    put_detection(out, detail);
    json_text(out, "vulnerabilityDescription", detail->description);
    json_known_text(out, "potentialAgencyImpact", judgement->potential_agency_impact);
    json_known_time(out, "evaluationCompletedAt", judgement->evaluated_at_us);
    if (!gone || judgement->reachable_stated)
        json_bool(out, "isInternetReachable", judgement->internet_reachable);
    if (!gone || judgement->exploitable_stated)
        json_bool(out, "isLikelyExploitable", judgement->likely_exploitable);
    json_int(out, "currentRating", judgement->rating);
    if (!gone && !judgement->accepted) {
        put_next_reduction(out, judgement);
        put_overdue(out, system, judgement, text);
    }
    put_supplement(out, system, detail, text);
    if (!gone)
        json_known_text(out, "finalDisposition", disposition_of(detail));
    json_known_time(out, "remediatedAt", detail->remediated_at_us);
    put_history(out, system, as_of_us, detail->subject);
}
