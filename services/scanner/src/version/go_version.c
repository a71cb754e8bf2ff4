#include "version/schemes.h"

#include "version/semver_version.h"

/*
 * A module's version, or a toolchain's: "go1.22rc1", maybe with words behind a space
 * ("go1.22.1 X:boringcrypto"). The "rc1" of a toolchain counts as "rc.1".
 */
struct go_version {
    bool valid, has_more;
    struct semver numbers;           /* only the numbers, and whether there is a pre-release */
    struct version_text first, more; /* its first identifier, and those behind it */
};

static struct go_version read_toolchain(struct version_text rest)
{
    struct version_text name = version_take_until(&rest, ' ');
    struct semver semver = semver_split(name);
    struct go_version version = {.numbers.numbers = semver.numbers,
                                 .numbers.has_pre = semver.has_pre,
                                 .first = version_take_while(&semver.pre, version_is_lower),
                                 .more = version_take_digits(&semver.pre)};

    version.has_more = semver.has_pre;
    version.valid = semver_numbers_valid(semver.numbers, 1, 3, false) && !semver.dashed &&
                    !semver.has_build && semver.pre.len == 0 &&
                    (!semver.has_pre || (version.first.len > 0 && version.more.len > 0));
    return version;
}

static struct go_version read_module(struct version_text rest)
{
    struct semver semver = semver_split(rest);
    struct go_version version = {.numbers.numbers = semver.numbers,
                                 .numbers.has_pre = semver.has_pre};
    bool has_labels = semver.has_pre || semver.has_build;

    version.valid = semver_numbers_valid(semver.numbers, has_labels ? 3 : 1, 3, false) &&
                    semver_labels_valid(&semver);
    version.first = version_take_until(&semver.pre, '.');
    version.has_more = semver.pre.len > 0;
    if (version.has_more)
        (void)version_take(&semver.pre, 1);
    version.more = semver.pre;
    return version;
}

static struct go_version read(const char *text)
{
    struct version_text rest = version_text_of(text);

    if (text[0] == 'g' && text[1] == 'o' && version_is_digit(text[2])) {
        (void)version_take(&rest, 2);
        return read_toolchain(rest);
    }
    if (version_peek(&rest) == 'v')
        (void)version_take(&rest, 1);
    return read_module(rest);
}

int go_version_compare(const char *a, const char *b)
{
    struct go_version left = read(a), right = read(b);
    int order = left.valid - right.valid;

    if (order != 0 || !left.valid)
        return order;
    order = semver_compare(&left.numbers, &right.numbers, 0);
    if (order != 0 || !left.numbers.has_pre)
        return order;
    order = semver_compare_identifiers(left.first, right.first, false);
    if (order == 0)
        order = left.has_more - right.has_more;
    return order == 0 && left.has_more ? semver_compare_identifiers(left.more, right.more, false)
                                       : order;
}

bool go_version_valid(const char *text)
{
    return read(text).valid;
}
