/*
 * api_peer: an HTTP API that says exactly what a test tells it to, byte for byte, over TCP or a
 * unix socket, several connections at once. Header-only; for tests.
 *
 * Every route has answers of its own, which go out in order; the last is given for ever. A path
 * that has no route is answered 404. Every answer ends its connection, or holds it until
 * api_peer_stop.
 */
#ifndef MU_TEST_API_PEER_H
#define MU_TEST_API_PEER_H

#include <arpa/inet.h>
#include <assert.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* Routes are written as tables whose rest is zero; clang warns of that, gcc does not. */
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

enum {
    API_PEER_MAX_ROUTES = 24,
    API_PEER_MAX_ANSWERS = 6,
    API_PEER_MAX_CONNECTIONS = 512,
    API_PEER_REQUEST_SIZE = 4096
};

struct api_peer_answer {
    const char *body; /* NULL: no more answers */
    int status;       /* 0: 200 */
    bool hold;
};

struct api_peer_route {
    const char *path; /* beginning of the request's target; the first that fits */
    struct api_peer_answer answers[API_PEER_MAX_ANSWERS];
    size_t asked;
    char last[API_PEER_REQUEST_SIZE]; /* request */
};

struct api_peer {
    struct api_peer_route routes[API_PEER_MAX_ROUTES];
    const char *unix_path; /* NULL: TCP, at `port` */
    int listener, stop, port;
    pthread_t thread, connections[API_PEER_MAX_CONNECTIONS];
    size_t connection_count;
    pthread_mutex_t lock;
};

struct api_peer_connection {
    struct api_peer *peer;
    int fd;
};

static inline bool api_peer_wait(struct api_peer *peer, int fd)
{
    struct pollfd fds[2] = {{.fd = fd, .events = POLLIN}, {.fd = peer->stop, .events = POLLIN}};

    while (poll(fds, 2, -1) < 0)
        ;
    return !(fds[1].revents & POLLIN);
}

static inline void api_peer_say(int fd, const char *bytes)
{
    size_t left = strlen(bytes);

    while (left > 0) {
        ssize_t n = send(fd, bytes, left, MSG_NOSIGNAL);

        if (n <= 0)
            return; /* the client hung up: some tests want that */
        bytes += n;
        left -= (size_t)n;
    }
}

static inline struct api_peer_answer api_peer_answer(struct api_peer *peer, const char *request)
{
    struct api_peer_answer answer = {.body = "{}", .status = 404};

    (void)pthread_mutex_lock(&peer->lock);
    for (size_t i = 0; i < API_PEER_MAX_ROUTES && peer->routes[i].path; i++) {
        struct api_peer_route *route = &peer->routes[i];
        size_t last = 0;

        if (strncmp(request + strlen("GET "), route->path, strlen(route->path)) != 0)
            continue;
        while (last + 1 < API_PEER_MAX_ANSWERS && last < route->asked &&
               route->answers[last + 1].body)
            last++;
        answer = route->answers[last];
        (void)snprintf(route->last, sizeof(route->last), "%s", request);
        __atomic_store_n(&route->asked, route->asked + 1, __ATOMIC_RELEASE);
        break;
    }
    (void)pthread_mutex_unlock(&peer->lock);
    return answer;
}

static inline void *api_peer_serve(void *opaque)
{
    struct api_peer_connection *connection = opaque;
    struct api_peer *peer = connection->peer;
    char request[API_PEER_REQUEST_SIZE] = "", head[128];
    size_t len = 0;

    while (!strstr(request, "\r\n\r\n") && api_peer_wait(peer, connection->fd)) {
        ssize_t n = recv(connection->fd, request + len, sizeof(request) - 1 - len, 0);

        if (n <= 0)
            break;
        len += (size_t)n;
        request[len] = '\0';
    }
    if (strstr(request, "\r\n\r\n")) {
        struct api_peer_answer answer = api_peer_answer(peer, request);

        (void)snprintf(head, sizeof(head), "HTTP/1.1 %d It\r\nConnection: close\r\n\r\n",
                       answer.status ? answer.status : 200);
        api_peer_say(connection->fd, head);
        api_peer_say(connection->fd, answer.body);
        if (answer.hold)
            (void)api_peer_wait(peer, peer->stop);
    }
    (void)close(connection->fd);
    free(connection);
    return NULL;
}

static inline void *api_peer_loop(void *opaque)
{
    struct api_peer *peer = opaque;

    while (api_peer_wait(peer, peer->listener)) {
        struct api_peer_connection *connection = malloc(sizeof(*connection));
        int rc;

        assert(connection && peer->connection_count < API_PEER_MAX_CONNECTIONS);
        connection->peer = peer;
        connection->fd = accept(peer->listener, NULL, NULL);
        if (connection->fd < 0) {
            free(connection);
            continue;
        }
        rc = pthread_create(&peer->connections[peer->connection_count++], NULL, api_peer_serve,
                            connection);
        assert(rc == 0);
        (void)rc;
    }
    return NULL;
}

static inline int api_peer_bind_unix(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), rc;

    (void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    assert(fd >= 0);
    rc = bind(fd, (struct sockaddr *)&address, sizeof(address));
    assert(rc == 0);
    (void)rc;
    return fd;
}

static inline int api_peer_bind_tcp(int *ret_port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), rc;

    assert(fd >= 0);
    rc = bind(fd, (struct sockaddr *)&address, len); /* port 0: a free one */
    assert(rc == 0);
    rc = getsockname(fd, (struct sockaddr *)&address, &len);
    assert(rc == 0);
    (void)rc;
    *ret_port = ntohs(address.sin_port);
    return fd;
}

static inline void api_peer_start(struct api_peer *peer)
{
    int rc;

    (void)pthread_mutex_init(&peer->lock, NULL);
    peer->stop = eventfd(0, EFD_CLOEXEC);
    assert(peer->stop >= 0);
    peer->listener =
            peer->unix_path ? api_peer_bind_unix(peer->unix_path) : api_peer_bind_tcp(&peer->port);
    rc = listen(peer->listener, 32);
    assert(rc == 0);
    rc = pthread_create(&peer->thread, NULL, api_peer_loop, peer);
    assert(rc == 0);
    (void)rc;
}

static inline size_t api_peer_asked(struct api_peer *peer, size_t route)
{
    return __atomic_load_n(&peer->routes[route].asked, __ATOMIC_ACQUIRE);
}

static inline void api_peer_stop(struct api_peer *peer)
{
    ssize_t n = write(peer->stop, &(uint64_t){1}, sizeof(uint64_t));

    assert(n == sizeof(uint64_t));
    (void)n;
    (void)pthread_join(peer->thread, NULL);
    for (size_t i = 0; i < peer->connection_count; i++)
        (void)pthread_join(peer->connections[i], NULL);
    (void)close(peer->listener);
    (void)close(peer->stop);
    (void)pthread_mutex_destroy(&peer->lock);
    if (peer->unix_path)
        (void)unlink(peer->unix_path);
}

#endif
