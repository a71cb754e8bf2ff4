/*
 * tar_zst: a tar of plain files, packed by zstd: written with the same bytes for the same files,
 * and read when a stranger made it.
 *
 * Writing: ustar headers, a pax record where a name or size does not fit them; zstd level 6 with
 * its checksum, one thread. Reading: plain files and folders; of pax records path and size count; a
 * window of at most 128 MiB. Memory is the windows, whatever the archive says.
 *
 * Threads: one at a time. Sources: POSIX.1-2017 pax, "ustar" and "pax Interchange Format"; RFC 8878
 * (zstd).
 */
#ifndef REPORT_TAR_ZST_H
#define REPORT_TAR_ZST_H

#include "archive/unpack.h"

#include "base/error.h"
#include "base/scope.h"

#include <stdio.h>

struct tar_zst_writer;

/* Writes to `out`, the caller's. Errors: MU_E_NOMEM. */
enum mu_status tar_zst_writer_new(FILE *out, struct tar_zst_writer **ret_writer,
                                  struct mu_error *err) MU_MUST_CHECK;
/* The file at `path` under `name`. Errors: MU_E_UNAVAILABLE, MU_E_CONFLICT (it changes meanwhile).
 */
enum mu_status tar_zst_writer_add(struct tar_zst_writer *writer, const char *name, const char *path,
                                  struct mu_error *err) MU_MUST_CHECK;
enum mu_status tar_zst_writer_finish(struct tar_zst_writer *writer,
                                     struct mu_error *err) MU_MUST_CHECK;
void tar_zst_writer_free(struct tar_zst_writer *writer); /* NULL is fine */

MU_DEFINE_AUTO(tar_zst_writer, struct tar_zst_writer, tar_zst_writer_free)

/* Every entry into `unpack`. Errors: MU_E_INVALID, MU_E_LIMIT, MU_E_UNAVAILABLE. */
enum mu_status tar_zst_unpack(const char *path, struct unpack *unpack,
                              struct mu_error *err) MU_MUST_CHECK;
enum mu_status tar_zst_unpack_stream(FILE *in, struct unpack *unpack,
                                     struct mu_error *err) MU_MUST_CHECK;

#endif
