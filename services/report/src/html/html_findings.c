#include "html/html_sections.h"
#include "items/item_reader.h"

#include "base/clock.h"
#include "base/text.h"

#include <string.h>

/* ---- escalation triggers ---- */

static void put_state(struct html *html, const struct trigger_result *result)
{
    if (result->limit < 0 || result->now < 0)
        html_badge(html, "calm", "Not known");
    else if (result->reached_now)
        html_badge(html, "bad", "Reached");
    else if (result->reached_next)
        html_badge(html, "warn", "Will be reached");
    else
        html_badge(html, "good", "Not reached");
}

static void put_trigger_row(struct html_table *table, size_t trigger,
                            const struct trigger_result *result)
{
    const struct trigger_rule *rule = &trigger_rules[trigger];
    struct html *html = table->html;

    html_cell_begin(table);
    html_put(html, rule->title);
    html_cell_end(table);
    html_cell_begin(table);
    put_measure(html, rule, result->limit);
    html_cell_end(table);
    html_cell_begin(table);
    put_measure(html, rule, result->now);
    html_cell_end(table);
    html_cell_begin(table);
    put_measure(html, rule, result->next);
    html_cell_end(table);
    html_cell_begin(table);
    html_put(html, result->level);
    if (result->recurrences > 0)
        html_putf(html, "<span class=\"sub\">reached in %lld of the five months before</span>",
                  (long long)result->recurrences);
    html_cell_end(table);
    html_cell_begin(table);
    put_state(html, result);
    html_cell_end(table);
}

/* Links only to rows that are surely on the page. */
static bool are_rows_whole(const struct report *report)
{
    for (size_t i = 0; i < ITEM_STATES; i++)
        if (report->numbers->all.states[i] > (int64_t)report->request->max_rows)
            return false;
    return true;
}

static void put_trigger_items(const struct report *report, size_t trigger, bool now)
{
    const struct trigger_result *result = &report->numbers->triggers[trigger];
    const int64_t total = now ? result->now : result->next - result->now;
    const bool link = are_rows_whole(report);
    struct html *html = report->html;
    int64_t shown = 0;

    if (total <= 0)
        return;
    html_putf(html, "<p class=\"ids\">%s", now ? "Now: " : "By the next submission also: ");
    for (size_t i = 0; i < result->item_count; i++) {
        if (result->items[i].now != now)
            continue;
        html_put(html, shown++ > 0 ? ", " : "");
        html_put(html, link ? "<a href=\"" : "<code>");
        if (link) {
            html_id(html, "#i-", result->items[i].item);
            html_put(html, "\"><code>");
        }
        html_text(html, result->items[i].item);
        html_put(html, link ? "</code></a>" : "</code>");
    }
    if (shown < total) {
        html_put(html, shown > 0 ? " and " : "");
        html_number(html, total - shown);
        html_put(html, shown > 0 ? " more" : " items");
    }
    html_put(html, ".</p>\n");
}

enum mu_status section_triggers(const struct report *report, struct mu_error *err)
{
    static const struct html_column columns[] = {
            {"Trigger", HTML_CELL_TEXT},  {"Limit", HTML_CELL_TEXT},
            {"Now", HTML_CELL_TEXT},      {"Next submission, nothing fixed", HTML_CELL_TEXT},
            {"At least", HTML_CELL_TEXT}, {"State", HTML_CELL_TEXT}};
    enum { COLUMNS = sizeof(columns) / sizeof(columns[0]) };
    struct html_table table;

    (void)err;
    html_putf(
            report->html,
            "<p>What makes an agency escalate: %s. An item is older than the days of its rating by "
            "the same clock that makes it late; approved deviations that hold an item are "
            "respected, vendor dependencies only while the vendor was asked within 30 days.</p>\n",
            trigger_source);
    html_table_begin(report->html, "t-triggers", "Escalation triggers, now and forecast", columns,
                     COLUMNS, TRIGGER_COUNT, &table);
    for (size_t i = 0; i < TRIGGER_COUNT; i++) {
        if (!html_row_begin(&table))
            break;
        put_trigger_row(&table, i, &report->numbers->triggers[i]);
        html_row_end(&table);
    }
    html_table_end(&table, TRIGGER_COUNT, "");
    for (size_t i = 0; i < TRIGGER_COUNT; i++) {
        const struct trigger_result *result = &report->numbers->triggers[i];

        if (result->item_count == 0)
            continue;
        html_putf(report->html, "<h3>%s</h3>\n", trigger_rules[i].title);
        put_trigger_items(report, i, true);
        put_trigger_items(report, i, false);
    }
    return MU_OK;
}

