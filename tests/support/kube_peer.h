/*
 * kube_peer: a Kubernetes API that says exactly what a test tells it to, byte for byte, and
 * remembers what it was asked. Header-only; for tests.
 *
 * Each path has its own replies, in order, over as many connections at once as the client opens.
 * A path without replies is an empty resource: a list with nothing in it, and a watch that is
 * silent. A path whose replies are used up is silent. Read `requests` only after kube_peer_stop.
 */
#ifndef MU_TEST_KUBE_PEER_H
#define MU_TEST_KUBE_PEER_H

#include "http_peer.h"

#include <stdint.h>

enum { KUBE_ROUTES = 8, KUBE_REPLIES = 12, KUBE_CONNECTIONS = 256 };

struct kube_route {
    const char *path; /* "/api/v1/pods" */
    struct http_peer_reply replies[KUBE_REPLIES];
    char requests[KUBE_REPLIES][2048];
    size_t count; /* of requests; atomic */
};

struct kube_peer {
    struct kube_route routes[KUBE_ROUTES];
    struct http_peer base; /* its socket and its flag to stop */
    pthread_t thread, connections[KUBE_CONNECTIONS];
    size_t connection_count;
};

struct kube_connection {
    struct kube_peer *peer;
    int fd;
};

static inline struct kube_route *kube_peer_route(struct kube_peer *peer, const char *request)
{
    const char *path = strchr(request, ' ') + 1;
    size_t len = strcspn(path, "? ");

    for (size_t i = 0; i < KUBE_ROUTES && peer->routes[i].path; i++)
        if (strlen(peer->routes[i].path) == len && strncmp(path, peer->routes[i].path, len) == 0)
            return &peer->routes[i];
    return NULL;
}

static inline struct http_peer_reply kube_peer_default(const char *request)
{
    bool watch = strstr(request, "watch=true") != NULL;

    return (struct http_peer_reply){
            watch ? "HTTP/1.1 200 OK\r\n\r\n"
                  : "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"
                    "{\"metadata\":{\"resourceVersion\":\"1\"},\"items\":[]}",
            watch ? PEER_HOLD : PEER_CLOSE};
}

static inline struct http_peer_reply kube_peer_choose(struct kube_peer *peer, const char *request)
{
    struct kube_route *route = kube_peer_route(peer, request);
    size_t index;

    if (!route)
        return kube_peer_default(request);
    index = __atomic_load_n(&route->count, __ATOMIC_ACQUIRE);
    if (index == KUBE_REPLIES || !route->replies[index].bytes)
        return (struct http_peer_reply){NULL, PEER_HOLD};
    (void)snprintf(route->requests[index], sizeof(route->requests[index]), "%s", request);
    __atomic_store_n(&route->count, index + 1, __ATOMIC_RELEASE);
    return route->replies[index];
}

static inline void *kube_peer_serve(void *opaque)
{
    struct kube_connection *connection = opaque;
    struct kube_peer *peer = connection->peer;
    char *request = calloc(1, HTTP_PEER_REQUEST_SIZE);
    struct http_peer_reply reply = {NULL, PEER_KEEP};

    while (reply.then == PEER_KEEP && http_peer_read(&peer->base, connection->fd,
                                                     memset(request, 0, HTTP_PEER_REQUEST_SIZE))) {
        reply = kube_peer_choose(peer, request);
        if (reply.bytes)
            http_peer_say(connection->fd, reply.bytes);
        if (reply.then == PEER_HOLD)
            (void)http_peer_wait(&peer->base, peer->base.stop);
    }
    (void)close(connection->fd);
    free(request);
    free(connection);
    return NULL;
}

static inline void *kube_peer_loop(void *opaque)
{
    struct kube_peer *peer = opaque;

    while (peer->connection_count < KUBE_CONNECTIONS &&
           http_peer_wait(&peer->base, peer->base.listener)) {
        struct kube_connection *connection = calloc(1, sizeof(*connection));
        int rc;

        *connection = (struct kube_connection){peer, accept(peer->base.listener, NULL, NULL)};
        assert(connection->fd >= 0);
        rc = pthread_create(&peer->connections[peer->connection_count++], NULL, kube_peer_serve,
                            connection);
        assert(rc == 0);
        (void)rc;
    }
    return NULL;
}

static inline void kube_peer_start(struct kube_peer *peer)
{
    int rc;

    http_peer_listen(&peer->base);
    rc = pthread_create(&peer->thread, NULL, kube_peer_loop, peer);
    assert(rc == 0);
    (void)rc;
}

static inline size_t kube_peer_count(const struct kube_peer *peer, size_t route)
{
    return __atomic_load_n(&peer->routes[route].count, __ATOMIC_ACQUIRE);
}

static inline void kube_peer_stop(struct kube_peer *peer)
{
    http_peer_tell_stop(&peer->base);
    (void)pthread_join(peer->thread, NULL);
    for (size_t i = 0; i < peer->connection_count; i++)
        (void)pthread_join(peer->connections[i], NULL);
    http_peer_close(&peer->base);
}

#endif
