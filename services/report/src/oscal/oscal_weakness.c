#include "oscal/oscal_poam.h"

#include "base/clock.h"
#include "base/stop.h"
#include "base/text.h"

static enum mu_status describe(struct oscal *oscal, struct oscal_weakness *weakness,
                               struct mu_error *err)
{
    MU_AUTO(snapshot_cursor) struct snapshot_cursor *cursor = NULL;
    struct description_row row;
    bool found = false;
    enum mu_status st = snapshot_list(oscal->render->snapshot, SNAPSHOT_LIST_DESCRIPTION_OF,
                                      weakness->item->vulnerability, &cursor, err);

    if (st == MU_OK)
        st = snapshot_next(cursor, &row, &found, err);
    if (st != MU_OK || !found)
        return st;
    weakness->summary = row.summary ? mu_arena_strdup(oscal->arena, row.summary) : NULL;
    weakness->evidence_digest =
            row.evidence_digest ? mu_arena_strdup(oscal->arena, row.evidence_digest) : NULL;
    return MU_OK;
}

static enum mu_status each_item(struct oscal *oscal, oscal_weakness_fn *each, struct mu_error *err)
{
    MU_AUTO(item_reader) struct item_reader *reader = NULL;
    struct item item;
    bool found = true;
    enum mu_status st = item_reader_open(oscal->render->snapshot, ITEM_ORDER_SNAPSHOT, MU_TIME_NONE,
                                         &reader, err);

    while (st == MU_OK) {
        st = item_next(reader, &item, &found, err);
        if (st != MU_OK || !found)
            break;
        struct oscal_weakness weakness = {.id = item.item,
                                          .item = &item,
                                          .tool = item.scanner_name ? item.scanner_name
                                                                    : "unknown scanner",
                                          .detected_at_us = item.detected_at_us};

        mu_arena_reset(oscal->arena);
        st = describe(oscal, &weakness, err);
        if (st == MU_OK)
            st = each(oscal, &weakness, err);
        if (st == MU_OK && mu_stop_requested())
            st = mu_fail(err, MU_E_UNAVAILABLE, "stopping");
    }
    return st;
}

static enum mu_status take_failure(struct oscal *oscal, const struct failure_row *row,
                                   oscal_weakness_fn *each, struct mu_error *err)
{
    const char *place = row->repository ? row->repository : row->source;
    struct oscal_weakness weakness = {.id = row->failure, .tool = OSCAL_WATCH};
    enum mu_status st = snapshot_time(row->opened_at, &weakness.detected_at_us, err);

    if (st == MU_OK && weakness.detected_at_us == MU_TIME_NONE)
        st = mu_fail(err, MU_E_INVALID, "it has no time");
    if (st != MU_OK)
        return mu_wrap(err, "failure %s", row->failure);
    mu_arena_reset(oscal->arena);
    weakness.title = mu_arena_concat(
            oscal->arena, "Failure of detection: ", row->code ? row->code : "without a code",
            place ? " at " : "", place ? place : "", NULL);
    weakness.text = row->message ? row->message : "nothing more is known";
    return each(oscal, &weakness, err);
}

static enum mu_status each_failure(struct oscal *oscal, oscal_weakness_fn *each,
                                   struct mu_error *err)
{
    MU_AUTO(snapshot_cursor) struct snapshot_cursor *cursor = NULL;
    struct failure_row row;
    bool found = true;
    enum mu_status st =
            snapshot_list(oscal->render->snapshot, SNAPSHOT_LIST_FAILURES, NULL, &cursor, err);

    while (st == MU_OK) {
        st = snapshot_next(cursor, &row, &found, err);
        if (st != MU_OK || !found)
            break;
        if (!row.closed_at)
            st = take_failure(oscal, &row, each, err);
    }
    return st;
}

enum mu_status oscal_weaknesses(struct oscal *oscal, oscal_weakness_fn *each, struct mu_error *err)
{
    enum mu_status st = each_item(oscal, each, err);

    return st == MU_OK ? each_failure(oscal, each, err) : st;
}
