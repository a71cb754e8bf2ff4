/*
 * request_pool: the requests of one of a server's threads: those that are open, and those that have
 * ended, kept with their memory for the next ones. Each thread has one of its own, so that none
 * waits for another. Not for others than common/httpd.
 *
 * A request may outlive its server (a handler that replies late); the pool lives until both the
 * server and the last request are gone.
 *
 * Threads: any.
 */
#ifndef MU_HTTPD_REQUEST_POOL_H
#define MU_HTTPD_REQUEST_POOL_H

#include <stdbool.h>
#include <stddef.h>

struct MHD_Response;
struct mu_request;
struct request_pool;
struct route_table;

struct request_pool *request_pool_new(struct route_table *table);
/* The server ends, and all requests of its connections have. */
void request_pool_close(struct request_pool *pool);

/* Of the requests that are opened from now on. */
void request_pool_set_table(struct request_pool *pool, struct route_table *table);

/* An open request that holds the table, with nothing else in it but memory; NULL when there is
 * none. */
struct mu_request *request_pool_open(struct request_pool *pool);
/* It is not open any more, but still there. */
void request_pool_end(struct request_pool *pool, struct mu_request *request);
/* Its last holder has gone. */
void request_pool_give(struct request_pool *pool, struct mu_request *request);

/* The response without body and headers; it stays the pool's. */
struct MHD_Response *request_pool_nothing(const struct request_pool *pool);

size_t request_pool_open_count(struct request_pool *pool);
/* Answers 503 to every open request that has no answer; those that have not begun by then are too
 * late.
 */
void request_pool_give_up(struct request_pool *pool, const char *why);

#endif
