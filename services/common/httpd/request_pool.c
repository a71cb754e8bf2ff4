#include "httpd/request_pool.h"

#include "httpd/request.h"

#include <stdlib.h>

/* Kept are at most so many requests, with at most so much room for a body each. */
enum { POOL_MAX_REQUESTS = 256, POOL_MAX_BODY_BYTES = 16 * 1024 };

struct request_pool {
    pthread_mutex_t lock;
    struct mu_request *kept; /* by `next` */
    size_t kept_count, taken_count;
    bool closed;
};

struct request_pool *request_pool_new(void)
{
    struct request_pool *pool = mu_xcalloc(1, sizeof(*pool));

    (void)pthread_mutex_init(&pool->lock, NULL);
    return pool;
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
    (void)pthread_mutex_destroy(&pool->lock);
    free(pool);
}

void request_pool_close(struct request_pool *pool)
{
    bool last;

    (void)pthread_mutex_lock(&pool->lock);
    pool->closed = true;
    last = pool->taken_count == 0;
    (void)pthread_mutex_unlock(&pool->lock);
    if (last)
        free_pool(pool);
}

struct mu_request *request_pool_take(struct request_pool *pool)
{
    struct mu_request *request;

    (void)pthread_mutex_lock(&pool->lock);
    request = pool->kept;
    if (request) {
        pool->kept = request->next;
        pool->kept_count--;
    } else {
        request = calloc(1, sizeof(*request));
        if (request)
            mu_buf_init(&request->body, 0);
    }
    pool->taken_count += request != NULL;
    (void)pthread_mutex_unlock(&pool->lock);
    return request;
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
    *request = (struct mu_request){.body = body, .arena = arena};
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
