#include "version/schemes.h"

#include "version/semver_version.h"

int nuget_version_compare(const char *a, const char *b)
{
    struct semver left = semver_split(version_text_of(a)), right = semver_split(version_text_of(b));

    return semver_compare(&left, &right, SEMVER_FOLD_CASE);
}

bool nuget_version_valid(const char *text)
{
    struct semver version = semver_split(version_text_of(text));

    return semver_numbers_valid(version.numbers, 1, 4, true) && semver_labels_valid(&version);
}
