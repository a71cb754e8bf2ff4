/*
 * file: whole-file reads with a limit, writes that are there entirely or not at all, and files
 * without a name.
 */
#ifndef MU_BASE_FILE_H
#define MU_BASE_FILE_H

#include "base/buf.h"
#include "base/error.h"

#include <stddef.h>

/* Appends the file's bytes to `out`; a failure may leave some there. Errors: MU_E_NOT_FOUND,
 * MU_E_UNAVAILABLE, MU_E_LIMIT. */
enum mu_status mu_file_read(const char *path, struct mu_buf *out,
                            struct mu_error *err) MU_MUST_CHECK;

/*
 * Writes to a temporary name beside `path`, fsyncs file and directory, renames.
 * Errors: MU_E_UNAVAILABLE with the path and the system's reason.
 */
enum mu_status mu_file_write_atomic(const char *path, const void *bytes, size_t len,
                                    struct mu_error *err) MU_MUST_CHECK;

/*
 * A file without a name in `folder`, to write and read: it goes when it is closed, whatever
 * happens. Ownership: the caller closes `ret_fd`. Errors: MU_E_UNAVAILABLE naming the folder.
 */
enum mu_status mu_file_open_nameless(const char *folder, int *ret_fd,
                                     struct mu_error *err) MU_MUST_CHECK;

/* mkdir -p, mode 0750. Errors: MU_E_UNAVAILABLE with the path and the reason. */
enum mu_status mu_dir_make(const char *path, struct mu_error *err) MU_MUST_CHECK;

#endif
