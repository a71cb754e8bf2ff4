#include "items/item_reader.h"

#include "base/clock.h"
#include "base/memory.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

enum { ITEM_MAX_BYTES = 16 * 1024 * 1024 };

struct item_reader {
    struct snapshot_cursor *cursor;
    struct mu_arena *arena; /* of one item */
    struct finding_row ahead;
    bool has_ahead;
    int64_t next_us;
};

enum mu_status item_reader_open(const struct snapshot *snapshot, enum item_order order,
                                int64_t next_us, struct item_reader **ret_reader,
                                struct mu_error *err)
{
    static const enum snapshot_list lists[] = {[ITEM_ORDER_SNAPSHOT] = SNAPSHOT_LIST_FINDINGS,
                                               [ITEM_ORDER_DUE] = SNAPSHOT_LIST_FINDINGS_BY_DUE};
    MU_AUTO(item_reader) struct item_reader *reader = mu_xcalloc(1, sizeof(*reader));
    enum mu_status st = snapshot_list(snapshot, lists[order], NULL, &reader->cursor, err);

    reader->next_us = next_us;
    reader->arena = mu_arena_new(ITEM_MAX_BYTES);
    if (st == MU_OK)
        st = snapshot_next(reader->cursor, &reader->ahead, &reader->has_ahead, err);
    if (st != MU_OK)
        return st;
    *ret_reader = reader;
    reader = NULL;
    return MU_OK;
}

void item_reader_free(struct item_reader *reader)
{
    if (!reader)
        return;
    snapshot_cursor_free(reader->cursor);
    mu_arena_free(reader->arena);
    free(reader);
}

/* ---- taking assets together ---- */

/* NULL stays NULL; a failure is told by `failed`. */
static const char *keep(struct item_reader *reader, const char *text, bool *failed)
{
    const char *kept = text ? mu_arena_strdup(reader->arena, text) : NULL;

    *failed |= text && !kept;
    return kept;
}

static bool begin(struct item_reader *reader, const struct finding_row *row, struct item *item)
{
    bool failed = false;

    *item = (struct item){.item = keep(reader, row->item, &failed),
                          .vulnerability = keep(reader, row->vulnerability, &failed),
                          .reported_as = keep(reader, row->reported_as, &failed),
                          .packages = keep(reader, row->packages, &failed),
                          .fixed_versions = keep(reader, row->fixed_versions, &failed),
                          .severity_source = keep(reader, row->severity_source, &failed),
                          .cvss = keep(reader, row->cvss, &failed),
                          .scanner_name = keep(reader, row->scanner_name, &failed),
                          .kev_added = keep(reader, row->kev_added, &failed),
                          .kev_due = keep(reader, row->kev_due, &failed),
                          .epss = keep(reader, row->epss, &failed),
                          .exploitation = keep(reader, row->exploitation, &failed),
                          .automatable = keep(reader, row->automatable, &failed),
                          .technical_impact = keep(reader, row->technical_impact, &failed),
                          .deviations = keep(reader, row->deviations, &failed),
                          .pending = keep(reader, row->pending, &failed),
                          .rating = RATING_COUNT,
                          .original = RATING_COUNT,
                          .state = ITEM_STATES,
                          .detected_at_us = MU_TIME_NONE,
                          .kev_due_at_us = MU_TIME_NONE,
                          .bod_due_at_us = MU_TIME_NONE,
                          .due_at_us = MU_TIME_NONE};
    return !failed;
}

static bool is_earlier(int64_t at_us, int64_t than_us)
{
    return at_us != MU_TIME_NONE && (than_us == MU_TIME_NONE || at_us < than_us);
}

static bool take_worst(struct item_reader *reader, const struct finding_row *row, struct item *item)
{
    const enum rating rating = rating_of(row->effective_severity),
                      original = rating_of(row->severity);
    const enum item_state state = item_state_of(row, reader->next_us);
    bool failed = false;

    item->rating = rating < item->rating ? rating : item->rating;
    item->original = original < item->original ? original : item->original;
    if (state < item->state) {
        item->state = state;
        item->status = keep(reader, row->status, &failed);
    }
    if (!item->fixed_versions)
        item->fixed_versions = keep(reader, row->fixed_versions, &failed);
    item->is_forensic |= row->forensic != 0;
    return !failed;
}

static enum mu_status take_date(const char *text, int64_t *at_us, struct mu_error *err)
{
    int64_t told_us = MU_TIME_NONE;
    enum mu_status st = snapshot_time(text, &told_us, err);

    if (st == MU_OK && is_earlier(told_us, *at_us))
        *at_us = told_us;
    return st;
}

static enum mu_status take_dates(struct item_reader *reader, const struct finding_row *row,
                                 struct item *item, bool *failed, struct mu_error *err)
{
    const int64_t due_before_us = item->due_at_us;
    enum mu_status st = take_date(row->item_detected_at, &item->detected_at_us, err);

    if (st == MU_OK)
        st = take_date(row->kev_due_at, &item->kev_due_at_us, err);
    if (st == MU_OK)
        st = take_date(row->bod_due_at, &item->bod_due_at_us, err);
    if (st == MU_OK)
        st = take_date(row->due_at, &item->due_at_us, err);
    if (st == MU_OK && item->due_at_us != due_before_us)
        item->due_by = keep(reader, row->due_by, failed);
    return st;
}

static void count_asset(struct item_reader *reader, const struct finding_row *row,
                        struct item *item, bool *failed)
{
    if (item->assets < ITEM_SHOWN_ASSETS)
        item->uais[item->assets] = keep(reader, row->uai, failed);
    item->assets++;
    item->instances += row->instances > 0 ? (size_t)row->instances : 0;
    item->exposed += mu_text_equal(row->is_public, "yes") ? 1 : 0;
    item->not_exposed += mu_text_equal(row->is_public, "no") ? 1 : 0;
}

static enum mu_status take(struct item_reader *reader, struct item *item, struct mu_error *err)
{
    const struct finding_row *row = &reader->ahead;
    bool failed = item->assets == 0 && !begin(reader, row, item);
    enum mu_status st;

    failed |= !take_worst(reader, row, item);
    count_asset(reader, row, item, &failed);
    st = take_dates(reader, row, item, &failed, err);
    if (st == MU_OK && failed)
        st = mu_fail(err, MU_E_LIMIT, "its texts are larger than %d bytes", ITEM_MAX_BYTES);
    return st == MU_OK ? MU_OK : mu_wrap(err, "item %s", row->item);
}

enum mu_status item_next(struct item_reader *reader, struct item *ret_item, bool *ret_found,
                         struct mu_error *err)
{
    struct item item = {.assets = 0};
    enum mu_status st = MU_OK;

    mu_arena_reset(reader->arena);
    *ret_found = reader->has_ahead;
    if (!reader->has_ahead)
        return MU_OK;
    do {
        st = take(reader, &item, err);
        if (st == MU_OK)
            st = snapshot_next(reader->cursor, &reader->ahead, &reader->has_ahead, err);
    } while (st == MU_OK && reader->has_ahead && mu_text_equal(reader->ahead.item, item.item));
    if (st == MU_OK && item.detected_at_us == MU_TIME_NONE)
        st = mu_fail(err, MU_E_INVALID, "item %s has no time of detection", item.item);
    if (st == MU_OK)
        *ret_item = item;
    return st;
}
