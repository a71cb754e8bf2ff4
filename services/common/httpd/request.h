/*
 * request: the inside of a request, shared by the files of common/httpd. Not for others.
 *
 * A request has two holders: MHD until the connection is done with it, and the handler until it
 * replies. The first reply wins; a later one (the server gave up at stop) is dropped.
 */
#ifndef MU_HTTPD_REQUEST_H
#define MU_HTTPD_REQUEST_H

#include "httpd/httpd.h"

#include "base/buf.h"

#include <microhttpd.h>
#include <pthread.h>
#include <stdatomic.h>

enum request_phase { REQUEST_RUNNING, REQUEST_SUSPENDED, REQUEST_REPLIED };

/* Held by each pool of which it is the current one, and by each request that began with it. */
struct route_table {
    atomic_size_t holders;
    struct mu_route_owner owner;
    size_t count;
    struct mu_route routes[];
};

/* Who gives up answers only what has begun: before, its worker is still writing. */
enum request_beginning {
    REQUEST_BEGINS,
    REQUEST_BEGAN,
    REQUEST_TOO_LATE /* the server gave up before: its worker refuses it */
};

struct mu_request {
    struct mu_httpd *server;
    struct route_table *table;
    struct request_pool *pool; /* may outlive the server */
    struct MHD_Connection *connection;
    const struct mu_route *route;
    const char *method;
    const char *path;
    const char *path_rest;
    struct mu_arena *arena; /* made when first asked for; kept by the pool, as is `body` */
    struct mu_buf body;
    void *state;
    void (*release)(void *);
    const void *caller;
    uint64_t deadline_ms; /* for the whole body */
    atomic_int beginning; /* enum request_beginning */
    bool handled;         /* the handler was started, or need not be */
    atomic_int holders;
    atomic_bool answered;          /* taken by the first answer */
    struct MHD_Response *response; /* of who answered first, until `phase` says so */
    int response_status;
    atomic_int phase;                   /* enum request_phase */
    struct mu_request *previous, *next; /* in its pool */
    int refusal; /* HTTP status to answer instead of running the handler; 0: none */
    struct mu_error refusal_error; /* last: of no meaning without a refusal, and large */
};

enum { HTTPD_MAX_THREADS = 64 };

struct mu_httpd {
    struct MHD_Daemon *daemon;
    struct request_pool *pools[HTTPD_MAX_THREADS]; /* one for each of config.threads */
    struct connections *connections;
    _Atomic(struct httpd_certificate *) certificate; /* NULL: http (tls.h) */
    struct mu_httpd_config config;
    int listener; /* the daemon closes it */
    bool vacated; /* nothing is in its place */
    uint16_t port;
    atomic_bool stopping;
};

struct route_table *route_table_new(const struct mu_route *routes, size_t count,
                                    const struct mu_route_owner *owner);
void route_table_drop(struct route_table *table); /* NULL is fine */

/* An open one, from the pool of this thread. NULL when there is no memory. */
struct mu_request *request_open(struct mu_httpd *server, struct MHD_Connection *connection,
                                const char *method, const char *path);
/* A holder goes. */
void request_drop(struct mu_request *request);

/* Hands `response` over, whoever is first, and wakes the connection; takes the response. NULL (no
 * memory for one) closes the connection. */
void request_answer(struct mu_request *request, int status, struct MHD_Response *response);
/* Destroys it unless it is the pool's. NULL is fine. */
void request_free_response(const struct mu_request *request, struct MHD_Response *response);
/* Tells the server's owner what its request was answered. */
void request_tell(struct mu_request *request, int status);
struct MHD_Response *request_error_response(int status, const char *detail);
int request_http_status(enum mu_status status);

#endif
