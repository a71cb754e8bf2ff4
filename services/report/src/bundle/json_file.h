/*
 * json_file: a new file that JSON is streamed into (json/json_stream.h): memory does not grow with
 * it. It is not yet durable.
 *
 * Threads: one at a time.
 */
#ifndef REPORT_BUNDLE_JSON_FILE_H
#define REPORT_BUNDLE_JSON_FILE_H

#include "json/json_stream.h"

#include "base/error.h"
#include "base/scope.h"

struct json_file {
    struct json_stream out;
    const char *path; /* the caller's, for messages */
};

/* Errors: MU_E_UNAVAILABLE. */
enum mu_status json_file_open(const char *path, struct json_file *ret_file,
                              struct mu_error *err) MU_MUST_CHECK;
/* Ends the document; it was written whole. Errors: MU_E_UNAVAILABLE. */
enum mu_status json_file_finish(struct json_file *file, struct mu_error *err) MU_MUST_CHECK;
/* Closes; never opened is fine when zeroed. */
void json_file_done(struct json_file *file);

/* The member unless there is nothing to say: NULL, "" or MU_TIME_NONE. */
void json_known_text(struct json_stream *out, const char *name, const char *text);
void json_known_time(struct json_stream *out, const char *name, int64_t at_us);

#endif
