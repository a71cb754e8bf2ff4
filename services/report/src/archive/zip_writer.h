/*
 * zip_writer: a zip file entry by entry, the same bytes for the same files: deflate, fixed time and
 * mode, UTF-8 names, zip64 fields only where a number needs them.
 *
 * The central directory is gathered in a nameless file under TMPDIR or /var/tmp, so that memory
 * does not grow with the number of entries. Source: PKWARE APPNOTE 6.3.10.
 * Threads: one at a time.
 */
#ifndef REPORT_ZIP_WRITER_H
#define REPORT_ZIP_WRITER_H

#include "base/error.h"
#include "base/scope.h"

#include <stdio.h>

struct zip_writer;

/* Writes to `out`, a new file that can be written anywhere; the caller's. Errors: MU_E_UNAVAILABLE,
 * MU_E_NOMEM. */
enum mu_status zip_writer_new(FILE *out, struct zip_writer **ret_writer,
                              struct mu_error *err) MU_MUST_CHECK;
/* The file at `path` under `name`. Errors: MU_E_UNAVAILABLE, MU_E_CONFLICT (it changes meanwhile).
 */
enum mu_status zip_writer_add(struct zip_writer *writer, const char *name, const char *path,
                              struct mu_error *err) MU_MUST_CHECK;
enum mu_status zip_writer_finish(struct zip_writer *writer, struct mu_error *err) MU_MUST_CHECK;
void zip_writer_free(struct zip_writer *writer); /* NULL is fine */

MU_DEFINE_AUTO(zip_writer, struct zip_writer, zip_writer_free)

#endif
