#include "poam/poam_rows.h"

#include "workbook/told.h"

#include "base/text.h"

#include <string.h>

enum { CELL_MAX_BYTES = 32000, COMMENT_MAX_BYTES = 31000 }; /* a cell holds 32767 characters */

/* ---- cells ---- */

static struct form_cell text_cell(const char *text, struct mu_arena *arena)
{
    const char *told = told_text(text, CELL_MAX_BYTES, arena);

    return told && *told ? (struct form_cell){FORM_TEXT, told, 0}
                         : (struct form_cell){FORM_BLANK, NULL, 0};
}

static struct form_cell day_cell(double day)
{
    return day > 0 ? (struct form_cell){FORM_DATE, NULL, day}
                   : (struct form_cell){FORM_BLANK, NULL, 0};
}

static const char *comments(const struct poam_item_row *row, struct mu_arena *arena)
{
    const char *own = told_text(row->item->comments, COMMENT_MAX_BYTES, arena);
    const char *between = own ? "\n" : "", *split = NULL;

    if (!own)
        own = "";
    if (row->part > 1)
        split = mu_arena_printf(arena, "Goes on from %s: further assets of the same item.",
                                row->item->id);
    else if (row->continues)
        split = mu_arena_printf(arena, "A cell does not hold all assets: goes on in %s-part-2.",
                                row->item->id);
    return split ? mu_arena_printf(arena, "%s%s%s", own, between, split) : own;
}

static void put_vendor(const struct poam_item *item, struct mu_arena *arena,
                       struct form_cell *cells)
{
    cells[POAM_VENDOR_DEPENDENCY] = text_cell(item->is_vendor_dependency ? "Yes" : "No", arena);
    if (!item->is_vendor_dependency)
        return;
    cells[POAM_CHECKED_IN] = day_cell(item->checked_in);
    cells[POAM_PRODUCT] = text_cell(item->product, arena);
}

static void put_judgement(const struct poam_item *item, struct mu_arena *arena,
                          struct form_cell *cells)
{
    cells[POAM_ORIGINAL] = text_cell(item->original, arena);
    cells[POAM_ADJUSTED] = text_cell(item->adjusted, arena);
    cells[POAM_RISK_ADJUSTMENT] = text_cell(item->answers[ITEM_RISK_ADJUSTMENT], arena);
    cells[POAM_FALSE_POSITIVE] = text_cell(item->answers[ITEM_FALSE_POSITIVE], arena);
    cells[POAM_OPERATIONAL] = text_cell(item->answers[ITEM_OPERATIONAL], arena);
    cells[POAM_RATIONALE] = text_cell(item->rationale, arena);
    cells[POAM_DOCUMENTS] = text_cell(item->documents, arena);
    if (item->is_kev)
        cells[POAM_KEV] = text_cell("Yes", arena);
    cells[POAM_KEV_DUE] = day_cell(item->kev_due);
    cells[POAM_CVE] = text_cell(item->cves, arena);
}

static void put_item(const struct poam_rows *rows, const struct poam_item_row *row,
                     struct form_cell *cells)
{
    const struct poam_item *item = row->item;
    struct mu_arena *arena = rows->arena;
    double due = poam_item_due(item);

    cells[POAM_ID] = text_cell(row->id, arena);
    cells[POAM_CONTROLS] = text_cell(item->controls, arena);
    cells[POAM_NAME] = text_cell(item->name, arena);
    cells[POAM_DESCRIPTION] = text_cell(item->description, arena);
    cells[POAM_DETECTOR] = text_cell(item->detector, arena);
    cells[POAM_SOURCE_ID] = text_cell(item->source_id, arena);
    cells[POAM_ASSETS] = (struct form_cell){FORM_TEXT, row->assets, 0};
    cells[POAM_CONTACT] = text_cell(rows->system->point_of_contact, arena);
    cells[POAM_PLAN] = text_cell(item->plan, arena);
    cells[POAM_DETECTED] = day_cell(item->detected);
    cells[POAM_DUE] = day_cell(due);
    if (due > 0 && rows->has_due_rule)
        cells[POAM_DUE].kind = FORM_DUE;
    cells[POAM_STATUS_DATE] = day_cell(item->status_day);
    cells[POAM_COMMENTS] = text_cell(comments(row, arena), arena);
    put_vendor(item, arena, cells);
    put_judgement(item, arena, cells);
}

enum mu_status poam_row_next(void *opaque, struct form_cell *cells, bool *ret_found,
                             struct mu_error *err)
{
    struct poam_rows *rows = opaque;
    struct poam_item_row row;
    enum mu_status st = poam_item_reader_next(rows->reader, &row, ret_found, err);