/* ---- tables of items ---- */

static const struct html_column item_columns[] = {
        {"Item", HTML_CELL_CODE},   {"Weakness", HTML_CELL_WIDE}, {"Rating", HTML_CELL_TEXT},
        {"Assets", HTML_CELL_CODE}, {"Detected", HTML_CELL_DAY},  {"Due", HTML_CELL_DAY},
        {"State", HTML_CELL_TEXT}};
enum { ITEM_COLUMNS = sizeof(item_columns) / sizeof(item_columns[0]) };

static void put_sub(struct html *html, const char *label, const char *text)
{
    if (!text || !*text)
        return;
    html_putf(html, "<span class=\"sub\">%s", label);
    html_text(html, text);
    html_put(html, "</span>");
}

static void put_day(struct html *html, int64_t at_us)
{
    char text[MU_TIME_TEXT_SIZE];

    if (at_us != MU_TIME_NONE)
        mu_time_format(at_us, text);
    html_day(html, at_us != MU_TIME_NONE ? text : NULL);
}

static void put_day_cell(struct html_table *table, int64_t at_us)
{
    html_cell_begin(table);
    put_day(table->html, at_us);
    html_cell_end(table);
}

static enum mu_status put_summary(const struct report *report, const struct item *item,
                                  struct mu_error *err)
{
    MU_AUTO(snapshot_cursor) struct snapshot_cursor *cursor = NULL;
    struct description_row row;
    bool found = false;
    enum mu_status st = snapshot_list(report->request->snapshot, SNAPSHOT_LIST_DESCRIPTION_OF,
                                      item->vulnerability, &cursor, err);

    if (st == MU_OK)
        st = snapshot_next(cursor, &row, &found, err);
    if (st == MU_OK && found)
        put_sub(report->html, "", row.summary);
    return st;
}

static enum mu_status put_weakness(const struct report *report, struct html_table *table,
                                   const struct item *item, struct mu_error *err)
{
    struct html *html = report->html;
    enum mu_status st;

    html_cell_begin(table);
    html_text(html, item->vulnerability);
    st = put_summary(report, item, err);
    put_sub(html, "In: ", item->packages);
    put_sub(html, "Fixed in: ", item->fixed_versions);
    put_sub(html, "Found by: ", item->scanner_name);
    html_cell_end(table);
    return st;
}

static const char *source_words(const char *source)
{
    return mu_text_equal(source, "nvd_cvss3")   ? "v3, NVD"
           : mu_text_equal(source, "nvd_cvss2") ? "v2, NVD"
           : mu_text_equal(source, "scanner")   ? "the scanner's"
                                                : source;
}

static void put_item_rating(struct html_table *table, const struct item *item)
{
    struct html *html = table->html;

    html_cell_begin(table);
    put_rating(html, item->rating);
    if (item->original != item->rating) {
        html_put(html, "<span class=\"sub\">adjusted from ");
        put_words(html, rating_names[item->original]);
        html_put(html, "</span>");
    }
    put_sub(html, "CVSS ", item->cvss);
    put_sub(html, "", source_words(item->severity_source));
    html_cell_end(table);
}

static void put_item_assets(struct html_table *table, const struct item *item)
{
    struct html *html = table->html;

    html_cell_begin(table);
    for (size_t i = 0; i < item->assets && i < ITEM_SHOWN_ASSETS; i++) {
        html_put(html, i > 0 ? "<br>" : "");
        html_text(html, item->uais[i]);
    }
    if (item->assets > ITEM_SHOWN_ASSETS) {
        html_put(html, "<span class=\"sub\">and ");
        html_number(html, (int64_t)item->assets - ITEM_SHOWN_ASSETS);
        html_put(html, " more</span>");
    }
    html_put(html, "<span class=\"sub\">");
    html_number(html, (int64_t)item->instances);
    html_put(html, item->instances == 1 ? " running container" : " running containers");
    html_put(html, item->exposed > 0 ? ", public</span>" : "</span>");
    html_cell_end(table);
}

