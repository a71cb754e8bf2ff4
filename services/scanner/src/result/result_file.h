/*
 * result_file: JSON written as a stream into a file without name, hashed on the way; memory does
 * not grow with it, and the file goes when it is closed, whatever happens.
 */
#ifndef SCANNER_RESULT_RESULT_FILE_H
#define SCANNER_RESULT_RESULT_FILE_H

#include "json/json_stream.h"

#include "base/error.h"
#include "base/sha256.h"

struct raw_file {
    int fd; /* at its beginning; -1: none */
    uint64_t size_bytes;
    char digest[MU_DIGEST_TEXT_SIZE];
};

/* Puts one JSON value. */
typedef void result_put_fn(struct json_stream *out, const void *value);

/* `folder` is where the file lives. Ownership: the caller closes ret_file->fd. Errors:
 * MU_E_UNAVAILABLE. */
enum mu_status result_file_write(const char *folder, result_put_fn *put, const void *value,
                                 struct raw_file *ret_file, struct mu_error *err) MU_MUST_CHECK;

/* The bytes as they are. As above. */
enum mu_status result_file_keep(const char *folder, const void *bytes, size_t len,
                                struct raw_file *ret_file, struct mu_error *err) MU_MUST_CHECK;

/* Whether such files can be written there. Errors: MU_E_UNAVAILABLE naming the folder. */
enum mu_status result_file_check_folder(const char *folder, struct mu_error *err) MU_MUST_CHECK;

#endif
