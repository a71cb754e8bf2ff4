/*
 * archive: a package as one file, .zip or .tar.zst: what both forms share.
 *
 * Packing: same files, same bytes: manifest.json and what belongs to it first, then the other files
 * by name; fixed time (1980-01-01), mode 0644, no owner, no field that varies. The compressed bytes
 * are those of the zlib or zstd that is linked. Memory does not grow with the files' sizes; some
 * hundred bytes a file.
 *
 * Unpacking: hostile. Only plain files and folders below the target; absolute names, "..",
 * backslashes, links, devices, encryption, names that come twice, overlapping or torn entries and
 * what unpacks to more than the limits are refused by name. Memory is bounded whatever the archive
 * says.
 *
 * Sources: PKWARE APPNOTE 6.3.10 (zip, zip64); POSIX.1-2017 pax (ustar, pax records); RFC 8878.
 */
#ifndef REPORT_ARCHIVE_H
#define REPORT_ARCHIVE_H

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

enum archive_format { ARCHIVE_NONE, ARCHIVE_ZIP, ARCHIVE_TAR_ZST };

enum { ARCHIVE_NAME_MAX = 255, ARCHIVE_MAX_DEPTH = 4 };

/* By the end of the name: ".zip" or ".tar.zst". */
enum archive_format archive_format_of_name(const char *name);

/* Packs every file below `folder` into the new file `path`, fsync'd. Errors: MU_E_CONFLICT (it
 * exists, a file changes meanwhile), MU_E_LIMIT (a name over ARCHIVE_NAME_MAX), MU_E_UNAVAILABLE.
 * No file is left on failure. */
enum mu_status archive_pack(const char *folder, enum archive_format format, const char *path,
                            struct mu_error *err) MU_MUST_CHECK;

struct archive_limits {
    uint64_t max_bytes; /* unpacked, all files together */
    uint64_t max_files;
};

/* Unpacks into `folder`, which exists, is empty and private; `only` one file, or with NULL all.
 * `ret_entry` is the entry at which it failed, or "". Errors: MU_E_INVALID, MU_E_LIMIT (both: about
 * the archive), MU_E_UNAVAILABLE (also: stopping). */
enum mu_status archive_unpack(const char *path, const struct archive_limits *limits,
                              const char *only, const char *folder,
                              char ret_entry[ARCHIVE_NAME_MAX + 1],
                              struct mu_error *err) MU_MUST_CHECK;

#endif
