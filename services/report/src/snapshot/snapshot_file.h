/*
 * snapshot_file: a snapshot as a file, and the snapshot again. Lines of JSON (UTF-8, each ended by
 * a line feed):
 *
 *   {"as_of":"...","known_at":"...","month_begin":"...","schema":"muster.snapshot.v1"}
 *   {"columns":["uai","manifest_digest",...],"rows":"inventory"}    for every kind of row
 *   ["registry.example/app:1",null,...]                             its rows, as they were added
 *   {"end":N}                                                       N: all rows together
 *
 * Same rows, same bytes: nothing in them depends on a library, a version, a clock or a locale, as
 * the pages of a SQLite file do, and in ten years any program reads them. What is loaded and saved
 * again has the same bytes.
 *
 * Reading: a kind or a column that the file does not have is empty or NULL (it is older); one that
 * this program does not know is an error that says so (it is newer).
 * Trust: the file's SHA-256 is compared by the caller (store/month_store.h); here only the form is
 * checked, with a line of at most SNAPSHOT_LINE_MAX_BYTES.
 */
#ifndef REPORT_SNAPSHOT_FILE_H
#define REPORT_SNAPSHOT_FILE_H

#include "snapshot/snapshot.h"

#include <stdio.h>

#define SNAPSHOT_SCHEMA "muster.snapshot.v1"

enum { SNAPSHOT_LINE_MAX_BYTES = 64 * 1024 * 1024 };

/* Writes a new file, mode 0640, that is not yet durable. Errors: MU_E_UNAVAILABLE, MU_E_LIMIT (a
 * row is longer than a line may be). No file is left on failure. */
enum mu_status snapshot_save(const struct snapshot *snapshot, const char *path,
                             struct mu_error *err) MU_MUST_CHECK;

/* From the file's beginning. Errors, naming the line: MU_E_INVALID, MU_E_LIMIT, MU_E_UNAVAILABLE.
 */
enum mu_status snapshot_load(FILE *in, struct snapshot **ret_snapshot,
                             struct mu_error *err) MU_MUST_CHECK;

#endif
