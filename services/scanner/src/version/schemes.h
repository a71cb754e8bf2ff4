/*
 * schemes: the comparisons behind the table in version.c. Use them through version.h.
 *
 * Each orders all texts (compare) and says which of them its ecosystem takes (valid).
 */
#ifndef SCANNER_VERSION_SCHEMES_H
#define SCANNER_VERSION_SCHEMES_H

#include <stdbool.h>

/* deb-version(7): epoch, upstream version, revision, each by alternating non-digit and digit runs;
 * '~' sorts before the end, letters before all other characters. */
int dpkg_version_compare(const char *a, const char *b);
bool dpkg_version_valid(const char *text);

/*
 * apk-package(5): digits{.digits}[letter]{_suffix[digits]}[~hash][-rdigits]. From where both texts
 * leave that form apk 3 calls them equal; here the rest decides, digits as numbers, because real
 * packages have such versions ("5.7.1p1-r0"), but not behind a revision.
 */
int apk_version_compare(const char *a, const char *b);
bool apk_version_valid(const char *text);

/* rpm-version(7): [epoch:]version[-release]; no epoch is 0, no release comes before any. */
int rpm_version_compare(const char *a, const char *b);
bool rpm_version_valid(const char *text);

/*
 * SemVer 2.0.0, lenient: a leading 'v', fewer or more than three numbers (absent is 0), and text
 * that follows the numbers without '-' as a pre-release. What has no number comes first.
 */
int semver_version_compare(const char *a, const char *b);
bool semver_version_valid(const char *text);

/* Dart's pub: SemVer, but build metadata counts too. */
int pub_version_compare(const char *a, const char *b);

/*
 * Go modules (golang.org/x/mod/semver, where 'v' may be left out as OSV does) and the standard
 * library ("go1.22rc1" is 1.22.0-rc.1). What is none of these ("(devel)") comes first, all equal.
 */
int go_version_compare(const char *a, const char *b);
bool go_version_valid(const char *text);

/* Up to four numbers, absent is 0, then SemVer's pre-release without regard to capitals. */
int nuget_version_compare(const char *a, const char *b);
bool nuget_version_valid(const char *text);

/* PEP 440 with its other spellings. Other texts come before, by the parts setuptools once saw. */
int pep440_version_compare(const char *a, const char *b);
bool pep440_version_valid(const char *text);

/*
 * The version order of Maven's POM reference. ComparableVersion differs from it, and is not one
 * order, where a qualifier stands between two dots or a dot and a dash ("1.foo.2": here as
 * "1-foo.2"), and where nothing, 0 or "final" stands between two dashes ("1--2": here as "1-2").
 */
int maven_version_compare(const char *a, const char *b);
bool maven_version_valid(const char *text);

/* Gem::Version. A platform ("-x86_64-linux") is no part of the version: take it off before. */
int rubygems_version_compare(const char *a, const char *b);
bool rubygems_version_valid(const char *text);

/*
 * PHP's version_compare behind an optional 'v', numbers of any length, capitals aside; "1.x-dev"
 * is above all of 1. A part "#" equals the end and any number, as version_compare has it: the one
 * exception to being one order, and Composer takes no such version.
 */
int packagist_version_compare(const char *a, const char *b);
bool packagist_version_valid(const char *text);

/* Numbers between '.' or '-', the shorter first (R, Haskell). */
int numbers_version_compare(const char *a, const char *b);
bool numbers_version_valid(const char *text);

#endif
