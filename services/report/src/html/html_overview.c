#include "html/html_chart.h"
#include "html/html_sections.h"

#include <string.h>

enum { STATES = ITEM_FALSE_POSITIVE };

static const struct chart_part due_parts[STATES] = {{"late", "f1"},
                                                    {"due before next", "f2"},
                                                    {"due later", "f3"},
                                                    {"held by deviation", "f4"}};
static const char *const rating_words[RATING_COUNT] = {"Critical", "High", "Not rated",
                                                       "Moderate", "Low",  "Negligible"};

static void put_tile(struct html *html, int64_t number, const char *words)
{
    html_put(html, "<li><b>");
    html_number(html, number);
    html_putf(html, "</b><span>%s</span></li>\n", words);
}

static void put_tiles(const struct report *report)
{
    const struct numbers *numbers = report->numbers;
    struct html *html = report->html;

    html_put(html, "<ul class=\"tiles\">\n");
    put_tile(html, numbers->all.unique, "unique vulnerabilities");
    put_tile(html, numbers->all.per_asset, "counted per asset");
    put_tile(html, numbers->all.per_instance, "counted per running container");
    put_tile(html, numbers->all.items, "POA&amp;M items");
    put_tile(html, numbers->all.states[ITEM_LATE], "items late");
    put_tile(html, numbers->kev, "known exploited (KEV)");
    put_tile(html, numbers->containers, "running containers");
    put_tile(html, numbers->images, "images in production");
    put_tile(html, numbers->new_items, "items new in this month");
    put_tile(html, numbers->closed_items, "items closed in this month");
    put_tile(html, numbers->raw_scans, "raw scans");
    put_tile(html, numbers->failures_open, "detection failures open");
    html_put(html, "</ul>\n");
}

static void put_coverage(const struct report *report)
{
    static const char *const fills[COVERAGE_COUNT] = {"f5", "f2", "f7", "f1", "f6", "f3", "f4"};
    static const char *const names[COVERAGE_COUNT] = {
            "Covered",      "Scan expired",    "Scan failed", "Never scanned",
            "Not resolved", "Not in registry", "Excluded"};
    static const struct chart_part containers = {"running containers", "f5"};
    struct chart_row rows[COVERAGE_COUNT];

    memset(rows, 0, sizeof(rows));
    for (size_t i = 0; i < COVERAGE_COUNT; i++) {
        rows[i].name = names[i];
        rows[i].fill = fills[i];
        rows[i].values[0] = report->numbers->containers_in[i];
    }
    chart_bars(report->html, "chart-coverage", "Running containers by coverage", &containers, 1,
               rows, COVERAGE_COUNT);
}

static void put_ages(const struct report *report)
{
    static const struct chart_part images = {"images", "f3"};
    static const char *const names[SCAN_AGE_STEPS + 1] = {
            "Within a day",  "2 to 7 days",  "8 to 14 days", "15 to 21 days",
            "22 to 30 days", "Over 30 days", "No scan"};
    struct chart_row rows[SCAN_AGE_STEPS + 1];

    memset(rows, 0, sizeof(rows));
    for (size_t i = 0; i <= SCAN_AGE_STEPS; i++) {
        rows[i].name = names[i];
        rows[i].values[0] = i < SCAN_AGE_STEPS ? report->numbers->scan_ages[i]
                                               : report->numbers->scan_age_unknown;
    }
    chart_bars(report->html, "chart-age", "Images in production by age of their last scan", &images,
               1, rows, SCAN_AGE_STEPS + 1);
}

static void put_severities(const struct report *report)
{
    struct chart_row rows[RATING_COUNT];

    memset(rows, 0, sizeof(rows));
    for (size_t i = 0; i < RATING_COUNT; i++) {
        rows[i].name = rating_words[i];
        for (size_t j = 0; j < STATES; j++)
            rows[i].values[j] = report->numbers->ratings[i].states[j];
    }
    chart_bars(report->html, "chart-severity", "Open items by rating and due date", due_parts,
               STATES, rows, RATING_COUNT);
}

