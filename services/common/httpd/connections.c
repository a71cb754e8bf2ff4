#include "httpd/connections.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>

enum { LOOK_MS = 250, TOLD_EVERY_MS = 60000 };

struct connection {
    struct connection *previous, *next; /* among those that owe */
    int fd;
    bool owes, has_head;
    uint64_t since_ms;
};

struct connections {
    struct connections_limits limits;
    pthread_mutex_t lock;
    pthread_cond_t ending;
    pthread_t watcher;
    bool stopping;
    struct connection *longest, *newest; /* those that owe, by `since_ms` */
    unsigned count;                      /* of all */
    unsigned shut;                       /* for room, since it was told last */
    uint64_t told_ms;
};

/* ---- the list; under the lock ---- */

static void append(struct connections *connections, struct connection *connection)
{
    connection->owes = true;
    connection->has_head = false;
    connection->since_ms = mu_monotonic_ms();
    connection->next = NULL;
    connection->previous = connections->newest;
    if (connections->newest)
        connections->newest->next = connection;
    else
        connections->longest = connection;
    connections->newest = connection;
}

static void take_off(struct connections *connections, struct connection *connection)
{
    if (!connection->owes)
        return;
    connection->owes = false;
    if (connection->previous)
        connection->previous->next = connection->next;
    else
        connections->longest = connection->next;
    if (connection->next)
        connection->next->previous = connection->previous;
    else
        connections->newest = connection->previous;
}

/* libmicrohttpd sees the end of it, and closes. */
static void shut(struct connections *connections, struct connection *connection)
{
    (void)shutdown(connection->fd, SHUT_RDWR);
    take_off(connections, connection);
}

static void make_room(struct connections *connections)
{
    unsigned most = connections->limits.max_connections - connections->limits.max_connections / 8;

    if (connections->count <= most || !connections->longest)
        return;
    shut(connections, connections->longest);
    connections->shut++;
}

/* ---- deadlines ---- */

static void shut_the_late(struct connections *connections)
{
    const struct connections_limits *limits = &connections->limits;
    uint64_t now_ms = mu_monotonic_ms();
    struct connection *next;

    for (struct connection *at = connections->longest; at; at = next) {
        uint64_t owed_ms = now_ms - at->since_ms;

        next = at->next;
        if (owed_ms < limits->head_ms)
            return;
        if (!at->has_head || owed_ms >= limits->body_ms)
            shut(connections, at);
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

struct connection *connections_opened(struct connections *connections, int fd)
{
    struct connection *connection = calloc(1, sizeof(*connection));

    if (!connection)
        return NULL;
    connection->fd = fd;
    (void)pthread_mutex_lock(&connections->lock);
    connections->count++;
    make_room(connections);
    append(connections, connection);
    (void)pthread_mutex_unlock(&connections->lock);
    return connection;
}

void connections_closed(struct connections *connections, struct connection *connection)
{
    if (!connection)
        return;
    (void)pthread_mutex_lock(&connections->lock);
    connections->count--;
    take_off(connections, connection);
    (void)pthread_mutex_unlock(&connections->lock);
    free(connection);
}

void connections_head(struct connections *connections, struct connection *connection)
{
    if (!connection)
        return;
    (void)pthread_mutex_lock(&connections->lock);
    connection->has_head = true;
    (void)pthread_mutex_unlock(&connections->lock);
}

void connections_whole(struct connections *connections, struct connection *connection)
{
    if (!connection)
        return;
    (void)pthread_mutex_lock(&connections->lock);
    take_off(connections, connection);
    (void)pthread_mutex_unlock(&connections->lock);
}

void connections_answered(struct connections *connections, struct connection *connection)
{
    if (!connection)
        return;
    (void)pthread_mutex_lock(&connections->lock);
    take_off(connections, connection);
    append(connections, connection);
    (void)pthread_mutex_unlock(&connections->lock);
}
