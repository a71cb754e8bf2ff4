#include "workbook/form.h"

#include "workbook/cell_text.h"

#include "base/clock.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>

/* 1970-01-01 in the 1900 date system, with the leap day of 1900 that never was. */
enum { DAY_OF_EPOCH = 25569, DATE_TEXT_BYTES = 10 };
static const int64_t us_per_day = INT64_C(86400) * 1000000;
static const double line_points = 12.75, max_row_points = 409, character_width = 1.15,
                    bold_width = 1.4;

double form_day_of_us(int64_t at_us)
{
    return (double)(at_us / us_per_day) + DAY_OF_EPOCH;
}

double form_day(const char *text)
{
    char whole[MU_TIME_TEXT_SIZE];
    int64_t at_us;
    struct mu_error ignored;

    if (!text)
        return 0;
    (void)snprintf(whole, sizeof(whole), "%s%s", text,
                   strnlen(text, DATE_TEXT_BYTES + 1) == DATE_TEXT_BYTES ? "T00:00:00Z" : "");
    return mu_time_parse(whole, strlen(whole), &at_us, &ignored) == MU_OK ? form_day_of_us(at_us)
                                                                          : 0;
}

int form_rating_days(const char *rating)
{
    static const struct {
        const char *rating;
        int days;
    } rule[] = {{"High", 30}, {"Moderate", 90}, {"Low", 180}};

    for (size_t i = 0; i < sizeof(rule) / sizeof(rule[0]); i++)
        if (mu_text_equal(rule[i].rating, rating))
            return rule[i].days;
    return 0;
}

void form_due_formula(const char *const letters[4], uint32_t row, struct mu_buf *out)
{
    const char *detected = letters[0], *original = letters[1];
    const char *adjusted = letters[2], *adjustment = letters[3];

    for (int by_original = 0; by_original <= 1; by_original++) {
        const char *rating = by_original ? original : adjusted;

        if (!by_original)
            mu_buf_printf(out,
                          "IF(AND(%s%u=\"Yes\",OR(%s%u=\"High\",%s%u=\"Moderate\",%s%u=\"Low\")),",
                          adjustment, row, adjusted, row, adjusted, row, adjusted, row);
        mu_buf_printf(out,
                      "IF(%s%u=\"High\",%s%u+30,IF(%s%u=\"Moderate\",%s%u+90,"
                      "IF(%s%u=\"Low\",%s%u+180,\"\")))%s",
                      rating, row, detected, row, rating, row, detected, row, rating, row, detected,
                      row, by_original ? ")" : ",");
    }
}

void form_column_letters(size_t column, char ret_letters[FORM_LETTERS_SIZE])
{
    char *at = ret_letters;

    if (column >= 26 + 26 * 26) {
        *at++ = (char)('A' + (column - 26 - 26 * 26) / (26 * 26));
        column = 26 + (column - 26 - 26 * 26) % (26 * 26);
        *at++ = (char)('A' + (column - 26) / 26);
    } else if (column >= 26) {
        *at++ = (char)('A' + (column - 26) / 26);
    }
    *at++ = (char)('A' + column % 26);
    *at = '\0';
}

/* Lines the text takes in a column of as many characters, wrapped; generous, since fonts differ. */
static size_t lines_of(const char *text, double width)
{
    const size_t per_line = (size_t)width + 1;
    size_t lines = 0;

    do {
        size_t len = strcspn(text, "\n");

        lines += len == 0 ? 1 : (len + per_line - 1) / per_line;
        text += len + (text[len] == '\n');
    } while (*text);
    return lines;
}

double form_row_height(const struct form_sheet *sheet, const struct form_cell *cells)
{
    size_t most = 1;
    double points;

    for (size_t i = 0; i < sheet->column_count; i++) {
        size_t lines = cells[i].kind == FORM_TEXT
                               ? lines_of(cells[i].text, sheet->columns[i].width / character_width)
                               : 1;

        most = lines > most ? lines : most;
    }
    points = (double)most * line_points;
    return points > max_row_points ? max_row_points : points;
}

double form_header_height(const struct form_sheet *sheet)
{
    size_t most = 1;

    for (size_t i = 0; i < sheet->column_count; i++) {
        size_t lines = lines_of(sheet->columns[i].header, sheet->columns[i].width / bold_width);

        most = lines > most ? lines : most;
    }
    return (double)(most + 1) * line_points;
}

enum mu_status form_check_cells(const struct form_sheet *sheet, const struct form_cell *cells,
                                struct mu_error *err)
{
    for (size_t i = 0; i < sheet->column_count; i++) {
        const char *text = cells[i].kind == FORM_TEXT ? cells[i].text : "";

        if (cell_text_length(text) > FORM_CELL_MAX)
            return mu_fail(err, MU_E_LIMIT,
                           "sheet '%s': '%s' of '%.200s' holds more than %d "
                           "characters",
                           sheet->name, sheet->columns[i].header,
                           cells[0].kind == FORM_TEXT ? cells[0].text : "", FORM_CELL_MAX);
        if (!mu_utf8_valid(text, strlen(text)))
            return mu_fail(err, MU_E_INVALID, "sheet '%s': '%s' is not UTF-8", sheet->name,
                           sheet->columns[i].header);
    }
    return MU_OK;
}
