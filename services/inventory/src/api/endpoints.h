/*
 * endpoints: what the API answers, and who may ask: the one table of roles and endpoints
 * (endpoints.c). A service part with endpoints of its own adds a group.
 */
#ifndef INVENTORY_API_ENDPOINTS_H
#define INVENTORY_API_ENDPOINTS_H

#include "access/roles.h"
#include "query/list.h"

#include "httpd/httpd.h"

enum endpoint_flag {
    ENDPOINT_UNMETERED = 1 << 0, /* no rate limit: machines that must not be held up */
    ENDPOINT_NOTED = 1 << 1      /* the record has the handler's api_note instead of parameters */
};

struct endpoint {
    const char *method, *path; /* as in struct mu_route */
    unsigned roles;            /* who may; 0: everybody, without credentials and without a record */
    unsigned flags;
    mu_handler_fn *handler; /* called with the group's opaque; NULL: `list` is answered */
    const struct list *list;
    mu_body_fn *on_body;
    size_t max_body_bytes;
};

struct endpoint_group {
    const struct endpoint *endpoints;
    size_t count;
    void *opaque; /* of the handlers; NULL: the struct api */
};

/* Those of the API itself. */
extern const struct endpoint_group api_endpoints;

#endif
