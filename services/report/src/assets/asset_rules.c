#include "assets/asset_rules.h"

#include "workbook/cell_text.h"
#include "workbook/told.h"

#include "base/text.h"

#include <ctype.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

enum rule { OPTIONAL, MANDATORY, BLANK };

/* For OS/Infrastructure, and for software and databases. */
static const struct {
    const char *key;
    enum rule infrastructure, software;
    bool yes_no;
} columns[COLUMN_COUNT] = {
        [COLUMN_UAI] = {"unique_asset_identifier", MANDATORY, MANDATORY, false},
        [COLUMN_ADDRESS] = {"address", MANDATORY, MANDATORY, false},
        [COLUMN_VIRTUAL] = {"virtual", MANDATORY, MANDATORY, true},
        [COLUMN_PUBLIC] = {"public", MANDATORY, MANDATORY, true},
        [COLUMN_DNS] = {"dns_name", OPTIONAL, OPTIONAL, false},
        [COLUMN_NETBIOS] = {"netbios_name", OPTIONAL, OPTIONAL, false},
        [COLUMN_MAC] = {"mac_address", OPTIONAL, OPTIONAL, false},
        [COLUMN_AUTHENTICATED] = {"authenticated_scan", MANDATORY, BLANK, true},
        [COLUMN_BASELINE] = {"baseline_configuration_name", MANDATORY, MANDATORY, false},
        [COLUMN_OS] = {"os", MANDATORY, BLANK, false},
        [COLUMN_LOCATION] = {"location", OPTIONAL, BLANK, false},
        [COLUMN_ASSET_TYPE] = {"asset_type", MANDATORY, BLANK, false},
        [COLUMN_HARDWARE] = {"hardware", OPTIONAL, BLANK, false}, /* mandatory unless virtual */
        [COLUMN_IN_LATEST_SCAN] = {"in_latest_scan", MANDATORY, BLANK, true},
        [COLUMN_VENDOR] = {"software_vendor", BLANK, MANDATORY, false},
        [COLUMN_SOFTWARE] = {"software_name_version", BLANK, MANDATORY, false},
        [COLUMN_PATCH_LEVEL] = {"patch_level", OPTIONAL, OPTIONAL, false},
        [COLUMN_DIAGRAM_LABEL] = {"diagram_label", MANDATORY, MANDATORY, false},
        [COLUMN_COMMENTS] = {"comments", OPTIONAL, OPTIONAL, false},
        [COLUMN_SERIAL] = {"serial_number", OPTIONAL, BLANK, false},
        [COLUMN_VLAN] = {"vlan", OPTIONAL, BLANK, false},
        [COLUMN_SYSTEM_ADMINISTRATOR] = {"system_administrator", OPTIONAL, OPTIONAL, false},
        [COLUMN_APPLICATION_ADMINISTRATOR] = {"application_administrator", OPTIONAL, BLANK, false},
        [COLUMN_FUNCTION] = {"function", MANDATORY, MANDATORY, false},
        [COLUMN_END_OF_LIFE] = {"end_of_life", OPTIONAL, OPTIONAL, false},
};

static const char *skip_blank(const char *text)
{
    while (isspace((unsigned char)*text))
        text++;
    return text;
}

/* White space does not count, nor case. */
static bool same_name(const char *a, const char *b)
{
    for (a = skip_blank(a), b = skip_blank(b); *a && *b;
         a = skip_blank(a + 1), b = skip_blank(b + 1))
        if (tolower((unsigned char)*a) != tolower((unsigned char)*b))
            return false;
    return *a == *b;
}

enum workbook_column asset_column_of(const char *name)
{
    for (int column = 0; column < COLUMN_COUNT; column++)
        if (same_name(name, columns[column].key) ||
            same_name(name, inventory_workbook_header((enum workbook_column)column)))
            return (enum workbook_column)column;
    return COLUMN_COUNT;
}

/* ---- values ---- */

static bool is_filled(const char *text)
{
    return text && *text;
}

static uint64_t take_number(const char **text, char end)
{
    uint64_t number = 0;
    size_t digits = strspn(*text, "0123456789");

    if (digits == 0 || digits > 4 || (*text)[digits] != end)
        return UINT64_MAX;
    for (size_t i = 0; i < digits; i++)
        number = number * 10 + (uint64_t)((*text)[i] - '0');
    *text += digits + (end ? 1 : 0);
    return number;
}

/* m/d/yyyy */
static bool is_date(const char *text)
{
    static const uint64_t days[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    uint64_t month = take_number(&text, '/');
    uint64_t day = month == 0 || month > 12 ? UINT64_MAX : take_number(&text, '/');
    uint64_t year = day == UINT64_MAX ? UINT64_MAX : take_number(&text, '\0');
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

    if (year == UINT64_MAX || year < 1900 || day == 0 || day > days[month - 1])
        return false;
    return month != 2 || day < 29 || leap;
}

static const char *value_problem(enum workbook_column column, const char *text)
{
    if (!is_filled(text))
        return NULL;
    if (!mu_utf8_valid(text, strlen(text)))
        return "is not UTF-8";
    if (cell_text_length(text) > WORKBOOK_CELL_MAX)
        return "holds more than 32767 characters";
    if (!told_is(text))
        return "says 'n/a' or nothing: FedRAMP wants such cells blank";
    if (columns[column].yes_no && !mu_text_equal(text, "Yes") && !mu_text_equal(text, "No"))
        return "must be 'Yes' or 'No'";
    if (column == COLUMN_END_OF_LIFE && !is_date(text))
        return "must be a date, m/d/yyyy";
    return NULL;
}

static const char *presence_problem(const struct inventory_workbook_row *row,
                                    const struct system_file *system, enum workbook_column column)
{
    bool infrastructure = is_filled(row->cells[COLUMN_ASSET_TYPE]);
    bool filled = is_filled(row->cells[column]);
    enum rule rule = infrastructure ? columns[column].infrastructure : columns[column].software;

    if (rule == MANDATORY && !filled)
        return infrastructure
                       ? "is mandatory for OS/Infrastructure"
                       : "is mandatory for software and databases (which have no asset type)";
    if (rule == BLANK && filled)
        return infrastructure
                       ? "must be blank for OS/Infrastructure"
                       : "must be blank for software and databases (which have no asset type)";
    if (column == COLUMN_HARDWARE && infrastructure && !filled &&
        mu_text_equal(row->cells[COLUMN_VIRTUAL], "No"))
        return "is mandatory for what is not virtual";
    if (column == COLUMN_SYSTEM_ADMINISTRATOR && !filled &&
        mu_text_equal(system->impact_level, "High"))
        return "is mandatory for a High system";
    return NULL;
}

const char *asset_problem(const struct inventory_workbook_row *row,
                          const struct system_file *system, enum workbook_column *ret_column)
{
    for (int i = 0; i < COLUMN_COUNT; i++) {
        enum workbook_column column = (enum workbook_column)i;
        const char *problem = value_problem(column, row->cells[column]);

        if (!problem)
            problem = presence_problem(row, system, column);
        if (problem) {
            *ret_column = column;
            return problem;
        }
    }
    return NULL;
}
