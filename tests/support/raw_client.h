/*
 * raw_client: a TCP client that sends and reads bytes as they are, for tests of the HTTP server.
 * Header-only. Every wait ends after RAW_WAIT_MS.
 */
#ifndef MU_TEST_RAW_CLIENT_H
#define MU_TEST_RAW_CLIENT_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { RAW_ANSWER_SIZE = 8192, RAW_WAIT_MS = 20000, RAW_TRICKLE_MS = 30 };

/* Polls until the condition holds. */
#define RAW_WAIT(condition)                            \
    do {                                               \
        for (int waited = 0; !(condition); waited++) { \
            assert_true(waited < RAW_WAIT_MS);         \
            (void)poll(NULL, 0, 1);                    \
        }                                              \
    } while (0)

/* -1 when nobody listens. */
static inline int raw_try_connect(uint16_t port)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons(port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0)
        return fd;
    (void)close(fd);
    return -1;
}

static inline int raw_connect(uint16_t port)
{
    int fd = raw_try_connect(port);

    assert_true(fd >= 0);
    return fd;
}

static inline bool raw_can_connect(uint16_t port)
{
    int fd = raw_try_connect(port);

    if (fd >= 0)
        (void)close(fd);
    return fd >= 0;
}

/* Sends what the peer still takes. */
static inline void raw_send(int fd, const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t sent = send(fd, bytes, len, MSG_NOSIGNAL);

        if (sent <= 0)
            return;
        bytes += sent;
        len -= (size_t)sent;
    }
}

/* Reads until `end` has come, or the peer closes when it is NULL. */
static inline void raw_read_until(int fd, char ret_answer[RAW_ANSWER_SIZE], const char *end)
{
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    size_t len = 0;
    ssize_t now;

    ret_answer[0] = '\0';
    while (!(end && strstr(ret_answer, end)) && len + 1 < RAW_ANSWER_SIZE) {
        assert_true(poll(&wait, 1, RAW_WAIT_MS) > 0);
        now = read(fd, ret_answer + len, RAW_ANSWER_SIZE - 1 - len);
        if (now <= 0)
            return;
        len += (size_t)now;
        ret_answer[len] = '\0';
    }
}

static inline void raw_read_answer(int fd, char ret_answer[RAW_ANSWER_SIZE])
{
    raw_read_until(fd, ret_answer, NULL);
}

/* Sends `bytes` every RAW_TRICKLE_MS until the peer answers or closes; then reads its answer. */
static inline void raw_trickle(int fd, const char *bytes, char ret_answer[RAW_ANSWER_SIZE])
{
    struct pollfd wait = {.fd = fd, .events = POLLIN};

    for (int waited_ms = 0; poll(&wait, 1, RAW_TRICKLE_MS) == 0; waited_ms += RAW_TRICKLE_MS) {
        assert_true(waited_ms < RAW_WAIT_MS);
        raw_send(fd, bytes, strlen(bytes));
    }
    raw_read_answer(fd, ret_answer);
}

/* Status of an answer; 0 when it is none. */
static inline int raw_status(const char *answer)
{
    static const char version[] = "HTTP/1.1 ";

    return strncmp(answer, version, strlen(version)) == 0
                   ? (int)strtol(answer + strlen(version), NULL, 10)
                   : 0;
}

#endif
