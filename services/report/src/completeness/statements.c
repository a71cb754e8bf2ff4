/* Findings, deviations, sources of events, the ledger. */
#include "completeness/state.h"

#include "base/clock.h"
#include "base/text.h"

enum { VENDOR_MAX_DAYS = 30 };

static enum mu_status check_finding(struct completeness *state, const void *row_,
                                    struct mu_error *err)
{
    const struct finding_row *row = row_;

    (void)err;
    if (!row->severity || mu_text_equal(row->severity, "unknown"))
        complain(state, CHECK_UNRATED, row->item, "%s on %s has no rating", row->vulnerability,
                 row->uai);
    return MU_OK;
}

/* Neither fixed nor released by the vendor: somebody must have asked lately. */
static void check_vendor(struct completeness *state, const struct deviation_row *row)
{
    const int64_t asked_us = time_of(row->checked_in_at ? row->checked_in_at : row->decided_at);

    if (!mu_text_equal(row->kind, "vendor_dependency") || row->released_at)
        return;
    if (asked_us == MU_TIME_NONE)
        complain(state, CHECK_VENDOR, row->deviation, "%s: no check-in with the vendor",
                 row->vulnerability ? row->vulnerability : "-");
    else if (snapshot_instants(state->snapshot)->as_of_us - asked_us > VENDOR_MAX_DAYS * DAY_US)
        complain(state, CHECK_VENDOR, row->deviation, "%s: last check-in %s",
                 row->vulnerability ? row->vulnerability : "-",
                 row->checked_in_at ? row->checked_in_at : row->decided_at);
}

static enum mu_status check_deviation(struct completeness *state, const void *row_,
                                      struct mu_error *err)
{
    const struct deviation_row *row = row_;
    const char *what = row->vulnerability ? row->vulnerability : "-";

    (void)err;
    if (mu_text_equal(row->state, "expired"))
        complain(state, CHECK_DEVIATION_EXPIRED, row->deviation, "%s: expired %s", what,
                 row->expires_at ? row->expires_at : "");
    if (mu_text_equal(row->state, "pending"))
        complain(state, CHECK_DEVIATION_PENDING, row->deviation, "%s: requested %s by %s", what,
                 row->requested_at ? row->requested_at : "-",
                 row->requested_by ? row->requested_by : "-");
    if (!mu_text_equal(row->state, "approved") && !mu_text_equal(row->state, "pending"))
        return MU_OK;
    if (!row->rationale || !*row->rationale)
        complain(state, CHECK_RATIONALE, row->deviation, "%s: it says no reason", what);
    if (!mu_text_equal(row->state, "approved"))
        return MU_OK;
    check_vendor(state, row);
    if (mu_text_equal(row->kind, "accepted") && !row->expires_at)
        complain(state, CHECK_DEVIATION_ENDLESS, row->deviation, "%s: accepted for ever by %s",
                 what, row->decided_by ? row->decided_by : "-");
    return MU_OK;
}

static enum mu_status check_failure(struct completeness *state, const void *row_,
                                    struct mu_error *err)
{
    const struct failure_row *row = row_;

    (void)err;
    if (mu_text_equal(row->state, "open"))
        complain(state, CHECK_FAILURE,
                 row->source ? row->source : (row->repository ? row->repository : row->failure),
                 "%s since %s: %.300s", row->code ? row->code : "-",
                 row->opened_at ? row->opened_at : "-", row->message ? row->message : "");
    return MU_OK;
}

static enum mu_status check_source(struct completeness *state, const void *row_,
                                   struct mu_error *err)
{
    const struct source_row *row = row_;

    (void)err;
    if (mu_text_equal(row->state, "silent"))
        complain(state, CHECK_SOURCE, row->source, "silent since %s, last event %s%s%.200s",
                 row->since ? row->since : "-", row->last_event_at ? row->last_event_at : "never",
                 row->last_error ? ": " : "", row->last_error ? row->last_error : "");
    return MU_OK;
}

static enum mu_status check_quarantine(struct completeness *state, const void *row_,
                                       struct mu_error *err)
{
    const struct quarantine_row *row = row_;

    (void)err;
    complain(state, CHECK_QUARANTINE, row->source, "%lld of %s, the last %s: %.300s",
             (long long)row->events, row->reason_code ? row->reason_code : "-",
             row->last_known_at ? row->last_known_at : "-", row->reason ? row->reason : "");
    return MU_OK;
}

static enum mu_status check_ledger(struct completeness *state, const void *row_,
                                   struct mu_error *err)
{
    const struct ledger_row *row = row_;
    const int64_t lost = row->received - row->applied - row->quarantined - row->duplicates;

    (void)err;
    if (lost != 0)
        complain(state, CHECK_LEDGER, row->topic,
                 "received %lld, applied %lld, quarantined %lld, duplicates %lld: %lld unexplained",
                 (long long)row->received, (long long)row->applied, (long long)row->quarantined,
                 (long long)row->duplicates, (long long)lost);
    return MU_OK;
}

enum mu_status completeness_statements(struct completeness *state, struct mu_error *err)
{
    static const struct {
        enum snapshot_list list;
        completeness_row_fn *each;
    } passes[] = {
            {SNAPSHOT_LIST_FINDINGS, check_finding},
            {SNAPSHOT_LIST_DEVIATIONS, check_deviation},
            {SNAPSHOT_LIST_FAILURES, check_failure},
            {SNAPSHOT_LIST_SOURCES, check_source},
            {SNAPSHOT_LIST_QUARANTINE, check_quarantine},
            {SNAPSHOT_LIST_LEDGER, check_ledger},
    };
    union {
        struct finding_row finding;
        struct deviation_row deviation;
        struct failure_row failure;
        struct source_row source;
        struct quarantine_row quarantine;
        struct ledger_row ledger;
    } row;
    enum mu_status st = MU_OK;

    for (size_t i = 0; st == MU_OK && i < sizeof(passes) / sizeof(passes[0]); i++)
        st = completeness_each(state, passes[i].list, &row, passes[i].each, err);
    return st;
}
