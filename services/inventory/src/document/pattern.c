#include "document/pattern.h"

#include <stddef.h>

bool pattern_fits(const char *pattern, const char *text)
{
    const char *star = NULL, *from = NULL;

    /* Only the last star is ever tried again: what is before it has been found as early as can be.
     */
    while (*text) {
        if (*pattern == '*') {
            star = pattern++;
            from = text;
        } else if (*pattern == *text) {
            pattern++;
            text++;
        } else if (star) {
            pattern = star + 1;
            text = ++from;
        } else {
            return false;
        }
    }
    while (*pattern == '*')
        pattern++;
    return *pattern == '\0';
}

bool patterns_fit(const struct mu_json_texts *patterns, const char *text)
{
    for (size_t i = 0; i < patterns->count; i++)
        if (pattern_fits(patterns->items[i], text))
            return true;
    return patterns->count == 0;
}
