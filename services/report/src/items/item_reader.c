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
};

static const char *const severities[] = {"negligible", "low",     "moderate",
                                         "high",       "unknown", "critical"};

/* How bad a severity is, to compare; what nobody rated stands where Rev5's clocks have it, by high.
 */
static int item_severity_rank(const char *severity)
{
    for (size_t i = 0; i < sizeof(severities) / sizeof(severities[0]); i++)
        if (mu_text_equal(severities[i], severity))
            return (int)i;
    return -1;
}

enum mu_status item_time(const char *text, int64_t *ret_at_us, struct mu_error *err)
{
    if (text)
        return mu_time_parse(text, strlen(text), ret_at_us, err);
    *ret_at_us = MU_TIME_NONE;
    return MU_OK;
}

enum mu_status item_reader_open(const struct snapshot *snapshot, struct item_reader **ret_reader,
                                struct mu_error *err)
{
    MU_AUTO(item_reader) struct item_reader *reader = mu_xcalloc(1, sizeof(*reader));
    enum mu_status st = snapshot_list(snapshot, SNAPSHOT_LIST_FINDINGS, NULL, &reader->cursor, err);

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
                          .severity = keep(reader, row->severity, &failed),
                          .effective_severity = keep(reader, row->effective_severity, &failed),
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
                          .status = keep(reader, row->status, &failed),
                          .detected_at_us = MU_TIME_NONE,
                          .kev_due_at_us = MU_TIME_NONE,
                          .due_at_us = MU_TIME_NONE};
    return !failed;
}

static bool is_earlier(int64_t at_us, int64_t than_us)
{
    return at_us != MU_TIME_NONE && (than_us == MU_TIME_NONE || at_us < than_us);
}

static bool take_worst(struct item_reader *reader, const struct finding_row *row, struct item *item)
{
    bool failed = false;

    if (item_severity_rank(row->severity) > item_severity_rank(item->severity))
        item->severity = keep(reader, row->severity, &failed);
    if (item_severity_rank(row->effective_severity) > item_severity_rank(item->effective_severity))
        item->effective_severity = keep(reader, row->effective_severity, &failed);
    if (!item->fixed_versions)
        item->fixed_versions = keep(reader, row->fixed_versions, &failed);
    return !failed;
}

static enum mu_status take_dates(struct item_reader *reader, const struct finding_row *row,
                                 struct item *item, bool *failed, struct mu_error *err)
{
    int64_t detected = MU_TIME_NONE, kev = MU_TIME_NONE, due = MU_TIME_NONE;
    enum mu_status st = item_time(row->item_detected_at, &detected, err);

    if (st == MU_OK)
        st = item_time(row->kev_due_at, &kev, err);
    if (st == MU_OK)
        st = item_time(row->due_at, &due, err);
    if (st != MU_OK)
        return st;
    if (is_earlier(detected, item->detected_at_us))
        item->detected_at_us = detected;
    if (is_earlier(kev, item->kev_due_at_us))
        item->kev_due_at_us = kev;
    if (is_earlier(due, item->due_at_us)) {
        item->due_at_us = due;
        item->due_by = keep(reader, row->due_by, failed);
        item->status = keep(reader, row->status, failed);
    }
    return MU_OK;
}

static enum mu_status take(struct item_reader *reader, struct item *item, struct mu_error *err)
{
    const struct finding_row *row = &reader->ahead;
    bool failed = item->assets == 0 ? !begin(reader, row, item) : !take_worst(reader, row, item);
    enum mu_status st = take_dates(reader, row, item, &failed, err);

    if (st == MU_OK && failed)
        st = mu_fail(err, MU_E_LIMIT, "its texts are larger than %d bytes", ITEM_MAX_BYTES);
    if (st != MU_OK)
        return mu_wrap(err, "item %s", row->item);
    item->assets++;
    item->instances += row->instances > 0 ? (size_t)row->instances : 0;
    item->exposed += mu_text_equal(row->is_public, "yes") ? 1 : 0;
    item->not_exposed += mu_text_equal(row->is_public, "no") ? 1 : 0;
    item->late += mu_text_equal(row->status, "late") ? 1 : 0;
    return MU_OK;
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
