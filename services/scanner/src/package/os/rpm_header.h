/*
 * rpm_header: one package of an rpm database, from the header that rpm keeps of it.
 *
 * A header is an index of entries (tag, type, offset, count; big-endian) and a store of values.
 *
 * Threads:   none held.
 * Ownership: a struct rpm_header borrows from the bytes it was parsed from.
 * Trust:     hostile bytes; every offset and count is checked against the store, and what is told
 *            passes os_text. Limits are named below.
 * Sources:   rpm's docs/manual/hregions.md, format_v4.md ("Header Structure") and tags.md.
 */
#ifndef SCANNER_PACKAGE_OS_RPM_HEADER_H
#define SCANNER_PACKAGE_OS_RPM_HEADER_H

#include "package/finder.h"

enum {
    RPM_HEADER_MAX_BYTES = 64 << 20, /* the largest known are of some 20 MiB */
    RPM_HEADER_MAX_ENTRIES = 65535,  /* rpm's own limit */
    RPM_HEADER_MAX_FILES = 1 << 20,
    RPM_HEADER_MAX_FOLDERS = 1 << 18
};

/* A value of several items. `at` is NULL when there is none. */
struct rpm_items {
    const uint8_t *at, *end; /* of the store from the first item on */
    uint32_t count;
};

/* Texts end with a NUL; NULL where absent. */
struct rpm_header {
    const char *name, *version, *release;
    const char *architecture, *vendor, *license, *source_rpm, *module;
    uint32_t epoch;                         /* 0: none, which is the same to rpm */
    struct rpm_items base_names, dir_names; /* texts */
    struct rpm_items dir_indexes, flags;    /* numbers, one for each base name */
    struct rpm_items states;                /* bytes, one for each base name */
};

/* Errors: MU_E_INVALID for what is no header or has no usable name, version and release;
 * MU_E_LIMIT for one over a limit. */
enum mu_status rpm_header_parse(const uint8_t *bytes, size_t len, struct rpm_header *ret_header,
                                struct mu_error *err) MU_MUST_CHECK;

/*
 * Tells the package and the files that it owns: those that rpm put there, so neither %ghost files
 * nor such as were left out. gpg-pubkey, a key in the form of a package, is told nothing of. The
 * source's version has no epoch, since SOURCERPM has none.
 * Errors: the sink's; MU_E_NOMEM.
 */
enum mu_status rpm_header_tell(const struct rpm_header *header, const struct finder_sink *sink,
                               struct mu_error *err) MU_MUST_CHECK;

/* Splits "name-version-release.src.rpm" into name and version-release, for a sink: both NULL when
 * it is none. `ret_text` has room for OS_WORD_MAX_BYTES + 1 bytes and holds both. */
void rpm_source_split(const char *source_rpm, char *ret_text, const char **ret_name,
                      const char **ret_version);

#endif
