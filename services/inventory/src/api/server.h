/*
 * server: what the files of api/ share. Not for others.
 */
#ifndef INVENTORY_API_SERVER_H
#define INVENTORY_API_SERVER_H

#include "access/access.h"
#include "access/audit.h"
#include "access/rate.h"
#include "api/api.h"
#include "api/endpoints.h"
#include "api/pool.h"

enum { API_MAX_ENDPOINTS = 64 };

struct api {
    struct api_config config;
    struct pool *pool;                 /* that reads */
    struct pool *deciders;             /* that judges, decides and writes that down */
    struct pool *staters;              /* that writes down what people state */
    struct rate *rate, *stranger_rate; /* of principals; of who has no valid credentials */
    struct audit *audit;
    struct mu_httpd *server;
    size_t endpoint_count; /* by the place of their routes */
    const struct endpoint *endpoints[API_MAX_ENDPOINTS];
    void *opaques[API_MAX_ENDPOINTS];
};

/* Asks the database on a connection of the pool. One that was lost while it was idle costs a second
 * try, no error: `ask` may be called twice. Errors: as mu_pg_open, and what `ask` gives. */
typedef enum mu_status api_ask_fn(void *opaque, struct mu_pg *pg, struct mu_error *err);
enum mu_status api_ask(struct api *api, api_ask_fn *ask, void *opaque,
                       struct mu_error *err) MU_MUST_CHECK;
/* The same on a connection with the statements of policies and approvals. */
enum mu_status api_decide(struct api *api, api_ask_fn *ask, void *opaque,
                          struct mu_error *err) MU_MUST_CHECK;
/* The same on a connection with the statements of people. */
enum mu_status api_state(struct api *api, api_ask_fn *ask, void *opaque,
                         struct mu_error *err) MU_MUST_CHECK;

/* struct mu_httpd_config's `admit` and `answered`: who asks, whether he may, and the record. */
bool api_admit(void *opaque, struct mu_request *request);
void api_answered(void *opaque, struct mu_request *request, int status);

/* What the audit log says of a request to an endpoint that is ENDPOINT_NOTED: pairs of texts,
 * "name", "value", ..., NULL; values may be NULL. Kept in the request, in a form that is short
 * enough. */
void api_note(struct mu_request *request, const char *const *pairs);

/* Whether the body is JSON and the answer may be; otherwise it is refused. A page of somebody
 * else's cannot send such a body from a browser that holds a client certificate. */
bool api_takes_json(struct mu_request *request);

/* The page of a list, as JSON or CSV. */
void api_reply_list(struct api *api, struct mu_request *request, const struct list *list);

/* Handlers; opaque is the struct api. */
mu_handler_fn api_get_asset, api_get_digest;
mu_handler_fn api_get_verdict, api_post_verdict, api_post_approval;
mu_handler_fn api_post_deviation, api_post_hardening, api_post_exposure, api_post_ssvc;
mu_handler_fn api_post_exclusion, api_post_move;
mu_handler_fn api_get_evidence, api_put_evidence;
mu_body_fn api_put_evidence_piece;
mu_handler_fn api_get_healthz, api_get_readyz, api_get_metrics;

#endif
