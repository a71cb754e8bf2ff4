#include "httpd/connections.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>

enum { LOOK_MS = 250, TOLD_EVERY_MS = 60000, NS_PER_MS = 1000000, NS_PER_SECOND = 1000000000 };

/* `owes_since_ns` and `has_head` are its own thread's to write, and 0 also the watcher's: each
 * request changes them, and takes no lock for it. */
struct connection {
    struct connection *previous, *next; /* of all, in the order in which they began */
    int fd;
    atomic_bool has_head;
    _Atomic uint64_t owes_since_ns; /* 0: it owes nothing */
};

struct connections {
    struct connections_limits limits;
    pthread_mutex_t lock;
    pthread_cond_t ending;
    pthread_t watcher;
    bool stopping;
    struct connection *first, *last;
    unsigned count;
    unsigned shut; /* for room, since it was told last */
    uint64_t told_ms;
};

static uint64_t now_ns(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * NS_PER_SECOND + (uint64_t)now.tv_nsec;
}

/* ---- the list; under the lock ---- */

static void append(struct connections *connections, struct connection *connection)
{
    connection->previous = connections->last;
    if (connections->last)
        connections->last->next = connection;
    else
        connections->first = connection;
    connections->last = connection;
    connections->count++;
}

static void take_off(struct connections *connections, struct connection *connection)
{
    if (connection->previous)
        connection->previous->next = connection->next;
    else
        connections->first = connection->next;
    if (connection->next)
        connection->next->previous = connection->previous;
    else
        connections->last = connection->previous;
    connections->count--;
}

/* libmicrohttpd sees the end of it, and closes. False when its request has just become whole. */
static bool shut(struct connection *connection, uint64_t since_ns)
{
    if (!atomic_compare_exchange_strong(&connection->owes_since_ns, &since_ns, 0))
        return false;
    (void)shutdown(connection->fd, SHUT_RDWR);
    return true;
}

static void make_room(struct connections *connections)
{
    unsigned most = connections->limits.max_connections - connections->limits.max_connections / 8;
    struct connection *longest = NULL;
    uint64_t longest_ns = UINT64_MAX;

    if (connections->count < most)
        return;
    for (struct connection *at = connections->first; at; at = at->next) {
        uint64_t since_ns = atomic_load_explicit(&at->owes_since_ns, memory_order_relaxed);

        if (since_ns > 0 && since_ns < longest_ns) {
            longest = at;
            longest_ns = since_ns;
        }
    }
    if (longest && shut(longest, longest_ns))
        connections->shut++;
}

/* ---- deadlines ---- */

static void shut_the_late(struct connections *connections)
{
    const struct connections_limits *limits = &connections->limits;
    uint64_t at_ns = now_ns();

    for (struct connection *at = connections->first; at; at = at->next) {
        uint64_t since_ns = atomic_load(&at->owes_since_ns);
        uint64_t may_ms = atomic_load(&at->has_head) ? limits->body_ms : limits->head_ms;

        if (since_ns > 0 && since_ns + may_ms * NS_PER_MS <= at_ns)
            (void)shut(at, since_ns);
    }
}

static void tell(struct connections *connections)
{
    uint64_t now_ms = mu_monotonic_ms();

    if (connections->shut == 0 ||
        (connections->told_ms > 0 && now_ms - connections->told_ms < TOLD_EVERY_MS))
        return;
    MU_LOG(MU_LOG_WARN, "too many connections: closed those that had sent no request for longest",
           MU_KV_INT("closed", connections->shut), MU_KV_INT("open", connections->count),
           MU_KV_INT("max", connections->limits.max_connections));
    connections->shut = 0;
    connections->told_ms = now_ms;
}

static void *watch(void *opaque)
{
    struct connections *connections = opaque;

    (void)pthread_mutex_lock(&connections->lock);
    while (!connections->stopping) {
        struct timespec until;

        (void)clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_nsec += LOOK_MS * 1000000L;
        until.tv_sec += until.tv_nsec / 1000000000L;
        until.tv_nsec %= 1000000000L;
        (void)pthread_cond_timedwait(&connections->ending, &connections->lock, &until);
        shut_the_late(connections);
        tell(connections);
    }
    (void)pthread_mutex_unlock(&connections->lock);
    return NULL;
}

/* ---- beginning and end ---- */

static int start_watcher(struct connections *connections)
{
    sigset_t all, before;
    int failed;

    (void)sigfillset(&all); /* signals are for the main thread */
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    failed = pthread_create(&connections->watcher, NULL, watch, connections);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return failed;
}

static void release(struct connections *connections)
{
    (void)pthread_cond_destroy(&connections->ending);
    (void)pthread_mutex_destroy(&connections->lock);
    free(connections);
}

enum mu_status connections_new(const struct connections_limits *limits,
                               struct connections **ret_connections, struct mu_error *err)
{
    struct connections *connections = mu_xcalloc(1, sizeof(*connections));
    pthread_condattr_t attributes;

    connections->limits = *limits;
    (void)pthread_mutex_init(&connections->lock, NULL);
    (void)pthread_condattr_init(&attributes);
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&connections->ending, &attributes);
    (void)pthread_condattr_destroy(&attributes);
    if (start_watcher(connections) != 0) {
        release(connections);
        return mu_fail(err, MU_E_UNAVAILABLE, "HTTP server: no thread");
    }
    *ret_connections = connections;
    return MU_OK;
}

void connections_free(struct connections *connections)
{
    if (!connections)
        return;
    (void)pthread_mutex_lock(&connections->lock);
    connections->stopping = true;
    (void)pthread_cond_signal(&connections->ending);
    (void)pthread_mutex_unlock(&connections->lock);
    (void)pthread_join(connections->watcher, NULL);
    release(connections);
}

/* ---- a connection ---- */

static void begin_to_owe(struct connection *connection)
{
    atomic_store_explicit(&connection->has_head, false, memory_order_relaxed);
    atomic_store(&connection->owes_since_ns, now_ns());
}

struct connection *connections_opened(struct connections *connections, int fd)
{
    struct connection *connection = calloc(1, sizeof(*connection));

    if (!connection)
        return NULL;
    connection->fd = fd;
    (void)pthread_mutex_lock(&connections->lock);
    make_room(connections);
    begin_to_owe(connection);
    append(connections, connection);
    (void)pthread_mutex_unlock(&connections->lock);
    return connection;
}

void connections_closed(struct connections *connections, struct connection *connection)
{
    if (!connection)
        return;
    (void)pthread_mutex_lock(&connections->lock);
    take_off(connections, connection);
    (void)pthread_mutex_unlock(&connections->lock);
    free(connection);
}

void connection_head(struct connection *connection)
{
    if (connection)
        atomic_store_explicit(&connection->has_head, true, memory_order_relaxed);
}

void connection_whole(struct connection *connection)
{
    if (connection)
        atomic_store(&connection->owes_since_ns, 0);
}

void connection_answered(struct connection *connection)
{
    if (connection)
        begin_to_owe(connection);
}
