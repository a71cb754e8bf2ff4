#include "version/version_text.h"

#include <string.h>

struct version_text version_text_of(const char *text)
{
    return (struct version_text){text, strlen(text)};
}

struct version_text version_take(struct version_text *from, size_t len)
{
    struct version_text taken = {from->at, len};

    if (len > 0) /* nothing may be NULL */
        *from = (struct version_text){from->at + len, from->len - len};
    return taken;
}

struct version_text version_take_while(struct version_text *from, bool (*in)(char))
{
    size_t len = 0;

    while (len < from->len && in(from->at[len]))
        len++;
    return version_take(from, len);
}

struct version_text version_take_digits(struct version_text *from)
{
    return version_take_while(from, version_is_digit);
}

struct version_text version_take_until(struct version_text *from, char end)
{
    const char *found = from->len > 0 ? memchr(from->at, end, from->len) : NULL;

    return version_take(from, found ? (size_t)(found - from->at) : from->len);
}

static struct version_text without_zeros(struct version_text digits)
{
    while (digits.len > 0 && digits.at[0] == '0')
        (void)version_take(&digits, 1);
    return digits;
}

bool version_is_zero(struct version_text digits)
{
    return without_zeros(digits).len == 0;
}

int version_compare_numbers(struct version_text a, struct version_text b)
{
    a = without_zeros(a);
    b = without_zeros(b);
    if (a.len != b.len)
        return a.len < b.len ? -1 : 1;
    return a.len > 0 ? memcmp(a.at, b.at, a.len) : 0;
}

int version_compare_bytes(struct version_text a, struct version_text b)
{
    size_t shorter = a.len < b.len ? a.len : b.len;
    int order = shorter > 0 ? memcmp(a.at, b.at, shorter) : 0;

    return order ? order : (a.len > b.len) - (a.len < b.len);
}

int version_compare_folded(struct version_text a, struct version_text b)
{
    for (size_t i = 0; i < a.len && i < b.len; i++) {
        int order = (unsigned char)version_lower(a.at[i]) - (unsigned char)version_lower(b.at[i]);

        if (order != 0)
            return order;
    }
    return (a.len > b.len) - (a.len < b.len);
}

bool version_is_word(struct version_text text, const char *word)
{
    return version_compare_folded(text, version_text_of(word)) == 0;
}
