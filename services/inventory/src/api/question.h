/*
 * question: the parameters of a request, checked: each is known to the endpoint, given once, and of
 * its type; what is left out has its default.
 *
 * Trust: everything is hostile.
 */
#ifndef INVENTORY_API_QUESTION_H
#define INVENTORY_API_QUESTION_H

#include "api/cursor.h"
#include "query/list.h"

#include "httpd/httpd.h"

struct question {
    const char *valid_at, *known_at; /* NULL: now */
    const char *filters[LIST_MAX_FILTERS];
    unsigned limit;
    bool has_cursor;
    struct cursor cursor;
    char mark[CURSOR_MARK_SIZE]; /* of list and filters */
};

/* Of a list. Everything is in the request's arena. Errors: MU_E_INVALID naming the parameter,
 * MU_E_NOMEM. */
enum mu_status question_of_list(struct mu_request *request, const struct list *list,
                                struct question *ret_question, struct mu_error *err) MU_MUST_CHECK;

/* Of a single thing: valid_at and known_at alone. Errors: as above. */
enum mu_status question_of_thing(struct mu_request *request, struct question *ret_question,
                                 struct mu_error *err) MU_MUST_CHECK;

/* Of a verdict that shall be decided: who asks for the record (NULL: not told), and whether he
 * waits for it. Errors: as above. */
struct verdict_question {
    const char *by;
    bool waits;
};
enum mu_status question_of_verdict(struct mu_request *request,
                                   struct verdict_question *ret_question,
                                   struct mu_error *err) MU_MUST_CHECK;

/* What the client calls this request by, so that it may be repeated (header Idempotency-Key, as
 * draft-ietf-httpapi-idempotency-key-header has it): any printable ASCII; NULL: nothing. Borrowed
 * from the request. Errors: MU_E_INVALID. */
enum mu_status question_key(const struct mu_request *request, const char **ret_key,
                            struct mu_error *err) MU_MUST_CHECK;

/* Of what takes no parameters. Errors: MU_E_INVALID naming the first. */
enum mu_status question_of_none(struct mu_request *request, struct mu_error *err) MU_MUST_CHECK;

#endif