static void put_item_state(struct html_table *table, const struct item *item)
{
    static const char *const tones[ITEM_STATES] = {"bad", "warn", "calm", "calm", "good"};
    static const char *const words[ITEM_STATES] = {"Late", "Due", "Open", "Held", "False positive"};
    struct html *html = table->html;

    html_cell_begin(table);
    html_badge(html, tones[item->state], words[item->state]);
    if (item->kev_added)
        html_put(html, " <span class=\"badge bad\">KEV</span>");
    if (item->state == ITEM_HELD) {
        html_put(html, "<span class=\"sub\">");
        put_words(html,
                  mu_text_equal(item->status, "at_risk") ? "vendor_dependency" : item->status);
        html_put(html, "</span>");
    }
    put_sub(html, "", item->deviations);
    if (item->pending && *item->pending) {
        html_put(html, "<span class=\"sub\">pending: ");
        put_words(html, item->pending);
        html_put(html, "</span>");
    }
    html_cell_end(table);
}

static const char *due_words(const char *due_by)
{
    static const struct {
        const char *code, *words;
    } clocks[] = {{"rev5", "by rating"}, {"kev", "by KEV"}, {"vendor_check_in", "vendor check-in"}};

    for (size_t i = 0; i < sizeof(clocks) / sizeof(clocks[0]); i++)
        if (mu_text_equal(clocks[i].code, due_by))
            return clocks[i].words;
    return due_by;
}

static enum mu_status put_item(const struct report *report, struct html_table *table,
                               const struct item *item, struct mu_error *err)
{
    struct html *html = report->html;
    enum mu_status st;

    html_cell_begin(table);
    html_put(html, "<span id=\"");
    html_id(html, "i-", item->item);
    html_put(html, "\">");
    html_text(html, item->item);
    html_put(html, "</span>");
    html_cell_end(table);
    st = put_weakness(report, table, item, err);
    put_item_rating(table, item);
    put_item_assets(table, item);
    put_day_cell(table, item->detected_at_us);
    html_cell_begin(table);
    put_day(html, item->due_at_us);
    put_sub(html, "", due_words(item->due_by));
    html_cell_end(table);
    put_item_state(table, item);
    return st;
}

/* Reads items until `total` of the wanted states were seen, or the table is full. */
static enum mu_status put_items(const struct report *report, struct html_table *table,
                                unsigned states, int64_t total, struct mu_error *err)
{
    MU_AUTO(item_reader) struct item_reader *reader = NULL;
    struct item item;
    bool found = true;
    enum mu_status st = item_reader_open(report->request->snapshot, ITEM_ORDER_DUE,
                                         report->numbers->next_us, &reader, err);

    while (st == MU_OK && (int64_t)table->rows < total) {
        st = item_next(reader, &item, &found, err);
        if (st != MU_OK || !found)
            break;
        if (!(states & 1u << item.state))
            continue;
        if (!html_row_begin(table))
            break;
        st = put_item(report, table, &item, err);
        html_row_end(table);
    }
    return st;
}

static enum mu_status put_item_table(const struct report *report, const char *id,
                                     const char *caption, unsigned states, struct mu_error *err)
{
    struct html_table table;
    int64_t total = 0;
    enum mu_status st;

    for (size_t i = 0; i < ITEM_STATES; i++)
        total += states & 1u << i ? report->numbers->all.states[i] : 0;
    html_table_begin(report->html, id, caption, item_columns, ITEM_COLUMNS,
                     report->request->max_rows, &table);
    st = put_items(report, &table, states, total, err);
    html_table_end(&table, total, report->request->files.findings);
    return st;
}

enum mu_status section_late(const struct report *report, struct mu_error *err)
{
    static const struct html_column columns[] = {{"Clock", HTML_CELL_TEXT},
                                                 {"Items late", HTML_CELL_NUMBER}};
    const struct numbers *numbers = report->numbers;
    const struct {
        const char *words;
        int64_t count;
    } clocks[] = {{"Critical, high and not rated: 30 days", numbers->late_30},
                  {"Moderate: 90 days", numbers->late_90},
                  {"Low: 180 days", numbers->late_180},
                  {"Due date in the KEV catalog", numbers->late_kev},
                  {"Timeline of BOD 26-04 (for comparison; it binds agencies)", numbers->late_bod}};
    enum {
        COLUMNS = sizeof(columns) / sizeof(columns[0]),
        CLOCKS = sizeof(clocks) / sizeof(clocks[0])
    };
    struct html_table table;

