#include "html/html_page.h"

#include "html/html_style.h"

#include "base/buf.h"
#include "base/sha256.h"
#include "base/text.h"

#include <string.h>

/* The policy allows one style, by its hash, and nothing else. */
static void put_policy(struct html *html)
{
    MU_AUTO(sha256) struct mu_sha256 *sha256 = mu_sha256_new();
    MU_AUTO_DONE(mu_buf_done) struct mu_buf hash;
    uint8_t digest[MU_SHA256_BYTES];

    mu_buf_init(&hash, MU_DIGEST_TEXT_SIZE);
    mu_sha256_update(sha256, html_style, strlen(html_style));
    mu_sha256_final(sha256, digest);
    mu_base64_encode(digest, sizeof(digest), &hash);
    html_putf(html,
              "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
              "style-src 'sha256-%s'; base-uri 'none'; form-action 'none'\">\n",
              hash.data);
}

void html_page_begin(struct html *html, const char *title)
{
    html_put(html, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n");
    put_policy(html);
    html_put(html, "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                   "<meta name=\"color-scheme\" content=\"light dark\">\n"
                   "<meta name=\"referrer\" content=\"no-referrer\">\n<title>");
    html_text(html, title);
    html_put(html, "</title>\n<style>");
    html_put(html, html_style);
    html_put(html, "</style>\n</head>\n<body>\n"
                   "<a class=\"skip\" href=\"#verdict\">Skip to the verdict</a>\n");
}

void html_page_end(struct html *html)
{
    html_put(html, "</body>\n</html>\n");
}

void html_section(struct html *html, const char *id, const char *heading)
{
    html_putf(html, "<section id=\"%s\" aria-labelledby=\"%s-h\">\n<h2 id=\"%s-h\">%s</h2>\n", id,
              id, id, heading);
}

void html_section_end(struct html *html)
{
    html_put(html, "</section>\n");
}

/* ---- tables ---- */

static const char *const cell_classes[] = {[HTML_CELL_TEXT] = "",
                                           [HTML_CELL_WIDE] = " class=\"w\"",
                                           [HTML_CELL_NUMBER] = " class=\"n\"",
                                           [HTML_CELL_CODE] = " class=\"c\"",
                                           [HTML_CELL_DAY] = " class=\"d\""};

void html_table_begin(struct html *html, const char *id, const char *caption,
                      const struct html_column *columns, size_t column_count, size_t max_rows,
                      struct html_table *ret_table)
{
    *ret_table = (struct html_table){
            .html = html, .columns = columns, .column_count = column_count, .max_rows = max_rows};
    html_putf(html,
              "<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-labelledby=\"%s\">\n"
              "<table>\n<caption id=\"%s\">%s</caption>\n<thead><tr>",
              id, id, caption);
    for (size_t i = 0; i < column_count; i++)
        html_putf(html, "<th scope=\"col\"%s>%s</th>", cell_classes[columns[i].cell],
                  columns[i].heading);
    html_put(html, "</tr></thead>\n<tbody>\n");
}

bool html_row_begin(struct html_table *table)
{
    if (table->rows == table->max_rows)
        return false;
    table->rows++;
    table->cell = 0;
    html_put(table->html, "<tr>");
    return true;
}

void html_row_end(struct html_table *table)
{
    html_put(table->html, "</tr>\n");
}

void html_cell_begin(struct html_table *table)
{
    const char *class = cell_classes[table->columns[table->cell].cell];

    if (table->cell == 0)
        html_putf(table->html, "<th scope=\"row\"%s>", class);
    else
        html_putf(table->html, "<td%s>", class);
}

void html_cell_end(struct html_table *table)
{
    html_put(table->html, table->cell++ == 0 ? "</th>" : "</td>");
}

void html_cell(struct html_table *table, const char *text)
{
    html_cell_begin(table);
    html_text(table->html, text);
    html_cell_end(table);
}

void html_cell_number(struct html_table *table, int64_t number)
{
    html_cell_begin(table);
    html_number(table->html, number);
    html_cell_end(table);
}

void html_cell_day(struct html_table *table, const char *time)
{
    html_cell_begin(table);
    html_day(table->html, time);
    html_cell_end(table);
}

void html_table_end(struct html_table *table, int64_t total, const char *file)
{
    struct html *html = table->html;

    if (table->rows == 0)
        html_putf(html, "<tr><td class=\"none\" colspan=\"%zu\">None.</td></tr>\n",
                  table->column_count);
    html_put(html, "</tbody>\n</table>\n</div>\n");
    if (total <= (int64_t)table->rows)
        return;
    html_put(html, "<p class=\"more\">");
    html_number(html, total - (int64_t)table->rows);
    html_put(html, " more in <code>");
    html_text(html, file);
    html_putf(html, "</code>: this page shows the first %zu.</p>\n", table->max_rows);
}

void html_badge(struct html *html, const char *tone, const char *word)
{
    html_putf(html, "<span class=\"badge %s\">%s</span>", tone, word);
}
