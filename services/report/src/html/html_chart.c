#include "html/html_chart.h"

enum {
    WIDTH = 460,
    ROW_HEIGHT = 25,
    BAR_HEIGHT = 17,
    LABEL_WIDTH = 108,
    NUMBER_WIDTH = 60,
    BAR_WIDTH = WIDTH - LABEL_WIDTH - NUMBER_WIDTH,
    LEGEND_STEP = 230,
    LEGEND_COLUMNS = 2,
    LEGEND_LINE = 20,
    BASELINE = 14, /* of a text in a row */
    LINE_HEIGHT = 180,
    LINE_LEFT = 30,
    LINE_TOP = 28,
    LINE_BOTTOM = 146,
    LINE_TEXT = 170
};

static int64_t sum_of(const struct chart_row *row, size_t part_count)
{
    int64_t sum = 0;

    for (size_t i = 0; i < part_count; i++)
        sum += row->values[i];
    return sum;
}

static int64_t greatest_of(const struct chart_row *rows, size_t row_count, size_t part_count)
{
    int64_t greatest = 1;

    for (size_t i = 0; i < row_count; i++)
        if (sum_of(&rows[i], part_count) > greatest)
            greatest = sum_of(&rows[i], part_count);
    return greatest;
}

/* <figure> and the SVG's words. */
static void begin(struct html *html, const char *id, const char *title, size_t height)
{
    html_putf(html,
              "<figure>\n<figcaption>%s</figcaption>\n<svg viewBox=\"0 0 %d %zu\" role=\"img\" "
              "aria-labelledby=\"%s-t %s-d\">\n<title id=\"%s-t\">%s</title>\n<desc id=\"%s-d\">",
              title, WIDTH, height, id, id, id, title, id);
}

static void end(struct html *html)
{
    html_put(html, "</svg>\n</figure>\n");
}

static void describe(struct html *html, const struct chart_part *parts, size_t part_count,
                     const struct chart_row *rows, size_t row_count)
{
    for (size_t i = 0; i < row_count; i++) {
        html_putf(html, "%s: ", rows[i].name);
        html_number(html, sum_of(&rows[i], part_count));
        for (size_t j = 0; part_count > 1 && j < part_count; j++) {
            html_putf(html, "%s%s ", j ? ", " : " (", parts[j].name);
            html_number(html, rows[i].values[j]);
        }
        html_put(html, part_count > 1 ? "). " : ". ");
    }
    html_put(html, "</desc>\n");
}

static size_t legend_height(size_t part_count)
{
    return part_count > 1 ? (part_count + LEGEND_COLUMNS - 1) / LEGEND_COLUMNS * LEGEND_LINE +
                                    ROW_HEIGHT / 3
                          : 0;
}

static void put_legend(struct html *html, const struct chart_part *parts, size_t part_count)
{
    enum { BOX = 12, GAP = 18, TEXT_DOWN = 11 };

    for (size_t i = 0; part_count > 1 && i < part_count; i++) {
        const size_t x = i % LEGEND_COLUMNS * LEGEND_STEP, y = i / LEGEND_COLUMNS * LEGEND_LINE;

        html_putf(html,
                  "<rect class=\"%s\" x=\"%zu\" y=\"%zu\" width=\"%d\" height=\"%d\"/><text "
                  "x=\"%zu\" "
                  "y=\"%zu\">%s</text>\n",
                  parts[i].fill, x, y, BOX, BOX, x + GAP, y + TEXT_DOWN, parts[i].name);
    }
}

