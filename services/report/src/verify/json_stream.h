/*
 * json_stream: a JSON file of any size in pieces: the elements of an array, the members of an
 * object, and the elements or members of those members that the caller asks for one by one.
 *
 * Each piece is parsed by json/json_doc.h with its checks; what is skipped is only measured.
 * Memory is that of the largest piece. Names of the outermost object are unique.
 *
 * Trust: hostile. A piece is at most JSON_STREAM_MAX_PIECE_BYTES of text and JSON_STREAM_MAX_VALUES
 * values, the outermost object has at most JSON_STREAM_MAX_MEMBERS members.
 */
#ifndef REPORT_JSON_STREAM_H
#define REPORT_JSON_STREAM_H

#include "json/json_doc.h"

#include <stdio.h>

enum {
    JSON_STREAM_MAX_PIECE_BYTES = 32 * 1024 * 1024,
    JSON_STREAM_MAX_VALUES = 400000,
    JSON_STREAM_MAX_DEPTH = 32,
    JSON_STREAM_MAX_MEMBERS = 1000
};

enum json_stream_wish {
    JSON_STREAM_WHOLE, /* the member's value in one piece */
    JSON_STREAM_EACH,  /* its elements or members one by one, when it has some */
    JSON_STREAM_SKIP
};

/* One piece. `member`: of the outermost object, NULL when it is an array; `key`: of a member of
 * that member (of each element of its list, when that was wished one by one), else NULL. `value` is
 * borrowed. A failure ends the reading. */
typedef enum mu_status json_stream_fn(void *opaque, const char *member, const char *key,
                                      json_t *value, struct mu_error *err);
/* Asked for each member of the outermost object, with `key` NULL, and for each member of one of
 * which JSON_STREAM_EACH was wished. No function: all whole. */
typedef enum json_stream_wish json_stream_wish_fn(void *opaque, const char *member,
                                                  const char *key);

/* Errors: MU_E_INVALID (no JSON object or array), MU_E_LIMIT, MU_E_UNAVAILABLE (read), or what
 * `each` returned. `ret_is_array`, when not NULL, says what the file is, also on failure. */
enum mu_status json_stream_read(FILE *in, json_stream_wish_fn *wish, json_stream_fn *each,
                                void *opaque, bool *ret_is_array,
                                struct mu_error *err) MU_MUST_CHECK;

#endif
