#include "database/range.h"

#include "base/text.h"

#include <string.h>

struct order {
    version_compare_fn *compare;
    const char *strings;
};

static const char *version_of(const struct order *order, const struct database_event *event)
{
    return order->strings + event->version;
}

/* "introduced": "0" sorts before everything. */
static bool is_beginning(const struct order *order, const struct database_event *event)
{
    return event->kind == DATABASE_EVENT_INTRODUCED && mu_text_equal(version_of(order, event), "0");
}

static int compare_events(const struct order *order, const struct database_event *a,
                          const struct database_event *b)
{
    if (is_beginning(order, a) != is_beginning(order, b))
        return is_beginning(order, a) ? -1 : 1;
    return order->compare(version_of(order, a), version_of(order, b));
}

/* Of the range that begins at `events`, without its RANGE event. */
static size_t range_length(const struct database_event *events, size_t count)
{
    size_t len = 0;

    while (len < count && events[len].kind != DATABASE_EVENT_RANGE)
        len++;
    return len;
}

static void sort_one(const struct order *order, struct database_event *events, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        struct database_event event = events[i];
        size_t at = i;

        for (; at > 0 && compare_events(order, &event, &events[at - 1]) < 0; at--)
            events[at] = events[at - 1];
        events[at] = event;
    }
}

void range_sort(version_compare_fn *compare, const char *strings, struct database_event *events,
                size_t count)
{
    const struct order order = {compare, strings};

    for (size_t at = 0; at < count;) {
        size_t len = range_length(events + at, count - at);

        sort_one(&order, events + at, len);
        at += len + 1;
    }
}

/* "fixed": "0" is how trackers say "never affected": it lies before every version too. */
static int compare_bound(const struct order *order, const char *version, const char *bound)
{
    return mu_text_equal(bound, "0") ? 1 : order->compare(version, bound);
}

/* "limit": the version must be below one of them, if there is any. */
static bool below_limits(const struct order *order, const struct database_event *events,
                         size_t count, const char *version)
{
    bool any = false;

    for (size_t i = 0; i < count; i++) {
        const char *limit = version_of(order, &events[i]);

        if (events[i].kind != DATABASE_EVENT_LIMIT)
            continue;
        any = true;
        if (mu_text_equal(limit, "*") || order->compare(version, limit) < 0)
            return true;
    }
    return !any;
}

/* One event after the other, in version order; says whether the version is affected so far. */
static bool step(const struct order *order, const struct database_event *event, const char *version,
                 bool affected, struct range_place *place)
{
    const char *bound = version_of(order, event);

    switch ((enum database_event_kind)event->kind) {
    case DATABASE_EVENT_INTRODUCED:
        if (compare_bound(order, version, bound) < 0)
            return affected;
        *place = (struct range_place){.introduced = bound};
        return true;
    case DATABASE_EVENT_FIXED:
        if (compare_bound(order, version, bound) >= 0)
            return false;
        if (!place->fixed && !place->last_affected)
            place->fixed = bound;
        return affected;
    case DATABASE_EVENT_LAST_AFFECTED:
        if (order->compare(version, bound) > 0)
            return false;
        if (!place->fixed && !place->last_affected)
            place->last_affected = bound;
        return affected;
    case DATABASE_EVENT_RANGE:
    case DATABASE_EVENT_LIMIT:
        break;
    }
    return affected;
}

static bool one_holds(const struct order *order, const struct database_event *events, size_t count,
                      const char *version, struct range_place *place)
{
    bool affected = false;

    for (size_t i = 0; i < count; i++)
        affected = step(order, &events[i], version, affected, place);
    return affected && below_limits(order, events, count, version);
}

bool range_holds(version_compare_fn *compare, const char *strings,
                 const struct database_event *events, size_t count, const char *version,
                 struct range_place *ret_place)
{
    const struct order order = {compare, strings};

    for (size_t at = 0; at < count;) {
        size_t len = range_length(events + at, count - at);
        struct range_place place = {0};

        if (len > 0 && one_holds(&order, events + at, len, version, &place)) {
            *ret_place = place;
            return true;
        }
        at += len + 1;
    }
    return false;
}
