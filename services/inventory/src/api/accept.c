#include "api/accept.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* How exactly a range names a type: the most exact one speaks (RFC 9110 section 12.5.1). */
enum { NO_MATCH, MATCH_ANY, MATCH_TYPE, MATCH_WHOLE };

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static int match(const char *range, size_t len, const char *form)
{
    size_t type_len = strcspn(form, "/");

    if (len == 3 && memcmp(range, "*/*", 3) == 0)
        return MATCH_ANY;
    if (len == type_len + 2 && strncasecmp(range, form, type_len + 1) == 0 && range[len - 1] == '*')
        return MATCH_TYPE;
    return len == strlen(form) && strncasecmp(range, form, len) == 0 ? MATCH_WHOLE : NO_MATCH;
}

/* Thousandths, of "0", "1", "0.5", "0.123"; what is no number counts as 1. */
static int quality_of(const char *at, const char *end)
{
    int value = 0, digit = 100;

    if (at == end || (*at != '0' && *at != '1'))
        return 1000;
    value = *at == '1' ? 1000 : 0;
    if (++at == end || *at != '.')
        return value;
    for (at++; at < end && *at >= '0' && *at <= '9' && digit > 0; at++, digit /= 10)
        value += (*at - '0') * digit;
    return value > 1000 ? 1000 : value;
}

/* Of the parameters after the range. */
static int quality(const char *at, const char *end)
{
    while (at < end) {
        const char *semicolon = memchr(at, ';', (size_t)(end - at));
        const char *part_end = semicolon ? semicolon : end;

        while (at < part_end && is_blank(*at))
            at++;
        if (part_end - at >= 2 && (*at == 'q' || *at == 'Q') && at[1] == '=')
            return quality_of(at + 2, part_end);
        at = semicolon ? semicolon + 1 : end;
    }
    return 1000;
}

/* The quality of one form: 0 when it is not wanted. */
static int quality_of_form(const char *header, const char *form)
{
    int best = NO_MATCH, found = 0;

    for (const char *at = header; *at;) {
        size_t len = strcspn(at, ","), range_len;
        const char *end = at + len, *range = at;
        int how;

        while (range < end && is_blank(*range))
            range++;
        range_len = strcspn(range, ";,");
        while (range_len > 0 && is_blank(range[range_len - 1]))
            range_len--;
        how = match(range, range_len, form);
        if (how > best) {
            const char *parameters = memchr(range, ';', (size_t)(end - range));

            best = how;
            found = parameters ? quality(parameters + 1, end) : 1000;
        }
        at = *end ? end + 1 : end;
    }
    return found;
}

int accept_choose(const char *header, const char *const *forms, size_t form_count)
{
    int chosen = ACCEPT_NONE, best = 0;

    if (!header || !*header)
        return 0;
    if (strlen(header) > ACCEPT_MAX_BYTES)
        return ACCEPT_NONE;
    for (size_t i = 0; i < form_count; i++) {
        int found = quality_of_form(header, forms[i]);

        if (found > best) {
            best = found;
            chosen = (int)i;
        }
    }
    return chosen;
}
