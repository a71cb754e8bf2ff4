/*
 * connections: those that owe us a request, so that idle, slow and hostile ones cannot keep others
 * out. Not for others than common/httpd.
 *
 * libmicrohttpd's timeout begins anew with each byte, so that one byte a second keeps a connection
 * for hours; and at its limit it accepts nobody. So a connection that has not sent a whole head, or
 * a whole body, by its deadline is shut; and when seven eighths of the places are taken, those that
 * have owed a request for longest are shut to make room. Who waits for our answer is never shut.
 *
 * Threads: any; one of its own looks at the deadlines.
 */
#ifndef MU_HTTPD_CONNECTIONS_H
#define MU_HTTPD_CONNECTIONS_H

#include "base/error.h"

#include <stdint.h>

struct connection;
struct connections;

struct connections_limits {
    unsigned max_connections;
    uint64_t head_ms, body_ms; /* since the connection began or its last request ended */
};

/* Errors: MU_E_UNAVAILABLE (no thread). */
enum mu_status connections_new(const struct connections_limits *limits,
                               struct connections **ret_connections,
                               struct mu_error *err) MU_MUST_CHECK;
/* After the last connection was closed. NULL is fine. */
void connections_free(struct connections *connections);

/* `fd` stays the caller's, and stays open until connections_closed. NULL when there is no memory.
 */
struct connection *connections_opened(struct connections *connections, int fd);
void connections_closed(struct connections *connections, struct connection *connection);

/* The life of each request: its head is there; it is there whole; it has been answered. NULL is
 * fine. */
void connection_head(struct connection *connection);
void connection_whole(struct connection *connection);
void connection_answered(struct connection *connection);

#endif
