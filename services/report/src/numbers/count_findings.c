#include "numbers/count.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/text.h"

#include <string.h>

enum { NAME_MAX_BYTES = 64 * 1024 };

/* An item, or a vulnerability, while its rows go by. */
struct group {
    struct mu_buf name; /* "" before the first row */
    enum rating rating;
    enum item_state state;
    int64_t detected_us;
    bool kev, late_by_rev5, late_by_kev, late_by_bod;
    bool aged_now[TRIGGER_COUNT], aged_next[TRIGGER_COUNT];
};

struct counting {
    struct numbers *numbers;
    struct mu_arena *arena;
    int64_t month_begin_us;
    struct group item, vulnerability;
};

static void begin(struct group *group, const char *name)
{
    struct mu_buf kept = group->name;

    mu_buf_reset(&kept);
    mu_buf_puts(&kept, name);
    *group = (struct group){.name = kept,
                            .rating = RATING_COUNT,
                            .state = ITEM_FALSE_POSITIVE,
                            .detected_us = INT64_MAX};
}

/* ---- a row ---- */

static bool is_past(int64_t due_us, int64_t at_us)
{
    return due_us != MU_TIME_NONE && due_us <= at_us;
}

/* Whether the clock of the rating runs at that time, and ended that many days before. A vendor that
 * nobody asked again no longer holds it. */
static bool is_aged(const struct finding_row *row, int64_t rev5_us, int64_t due_us, int64_t at_us,
                    int64_t beyond_days)
{
    const bool runs =
            mu_text_equal(row->due_by, "rev5") ||
            ((mu_text_equal(row->due_by, "kev") || mu_text_equal(row->due_by, "vendor_check_in")) &&
             is_past(due_us, at_us));

    return runs && rev5_us != MU_TIME_NONE && rev5_us + beyond_days * DAY_US < at_us;
}

static bool is_measured(enum trigger_measure measure, enum rating rating)
{
    return measure == MEASURE_AGED_HIGH       ? rating <= RATING_UNKNOWN
           : measure == MEASURE_AGED_MODERATE ? rating == RATING_MODERATE
                                              : false;
}

static enum mu_status judge_clocks(struct group *item, const struct numbers *numbers,
                                   const struct finding_row *row, enum item_state state,
                                   struct mu_error *err)
{
    const enum rating rating = rating_of(row->effective_severity);
    int64_t rev5_us, due_us, kev_us, bod_us;
    enum mu_status st = snapshot_time(row->rev5_due_at, &rev5_us, err);

    if (st == MU_OK)
        st = snapshot_time(row->due_at, &due_us, err);
    if (st == MU_OK)
        st = snapshot_time(row->kev_due_at, &kev_us, err);
    if (st == MU_OK)
        st = snapshot_time(row->bod_due_at, &bod_us, err);
    if (st != MU_OK)
        return st;
    item->late_by_rev5 |= state == ITEM_LATE && mu_text_equal(row->due_by, "rev5");
    item->late_by_kev |= is_past(kev_us, numbers->as_of_us);
    item->late_by_bod |=
            is_past(bod_us, numbers->as_of_us) && (row->kev_added || state != ITEM_HELD);
    for (size_t i = 0; i < TRIGGER_COUNT; i++) {
        if (!is_measured(trigger_rules[i].measure, rating))
            continue;
        item->aged_now[i] |=
                is_aged(row, rev5_us, due_us, numbers->as_of_us, trigger_rules[i].beyond_days);
        item->aged_next[i] |=
                is_aged(row, rev5_us, due_us, numbers->next_us, trigger_rules[i].beyond_days);
    }
    return MU_OK;
}

static void take_worst(struct group *group, enum rating rating, enum item_state state, bool kev)
{
    group->rating = rating < group->rating ? rating : group->rating;
    group->state = state < group->state ? state : group->state;
    group->kev |= kev;
}

static enum mu_status add_row(struct counting *counting, const struct finding_row *row,
                              struct mu_error *err)
{
    struct numbers *numbers = counting->numbers;
    const enum item_state state = item_state_of(row, numbers->next_us);
    const enum rating rating = rating_of(row->effective_severity);
    int64_t detected_us;
    enum mu_status st;

    if (state == ITEM_FALSE_POSITIVE)
        return MU_OK;
    numbers->ratings[rating].per_asset++;
    numbers->ratings[rating].per_instance += row->instances;
    numbers->kev_per_asset += row->kev_added ? 1 : 0;
    numbers->kev_per_instance += row->kev_added ? row->instances : 0;
    take_worst(&counting->item, rating, state, row->kev_added != NULL);
    take_worst(&counting->vulnerability, rating, state, row->kev_added != NULL);
    st = snapshot_time(row->item_detected_at, &detected_us, err);
    if (st != MU_OK)
        return st;
    if (detected_us != MU_TIME_NONE && detected_us < counting->item.detected_us)
        counting->item.detected_us = detected_us;
    return judge_clocks(&counting->item, numbers, row, state, err);
}

/* ---- a group is whole ---- */

static enum mu_status add_trigger_item(struct counting *counting, struct trigger_result *trigger,
                                       bool now, struct mu_error *err)
{
    char *name;

    trigger->now += now ? 1 : 0;
    trigger->next++;
    if (trigger->item_count == NUMBERS_MAX_ITEMS)
        return MU_OK;
    name = mu_arena_strdup(counting->arena, counting->item.name.data);
    if (!name)
        return mu_fail(err, MU_E_NOMEM, "out of memory");
    trigger->items[trigger->item_count++] = (struct trigger_item){name, now};
    return MU_OK;
}

