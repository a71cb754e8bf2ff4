/*
 * registry_peer: a registry of one thread on a free port of 127.0.0.1 that serves what a test put
 * into it, by path, and can lie about any of it. Header-only; for tests.
 *
 * Routes are added before registry_peer_start; `hits` counts at any time.
 */
#ifndef TESTS_SUPPORT_REGISTRY_PEER_H
#define TESTS_SUPPORT_REGISTRY_PEER_H

#include "base/sha256.h"

#include <arpa/inet.h>
#include <assert.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

enum { REGISTRY_PEER_ROUTES = 64, REGISTRY_PEER_REQUEST = 65536 };

struct peer_route {
    char path[512];    /* with its query */
    atomic_int status; /* 0: 200; may change at any time */
    atomic_bool off;   /* as if it was not there; the same */
    char *body;        /* owned */
    size_t len;
    size_t cut;                /* bytes of the body that are not sent although announced */
    unsigned cut_times;        /* only of the first so many answers; 0: of all */
    bool ranges;               /* "Range: bytes=N-" is answered with 206 and what is from N on */
    size_t range_lie;          /* and with as many bytes from another place */
    atomic_uint ranged;        /* answers with 206 */
    char headers[256];         /* further lines, each with CRLF */
    const char *authorization; /* needed value, else 401 with the peer's challenge; NULL: none */
    atomic_uint hits;
};

struct registry_peer {
    struct peer_route routes[REGISTRY_PEER_ROUTES];
    size_t route_count;
    char challenge[512]; /* of a 401 */
    int listener, stop, port;
    pthread_t thread;
};

static inline struct peer_route *registry_peer_route(struct registry_peer *peer, const char *path,
                                                     const void *body, size_t len)
{
    struct peer_route *route = &peer->routes[peer->route_count++];

    assert(peer->route_count <= REGISTRY_PEER_ROUTES);
    (void)snprintf(route->path, sizeof(route->path), "%s", path);
    route->body = malloc(len + 1);
    assert(route->body);
    memcpy(route->body, body, len);
    route->len = len;
    return route;
}

/* A blob or manifest of repository "team/app" under its own digest, which is copied out. */
static inline struct peer_route *registry_peer_add(struct registry_peer *peer, const char *kind,
                                                   const void *body, size_t len,
                                                   char ret_digest[MU_DIGEST_TEXT_SIZE])
{
    char path[256];

    mu_sha256_text(body, len, ret_digest);
    (void)snprintf(path, sizeof(path), "/v2/team/app/%s/%s", kind, ret_digest);
    return registry_peer_route(peer, path, body, len);
}

static inline bool registry_peer_wait(const struct registry_peer *peer, int fd)
{
    struct pollfd fds[2] = {{.fd = fd, .events = POLLIN}, {.fd = peer->stop, .events = POLLIN}};

    while (poll(fds, 2, -1) < 0)
        ;
    return !(fds[1].revents & POLLIN);
}

static inline void registry_peer_send(int fd, const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t n = send(fd, bytes, len, MSG_NOSIGNAL);

        if (n <= 0)
            return; /* the client hung up: some tests want that */
        bytes += n;
        len -= (size_t)n;
    }
}

static inline bool registry_peer_allows(const struct peer_route *route, const char *request)
{
    char line[4096];

    if (!route->authorization)
        return true;
    (void)snprintf(line, sizeof(line), "\r\nAuthorization: %s\r\n", route->authorization);
    return strstr(request, line) != NULL;
}

/* Where the answer begins. */
static inline size_t registry_peer_range(const struct peer_route *route, const char *request)
{
    static const char name[] = "\r\nRange: bytes=";
    const char *range = route->ranges ? strstr(request, name) : NULL;
    size_t from = range ? strtoul(range + sizeof(name) - 1, NULL, 10) : 0;

    return from < route->len ? from : 0;
}