/* Widths in tenths, so that no floating point decides a byte. */
static void put_row(struct html *html, const struct chart_part *parts, size_t part_count,
                    const struct chart_row *row, int64_t greatest, size_t y)
{
    enum { TENTHS = 10, NUMBER_GAP = 6, BAR_DOWN = 0 };
    int64_t before = 0;

    html_putf(html, "<text x=\"0\" y=\"%zu\">%s</text>", y + BASELINE, row->name);
    for (size_t i = 0; i < part_count; i++) {
        const int64_t from = before * BAR_WIDTH * TENTHS / greatest;
        const int64_t to = (before + row->values[i]) * BAR_WIDTH * TENTHS / greatest;

        before += row->values[i];
        if (row->values[i] > 0)
            html_putf(html,
                      "<rect class=\"%s edge\" x=\"%lld.%lld\" y=\"%zu\" width=\"%lld.%lld\" "
                      "height=\"%d\"/>",
                      row->fill && i == 0 ? row->fill : parts[i].fill,
                      LABEL_WIDTH + (long long)from / TENTHS, (long long)from % TENTHS,
                      y + BAR_DOWN, (long long)(to - from) / TENTHS,
                      (long long)(to - from) % TENTHS, BAR_HEIGHT);
    }
    html_putf(html, "<text class=\"q\" x=\"%lld\" y=\"%zu\">",
              LABEL_WIDTH + NUMBER_GAP + (long long)(before * BAR_WIDTH / greatest), y + BASELINE);
    html_number(html, before);
    html_put(html, "</text>\n");
}

void chart_bars(struct html *html, const char *id, const char *title,
                const struct chart_part *parts, size_t part_count, const struct chart_row *rows,
                size_t row_count)
{
    const int64_t greatest = greatest_of(rows, row_count, part_count);
    const size_t top = legend_height(part_count);

    begin(html, id, title, top + row_count * ROW_HEIGHT);
    describe(html, parts, part_count, rows, row_count);
    put_legend(html, parts, part_count);
    html_putf(html, "<line class=\"axis\" x1=\"%d\" y1=\"%zu\" x2=\"%d\" y2=\"%zu\"/>\n",
              LABEL_WIDTH, top, LABEL_WIDTH, top + row_count * ROW_HEIGHT);
    for (size_t i = 0; i < row_count; i++)
        put_row(html, parts, part_count, &rows[i], greatest, top + i * ROW_HEIGHT + 2);
    end(html);
}

static long long line_x(size_t place, size_t count)
{
    return LINE_LEFT + (long long)(place * (WIDTH - 2 * LINE_LEFT) / (count > 1 ? count - 1 : 1));
}

static long long line_y(int64_t value, int64_t greatest)
{
    return LINE_BOTTOM - (long long)(value * (LINE_BOTTOM - LINE_TOP) / greatest);
}

void chart_line(struct html *html, const char *id, const char *title, const struct chart_row *rows,
                size_t row_count)
{
    enum { RADIUS = 4, NUMBER_UP = 9 };
    const int64_t greatest = greatest_of(rows, row_count, 1);

    begin(html, id, title, LINE_HEIGHT);
    describe(html, NULL, 1, rows, row_count);
    html_putf(html, "<line class=\"axis\" x1=\"0\" y1=\"%d\" x2=\"%d\" y2=\"%d\"/>\n", LINE_BOTTOM,
              WIDTH, LINE_BOTTOM);
    html_put(html, "<polyline class=\"line\" points=\"");
    for (size_t i = 0; i < row_count; i++)
        html_putf(html, "%s%lld,%lld", i ? " " : "", line_x(i, row_count),
                  line_y(rows[i].values[0], greatest));
    html_put(html, "\"/>\n");
    for (size_t i = 0; i < row_count; i++) {
        const long long x = line_x(i, row_count), y = line_y(rows[i].values[0], greatest);

        html_putf(html,
                  "<circle class=\"f3\" cx=\"%lld\" cy=\"%lld\" r=\"%d\"/><text x=\"%lld\" "
                  "y=\"%lld\" text-anchor=\"middle\">",
                  x, y, RADIUS, x, y - NUMBER_UP);
        html_number(html, rows[i].values[0]);
        html_putf(html,
                  "</text><text class=\"q\" x=\"%lld\" y=\"%d\" text-anchor=\"middle\">%s</text>\n",
                  x, LINE_TEXT, rows[i].name);
    }
    end(html);
}
