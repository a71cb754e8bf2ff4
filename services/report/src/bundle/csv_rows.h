/*
 * csv_rows: rows of a snapshot as CSV (RFC 4180), one column a member of the row, in its order; and
 * the fields and lines themselves, for what is not in the snapshot.
 *
 * Every field is quoted, lines end with CR LF, no value gives an empty field. A field that a
 * spreadsheet would run as a formula gets an apostrophe in front; nothing else is changed.
 *
 * Threads: one at a time per file.
 */
#ifndef REPORT_BUNDLE_CSV_ROWS_H
#define REPORT_BUNDLE_CSV_ROWS_H

#include "bundle/render.h"

#include <stdio.h>

/* `list` gives rows of `kind`. `names`: heads of the columns, NULL for the members' own. A new
 * file, not yet durable. Errors: MU_E_UNAVAILABLE. */
enum mu_status csv_rows_write(const struct snapshot *snapshot, enum snapshot_list list,
                              enum snapshot_rows kind, const char *const *names, const char *path,
                              struct mu_error *err) MU_MUST_CHECK;

/* findings.csv, closed-findings.csv, deviations.csv, detection-failures.csv, assets.csv. */
enum mu_status csv_rows_render(const struct render *render, struct mu_error *err) MU_MUST_CHECK;

/* ---- by hand ---- */

/* A new file with its heads. Errors: MU_E_UNAVAILABLE. */
enum mu_status csv_open(const char *path, const char *const *names, size_t count, FILE **ret_out,
                        struct mu_error *err) MU_MUST_CHECK;
/* NULL gives an empty field. */
void csv_put_row(FILE *out, const char *const *fields, size_t count);
/* Whether all of it was written; the file stays open. Errors: MU_E_UNAVAILABLE. */
enum mu_status csv_finish(FILE *out, const char *path, struct mu_error *err) MU_MUST_CHECK;

#endif
