/*
 * api_world: the API on a world (world.h), asked over a real socket, byte for byte. Header-only;
 * for tests.
 */
#ifndef MU_TEST_INVENTORY_API_WORLD_H
#define MU_TEST_INVENTORY_API_WORLD_H

#include "world.h"

#include "api/api.h"

#include <arpa/inet.h>
#include <stdatomic.h>
#include <sys/socket.h>

enum { REPLY_SIZE = 256 * 1024, DEADLINE_MS = 15000 };

static struct world w;
static struct api *api;
static struct access *who;
static atomic_bool writing_side_works;
static char reply[REPLY_SIZE];
static const char *tls_cert_file, *tls_key_file, *tls_client_ca_file; /* set before a start */

static inline bool is_ready(void *opaque)
{
    (void)opaque;
    return atomic_load(&writing_side_works);
}

/* With these credentials and this rate limit. */
static inline void start_with(const char *conninfo, const struct access_config *access,
                              int64_t rate_limit)
{
    struct api_config config = {.listen = "127.0.0.1:0",
                                .conninfo = conninfo,
                                .tls_cert_file = tls_cert_file,
                                .tls_key_file = tls_key_file,
                                .tls_client_ca_file = tls_client_ca_file,
                                .rate_limit = rate_limit,
                                .evidence = w.evidence,
                                .ready = is_ready};
    struct mu_error err;

    if (access_open(access, &who, &err) != MU_OK)
        fail_msg("%s", err.message);
    config.access = who;
    if (api_start(&config, &api, &err) != MU_OK)
        fail_msg("%s", err.message);
}

static inline void start(const char *conninfo, const char *token)
{
    start_with(conninfo, &(struct access_config){.mode = "none", .evidence_token = token}, 0);
}

static inline void stop(void)
{
    api_stop(api);
    access_close(who);
}

static inline int open_api(void **state)
{
    (void)state;
    world_open(&w);
    atomic_store(&writing_side_works, true);
    start(w.conninfo, NULL);
    return 0;
}

static inline int close_api(void **state)
{
    (void)state;
    stop();
    world_close(&w);
    return 0;
}

#define API_TEST(name) cmocka_unit_test_setup_teardown(name, open_api, close_api)

static inline int connect_api(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons(api_port(api)),
                                  .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_int_equal(connect(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
    return fd;
}

/* Sends the bytes, reads the reply until the server closes; gives the status. The body is in
 * body(). */
static inline int exchange(const char *request)
{
    int fd = connect_api();
    size_t len = 0;
    ssize_t got;

    assert_int_equal(send(fd, request, strlen(request), MSG_NOSIGNAL), strlen(request));
    while ((got = recv(fd, reply + len, sizeof(reply) - 1 - len, 0)) > 0)
        len += (size_t)got;
    reply[len] = '\0';
    (void)close(fd);
    assert_true(strncmp(reply, "HTTP/1.1 ", 9) == 0);
    return (int)strtol(reply + 9, NULL, 10);
}

static inline const char *body(void)
{
    const char *end = strstr(reply, "\r\n\r\n");

    return end ? end + 4 : "";
}

static inline int ask(const char *method, const char *target, const char *headers, const char *text)
{
    static char request[16384];
    char length[64] = "";

    if (text)
        (void)snprintf(length, sizeof(length), "Content-Length: %zu\r\n", strlen(text));
    assert_true(snprintf(request, sizeof(request),
                         "%s %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n%s%s\r\n%s", method,
                         target, length, headers, text ? text : "") < (int)sizeof(request));
    return exchange(request);
}

static inline int get(const char *target)
{
    return ask("GET", target, "", NULL);
}

static inline void assert_says(const char *text)
{
    if (!strstr(body(), text))
        fail_msg("'%s' is not in: %s", text, body());
}

static inline size_t occurrences(const char *text)
{
    size_t count = 0;

    for (const char *at = strstr(body(), text); at; at = strstr(at + 1, text))
        count++;
    return count;
}

/* Value of a header of the reply, or NULL; good until the next call. */
static inline const char *header_of(const char *name)
{
    static char value[16384];
    char line[64];
    const char *at;

    (void)snprintf(line, sizeof(line), "\r\n%s: ", name);
    at = strstr(reply, line);
    if (!at || (body() > reply && at > body()))
        return NULL;
    (void)snprintf(value, sizeof(value), "%.*s", (int)strcspn(at + strlen(line), "\r"),
                   at + strlen(line));
    return value;
}

/* Text member of the reply's body, or "" when it is null or not there; good until the next call. */
static inline const char *member_of(const char *name)
{
    static char value[16384];
    char start[64];
    const char *at;

    (void)snprintf(start, sizeof(start), "\"%s\":\"", name);
    at = strstr(body(), start);
    (void)snprintf(value, sizeof(value), "%.*s", at ? (int)strcspn(at + strlen(start), "\"") : 0,
                   at ? at + strlen(start) : "");
    return value;
}

static inline void push_three(void)
{
    add_push(&w, "e1", "1.0", digest_of('a'), T(0));
    add_push(&w, "e2", "1.1", digest_of('b'), T(1));
    add_push(&w, "e3", "1.2", digest_of('c'), T(2));
    world_apply(&w);
}

/* Two containers of an index with two images each, as no node tells its platform. */
static inline void run_two(void)
{
    const struct mu_scan_child children[] = {
            {digest_of('a'), MU_DIGEST_KIND_MANIFEST, "m", 10, "linux/amd64"},
            {digest_of('b'), MU_DIGEST_KIND_MANIFEST, "m", 10, "linux/arm64"}};

    add_scan(&w, "s1",
             (struct scan){.digest = digest_of('1'),
                           .outcome = MU_SCAN_RESOLVED,
                           .at = T(1),
                           .children = children,
                           .child_count = 2});
    for (int i = 0; i < 2; i++)
        add_pod(&w, (const char *[]){"e1", "e2"}[i],
                (struct pod){.uid = (const char *[]){"p1", "p2"}[i],
                             .tag = "1.0",
                             .digest = digest_of('1'),
                             .started = T(1),
                             .at = T(1)});
    world_apply(&w);
}

#endif
