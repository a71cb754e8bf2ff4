/*
 * semver_version: a version in the parts of SemVer 2.0.0, for the schemes that build on it.
 */
#ifndef SCANNER_SEMVER_VERSION_H
#define SCANNER_SEMVER_VERSION_H

#include "version/version_text.h"

struct semver {
    struct version_text numbers; /* "1.2.3"; any count, maybe none */
    struct version_text pre, build;
    bool has_pre, has_build;
    bool dashed; /* the pre-release stands behind a '-', as it should */
};

enum semver_compare_flag {
    SEMVER_FOLD_CASE = 1 << 0,     /* identifiers without regard to capitals */
    SEMVER_COMPARE_BUILD = 1 << 1, /* build metadata decides last; none is least */
};

/* Takes any text: what follows the numbers without '-' or '+' is the pre-release. */
struct semver semver_split(struct version_text text);
int semver_compare(const struct semver *a, const struct semver *b, unsigned flags);
/* Identifiers between dots compare pairwise; the shorter row first. */
int semver_compare_identifiers(struct version_text a, struct version_text b, bool fold_case);

/* Whether these are `least` to `most` numbers, without leading zeros unless `zeros`. */
bool semver_numbers_valid(struct version_text numbers, size_t least, size_t most, bool zeros);
/* Whether pre-release and build metadata, where there are any, are well-formed. */
bool semver_labels_valid(const struct semver *version);

#endif