    html_table_begin(report->html, "t-clocks",
                     "Late items by clock; an item may be late by several", columns, COLUMNS,
                     CLOCKS, &table);
    for (size_t i = 0; i < CLOCKS; i++) {
        if (!html_row_begin(&table))
            break;
        html_cell(&table, clocks[i].words);
        html_cell_number(&table, clocks[i].count);
        html_row_end(&table);
    }
    html_table_end(&table, CLOCKS, "");
    return put_item_table(report, "t-late", "Late items, the one due first first", 1u << ITEM_LATE,
                          err);
}

enum mu_status section_due(const struct report *report, struct mu_error *err)
{
    return put_item_table(report, "t-due", "Items due before the next submission", 1u << ITEM_DUE,
                          err);
}

enum mu_status section_other(const struct report *report, struct mu_error *err)
{
    return put_item_table(report, "t-other",
                          "Items due later, held by an approved deviation, or false positives",
                          1u << ITEM_OPEN | 1u << ITEM_HELD | 1u << ITEM_FALSE_POSITIVE, err);
}

/* ---- KEV ---- */

static void put_kev_row(struct html_table *table, const struct item *item)
{
    html_cell_begin(table);
    html_text(table->html, item->item);
    html_cell_end(table);
    html_cell(table, item->vulnerability);
    html_cell_day(table, item->kev_added);
    html_cell_day(table, item->kev_due);
    put_day_cell(table, item->bod_due_at_us);
    html_cell_begin(table);
    html_put(table->html, item->is_forensic ? "yes" : "no");
    html_cell_end(table);
    html_cell_number(table, (int64_t)item->assets);
    html_cell_number(table, (int64_t)item->instances);
    put_item_state(table, item);
}

enum mu_status section_kev(const struct report *report, struct mu_error *err)
{
    static const struct html_column columns[] = {
            {"Item", HTML_CELL_CODE},     {"Vulnerability", HTML_CELL_TEXT},
            {"Listed", HTML_CELL_DAY},    {"Due", HTML_CELL_DAY},
            {"BOD 26-04", HTML_CELL_DAY}, {"Forensics", HTML_CELL_TEXT},
            {"Assets", HTML_CELL_NUMBER}, {"Containers", HTML_CELL_NUMBER},
            {"State", HTML_CELL_TEXT}};
    enum { COLUMNS = sizeof(columns) / sizeof(columns[0]) };
    MU_AUTO(item_reader) struct item_reader *reader = NULL;
    struct html_table table;
    struct item item;
    bool found = true;
    int64_t total = 0;
    enum mu_status st = item_reader_open(report->request->snapshot, ITEM_ORDER_DUE,
                                         report->numbers->next_us, &reader, err);

    html_table_begin(report->html, "t-kev",
                     "Items of vulnerabilities in the catalog of known exploited ones", columns,
                     COLUMNS, report->request->max_rows, &table);
    while (st == MU_OK && report->numbers->kev > 0) {
        st = item_next(reader, &item, &found, err);
        if (st != MU_OK || !found)
            break;
        if (!item.kev_added)
            continue;
        total++;
        if (!html_row_begin(&table))
            continue;
        put_kev_row(&table, &item);
        html_row_end(&table);
    }
    html_table_end(&table, total, report->request->files.findings);
    return st;
}

/* ---- closed ---- */

static void put_closed_row(struct html_table *table, const struct closed_finding_row *row)
{
    html_cell(table, row->item);
    html_cell_begin(table);
    put_rating(table->html, rating_of(row->severity));
    html_cell_end(table);
    html_cell(table, row->uai);
    html_cell_day(table, row->detected_at);
    html_cell_day(table, row->closed_at);
    html_cell_begin(table);
    html_put(table->html, mu_text_equal(row->closed_by, "scan")
                                  ? "a scan no longer finds it"
                                  : "the image that had it runs no more");
    if (!row->item_closed_at)
        html_put(table->html, "<span class=\"sub\">other assets still have it</span>");
    html_cell_end(table);
}

enum mu_status section_closed(const struct report *report, struct mu_error *err)
{
    static const struct html_column columns[] = {
            {"Item", HTML_CELL_CODE},    {"Rating", HTML_CELL_TEXT}, {"Asset", HTML_CELL_CODE},
            {"Detected", HTML_CELL_DAY}, {"Closed", HTML_CELL_DAY},  {"How", HTML_CELL_TEXT}};
    enum { COLUMNS = sizeof(columns) / sizeof(columns[0]) };
    MU_AUTO(snapshot_cursor) struct snapshot_cursor *cursor = NULL;
    struct closed_finding_row row;
    struct html_table table;
    char since[MU_TIME_TEXT_SIZE];
    bool found = true;
    int64_t total = 0;
    enum mu_status st =
            snapshot_list(report->request->snapshot, SNAPSHOT_LIST_CLOSED, NULL, &cursor, err);

