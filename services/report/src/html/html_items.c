#include "html/html_items.h"

#include "base/text.h"

#include <stdlib.h>
#include <string.h>

enum { ITEM_MAX_BYTES = 4 * 1024 * 1024 };

struct html_item_reader {
    struct snapshot_cursor *cursor;
    struct mu_arena *texts;
    struct finding_row row; /* that of the next item, when `waits` */
    bool waits, ended;
    int64_t next_us;
};

enum mu_status html_item_reader_open(const struct snapshot *snapshot, int64_t next_us,
                                     struct html_item_reader **ret_reader, struct mu_error *err)
{
    MU_AUTO(html_item_reader) struct html_item_reader *reader = mu_xcalloc(1, sizeof(*reader));
    enum mu_status st;

    reader->next_us = next_us;
    reader->texts = mu_arena_new(ITEM_MAX_BYTES);
    st = snapshot_list(snapshot, SNAPSHOT_LIST_FINDINGS_BY_DUE, NULL, &reader->cursor, err);
    if (st != MU_OK)
        return st;
    *ret_reader = reader;
    reader = NULL;
    return MU_OK;
}

void html_item_reader_free(struct html_item_reader *reader)
{
    if (!reader)
        return;
    snapshot_cursor_free(reader->cursor);
    mu_arena_free(reader->texts);
    free(reader);
}

static enum mu_status read_row(struct html_item_reader *reader, struct mu_error *err)
{
    bool found = false;
    enum mu_status st = MU_OK;

    if (!reader->ended)
        st = snapshot_next(reader->cursor, &reader->row, &found, err);
    reader->waits = found;
    reader->ended = !found;
    return st;
}

/* The earlier of two RFC 3339 texts of ours, which sort as they stand. */
static const char *earlier(const char *a, const char *b)
{
    return !a || (b && strcmp(b, a) < 0) ? b : a;
}

static const char *keep(struct html_item_reader *reader, const char *text, bool *failed)
{
    char *copy = text ? mu_arena_strdup(reader->texts, text) : NULL;

    *failed |= text && !copy;
    return copy;
}

/* What the first row says, and is the same of all, or stands for all. */
static enum mu_status begin_item(struct html_item_reader *reader, struct html_item *item,
                                 struct mu_error *err)
{
    const struct finding_row *row = &reader->row;
    bool failed = false;

    mu_arena_reset(reader->texts);
    *item = (struct html_item){.rating = RATING_COUNT,
                               .original = RATING_COUNT,
                               .state = ITEM_STATES,
                               .item = keep(reader, row->item, &failed),
                               .vulnerability = keep(reader, row->vulnerability, &failed),
                               .packages = keep(reader, row->packages, &failed),
                               .fixed_versions = keep(reader, row->fixed_versions, &failed),
                               .cvss = keep(reader, row->cvss, &failed),
                               .severity_source = keep(reader, row->severity_source, &failed),
                               .scanner_name = keep(reader, row->scanner_name, &failed),
                               .deviations = keep(reader, row->deviations, &failed),
                               .pending = keep(reader, row->pending, &failed),
                               .detected_at = keep(reader, row->item_detected_at, &failed),
                               .kev_added = keep(reader, row->kev_added, &failed),
                               .kev_due = keep(reader, row->kev_due, &failed),
                               .bod_due_at = keep(reader, row->bod_due_at, &failed)};
    return failed ? mu_fail(err, MU_E_LIMIT, "an item's texts are too long") : MU_OK;
}

/* The worst of its rows counts: rating, state, and what is due first. */
static enum mu_status add_row(struct html_item_reader *reader, struct html_item *item,
                              struct mu_error *err)
{
    const struct finding_row *row = &reader->row;
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
    if (row->due_at && earlier(item->due_at, row->due_at) != item->due_at) {
        item->due_at = keep(reader, row->due_at, &failed);
        item->due_by = keep(reader, row->due_by, &failed);
    }
    item->is_public |= mu_text_equal(row->is_public, "yes");
    item->forensic |= row->forensic != 0;
    if (item->assets < ITEM_SHOWN_ASSETS)
        item->uais[item->assets] = keep(reader, row->uai, &failed);
    item->assets++;
    item->instances += row->instances;
    return failed ? mu_fail(err, MU_E_LIMIT, "%s: its texts are too long", item->item) : MU_OK;
}

enum mu_status html_item_next(struct html_item_reader *reader, struct html_item *ret_item,
                              bool *ret_found, struct mu_error *err)
{
    struct html_item item;
    enum mu_status st = MU_OK;

    if (!reader->waits)
        st = read_row(reader, err);
    if (st == MU_OK)
        *ret_found = reader->waits;
    if (st != MU_OK || !reader->waits)
        return st;
    st = begin_item(reader, &item, err);
    while (st == MU_OK && reader->waits && mu_text_equal(reader->row.item, item.item)) {
        st = add_row(reader, &item, err);
        if (st == MU_OK)
            st = read_row(reader, err);
    }
    if (st == MU_OK)
        *ret_item = item;
    return st;
}
