/*
 * http_peer: an HTTP server of one thread that says exactly what a test tells it to,
 * byte for byte, and remembers what it was asked. Header-only; for tests.
 *
 * Replies go out in order, one per request, over as many connections as the client opens.
 * Read `requests` and `connections` only after http_peer_stop.
 */
#ifndef MU_TEST_HTTP_PEER_H
#define MU_TEST_HTTP_PEER_H

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
#include <unistd.h>

enum { HTTP_PEER_MAX_REPLIES = 8, HTTP_PEER_REQUEST_SIZE = 16384 };

enum http_peer_then {
    PEER_KEEP,  /* wait for the next request on the same connection */
    PEER_CLOSE, /* end the connection behind these bytes */
    PEER_HOLD   /* say no more until http_peer_stop */
};

struct http_peer_reply {
    const char *bytes;
    enum http_peer_then then;
};

struct http_peer {
    struct http_peer_reply replies[HTTP_PEER_MAX_REPLIES];
    char requests[HTTP_PEER_MAX_REPLIES][HTTP_PEER_REQUEST_SIZE];
    size_t request_count, connections;
    int listener, stop, port;
    pthread_t thread;
};

/* False when the peer was stopped instead. */
static inline bool http_peer_wait(struct http_peer *peer, int fd)
{
    struct pollfd fds[2] = {{.fd = fd, .events = POLLIN}, {.fd = peer->stop, .events = POLLIN}};

    while (poll(fds, 2, -1) < 0)
        ;
    return !(fds[1].revents & POLLIN);
}

static inline bool http_peer_complete(const char *request, size_t len)
{
    const char *end = strstr(request, "\r\n\r\n"),
               *length = strcasestr(request, "\r\nContent-Length:");
    size_t body = 0;

    if (end == NULL)
        return false;
    if (length != NULL && length < end)
        body = strtoul(length + strlen("\r\nContent-Length:"), NULL, 10);
    return len >= (size_t)(end + 4 - request) + body;
}

static inline bool http_peer_read(struct http_peer *peer, int fd, char *request)
{
    size_t len = 0;

    while (!http_peer_complete(request, len)) {
        ssize_t n;

        if (!http_peer_wait(peer, fd))
            return false;
        n = recv(fd, request + len, HTTP_PEER_REQUEST_SIZE - 1 - len, 0);
        if (n <= 0)
            return false;
        len += (size_t)n;
        request[len] = '\0';
    }
    return true;
}

static inline void http_peer_say(int fd, const char *bytes)
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

/* False when the peer shall stop. */
static inline bool http_peer_serve(struct http_peer *peer, int fd)
{
    while (peer->request_count < HTTP_PEER_MAX_REPLIES) {
        const struct http_peer_reply *reply = &peer->replies[peer->request_count];

        if (!http_peer_read(peer, fd, peer->requests[peer->request_count]))
            return true;
        (void)__atomic_add_fetch(&peer->request_count, 1,
                                 __ATOMIC_RELEASE); /* tests may watch it */
        if (reply->bytes != NULL)
            http_peer_say(fd, reply->bytes);
        if (reply->then == PEER_CLOSE)
            return true;
        if (reply->then == PEER_HOLD)
            return http_peer_wait(peer, peer->stop);
    }
    return false;
}

static inline void *http_peer_loop(void *opaque)
{
    struct http_peer *peer = opaque;
    bool go_on = true;

    while (go_on && http_peer_wait(peer, peer->listener)) {
        int fd = accept(peer->listener, NULL, NULL);

        if (fd < 0)
            continue;
        peer->connections++;
        go_on = http_peer_serve(peer, fd);
        (void)close(fd);
    }
    return NULL;
}

static inline void http_peer_listen(struct http_peer *peer)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof(address);
    int rc;

    peer->stop = eventfd(0, EFD_CLOEXEC);
    peer->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert(peer->stop >= 0 && peer->listener >= 0);
    rc = bind(peer->listener, (struct sockaddr *)&address, len); /* port 0: a free one */
    assert(rc == 0);
    rc = listen(peer->listener, 32);
    assert(rc == 0);
    rc = getsockname(peer->listener, (struct sockaddr *)&address, &len);
    assert(rc == 0);
    peer->port = ntohs(address.sin_port);
    (void)rc;
}

static inline void http_peer_start(struct http_peer *peer)
{
    int rc;

    http_peer_listen(peer);
    rc = pthread_create(&peer->thread, NULL, http_peer_loop, peer);
    assert(rc == 0);
    (void)rc;
}

static inline void http_peer_tell_stop(struct http_peer *peer)
{
    ssize_t n = write(peer->stop, &(uint64_t){1}, sizeof(uint64_t));

    assert(n == sizeof(uint64_t));
    (void)n;
}

static inline void http_peer_close(struct http_peer *peer)
{
    (void)close(peer->listener);
    (void)close(peer->stop);
}

static inline void http_peer_stop(struct http_peer *peer)
{
    http_peer_tell_stop(peer);
    (void)pthread_join(peer->thread, NULL);
    http_peer_close(peer);
}

#endif
