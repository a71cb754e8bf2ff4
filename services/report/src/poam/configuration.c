/* The items of configuration findings: one for each check, and the one that stands for all. */
#include "poam/poam_item.h"

#include "items/rating.h"
#include "poam/rating.h"
#include "workbook/form.h"
#include "workbook/told.h"

#include "base/text.h"

#include <stdio.h>

enum { NAME_MAX_BYTES = 255, TEXT_MAX_BYTES = 4000 };

static const char controls[] = "CM-6";
static const char summary_id[] = "V-CM-6";

/* Since when a container of an affected image runs: the image has had the finding from then on. */
static enum mu_status first_running(const struct snapshot *snapshot, enum snapshot_list list,
                                    const char *check, double *ret_day, double *ret_last,
                                    struct mu_error *err)
{
    MU_AUTO(snapshot_cursor) struct snapshot_cursor *cursor = NULL;
    const double otherwise = form_day_of_us(snapshot_instants(snapshot)->month_begin_us);
    struct inventory_row row;
    bool found = true;
    enum mu_status st = snapshot_list(snapshot, list, check, &cursor, err);

    *ret_day = *ret_last = 0;
    while (st == MU_OK) {
        double day;

        st = snapshot_next(cursor, &row, &found, err);
        if (st != MU_OK || !found)
            break;
        day = row.first_running_at ? form_day(row.first_running_at) : otherwise;
        *ret_day = *ret_day == 0 || day < *ret_day ? day : *ret_day;
        *ret_last = day > *ret_last ? day : *ret_last;
    }
    return st;
}

static void fill(struct poam_item *item, const char *severity)
{
    item->controls = controls;
    item->original = poam_rating_of(severity);
    if (!item->original)
        item->original = "Low";
    for (int i = 0; i < ITEM_ANSWERS; i++)
        item->answers[i] = "No";
    item->comments = mu_text_equal(severity, "critical")
                             ? "Rated Critical; the list of ratings ends with High."
                             : NULL;
}

enum mu_status poam_item_of_check(const struct snapshot *snapshot, const struct issue_row *row,
                                  struct mu_arena *arena, struct poam_item *ret_item,
                                  struct mu_error *err)
{
    struct poam_item item = {.id = mu_arena_printf(arena, "%s-%s", summary_id,
                                                   told_line(row->check, NAME_MAX_BYTES, arena))};
    const char *title = told_is(row->title) ? told_line(row->title, NAME_MAX_BYTES, arena) : NULL;
    enum mu_status st = first_running(snapshot, SNAPSHOT_LIST_INVENTORY_OF_CHECK, row->check,
                                      &item.detected, &item.status_day, err);

    if (st != MU_OK)
        return st;
    fill(&item, row->severity);
    item.source_id = told_line(row->check, NAME_MAX_BYTES, arena);
    item.name = title ? title : item.source_id;
    item.description = mu_arena_printf(
            arena, "%s%s%s", item.name ? item.name : "", told_is(row->source) ? "\nSource: " : "",
            told_is(row->source) ? told_line(row->source, TEXT_MAX_BYTES, arena) : "");
    item.detector = "muster-scanner";
    item.plan = "Correct the configuration of the image, rebuild and redeploy.";
    if (!item.id || !item.name || !item.description)
        return mu_fail(err, MU_E_LIMIT, "check '%.200s' has longer texts than its forms hold",
                       row->check);
    *ret_item = item;
    return MU_OK;
}

enum mu_status poam_item_of_configuration(const struct snapshot *snapshot, struct mu_arena *arena,
                                          struct poam_item *ret_item, bool *ret_found,
                                          struct mu_error *err)
{
    MU_AUTO(snapshot_cursor) struct snapshot_cursor *cursor = NULL;
    struct poam_item item = {
            .id = summary_id,
            .name = "Configuration findings of container images",
            .detector = "muster-scanner",
            .plan = "Correct each finding of the sheet Configuration Findings; this "
                    "item stays open until all are closed."};
    char severity[16] = "";
    struct issue_row row;
    size_t checks = 0;
    bool found = true;
    enum mu_status st = snapshot_list(snapshot, SNAPSHOT_LIST_CHECKS, NULL, &cursor, err);

    while (st == MU_OK) {
        st = snapshot_next(cursor, &row, &found, err);
        if (st != MU_OK || !found)
            break;
        checks++;
        if (row.severity && (!*severity || rating_of(row.severity) < rating_of(severity)))
            (void)snprintf(severity, sizeof(severity), "%s", row.severity);
    }
    if (st == MU_OK)
        st = first_running(snapshot, SNAPSHOT_LIST_INVENTORY_OF_ISSUES, NULL, &item.detected,
                           &item.status_day, err);
    fill(&item, severity);
    item.description = mu_arena_printf(arena,
                                       "%zu configuration checks find something; each is an item "
                                       "of the sheet Configuration Findings.",
                                       checks);
    *ret_item = item;
    *ret_found = checks > 0;
    return st;
}
