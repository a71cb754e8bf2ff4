#include "close/sequence.h"

#include "base/clock.h"
#include "base/text.h"

#include <string.h>

static struct close_link link_to(const struct month_close *close)
{
    return (struct close_link){close->record.month, close->record.revision, close->record.serial,
                               close->sha256};
}

static enum mu_status check_over(const struct sequence_wish *wish, struct mu_error *err)
{
    int64_t begin_us, end_us;
    enum mu_status st = mu_month_parse(wish->month, &begin_us, &end_us, err);

    if (st != MU_OK)
        return st;
    if (wish->now_us < begin_us)
        return mu_fail(err, MU_E_INVALID, "%s has not begun", wish->month);
    if (wish->now_us < end_us && !wish->early)
        return mu_fail(err, MU_E_INVALID,
                       "%s is not over: close it when it is, or with --early as it stands now",
                       wish->month);
    return MU_OK;
}

/* A month that was never closed: the one behind the newest, or the first of all. */
static enum mu_status check_order(const struct month_store *store, const char *month,
                                  struct mu_error *err)
{
    const struct month_close *newest = month_store_newest(store);
    char next[CLOSE_MONTH_SIZE];

    if (!newest)
        return MU_OK;
    close_month_step(newest->record.month, 1, next);
    if (strcmp(month, next) > 0)
        return mu_fail(err, MU_E_CONFLICT,
                       "%s is not closed yet, and months are closed in order: muster-report close "
                       "--month=%s first",
                       next, next);
    if (strcmp(month, next) < 0)
        return mu_fail(err, MU_E_CONFLICT,
                       "%s is before %s, and months are closed in order: give it a store of its "
                       "own with another --store",
                       month, next);
    return MU_OK;
}

static enum mu_status check_closed(const struct month_close *newest,
                                   const struct sequence_wish *wish, bool *ret_already,
                                   struct mu_error *err)
{
    if (newest && !wish->amend) {
        *ret_already = true;
        return mu_fail(err, MU_E_CONFLICT,
                       "%s is closed already (revision %lld): amend it with muster-report reopen "
                       "--month=%s --reason=... --by=...",
                       wish->month, (long long)newest->record.revision, wish->month);
    }
    if (!newest && wish->amend)
        return mu_fail(err, MU_E_CONFLICT, "%s is not closed: muster-report close --month=%s",
                       wish->month, wish->month);
    return MU_OK;
}

enum mu_status sequence_next(const struct month_store *store, const struct sequence_wish *wish,
                             struct close_record *ret_record, bool *ret_already,
                             struct mu_error *err)
{
    const struct month_close *own = store ? month_store_find(store, wish->month, 0) : NULL;
    const struct month_close *before = NULL;
    char previous[CLOSE_MONTH_SIZE];
    enum mu_status st;

    *ret_already = false;
    st = check_closed(own, wish, ret_already, err);
    if (st == MU_OK)
        st = check_over(wish, err);
    if (st == MU_OK && store && !own)
        st = check_order(store, wish->month, err);
    if (st != MU_OK)
        return st;
    close_month_step(wish->month, -1, previous);
    before = store ? month_store_find(store, previous, 0) : NULL;
    ret_record->month = wish->month;
    ret_record->revision = own ? own->record.revision + 1 : 1;
    ret_record->has_replaces = own != NULL;
    ret_record->has_previous_month = before != NULL;
    if (own)
        ret_record->replaces = link_to(own);
    if (before)
        ret_record->previous_month = link_to(before);
    return MU_OK;
}

size_t sequence_resting(const struct month_store *store, const struct close_record *record)
{
    size_t count = 0;

    for (size_t i = 0; i < month_store_count(store); i++) {
        const struct close_record *other = &month_store_at(store, i)->record;

        if (other->has_previous_month && other->previous_month.revision < record->revision &&
            mu_text_equal(other->previous_month.month, record->month))
            count++;
    }
    return count;
}
