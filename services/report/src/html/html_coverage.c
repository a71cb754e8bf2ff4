#include "html/html_sections.h"

#include "base/buf.h"
#include "base/text.h"

#include <string.h>

enum { UAI_MAX_BYTES = 64 * 1024 };

static void put_state(struct html *html, const char *state)
{
    const enum coverage_state known = coverage_of_name(state);

    html_badge(html,
               known == COVERAGE_COVERED    ? "good"
               : known == COVERAGE_EXCLUDED ? "calm"
                                            : "bad",
               coverage_words[known].words);
}

/* ---- gaps ---- */

static void put_gap_row(struct html_table *table, const struct inventory_row *row)
{
    struct html *html = table->html;

    html_cell_begin(table);
    html_text(html, row->uai);
    html_put(html, "<span class=\"sub\">");
    html_text(html, row->manifest_digest ? row->manifest_digest : row->reported_digest);
    html_put(html, "</span>");
    html_cell_end(table);
    html_cell_begin(table);
    put_state(html, row->state);
    html_cell_end(table);
    html_cell(table, row->reason);
    html_cell_begin(table);
    html_put(html, coverage_words[coverage_of_name(row->state)].fix);
    html_cell_end(table);
    html_cell_number(table, row->running_containers);
    html_cell_day(table, row->first_running_at);
    html_cell_day(table, row->scan_finished_at);
}

enum mu_status section_gaps(const struct report *report, struct mu_error *err)
{
    static const struct html_column columns[] = {
            {"Image", HTML_CELL_CODE},        {"State", HTML_CELL_TEXT},
            {"Reason", HTML_CELL_TEXT},       {"What to do", HTML_CELL_TEXT},
            {"Containers", HTML_CELL_NUMBER}, {"Runs since", HTML_CELL_DAY},
            {"Last scan", HTML_CELL_DAY}};
    enum { COLUMNS = sizeof(columns) / sizeof(columns[0]) };
    MU_AUTO(snapshot_cursor) struct snapshot_cursor *cursor = NULL;
    struct inventory_row row;
    struct html_table table;
    bool found = true;
    const int64_t total = report->numbers->images - report->numbers->images_in[COVERAGE_COVERED];
    enum mu_status st =
            snapshot_list(report->request->snapshot, SNAPSHOT_LIST_INVENTORY, NULL, &cursor, err);

    html_put(report->html, "<p>Images with running containers that no complete scan within 30 days "
                           "covers. Every container concerned is in the file of gaps.</p>\n");
    html_table_begin(report->html, "t-gaps", "Images in production that are not covered", columns,
                     COLUMNS, report->request->max_rows, &table);
    while (st == MU_OK && (int64_t)table.rows < total) {
        st = snapshot_next(cursor, &row, &found, err);
        if (st != MU_OK || !found)
            break;
        if (coverage_of_name(row.state) == COVERAGE_COVERED)
            continue;
        if (!html_row_begin(&table))
            break;
        put_gap_row(&table, &row);
        html_row_end(&table);
    }
    html_table_end(&table, total, report->request->files.gaps);
    return st;
}

/* ---- assets ---- */

/* The rows of one UAI. */
struct asset_sum {
    struct mu_buf uai;
    int64_t images, containers;
    enum coverage_state worst;
    char scanned_at[40]; /* the oldest of its images; "": some have none */
    bool is_floating, is_public;
};

static enum mu_status count_open(const struct report *report, const char *uai,
                                 int64_t ret_counts[RATING_COUNT], struct mu_error *err)
{
    MU_AUTO(snapshot_cursor) struct snapshot_cursor *cursor = NULL;
    struct finding_row row;
    bool found = true;
    enum mu_status st = snapshot_list(report->request->snapshot, SNAPSHOT_LIST_FINDINGS_OF_UAI, uai,
                                      &cursor, err);

    while (st == MU_OK) {
        st = snapshot_next(cursor, &row, &found, err);
        if (st != MU_OK || !found)
            break;
        if (!mu_text_equal(row.status, "false_positive"))
            ret_counts[rating_of(row.effective_severity)]++;
    }
    return st;
}