    mu_time_format(snapshot_instants(report->request->snapshot)->month_begin_us, since);
    html_table_begin(report->html, "t-closed", "What was remediated or went away in this month",
                     columns, COLUMNS, report->request->max_rows, &table);
    while (st == MU_OK) {
        st = snapshot_next(cursor, &row, &found, err);
        if (st != MU_OK || !found)
            break;
        if (!row.closed_at || strcmp(row.closed_at, since) < 0)
            continue;
        total++;
        if (!html_row_begin(&table))
            continue;
        put_closed_row(&table, &row);
        html_row_end(&table);
    }
    html_table_end(&table, total, report->request->files.closed);
    return st;
}

/* ---- deviations ---- */

static void put_deviation_row(struct html_table *table, const struct deviation_row *row)
{
    struct html *html = table->html;

    html_cell(table, row->deviation);
    html_cell_begin(table);
    put_words(html, row->kind);
    if (row->adjusted_severity) {
        html_put(html, "<span class=\"sub\">to ");
        put_words(html, row->adjusted_severity);
        html_put(html, "</span>");
    }
    html_cell_end(table);
    html_cell_begin(table);
    html_putf(html, "<span class=\"badge %s\">",
              mu_text_equal(row->state, "approved")  ? "good"
              : mu_text_equal(row->state, "pending") ? "warn"
                                                     : "calm");
    put_words(html, row->state);
    html_put(html, "</span>");
    html_cell_end(table);
    html_cell_begin(table);
    html_text(html, row->vulnerability);
    put_sub(html, "on ", row->asset);
    put_sub(html, "in ", row->package);
    html_cell_end(table);
    html_cell_begin(table);
    html_text(html, row->rationale);
    put_sub(html, "Evidence: ", row->evidence);
    html_cell_end(table);
    html_cell_begin(table);
    html_text(html, row->decided_by ? row->decided_by : row->requested_by);
    put_sub(html, "", row->decided_role);
    html_put(html, "<span class=\"sub\">");
    html_put(html, row->decided_by ? "decided " : "asked ");
    html_day(html, row->decided_by ? row->decided_at : row->requested_at);
    html_put(html, "</span>");
    html_cell_end(table);
    html_cell_begin(table);
    html_day(html, row->expires_at);
    if (row->checked_in_at) {
        html_put(html, "<span class=\"sub\">vendor asked ");
        html_day(html, row->checked_in_at);
        html_put(html, "</span>");
    }
    html_cell_end(table);
}

enum mu_status section_deviations(const struct report *report, struct mu_error *err)
{
    static const struct html_column columns[] = {
            {"Deviation", HTML_CELL_CODE}, {"Kind", HTML_CELL_TEXT},      {"State", HTML_CELL_TEXT},
            {"Of", HTML_CELL_TEXT},        {"Rationale", HTML_CELL_WIDE}, {"By", HTML_CELL_TEXT},
            {"Ends", HTML_CELL_DAY}};
    enum { COLUMNS = sizeof(columns) / sizeof(columns[0]) };
    MU_AUTO(snapshot_cursor) struct snapshot_cursor *cursor = NULL;
    struct deviation_row row;
    struct html_table table;
    bool found = true;
    int64_t total = 0;
    enum mu_status st =
            snapshot_list(report->request->snapshot, SNAPSHOT_LIST_DEVIATIONS, NULL, &cursor, err);

    html_put(report->html, "<p>A deviation counts from its approval on; a pending one changes "
                           "nothing.</p>\n");
    html_table_begin(report->html, "t-deviations", "Every deviation, with who decided it and why",
                     columns, COLUMNS, report->request->max_rows, &table);
    while (st == MU_OK) {
        st = snapshot_next(cursor, &row, &found, err);
        if (st != MU_OK || !found)
            break;
        total++;
        if (!html_row_begin(&table))
            continue;
        put_deviation_row(&table, &row);
        html_row_end(&table);
    }
    html_table_end(&table, total, report->request->files.deviations);
    return st;
}