static void put_item_ages(const struct report *report)
{
    static const struct chart_part parts[AGE_STEPS] = {
            {"up to 30 days", "f5"}, {"31 to 90", "f3"}, {"91 to 180", "f2"}, {"over 180", "f1"}};
    struct chart_row rows[RATING_COUNT];

    memset(rows, 0, sizeof(rows));
    for (size_t i = 0; i < RATING_COUNT; i++) {
        rows[i].name = rating_words[i];
        memcpy(rows[i].values, report->numbers->ratings[i].ages,
               sizeof(report->numbers->ratings[i].ages));
    }
    chart_bars(report->html, "chart-item-age", "Open items by rating and age", parts, AGE_STEPS,
               rows, RATING_COUNT);
}

static void put_trend(const struct report *report)
{
    const struct numbers *numbers = report->numbers;
    struct chart_row unique[NUMBERS_MAX_MONTHS + 1], late[NUMBERS_MAX_MONTHS + 1];
    enum { SHOWN = 12 };
    const size_t first = numbers->history_count >= SHOWN ? numbers->history_count - SHOWN + 1 : 0;
    size_t count = 0;

    if (numbers->history_count == 0)
        return;
    memset(unique, 0, sizeof(unique));
    memset(late, 0, sizeof(late));
    for (size_t i = first; i < numbers->history_count; i++, count++) {
        const struct numbers_month *month = &numbers->history[i];

        unique[count] =
                (struct chart_row){month->month, {month->unique > 0 ? month->unique : 0}, NULL};
        late[count] = (struct chart_row){month->month, {month->late > 0 ? month->late : 0}, NULL};
    }
    unique[count] = (struct chart_row){numbers->month, {numbers->all.unique}, NULL};
    late[count] = (struct chart_row){numbers->month, {numbers->all.states[ITEM_LATE]}, NULL};
    chart_line(report->html, "chart-trend", "Unique vulnerabilities, month by month", unique,
               count + 1);
    chart_line(report->html, "chart-trend-late", "Late items, month by month", late, count + 1);
}

static void put_ratings(const struct report *report)
{
    static const struct html_column columns[] = {
            {"Rating", HTML_CELL_TEXT},      {"Unique", HTML_CELL_NUMBER},
            {"Per asset", HTML_CELL_NUMBER}, {"Per container", HTML_CELL_NUMBER},
            {"Items", HTML_CELL_NUMBER},     {"Late", HTML_CELL_NUMBER},
            {"Due", HTML_CELL_NUMBER},       {"Later", HTML_CELL_NUMBER},
            {"Held", HTML_CELL_NUMBER}};
    enum { COLUMNS = sizeof(columns) / sizeof(columns[0]) };
    struct html_table table;

    html_table_begin(report->html, "t-ratings", "Vulnerabilities by rating, counted three ways",
                     columns, COLUMNS, RATING_COUNT + 1, &table);
    for (size_t i = 0; i <= RATING_COUNT; i++) {
        const struct rating_numbers *numbers =
                i < RATING_COUNT ? &report->numbers->ratings[i] : &report->numbers->all;

        if (!html_row_begin(&table))
            break;
        html_cell(&table, i < RATING_COUNT ? rating_words[i] : "All");
        html_cell_number(&table, numbers->unique);
        html_cell_number(&table, numbers->per_asset);
        html_cell_number(&table, numbers->per_instance);
        html_cell_number(&table, numbers->items);
        for (size_t j = 0; j < STATES; j++)
            html_cell_number(&table, numbers->states[j]);
        html_row_end(&table);
    }
    html_table_end(&table, RATING_COUNT + 1, "");
}

enum mu_status section_overview(const struct report *report, struct mu_error *err)
{
    (void)err;
    put_tiles(report);
    html_put(report->html, "<div class=\"charts\">\n");
    put_coverage(report);
    put_ages(report);
    put_severities(report);
    put_item_ages(report);
    put_trend(report);
    html_put(report->html, "</div>\n");
    put_ratings(report);
    return MU_OK;
}