static enum mu_status put_asset(const struct report *report, struct html_table *table,
                                const struct asset_sum *asset, struct mu_error *err)
{
    int64_t open[RATING_COUNT] = {0};
    struct html *html = report->html;
    enum mu_status st = count_open(report, asset->uai.data, open, err);

    html_cell_begin(table);
    html_text(html, asset->uai.data);
    if (asset->is_floating)
        html_put(html, "<span class=\"sub\">floating tag</span>");
    if (asset->is_public)
        html_put(html, "<span class=\"sub\">public</span>");
    html_cell_end(table);
    html_cell_begin(table);
    put_state(html, coverage_names[asset->worst]);
    html_cell_end(table);
    html_cell_number(table, asset->images);
    html_cell_number(table, asset->containers);
    html_cell_day(table, *asset->scanned_at ? asset->scanned_at : NULL);
    html_cell_number(table, open[RATING_CRITICAL]);
    html_cell_number(table, open[RATING_HIGH] + open[RATING_UNKNOWN]);
    html_cell_number(table, open[RATING_MODERATE]);
    html_cell_number(table, open[RATING_LOW] + open[RATING_NEGLIGIBLE]);
    return st;
}

static void begin_asset(struct asset_sum *asset, const struct inventory_row *row)
{
    struct mu_buf kept = asset->uai;

    mu_buf_reset(&kept);
    mu_buf_puts(&kept, row->uai);
    *asset = (struct asset_sum){.uai = kept};
    (void)snprintf(asset->scanned_at, sizeof(asset->scanned_at), "%s",
                   row->scan_finished_at ? row->scan_finished_at : "");
}

static void add_image(struct asset_sum *asset, const struct inventory_row *row)
{
    /* In the order of how bad they are; the worst of the images counts. */
    static const int badness[COVERAGE_COUNT] = {
            [COVERAGE_COVERED] = 0, [COVERAGE_EXCLUDED] = 1,        [COVERAGE_EXPIRED] = 2,
            [COVERAGE_FAILED] = 3,  [COVERAGE_NOT_IN_REGISTRY] = 4, [COVERAGE_UNRESOLVED] = 5,
            [COVERAGE_NEVER] = 6};
    const enum coverage_state state = coverage_of_name(row->state);

    asset->images++;
    asset->containers += row->running_containers;
    asset->is_floating |= row->floating != 0;
    asset->is_public |= mu_text_equal(row->is_public, "yes");
    if (badness[state] > badness[asset->worst])
        asset->worst = state;
    if (!row->scan_finished_at || strcmp(row->scan_finished_at, asset->scanned_at) < 0)
        (void)snprintf(asset->scanned_at, sizeof(asset->scanned_at), "%s",
                       row->scan_finished_at ? row->scan_finished_at : "");
}

/* Shows the asset that is whole, if there is one and room for it. */
static enum mu_status end_asset(const struct report *report, struct html_table *table,
                                const struct asset_sum *asset, int64_t *total, struct mu_error *err)
{
    enum mu_status st = MU_OK;

    if (asset->images == 0)
        return MU_OK;
    ++*total;
    if (!html_row_begin(table))
        return MU_OK;
    st = put_asset(report, table, asset, err);
    html_row_end(table);
    return st;
}

static enum mu_status put_assets(const struct report *report, struct html_table *table,
                                 struct asset_sum *asset, int64_t *total, struct mu_error *err)
{
    MU_AUTO(snapshot_cursor) struct snapshot_cursor *cursor = NULL;
    struct inventory_row row;
    bool found = true;
    enum mu_status st =
            snapshot_list(report->request->snapshot, SNAPSHOT_LIST_INVENTORY, NULL, &cursor, err);

    while (st == MU_OK) {
        st = snapshot_next(cursor, &row, &found, err);
        if (st != MU_OK || !found)
            break;
        if (asset->images == 0 || !mu_text_equal(asset->uai.data, row.uai)) {
            st = end_asset(report, table, asset, total, err);
            begin_asset(asset, &row);
        }
        if (st == MU_OK)
            st = mu_buf_status(&asset->uai, "an asset's identifier", err);
        add_image(asset, &row);
    }
    return st == MU_OK ? end_asset(report, table, asset, total, err) : st;
}

