#include "httpd/request_pool.h"

#include "httpd/request.h"

#include <stdlib.h>
#include <string.h>

/* Kept are at most so many requests, with at most so much room for a body each. */
enum { POOL_MAX_REQUESTS = 160, POOL_MAX_BODY_BYTES = 16 * 1024 };

struct request_pool {
    pthread_mutex_t lock;
    struct route_table *table;
    struct mu_request *open; /* by `previous` and `next` */
    struct mu_request *kept; /* by `next` */
    size_t open_count, kept_count;
    size_t taken_count; /* open, or ended and still held */
    struct MHD_Response *nothing;
    bool gave_up, closed;
};

struct request_pool *request_pool_new(struct route_table *table)
{
    static char empty[1];
    struct request_pool *pool = mu_xcalloc(1, sizeof(*pool));

    (void)pthread_mutex_init(&pool->lock, NULL);
    atomic_fetch_add(&table->holders, 1);
    pool->table = table;
    pool->nothing = MHD_create_response_from_buffer(0, empty, MHD_RESPMEM_PERSISTENT);
    if (!pool->nothing)
        abort();
    return pool;
}

struct MHD_Response *request_pool_nothing(const struct request_pool *pool)
{
    return pool->nothing;
}

static void free_request(struct mu_request *request)
{
    mu_buf_done(&request->body);
    mu_arena_free(request->arena);
    free(request);
}

static void free_pool(struct request_pool *pool)
{
    while (pool->kept) {
        struct mu_request *next = pool->kept->next;

        free_request(pool->kept);
        pool->kept = next;
    }
    MHD_destroy_response(pool->nothing);
    (void)pthread_mutex_destroy(&pool->lock);
    free(pool);
}

void request_pool_close(struct request_pool *pool)
{
    struct route_table *table;
    bool last;

    (void)pthread_mutex_lock(&pool->lock);
    table = pool->table;
    pool->closed = true;
    last = pool->taken_count == 0;
    (void)pthread_mutex_unlock(&pool->lock);
    route_table_drop(table);
    if (last)
        free_pool(pool);
}

void request_pool_set_table(struct request_pool *pool, struct route_table *table)
{
    struct route_table *previous;

    atomic_fetch_add(&table->holders, 1);
    (void)pthread_mutex_lock(&pool->lock);
    previous = pool->table;
    pool->table = table;
    (void)pthread_mutex_unlock(&pool->lock);
    route_table_drop(previous);
}

/* ---- one request ---- */

/* A kept one, or a new one. */
static struct mu_request *take(struct request_pool *pool)
{
    struct mu_request *request = pool->kept;

    if (request) {
        pool->kept = request->next;
        pool->kept_count--;
        return request;
    }
    request = calloc(1, sizeof(*request));
    if (request)
        mu_buf_init(&request->body, 0);
    return request;
}

static void list(struct request_pool *pool, struct mu_request *request)
{
    request->pool = pool;
    request->table = pool->table;
    atomic_fetch_add(&request->table->holders, 1);
    atomic_store(&request->beginning, pool->gave_up ? REQUEST_TOO_LATE : REQUEST_BEGINS);
    request->next = pool->open;
    if (pool->open)
        pool->open->previous = request;
    pool->open = request;
    pool->open_count++;
    pool->taken_count++;
}

struct mu_request *request_pool_open(struct request_pool *pool)
{
    struct mu_request *request;

    (void)pthread_mutex_lock(&pool->lock);
    request = take(pool);
    if (request)
        list(pool, request);
    (void)pthread_mutex_unlock(&pool->lock);
    return request;
}

void request_pool_end(struct request_pool *pool, struct mu_request *request)
{
    (void)pthread_mutex_lock(&pool->lock);
    if (request->previous)
        request->previous->next = request->next;
    else
        pool->open = request->next;
    if (request->next)
        request->next->previous = request->previous;
    pool->open_count--;
    (void)pthread_mutex_unlock(&pool->lock);
}

/* Empties it, but for its memory. */
static void clear(struct mu_request *request)
{
    struct mu_buf body = request->body;
    struct mu_arena *arena = request->arena;

    if (body.capacity > POOL_MAX_BODY_BYTES)
        mu_buf_done(&body);
    mu_buf_reset(&body);
    if (arena)
        mu_arena_reset(arena);
    memset(request, 0, offsetof(struct mu_request, refusal_error));
    request->body = body;
    request->arena = arena;
}

void request_pool_give(struct request_pool *pool, struct mu_request *request)
{
    bool keep, last;

    clear(request);
    (void)pthread_mutex_lock(&pool->lock);
    keep = !pool->closed && pool->kept_count < POOL_MAX_REQUESTS;
    if (keep) {
        request->next = pool->kept;
        pool->kept = request;
        pool->kept_count++;
    }
    last = --pool->taken_count == 0 && pool->closed;
    (void)pthread_mutex_unlock(&pool->lock);
    if (!keep)
        free_request(request);
    if (last)
        free_pool(pool);
}

/* ---- all of them ---- */

size_t request_pool_open_count(struct request_pool *pool)
{
    size_t count;

    (void)pthread_mutex_lock(&pool->lock);
    count = pool->open_count;
    (void)pthread_mutex_unlock(&pool->lock);
    return count;
}

void request_pool_give_up(struct request_pool *pool, const char *why)
{
    (void)pthread_mutex_lock(&pool->lock);
    pool->gave_up = true;
    for (struct mu_request *request = pool->open; request; request = request->next) {
        int begins = REQUEST_BEGINS;

        if (!atomic_compare_exchange_strong(&request->beginning, &begins, REQUEST_TOO_LATE) &&
            begins == REQUEST_BEGAN)
            request_answer(request, MHD_HTTP_SERVICE_UNAVAILABLE,
                           request_error_response(MHD_HTTP_SERVICE_UNAVAILABLE, why));
    }
    (void)pthread_mutex_unlock(&pool->lock);
}