static inline void registry_peer_send_body(struct peer_route *route, int fd, size_t from)
{
    size_t cut = !route->cut_times || route->hits <= route->cut_times ? route->cut : 0;
    size_t left = route->len - from;
    char head[1024], range[128] = "";
    int status = route->status ? route->status : 200, len;

    if (from > 0) {
        status = 206;
        route->ranged++;
        (void)snprintf(range, sizeof(range), "Content-Range: bytes %zu-%zu/%zu\r\n",
                       from - route->range_lie, route->len - 1 - route->range_lie, route->len);
    }
    len = snprintf(head, sizeof(head),
                   "HTTP/1.1 %d Said\r\nContent-Length: %zu\r\n%s%sConnection: close\r\n\r\n",
                   status, left, range, route->headers);
    registry_peer_send(fd, head, (size_t)len);
    registry_peer_send(fd, route->body + from, left > cut ? left - cut : 0);
}

static inline void registry_peer_answer(struct registry_peer *peer, int fd, const char *request)
{
    const char *path = strchr(request, ' ');
    size_t path_len = path ? strcspn(++path, " ") : 0;
    struct peer_route *route = NULL;
    char head[1024];
    int len;

    for (size_t i = 0; i < peer->route_count; i++) {
        if (strlen(peer->routes[i].path) == path_len &&
            strncmp(peer->routes[i].path, path, path_len) == 0 && !peer->routes[i].off)
            route = &peer->routes[i];
    }
    if (!route) {
        len = snprintf(head, sizeof(head),
                       "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n"
                       "Connection: close\r\n\r\n");
        registry_peer_send(fd, head, (size_t)len);
        return;
    }
    route->hits++;
    if (!registry_peer_allows(route, request)) {
        len = snprintf(head, sizeof(head),
                       "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: %s\r\n"
                       "Content-Length: 0\r\nConnection: close\r\n\r\n",
                       peer->challenge);
        registry_peer_send(fd, head, (size_t)len);
        return;
    }
    registry_peer_send_body(route, fd, registry_peer_range(route, request));
}

static inline void registry_peer_serve(struct registry_peer *peer, int fd)
{
    char request[REGISTRY_PEER_REQUEST];
    size_t len = 0;

    request[0] = '\0';
    while (!strstr(request, "\r\n\r\n") && len + 1 < sizeof(request)) {
        ssize_t n;

        if (!registry_peer_wait(peer, fd))
            return;
        n = recv(fd, request + len, sizeof(request) - 1 - len, 0);
        if (n <= 0)
            return;
        len += (size_t)n;
        request[len] = '\0';
    }
    registry_peer_answer(peer, fd, request);
}

static inline void *registry_peer_loop(void *opaque)
{
    struct registry_peer *peer = opaque;

    while (registry_peer_wait(peer, peer->listener)) {
        int fd = accept(peer->listener, NULL, NULL);

        if (fd < 0)
            continue;
        registry_peer_serve(peer, fd);
        (void)close(fd);
    }
    return NULL;
}

/* The port is known from here on; requests are answered after registry_peer_start. */
static inline void registry_peer_listen(struct registry_peer *peer)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof(address);

    peer->stop = eventfd(0, EFD_CLOEXEC);
    peer->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (peer->stop < 0 || peer->listener < 0 ||
        bind(peer->listener, (struct sockaddr *)&address, len) != 0 ||
        listen(peer->listener, 16) != 0 ||
        getsockname(peer->listener, (struct sockaddr *)&address, &len) != 0)
        abort();
    peer->port = ntohs(address.sin_port);
}

static inline void registry_peer_start(struct registry_peer *peer)
{
    if (pthread_create(&peer->thread, NULL, registry_peer_loop, peer) != 0)
        abort();
}

static inline void registry_peer_stop(struct registry_peer *peer)
{
    if (write(peer->stop, &(uint64_t){1}, sizeof(uint64_t)) != sizeof(uint64_t))
        abort();
    (void)pthread_join(peer->thread, NULL);
    (void)close(peer->listener);
    (void)close(peer->stop);
}

static inline void registry_peer_clear(struct registry_peer *peer)
{
    for (size_t i = 0; i < peer->route_count; i++)
        free(peer->routes[i].body);
}

#endif
