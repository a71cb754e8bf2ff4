#include "version/schemes.h"

#include "version/version_text.h"

#include <string.h>

/* Place of a character in a non-digit run; a digit ends the run like the end of the text. */
static int order_at(struct version_text part, size_t at)
{
    char c = version_char(part, at);

    if (at >= part.len || version_is_digit(c))
        return 0;
    if (c == '~')
        return -1;
    return version_is_letter(c) ? (unsigned char)c : (unsigned char)c + 256;
}

static bool in_letters(struct version_text part, size_t at)
{
    return at < part.len && !version_is_digit(part.at[at]);
}

/* Compares and skips one run of non-digits on both sides. */
static int compare_letters(struct version_text *a, struct version_text *b)
{
    size_t at = 0;

    for (; in_letters(*a, at) || in_letters(*b, at); at++) {
        int difference = order_at(*a, at) - order_at(*b, at);

        if (difference != 0)
            return difference;
    }
    (void)version_take(a, at);
    (void)version_take(b, at);
    return 0;
}

static int compare_parts(struct version_text a, struct version_text b)
{
    int difference = 0;

    while (difference == 0 && (a.len > 0 || b.len > 0)) {
        difference = compare_letters(&a, &b);
        if (difference == 0)
            difference = version_compare_numbers(version_take_digits(&a), version_take_digits(&b));
    }
    return difference;
}

struct version {
    struct version_text epoch, upstream, revision;
    bool has_epoch, has_revision;
};

/* The epoch ends at the first ':', the revision begins behind the last '-' after it. */
static struct version split(struct version_text text)
{
    struct version version = {.epoch = version_take_until(&text, ':')};
    const char *dash;

    version.has_epoch = text.len > 0;
    if (version.has_epoch) {
        (void)version_take(&text, 1);
    } else {
        text = version.epoch;
        version.epoch.len = 0;
    }
    dash = text.len > 0 ? memrchr(text.at, '-', text.len) : NULL;
    version.upstream = version_take(&text, dash ? (size_t)(dash - text.at) : text.len);
    version.has_revision = dash != NULL;
    if (dash)
        (void)version_take(&text, 1);
    version.revision = text;
    return version;
}

int dpkg_version_compare(const char *a, const char *b)
{
    struct version left = split(version_text_of(a)), right = split(version_text_of(b));
    int difference = compare_parts(left.epoch, right.epoch);

    if (difference == 0)
        difference = compare_parts(left.upstream, right.upstream);
    return difference != 0 ? difference : compare_parts(left.revision, right.revision);
}

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool is_in_revision(char c)
{
    return version_is_digit(c) || version_is_letter(c) || (c != '\0' && strchr("+.~", c));
}

static bool is_in_upstream(char c)
{
    return is_in_revision(c) || c == '-' || c == ':';
}

static bool is_all(struct version_text text, bool (*in)(char))
{
    return version_take_while(&text, in).len > 0 && text.len == 0;
}

bool dpkg_version_valid(const char *text)
{
    static const struct version_text most = {"2147483647", 10};
    struct version_text trimmed = version_text_of(text);
    struct version version;

    (void)version_take_while(&trimmed, is_space);
    while (trimmed.len > 0 && is_space(trimmed.at[trimmed.len - 1]))
        trimmed.len--;
    version = split(trimmed);
    if (version.has_epoch && (!is_all(version.epoch, version_is_digit) ||
                              version_compare_numbers(version.epoch, most) > 0))
        return false;
    return version_is_digit(version_peek(&version.upstream)) &&
           is_all(version.upstream, is_in_upstream) &&
           (!version.has_revision || is_all(version.revision, is_in_revision));
}
