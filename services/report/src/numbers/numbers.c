#include "numbers/count.h"

#include "base/clock.h"
#include "base/text.h"

#include <string.h>

const char *const coverage_names[COVERAGE_COUNT] = {
        [COVERAGE_COVERED] = "covered",       [COVERAGE_EXPIRED] = "scan_expired",
        [COVERAGE_FAILED] = "scan_failed",    [COVERAGE_NEVER] = "never_scanned",
        [COVERAGE_UNRESOLVED] = "unresolved", [COVERAGE_NOT_IN_REGISTRY] = "not_in_registry",
        [COVERAGE_EXCLUDED] = "excluded"};

const int64_t age_days[AGE_STEPS - 1] = {30, 90, 180};
const int64_t scan_age_days[SCAN_AGE_STEPS - 1] = {1, 7, 14, 21, 30};

size_t count_step(int64_t span_us, const int64_t *steps, size_t step_count)
{
    size_t step = 0;

    while (step < step_count && span_us > steps[step] * DAY_US)
        step++;
    return step;
}

/* ---- triggers ---- */

enum { BASELINE_PERCENT = 20, BASELINE_MORE = 10, PERCENT = 100, RECURRENCE_MONTHS = 6 };

/* The baseline's limit: a fifth more, or ten more, whichever is greater. */
static enum mu_status read_baseline(const char *text, struct numbers *numbers, struct mu_error *err)
{
    enum { BASELINE_MAX = 1000000000 };
    uint64_t baseline;
    int64_t more;

    numbers->baseline = numbers->baseline_limit = NUMBERS_UNKNOWN;
    if (!text || !*text)
        return MU_OK;
    if (mu_text_to_u64(text, "unique_vulnerability_baseline", &baseline, err) != MU_OK)
        return err->status;
    if (baseline > BASELINE_MAX)
        return mu_fail(err, MU_E_INVALID, "unique_vulnerability_baseline: at most %d, not '%s'",
                       BASELINE_MAX, text);
    more = ((int64_t)baseline * BASELINE_PERCENT + PERCENT - 1) / PERCENT;
    numbers->baseline = (int64_t)baseline;
    numbers->baseline_limit = (int64_t)baseline + (more > BASELINE_MORE ? more : BASELINE_MORE);
    return MU_OK;
}

static int64_t months_of(const char *month)
{
    uint64_t year = 0, number = 0;
    struct mu_error err;
    char text[8];

    (void)snprintf(text, sizeof(text), "%.4s", month);
    if (mu_text_to_u64(text, "year", &year, &err) != MU_OK ||
        mu_text_to_u64(month + strlen("2026-"), "month", &number, &err) != MU_OK)
        return 0;
    return (int64_t)(year * 12 + number);
}

static void judge_recurrence(const struct numbers *numbers, size_t trigger,
                             struct trigger_result *result)
{
    const int64_t now = months_of(numbers->month);

    for (size_t i = 0; i < numbers->history_count; i++) {
        const int64_t before = now - months_of(numbers->history[i].month);

        if (numbers->history[i].reached[trigger] && before > 0 && before < RECURRENCE_MONTHS)
            result->recurrences++;
    }
    result->level = result->recurrences > 0 ? "CAP" : trigger_rules[trigger].level;
}

static void judge_triggers(struct numbers *numbers)
{
    for (size_t i = 0; i < TRIGGER_COUNT; i++) {
        const struct trigger_rule *rule = &trigger_rules[i];
        struct trigger_result *result = &numbers->triggers[i];

        result->limit = rule->limit;
        if (rule->measure == MEASURE_UNIQUE) {
            result->limit = numbers->baseline_limit;
            result->now = result->next = numbers->all.unique;
        } else if (rule->measure == MEASURE_UNAUTHENTICATED) {
            result->now = result->next = numbers->unauthenticated_per_mille;
        }
        result->reached_now =
                result->limit >= 0 && result->now >= 0 && result->now >= result->limit;
        result->reached_next =
                result->limit >= 0 && result->next >= 0 && result->next >= result->limit;
        judge_recurrence(numbers, i, result);
    }
}

/* ---- the whole ---- */

/* The last microsecond of the month behind the one that begins there. */
static enum mu_status next_submission(int64_t month_begin_us, int64_t *ret_us, struct mu_error *err)
{
    enum { MONTH_TEXT = 7, DAYS_TO_NEXT = 31 };
    int64_t at_us = month_begin_us, end_us = 0;
    char text[MU_TIME_TEXT_SIZE];
    enum mu_status st = MU_OK;

    for (int i = 0; st == MU_OK && i < 2; i++) {
        mu_time_format(at_us, text);
        text[MONTH_TEXT] = '\0';
        st = mu_month_parse(text, &at_us, &end_us, err);
        at_us = end_us;
    }
    *ret_us = end_us - 1;
    return st;
}

enum mu_status numbers_compute(const struct numbers_request *request, struct mu_arena *arena,
                               struct numbers *ret_numbers, struct mu_error *err)
{
    const struct snapshot_instants *instants = snapshot_instants(request->snapshot);
    struct numbers *numbers = mu_arena_alloc(arena, sizeof(*numbers));
    enum mu_status st;

    if (!numbers)
        return mu_fail(err, MU_E_NOMEM, "out of memory");
    numbers->month = request->month;
    numbers->system_name = request->system->name;
    numbers->fedramp_id = request->system->fedramp_id;
    numbers->as_of_us = instants->as_of_us;
    numbers->known_at_us = instants->known_at_us;
    st = next_submission(instants->month_begin_us, &numbers->next_us, err);
    if (st == MU_OK)
        st = read_baseline(request->system->unique_vulnerability_baseline, numbers, err);
    if (st == MU_OK && request->previous.count > 0)
        st = count_history(&request->previous, arena, numbers, err);
    if (st == MU_OK)
        st = count_findings(request->snapshot, arena, numbers, err);
    if (st == MU_OK)
        st = count_rest(request, arena, numbers, err);
    if (st != MU_OK)
        return mu_wrap(err, "numbers");
    judge_triggers(numbers);
    *ret_numbers = *numbers;
    return MU_OK;
}
