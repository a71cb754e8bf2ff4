#include "httpd/listener.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

enum { LISTEN_BACKLOG = 1024 };

/* Splits "host:port", "[v6]:port" or ":port". */
static enum mu_status split_listen(const char *listen, char *host, size_t host_size, char *port,
                                   size_t port_size, struct mu_error *err)
{
    const char *colon = strrchr(listen, ':');
    size_t host_len = colon ? (size_t)(colon - listen) : 0;

    if (!colon || host_len >= host_size || strlen(colon + 1) >= port_size || !colon[1])
        return mu_fail(err, MU_E_INVALID, "'%.100s' is no address to listen on: use host:port",
                       listen);
    if (host_len >= 2 && listen[0] == '[' && colon[-1] == ']') {
        listen++;
        host_len -= 2;
    }
    (void)snprintf(host, host_size, "%.*s", (int)host_len, listen);
    (void)snprintf(port, port_size, "%s", colon + 1);
    return MU_OK;
}

static int bind_one(const struct addrinfo *address)
{
    const int one = 1;
    int fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd < 0)
        return -1;
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    if (bind(fd, address->ai_addr, address->ai_addrlen) != 0 || listen(fd, LISTEN_BACKLOG) != 0) {
        int saved = errno;

        (void)close(fd);
        errno = saved;
        return -1;
    }
    return fd;
}

uint16_t listener_port(int fd)
{
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } address = {.v6 = {0}};
    socklen_t len = sizeof(address);

    if (getsockname(fd, &address.any, &len) != 0)
        return 0;
    return ntohs(address.any.sa_family == AF_INET6 ? address.v6.sin6_port : address.v4.sin_port);
}

enum mu_status listener_open(const char *listen_on, int *ret_fd, struct mu_error *err)
{
    struct addrinfo hints = {.ai_flags = AI_PASSIVE, .ai_socktype = SOCK_STREAM};
    struct addrinfo *addresses = NULL;
    char host[256], port[32];
    int failed, fd = -1;

    if (split_listen(listen_on, host, sizeof(host), port, sizeof(port), err) != MU_OK)
        return err->status;
    failed = getaddrinfo(host[0] ? host : NULL, port, &hints, &addresses);
    if (failed)
        return mu_fail(err, MU_E_INVALID, "listen on '%s': %s", listen_on, gai_strerror(failed));
    for (const struct addrinfo *at = addresses; at && fd < 0; at = at->ai_next)
        fd = bind_one(at);
    freeaddrinfo(addresses);
    if (fd < 0)
        return mu_fail(err, MU_E_UNAVAILABLE, "listen on '%s': %s", listen_on, strerror(errno));
    *ret_fd = fd;
    return MU_OK;
}

void listener_refuse(int fd)
{
    (void)shutdown(fd, SHUT_RD);
}

bool listener_vacate(int fd)
{
    int nothing = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    bool placed = nothing >= 0 && dup3(nothing, fd, O_CLOEXEC) == fd;

    if (nothing >= 0)
        (void)close(nothing);
    return placed;
}
