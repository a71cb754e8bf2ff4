/*
 * json_list: a JSON array written to a new file element by element, in canonical form
 * (json/json_doc.h) as if it had been printed whole. The file is not yet durable.
 *
 * Threads: one at a time.
 */
#ifndef REPORT_BUNDLE_JSON_LIST_H
#define REPORT_BUNDLE_JSON_LIST_H

#include "json/json_doc.h"

#include "base/buf.h"

#include <stdio.h>

struct json_list {
    FILE *file;
    const char *path; /* the caller's, for messages */
    size_t count;     /* elements begun */
    struct mu_buf text;
};

/* Errors: MU_E_UNAVAILABLE. */
enum mu_status json_list_open(const char *path, struct json_list *ret_list,
                              struct mu_error *err) MU_MUST_CHECK;
/* An element; takes the reference. Errors: MU_E_NOMEM (`value` is NULL), MU_E_LIMIT. */
enum mu_status json_list_add(struct json_list *list, json_t *value,
                             struct mu_error *err) MU_MUST_CHECK;
/* An element in pieces: the comma before it, texts as they are, values. */
void json_list_begin(struct json_list *list);
void json_list_put_text(struct json_list *list, const char *json);
/* Takes the reference. Errors: as json_list_add. */
enum mu_status json_list_put(struct json_list *list, json_t *value,
                             struct mu_error *err) MU_MUST_CHECK;
/* Ends the array. Errors: MU_E_UNAVAILABLE. */
enum mu_status json_list_close(struct json_list *list, struct mu_error *err) MU_MUST_CHECK;
/* Closes; never opened is fine when zeroed. */
void json_list_done(struct json_list *list);

#endif
