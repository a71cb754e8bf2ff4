/*
 * html_chart: charts as SVG inside the page. Each has a title and a description that says its
 * numbers in words, for those who do not see it; colours are classes of the style, and every number
 * stands beside its shape, so that nothing is told by colour alone.
 */
#ifndef REPORT_HTML_CHART_H
#define REPORT_HTML_CHART_H

#include "html/html_out.h"

enum { CHART_MAX_PARTS = 8 };

struct chart_part {
    const char *name; /* ours */
    const char *fill; /* class: f1 .. f7 */
};

struct chart_row {
    const char *name; /* ours, or a month */
    int64_t values[CHART_MAX_PARTS];
    const char *fill; /* of the first part; NULL: that of the parts */
};

/* Names and ids are ours. A bar for each row, its parts one behind the other, the sum beside it. */
void chart_bars(struct html *html, const char *id, const char *title,
                const struct chart_part *parts, size_t part_count, const struct chart_row *rows,
                size_t row_count);
/* A line through the rows' first values, the months below. */
void chart_line(struct html *html, const char *id, const char *title, const struct chart_row *rows,
                size_t row_count);

#endif