static enum mu_status end_item(struct counting *counting, struct mu_error *err)
{
    struct numbers *numbers = counting->numbers;
    const struct group *item = &counting->item;
    struct rating_numbers *rating;
    enum mu_status st = MU_OK;

    if (item->name.len == 0 || item->rating == RATING_COUNT) { /* none, or all false positives */
        numbers->all.states[ITEM_FALSE_POSITIVE] += item->name.len > 0 ? 1 : 0;
        return MU_OK;
    }
    rating = &numbers->ratings[item->rating];
    rating->items++;
    rating->states[item->state]++;
    rating->ages[count_step(numbers->as_of_us - item->detected_us, age_days, AGE_STEPS - 1)]++;
    numbers->new_items += item->detected_us >= counting->month_begin_us ? 1 : 0;
    numbers->late_30 += item->late_by_rev5 && item->rating <= RATING_UNKNOWN ? 1 : 0;
    numbers->late_90 += item->late_by_rev5 && item->rating == RATING_MODERATE ? 1 : 0;
    numbers->late_180 += item->late_by_rev5 && item->rating == RATING_LOW ? 1 : 0;
    numbers->late_kev += item->late_by_kev ? 1 : 0;
    numbers->late_bod += item->late_by_bod ? 1 : 0;
    numbers->kev_due += item->kev && item->state == ITEM_DUE ? 1 : 0;
    for (size_t i = 0; st == MU_OK && i < TRIGGER_COUNT; i++)
        if (item->aged_now[i] || item->aged_next[i])
            st = add_trigger_item(counting, &numbers->triggers[i], item->aged_now[i], err);
    return st;
}

static void end_vulnerability(struct counting *counting)
{
    const struct group *vulnerability = &counting->vulnerability;

    if (vulnerability->name.len == 0)
        return;
    if (vulnerability->rating == RATING_COUNT) {
        counting->numbers->false_positives++;
        return;
    }
    counting->numbers->ratings[vulnerability->rating].unique++;
    counting->numbers->kev += vulnerability->kev ? 1 : 0;
}

static enum mu_status take_row(struct counting *counting, const struct finding_row *row,
                               struct mu_error *err)
{
    enum mu_status st = MU_OK;

    if (!mu_text_equal(counting->item.name.data, row->item)) {
        st = end_item(counting, err);
        begin(&counting->item, row->item);
    }
    if (!mu_text_equal(counting->vulnerability.name.data, row->vulnerability)) {
        end_vulnerability(counting);
        begin(&counting->vulnerability, row->vulnerability);
    }
    if (st == MU_OK)
        st = mu_buf_status(&counting->item.name, "an item's number", err);
    if (st == MU_OK)
        st = mu_buf_status(&counting->vulnerability.name, "a vulnerability's name", err);
    return st == MU_OK ? add_row(counting, row, err) : st;
}

static void sum_up(struct numbers *numbers)
{
    for (size_t i = 0; i < RATING_COUNT; i++) {
        const struct rating_numbers *rating = &numbers->ratings[i];

        numbers->all.unique += rating->unique;
        numbers->all.items += rating->items;
        numbers->all.per_asset += rating->per_asset;
        numbers->all.per_instance += rating->per_instance;
        for (size_t j = 0; j < ITEM_STATES; j++)
            numbers->all.states[j] += rating->states[j];
        for (size_t j = 0; j < AGE_STEPS; j++)
            numbers->all.ages[j] += rating->ages[j];
    }
}

static enum mu_status walk(const struct snapshot *snapshot, struct counting *counting,
                           struct mu_error *err)
{
    MU_AUTO(snapshot_cursor) struct snapshot_cursor *cursor = NULL;
    struct finding_row row;
    bool found = true;
    enum mu_status st =
            snapshot_list(snapshot, SNAPSHOT_LIST_FINDINGS_OF_VULNERABILITIES, NULL, &cursor, err);

    while (st == MU_OK) {
        st = snapshot_next(cursor, &row, &found, err);
        if (st != MU_OK || !found)
            break;
        st = take_row(counting, &row, err);
    }
    if (st == MU_OK)
        st = end_item(counting, err);
    if (st == MU_OK)
        end_vulnerability(counting);
    return st;
}

enum mu_status count_findings(const struct snapshot *snapshot, struct mu_arena *arena,
                              struct numbers *numbers, struct mu_error *err)
{
    struct counting counting = {.numbers = numbers,
                                .arena = arena,
                                .month_begin_us = snapshot_instants(snapshot)->month_begin_us};
    enum mu_status st = MU_OK;

    for (size_t i = 0; i < TRIGGER_COUNT; i++) {
        numbers->triggers[i].items =
                mu_arena_alloc(arena, NUMBERS_MAX_ITEMS * sizeof(*numbers->triggers[i].items));
        if (!numbers->triggers[i].items)
            return mu_fail(err, MU_E_NOMEM, "out of memory");
    }
    mu_buf_init(&counting.item.name, NAME_MAX_BYTES);
    mu_buf_init(&counting.vulnerability.name, NAME_MAX_BYTES);
    st = walk(snapshot, &counting, err);
    mu_buf_done(&counting.item.name);
    mu_buf_done(&counting.vulnerability.name);
    if (st == MU_OK)
        sum_up(numbers);
    return st;
}
