#include "version/dpkg_version.h"

#include <stddef.h>
#include <string.h>

struct part {
    const char *text;
    size_t len;
};

static int is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Place of a character in a non-digit run; a digit ends the run like the end of the text. */
static int order(char c)
{
    if (c == '~')
        return -1;
    if (is_digit(c))
        return 0;
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'))
        return (unsigned char)c;
    return (unsigned char)c + 256;
}

static int order_at(const struct part *part, size_t at)
{
    return at < part->len ? order(part->text[at]) : 0;
}

/* Compares and skips one run of non-digits on both sides. */
static int compare_letters(struct part *a, struct part *b)
{
    size_t at = 0;

    while ((at < a->len && !is_digit(a->text[at])) || (at < b->len && !is_digit(b->text[at]))) {
        int difference = order_at(a, at) - order_at(b, at);

        if (difference != 0)
            return difference;
        at++;
    }
    *a = (struct part){a->text + at, a->len - at};
    *b = (struct part){b->text + at, b->len - at};
    return 0;
}

/* Takes a run of digits off the front, leading zeros dropped. */
static struct part take_digits(struct part *from)
{
    size_t zeros = 0, len;

    while (zeros < from->len && from->text[zeros] == '0')
        zeros++;
    len = zeros;
    while (len < from->len && is_digit(from->text[len]))
        len++;
    struct part digits = {from->text + zeros, len - zeros};
    *from = (struct part){from->text + len, from->len - len};
    return digits;
}

/* Numbers without leading zeros: the longer is greater, else the bytes decide. */
static int compare_digits(struct part a, struct part b)
{
    if (a.len != b.len)
        return a.len < b.len ? -1 : 1;
    return memcmp(a.text, b.text, a.len);
}

static int compare_parts(struct part a, struct part b)
{
    while (a.len > 0 || b.len > 0) {
        int difference = compare_letters(&a, &b);

        if (difference == 0)
            difference = compare_digits(take_digits(&a), take_digits(&b));
        if (difference != 0)
            return difference;
    }
    return 0;
}

struct version {
    struct part epoch, upstream, revision;
};

static struct version split(const char *text)
{
    const char *colon = strchr(text, ':'), *dash = strrchr(text, '-');
    struct version version = {.epoch = {"", 0}, .revision = {"", 0}};
    const char *start = colon ? colon + 1 : text;

    if (colon)
        version.epoch = (struct part){text, (size_t)(colon - text)};
    if (dash && dash < start)
        dash = NULL;
    version.upstream = (struct part){start, dash ? (size_t)(dash - start) : strlen(start)};
    if (dash)
        version.revision = (struct part){dash + 1, strlen(dash + 1)};
    return version;
}

int dpkg_version_compare(const char *a, const char *b)
{
    struct version left = split(a), right = split(b);
    int difference = compare_parts(left.epoch, right.epoch);

    if (difference == 0)
        difference = compare_parts(left.upstream, right.upstream);
    return difference != 0 ? difference : compare_parts(left.revision, right.revision);
}
