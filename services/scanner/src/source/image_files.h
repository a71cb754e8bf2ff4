/*
 * image_files: the files of an image on disk, by name: of a folder, or of a tar that is never
 * unpacked.
 *
 * Threads: one at a time per object.
 * Trust:   a folder's names are ours or digests; what they lead to must be a regular file. A tar is
 *          hostile: tar_index.h. Sizes are those of the file system or of the tar's headers,
 *          which were held against the file's end.
 */
#ifndef SCANNER_SOURCE_IMAGE_FILES_H
#define SCANNER_SOURCE_IMAGE_FILES_H

#include "base/buf.h"
#include "base/error.h"
#include "base/scope.h"

#include <stdbool.h>
#include <stdint.h>

struct image_files;

struct image_file {
    int fd; /* of its own: image_file_done */
    uint64_t offset, size_bytes;
};

/* Errors: MU_E_NOT_FOUND, MU_E_DENIED (not readable), MU_E_INVALID (neither folder nor tar;
 * compressed), MU_E_LIMIT, MU_E_UNAVAILABLE. */
enum mu_status image_files_open(const char *path, struct image_files **ret_files,
                                struct mu_error *err) MU_MUST_CHECK;
void image_files_free(struct image_files *files); /* NULL is fine */
MU_DEFINE_AUTO(image_files, struct image_files, image_files_free)

/* Closes it; fd -1 is fine. */
void image_file_done(struct image_file *file);

bool image_files_has(const struct image_files *files, const char *name);

/* Errors: MU_E_NOT_FOUND, MU_E_INVALID (no regular file), MU_E_UNAVAILABLE. */
enum mu_status image_files_find(const struct image_files *files, const char *name,
                                struct image_file *ret_file, struct mu_error *err) MU_MUST_CHECK;

/* Appends the whole file. Errors: as above, MU_E_LIMIT (more than `out` takes). */
enum mu_status image_files_read(const struct image_files *files, const char *name,
                                struct mu_buf *out, struct mu_error *err) MU_MUST_CHECK;

/* Bytes at `at` of the file, from 1 to `len`. Errors: MU_E_UNAVAILABLE. */
enum mu_status image_file_pread(const struct image_file *file, uint64_t at, void *bytes, size_t len,
                                size_t *ret_len, struct mu_error *err) MU_MUST_CHECK;

#endif
