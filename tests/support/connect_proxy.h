/*
 * connect_proxy: an HTTP proxy of one thread that leads every CONNECT (RFC 9110, section 9.3.6) to
 * one port of this machine, whatever host was asked for. So a test may be any https host that has a
 * certificate by the test's own CA. Header-only. Read `targets` only after connect_proxy_stop.
 */
#ifndef MU_TEST_CONNECT_PROXY_H
#define MU_TEST_CONNECT_PROXY_H

#include <arpa/inet.h>
#include <assert.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CONNECT_PROXY_MAX_TARGETS = 32, CONNECT_PROXY_HEAD_SIZE = 4096 };

struct connect_proxy {
    char targets[CONNECT_PROXY_MAX_TARGETS][128]; /* "host:443" */
    size_t count;
    int listener, stop;
    uint16_t port, to_port;
    pthread_t thread;
};

static inline bool connect_proxy_copy(int from, int to)
{
    char bytes[16384];
    ssize_t len = recv(from, bytes, sizeof(bytes), 0), sent = 0;

    while (len > 0 && sent < len) {
        ssize_t now = send(to, bytes + sent, (size_t)(len - sent), MSG_NOSIGNAL);

        if (now <= 0)
            return false;
        sent += now;
    }
    return len > 0;
}

static inline void connect_proxy_splice(const struct connect_proxy *proxy, int a, int b)
{
    struct pollfd fds[3] = {{.fd = a, .events = POLLIN},
                            {.fd = b, .events = POLLIN},
                            {.fd = proxy->stop, .events = POLLIN}};
    bool going = true;

    while (going && poll(fds, 3, -1) > 0) {
        if (fds[2].revents)
            break;
        if (fds[0].revents)
            going = connect_proxy_copy(a, b);
        if (going && fds[1].revents)
            going = connect_proxy_copy(b, a);
    }
}

static inline bool connect_proxy_head(struct connect_proxy *proxy, int fd)
{
    char head[CONNECT_PROXY_HEAD_SIZE] = "";
    size_t len = 0;

    while (!strstr(head, "\r\n\r\n") && len < sizeof(head) - 1) {
        ssize_t now = recv(fd, head + len, sizeof(head) - 1 - len, 0);

        if (now <= 0)
            return false;
        len += (size_t)now;
        head[len] = '\0';
    }
    if (proxy->count == CONNECT_PROXY_MAX_TARGETS)
        return false;
    return sscanf(head, "CONNECT %127s HTTP", proxy->targets[proxy->count++]) == 1;
}

static inline void connect_proxy_serve(struct connect_proxy *proxy, int fd)
{
    static const char answer[] = "HTTP/1.1 200 OK\r\n\r\n";
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons(proxy->to_port),
                                  .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int to = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (connect_proxy_head(proxy, fd) &&
        connect(to, (const struct sockaddr *)&address, sizeof(address)) == 0 &&
        send(fd, answer, strlen(answer), MSG_NOSIGNAL) > 0)
        connect_proxy_splice(proxy, fd, to);
    (void)close(to);
}

static inline void *connect_proxy_loop(void *opaque)
{
    struct connect_proxy *proxy = opaque;

    for (;;) {
        struct pollfd fds[2] = {{.fd = proxy->listener, .events = POLLIN},
                                {.fd = proxy->stop, .events = POLLIN}};
        int fd;

        if (poll(fds, 2, -1) < 0 || fds[1].revents)
            return NULL;
        fd = accept(proxy->listener, NULL, NULL);
        if (fd < 0)
            continue;
        connect_proxy_serve(proxy, fd);
        (void)close(fd);
    }
}

static inline void connect_proxy_start(struct connect_proxy *proxy, uint16_t to_port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof(address);
    int rc;

    memset(proxy, 0, sizeof(*proxy));
    proxy->to_port = to_port;
    proxy->stop = eventfd(0, EFD_CLOEXEC);
    proxy->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    rc = bind(proxy->listener, (struct sockaddr *)&address, len);
    assert(rc == 0);
    rc = listen(proxy->listener, 8);
    assert(rc == 0);
    rc = getsockname(proxy->listener, (struct sockaddr *)&address, &len);
    assert(rc == 0);
    proxy->port = ntohs(address.sin_port);
    rc = pthread_create(&proxy->thread, NULL, connect_proxy_loop, proxy);
    assert(rc == 0);
    (void)rc;
}

static inline void connect_proxy_stop(struct connect_proxy *proxy)
{
    ssize_t n = write(proxy->stop, &(uint64_t){1}, sizeof(uint64_t));

    assert(n == sizeof(uint64_t));
    (void)n;
    (void)pthread_join(proxy->thread, NULL);
    (void)close(proxy->listener);
    (void)close(proxy->stop);
}

#endif