    if (st != MU_OK || !*ret_found)
        return st;
    mu_arena_reset(rows->arena);
    put_item(rows, &row, cells);
    return MU_OK;
}

/* ---- deviation requests ---- */

static const char *type_of(const struct deviation_row *deviation, const struct poam_item *item)
{
    bool adjusted = !mu_text_equal(item->answers[ITEM_RISK_ADJUSTMENT], "No");

    if (mu_text_equal(deviation->kind, "false_positive"))
        return "FP";
    if (mu_text_equal(deviation->kind, "risk_adjustment"))
        return "RA";
    if (mu_text_equal(deviation->kind, "operational_requirement"))
        return adjusted ? "OR RA" : "OR";
    return NULL; /* a vendor dependency is no deviation request */
}

static bool is_requested(const struct dr_rows *rows, const struct deviation_row *deviation)
{
    if (mu_text_equal(deviation->state, "pending"))
        return true;
    return deviation->requested_at && strcmp(deviation->requested_at, rows->month_begin) >= 0;
}

static void put_request(const struct dr_rows *rows, const struct deviation_row *deviation,
                        const char *type, struct form_cell *cells)
{
    const struct poam_item *item = rows->row.item;
    struct mu_arena *arena = rows->arena;

    cells[DR_NUMBER] = text_cell(deviation->deviation, arena);
    cells[DR_POAM_ID] = text_cell(rows->row.id, arena);
    cells[DR_SCAN_ID] = text_cell(item->source_id, arena);
    cells[DR_CVE] = text_cell(item->cves, arena);
    cells[DR_ASSETS] = (struct form_cell){FORM_TEXT, rows->row.assets, 0};
    cells[DR_NAME] = text_cell(item->name, arena);
    cells[DR_SOURCE] = text_cell(item->detector, arena);
    cells[DR_INITIAL_RATING] = text_cell(item->original, arena);
    cells[DR_CVSS] = text_cell(item->cvss, arena);
    cells[DR_DETECTED] = day_cell(item->detected);
    cells[DR_DESCRIPTION] = text_cell(item->description, arena);
    cells[DR_ACTION] = text_cell(item->fix ? mu_arena_printf(arena, "Update to %s.", item->fix)
                                           : "The scanner knows no fixed version.",
                                 arena);
    cells[DR_TYPE] = text_cell(type, arena);
    if (strstr(type, "RA"))
        cells[DR_REQUESTED_RATING] = text_cell(item->adjusted, arena);
    cells[DR_SUBMITTED] = day_cell(form_day(deviation->requested_at));
    cells[DR_RATIONALE] = text_cell(deviation->rationale, arena);
    cells[DR_ATTACHMENTS] = mu_text_equal(type, "FP") ? text_cell(deviation->evidence, arena)
                                                      : (struct form_cell){FORM_BLANK, NULL, 0};
}

/* The next deviation of the row's item, if it is one to be requested. */
static enum mu_status look_at(struct dr_rows *rows, struct form_cell *cells, bool *ret_found,
                              struct mu_error *err)
{
    MU_AUTO(snapshot_cursor) struct snapshot_cursor *cursor = NULL;
    const char *number = rows->row.item->deviations[rows->place++];
    struct deviation_row deviation;
    bool found = false;
    enum mu_status st =
            snapshot_list(rows->snapshot, SNAPSHOT_LIST_DEVIATION, number, &cursor, err);

    if (st == MU_OK)
        st = snapshot_next(cursor, &deviation, &found, err);
    if (st != MU_OK || !found || !type_of(&deviation, rows->row.item) ||
        !is_requested(rows, &deviation))
        return st;
    mu_arena_reset(rows->arena);
    put_request(rows, &deviation, type_of(&deviation, rows->row.item), cells);
    *ret_found = true;
    return MU_OK;
}

enum mu_status dr_row_next(void *opaque, struct form_cell *cells, bool *ret_found,
                           struct mu_error *err)
{
    struct dr_rows *rows = opaque;
    bool more = true;
    enum mu_status st = MU_OK;

    *ret_found = false;
    while (st == MU_OK && !*ret_found) {
        if (rows->has_row && rows->place < rows->row.item->deviation_count) {
            st = look_at(rows, cells, ret_found, err);
            continue;
        }
        st = poam_item_reader_next(rows->reader, &rows->row, &more, err);
        rows->has_row = st == MU_OK && more;
        rows->place = 0;
        if (!rows->has_row)
            break;
    }
    return st;
}
