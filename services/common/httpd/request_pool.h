/*
 * request_pool: requests that have ended, kept with their memory for the next ones, so that a busy
 * server does not go through malloc for each. Not for others than common/httpd.
 *
 * A request may outlive its server (a handler that replies late); the pool lives until both the
 * server and the last request are gone.
 *
 * Threads: any.
 */
#ifndef MU_HTTPD_REQUEST_POOL_H
#define MU_HTTPD_REQUEST_POOL_H

#include <stddef.h>

struct mu_request;
struct request_pool;

struct request_pool *request_pool_new(void);
/* The server ends. */
void request_pool_close(struct request_pool *pool);

/* A request with nothing in it but memory; NULL when there is none. */
struct mu_request *request_pool_take(struct request_pool *pool);
void request_pool_give(struct request_pool *pool, struct mu_request *request);

#endif
