#include "workbook/template_layout.h"

#include "workbook/xlsx_reader.h"

#include <ctype.h>
#include <string.h>

struct search {
    const struct form_sheet *sheet;
    struct template_layout layout;
    uint32_t notes; /* rows below the header that tell what its columns are for */
    size_t left;    /* the leftmost of the form's columns */
};

static const char *skip_blank(const char *text)
{
    while (isspace((unsigned char)*text))
        text++;
    return text;
}

/* The next one in lower case; white space is one blank, and nothing at the end. */
static char next_character(const char **text)
{
    const char *at = *text;

    if (isspace((unsigned char)*at)) {
        *text = at = skip_blank(at);
        return *at ? ' ' : '\0';
    }
    if (*at)
        ++*text;
    return (char)tolower((unsigned char)*at);
}

static bool same_header(const char *a, const char *b)
{
    char first, second;

    if (!a)
        return false;
    a = skip_blank(a);
    b = skip_blank(b);
    do {
        first = next_character(&a);
        second = next_character(&b);
    } while (first == second && first);
    return first == second;
}

/* ---- above the header ---- */

static void find_fields(struct search *search, size_t row, const char *const *cells, size_t count)
{
    for (size_t i = 0; i < search->sheet->field_count; i++)
        for (size_t column = 0; column < count; column++)
            if (search->layout.fields[i].row == 0 &&
                same_header(cells[column], search->sheet->fields[i].label)) {
                search->layout.fields[i].row = (uint32_t)row + 1;
                search->layout.fields[i].column = column;
                break;
            }
}

/* ---- the header ---- */

static enum mu_status find_column(struct search *search, size_t index, const char *const *cells,
                                  size_t count, struct mu_error *err)
{
    const char *header = search->sheet->columns[index].header;
    size_t found = 0;

    for (size_t column = 0; column < count; column++)
        if (same_header(cells[column], header)) {
            search->layout.columns[index] = column;
            found++;
        }
    if (found == 1)
        return MU_OK;
    return mu_fail(err, MU_E_INVALID,
                   found == 0 ? "sheet '%s' lacks the column '%s': is it this form and version?"
                              : "sheet '%s' has the column '%s' twice",
                   search->sheet->name, header);
}

static bool is_header(const struct search *search, const char *const *cells, size_t count)
{
    size_t found = 0;

    for (size_t column = 0; column < count; column++)
        found += same_header(cells[column], search->sheet->columns[0].header) ||
                                 same_header(cells[column], search->sheet->columns[1].header)
                         ? 1
                         : 0;
    return found >= 2;
}

static enum mu_status take_header(struct search *search, size_t row, const char *const *cells,
                                  size_t count, struct mu_error *err)
{
    enum mu_status st = MU_OK;

    search->layout.header_row = (uint32_t)row;
    search->layout.data_row = (uint32_t)row + 1;
    for (size_t i = 0; st == MU_OK && i < search->sheet->column_count; i++)
        st = search->sheet->columns[i].kind == FORM_BLANK
                     ? MU_OK
                     : find_column(search, i, cells, count, err);
    search->left = count;
    for (size_t i = 0; st == MU_OK && i < search->sheet->column_count; i++)
        if (search->sheet->columns[i].kind != FORM_BLANK &&
            search->layout.columns[i] < search->left)
            search->left = search->layout.columns[i];
    return st;
}

/* ---- below the header ---- */

/* One of the form's own labels before the first column, as "Guidance"; or any row where the form
 * has notes without a label. */
static bool is_note(const struct search *search, const char *const *cells, size_t count)
{
    if (search->sheet->has_examples)
        return true;
    for (size_t column = 0; column < count && column < search->left; column++)
        for (size_t i = 0; i < search->sheet->fixed_count; i++)
            if (same_header(cells[column], search->sheet->fixed[i].text))
                return true;
    return false;
}

static enum mu_status take_below(struct search *search, size_t row, const char *const *cells,
                                 size_t count, struct mu_error *err)
{
    struct template_layout *layout = &search->layout;
    uint32_t notes = search->sheet->data_row - search->sheet->header_row - 1;
    size_t key = layout->columns[0];

    if (row == layout->data_row && search->notes < notes && is_note(search, cells, count)) {
        search->notes++;
        layout->data_row++;
        return MU_OK;
    }
    if (search->sheet->has_examples || key >= count || !cells[key])
        return MU_OK;
    return mu_fail(err, MU_E_INVALID,
                   "row %zu of sheet '%s' holds the item '%.100s' already: give the empty template",
                   row, search->sheet->name, cells[key]);
}

static enum mu_status on_row(void *opaque, size_t row, const char *const *cells, size_t count,
                             struct mu_error *err)
{
    struct search *search = opaque;

    if (search->layout.header_row)
        return take_below(search, row, cells, count, err);
    if (row > TEMPLATE_HEAD_ROWS)
        return MU_OK;
    if (is_header(search, cells, count))
        return take_header(search, row, cells, count, err);
    find_fields(search, row, cells, count);
    return MU_OK;
}

enum mu_status template_layout_read(const void *bytes, size_t len, const struct form_sheet *sheet,
                                    struct template_layout *ret_layout, struct mu_error *err)
{
    struct search search = {.sheet = sheet};
    enum mu_status st = xlsx_read_memory(bytes, len, sheet->name, on_row, &search, err);

    if (st == MU_OK && !search.layout.header_row)
        st = mu_fail(err, MU_E_INVALID,
                     "sheet '%s' has no row with the headers '%s' and '%s': is it this form?",
                     sheet->name, sheet->columns[0].header, sheet->columns[1].header);
    if (st == MU_OK)
        *ret_layout = search.layout;
    return st;
}