enum mu_status section_assets(const struct report *report, struct mu_error *err)
{
    static const struct html_column columns[] = {{"Unique asset identifier", HTML_CELL_CODE},
                                                 {"Coverage", HTML_CELL_TEXT},
                                                 {"Images", HTML_CELL_NUMBER},
                                                 {"Containers", HTML_CELL_NUMBER},
                                                 {"Oldest scan", HTML_CELL_DAY},
                                                 {"Critical", HTML_CELL_NUMBER},
                                                 {"High", HTML_CELL_NUMBER},
                                                 {"Moderate", HTML_CELL_NUMBER},
                                                 {"Low", HTML_CELL_NUMBER}};
    enum { COLUMNS = sizeof(columns) / sizeof(columns[0]) };
    struct asset_sum asset = {.images = 0};
    struct html_table table;
    int64_t total = 0;
    enum mu_status st;

    html_put(report->html, "<p>One row for each class of image, as in the inventory workbook: "
                           "repository and version. What has no rating counts as high.</p>\n");
    html_table_begin(report->html, "t-assets", "Assets in production and their open findings",
                     columns, COLUMNS, report->request->max_rows, &table);
    mu_buf_init(&asset.uai, UAI_MAX_BYTES);
    st = put_assets(report, &table, &asset, &total, err);
    mu_buf_done(&asset.uai);
    html_table_end(&table, total, report->request->files.assets);
    return st;
}

/* ---- detection failures ---- */

static void put_failure_row(struct html_table *table, const struct failure_row *row)
{
    struct html *html = table->html;

    html_cell(table, row->failure);
    html_cell_begin(table);
    html_badge(html, row->closed_at ? "good" : "bad", row->closed_at ? "Closed" : "Open");
    html_cell_end(table);
    html_cell_begin(table);
    put_words(html, row->code);
    html_put(html, "<span class=\"sub\">");
    html_text(html, row->message);
    html_put(html, "</span>");
    html_cell_end(table);
    html_cell_begin(table);
    html_text(html, row->repository ? row->repository : row->source);
    if (row->digest) {
        html_put(html, "<span class=\"sub\">");
        html_text(html, row->digest);
        html_put(html, "</span>");
    }
    html_cell_end(table);
    html_cell_number(table, row->attempts);
    html_cell_day(table, row->opened_at);
    html_cell_day(table, row->closed_at);
}

enum mu_status section_failures(const struct report *report, struct mu_error *err)
{
    static const struct html_column columns[] = {
            {"Failure", HTML_CELL_CODE},     {"State", HTML_CELL_TEXT},
            {"What failed", HTML_CELL_TEXT}, {"Where", HTML_CELL_CODE},
            {"Attempts", HTML_CELL_NUMBER},  {"Opened", HTML_CELL_DAY},
            {"Closed", HTML_CELL_DAY}};
    enum { COLUMNS = sizeof(columns) / sizeof(columns[0]) };
    MU_AUTO(snapshot_cursor) struct snapshot_cursor *cursor = NULL;
    const int64_t total = report->numbers->failures_open + report->numbers->failures_closed;
    struct failure_row row;
    struct html_table table;
    bool found = true;
    enum mu_status st =
            snapshot_list(report->request->snapshot, SNAPSHOT_LIST_FAILURES, NULL, &cursor, err);

    html_put(report->html, "<p>When detection itself fails, that is a vulnerability "
                           "(VDR-CSO-FAV): a layer that cannot be read, a source that went silent, "
                           "a scan that did not come back.</p>\n");
    html_table_begin(report->html, "t-failures",
                     "Failures of detection that were open at some time of the month", columns,
                     COLUMNS, report->request->max_rows, &table);
    while (st == MU_OK) {
        st = snapshot_next(cursor, &row, &found, err);
        if (st != MU_OK || !found || !html_row_begin(&table))
            break;
        put_failure_row(&table, &row);
        html_row_end(&table);
    }
    html_table_end(&table, total, report->request->files.failures);
    return st;
}
