#include "version/semver_version.h"

#include "version/schemes.h"

static bool is_identifier_char(char c)
{
    return version_is_digit(c) || version_is_letter(c) || c == '-';
}

/* "1.2.3" off the front: digits, and dots that a digit follows. */
static struct version_text take_numbers(struct version_text *from)
{
    size_t len = 0;

    while (version_is_digit(version_char(*from, len)) ||
           (len > 0 && version_char(*from, len) == '.' &&
            version_is_digit(version_char(*from, len + 1))))
        len++;
    return version_take(from, len);
}

struct semver semver_split(struct version_text text)
{
    struct semver version = {.numbers = take_numbers(&text)};
    char c = version_peek(&text);

    if (text.len > 0 && c != '+') {
        version.dashed = c == '-';
        if (c == '-' || (c == '.' && version.numbers.len > 0))
            (void)version_take(&text, 1);
        version.has_pre = true;
        version.pre = version_take_until(&text, '+');
    }
    if (text.len > 0) {
        (void)version_take(&text, 1);
        version.has_build = true;
        version.build = text;
    }
    return version;
}

static struct version_text take_identifier(struct version_text *from)
{
    struct version_text identifier = version_take_until(from, '.');

    if (from->len > 0)
        (void)version_take(from, 1);
    return identifier;
}

static bool is_numeric(struct version_text text)
{
    return version_take_digits(&text).len > 0 && text.len == 0;
}

static int compare_identifier(struct version_text a, struct version_text b, bool fold_case)
{
    if (is_numeric(a) != is_numeric(b))
        return is_numeric(a) ? -1 : 1;
    if (is_numeric(a))
        return version_compare_numbers(a, b);
    return fold_case ? version_compare_folded(a, b) : version_compare_bytes(a, b);
}

/* A dot at the end leaves an empty identifier behind it. */
static bool take_next(struct version_text *from, bool *more, struct version_text *ret_identifier)
{
    if (!*more)
        return false;
    *ret_identifier = version_take_until(from, '.');
    *more = from->len > 0;
    if (*more)
        (void)version_take(from, 1);
    return true;
}

int semver_compare_identifiers(struct version_text a, struct version_text b, bool fold_case)
{
    bool more_a = true, more_b = true;

    for (;;) {
        struct version_text left, right;
        bool has_left = take_next(&a, &more_a, &left), has_right = take_next(&b, &more_b, &right);
        int order;

        if (!has_left || !has_right)
            return has_left - has_right;
        order = compare_identifier(left, right, fold_case);
        if (order != 0)
            return order;
    }
}

/* Numbers that are not there are 0. */
static int compare_numbers(struct version_text a, struct version_text b)
{
    int order = 0;

    while (order == 0 && (a.len > 0 || b.len > 0))
        order = version_compare_numbers(take_identifier(&a), take_identifier(&b));
    return order;
}

int semver_compare(const struct semver *a, const struct semver *b, unsigned flags)
{
    bool fold_case = flags & SEMVER_FOLD_CASE;
    int order = (a->numbers.len > 0) - (b->numbers.len > 0);

    if (order == 0)
        order = compare_numbers(a->numbers, b->numbers);
    if (order == 0)
        order = b->has_pre - a->has_pre;
    if (order == 0 && a->has_pre)
        order = semver_compare_identifiers(a->pre, b->pre, fold_case);
    if (order != 0 || !(flags & SEMVER_COMPARE_BUILD))
        return order;
    order = a->has_build - b->has_build;
    return order == 0 && a->has_build ? semver_compare_identifiers(a->build, b->build, fold_case)
                                      : order;
}

bool semver_numbers_valid(struct version_text numbers, size_t least, size_t most, bool zeros)
{
    size_t count = 0;

    while (numbers.len > 0) {
        struct version_text number = take_identifier(&numbers);

        if (!zeros && number.len > 1 && number.at[0] == '0')
            return false;
        count++;
    }
    return count >= least && count <= most;
}

static bool identifiers_valid(struct version_text text, bool zeros)
{
    struct version_text identifier;
    bool more = true;

    while (take_next(&text, &more, &identifier)) {
        struct version_text rest = identifier;

        if (version_take_while(&rest, is_identifier_char).len == 0 || rest.len > 0)
            return false;
        if (!zeros && identifier.len > 1 && identifier.at[0] == '0' && is_numeric(identifier))
            return false;
    }
    return true;
}

bool semver_labels_valid(const struct semver *version)
{
    if (version->has_pre && (!version->dashed || !identifiers_valid(version->pre, false)))
        return false;
    return !version->has_build || identifiers_valid(version->build, true);
}

static struct semver read(const char *text)
{
    struct version_text rest = version_text_of(text);

    if ((text[0] == 'v' || text[0] == 'V') && version_is_digit(text[1]))
        (void)version_take(&rest, 1);
    return semver_split(rest);
}

int semver_version_compare(const char *a, const char *b)
{
    struct semver left = read(a), right = read(b);

    return semver_compare(&left, &right, 0);
}

int pub_version_compare(const char *a, const char *b)
{
    struct semver left = read(a), right = read(b);

    return semver_compare(&left, &right, SEMVER_COMPARE_BUILD);
}

bool semver_version_valid(const char *text)
{
    struct semver version = semver_split(version_text_of(text));

    return semver_numbers_valid(version.numbers, 3, 3, false) && semver_labels_valid(&version);
}
