/*
 * json_stream: JSON written as it comes, hashed on the way; commas are its business.
 * A failed write sticks and is told by json_stream_finish.
 */
#ifndef MU_JSON_JSON_STREAM_H
#define MU_JSON_JSON_STREAM_H

#include "base/sha256.h"

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct json_stream {
    FILE *file;
    struct mu_sha256 *hash;
    uint64_t size_bytes;
    bool comma;   /* the next value needs one before it */
    bool compact; /* all on one line */
    bool failed;
};

/* Both are borrowed; `hash` NULL: nothing is hashed. */
void json_stream_init(struct json_stream *stream, FILE *file, struct mu_sha256 *hash);

/* `name` NULL: an array element or the top value. */
void json_open(struct json_stream *stream, const char *name, char bracket);
void json_close(struct json_stream *stream, char bracket);
void json_text(struct json_stream *stream, const char *name,
               const char *text); /* NULL gives null */
void json_int(struct json_stream *stream, const char *name, int64_t number);
void json_bool(struct json_stream *stream, const char *name, bool value);
void json_time(struct json_stream *stream, const char *name,
               int64_t at_us); /* MU_TIME_NONE gives null */
void json_tenths(struct json_stream *stream, const char *name, int tenths); /* 98 gives 9.8 */
void json_millionths(struct json_stream *stream, const char *name,
                     uint32_t millionths); /* 49190 gives 0.049190 */

enum mu_status json_stream_finish(struct json_stream *stream, struct mu_error *err) MU_MUST_CHECK;

#endif
