#include "image/layer_engine.h"

#include "layer/summary_cache.h"
#include "metrics/metrics.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/scratch.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

enum {
    LANES_MAX = 4,
    WAIT_MS = 200,
    SCRATCH_BLOCKS = 256,
    RESIDENT_BYTES = 84 * 1024 * 1024,        /* of the worker; */
    READING_RESIDENT_BYTES = 32 * 1024 * 1024 /* while there are sandboxes, too */
};

struct layer_engine {
    struct layer_engine_config config;
    struct summary_make make;
    struct summary_cache *cache; /* NULL: none */
    unsigned lanes;
    uint64_t places; /* layers at once, by the budget */
    pthread_mutex_t lock;
    pthread_cond_t freed;
    uint64_t taken; /* of the places; under the lock */
};

struct layer_job {
    struct layer_engine *engine;
    struct sandbox *sandbox; /* or */
    struct layer_run *run;
    int temp_fd; /* of the run; -1: none */
};

static unsigned lanes_of(uint64_t places)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    unsigned lanes = processors > 1 ? (unsigned)processors : 1;

    if (lanes > LANES_MAX)
        lanes = LANES_MAX;
    return places < lanes ? (unsigned)places : lanes;
}

static enum mu_status key_random(struct path_key *ret_key, struct mu_error *err)
{
    if (getrandom(ret_key, sizeof(*ret_key), 0) != (ssize_t)sizeof(*ret_key))
        return mu_fail(err, MU_E_UNAVAILABLE, "no random bytes: %s", strerror(errno));
    return MU_OK;
}

/* Trees, packages and summaries of large images need not stay in memory. */
static enum mu_status scratch_begin(const char *temp_dir, struct mu_error *err)
{
    struct mu_scratch_config scratch = {.blocks_max = SCRATCH_BLOCKS,
                                        .resident_bytes = RESIDENT_BYTES};

    if (mu_file_open_nameless(temp_dir, &scratch.fd, err) != MU_OK)
        return err->status;
    return mu_scratch_start(&scratch, err);
}

enum mu_status layer_engine_new(const struct layer_engine_config *config,
                                struct layer_engine **ret_engine, struct mu_error *err)
{
    MU_AUTO(layer_engine) struct layer_engine *engine = mu_xcalloc(1, sizeof(*engine));
    bool cached = config->cache_dir && config->cache_dir[0] != '\0';

    engine->config = *config;
    engine->make.finders = config->finders;
    engine->make.finder_count = config->finder_count;
    engine->places = config->memory_budget_bytes ? config->memory_budget_bytes / LAYER_MEMORY_BYTES
                                                 : UINT64_MAX;
    if (engine->places == 0)
        engine->places = 1;
    engine->lanes = lanes_of(engine->places);
    (void)pthread_mutex_init(&engine->lock, NULL);
    (void)pthread_cond_init(&engine->freed, NULL);
    if ((cached ? summary_cache_open(config->cache_dir, config->cache_max_bytes, &engine->make.key,
                                     &engine->cache, err)
                : key_random(&engine->make.key, err)) != MU_OK)
        return err->status;
    if (scratch_begin(config->temp_dir, err) != MU_OK)
        return err->status;
    summary_make_id(&engine->make);
    *ret_engine = engine;
    engine = NULL;
    return MU_OK;
}

void layer_engine_free(struct layer_engine *engine)
{
    if (!engine)
        return;
    summary_cache_close(engine->cache);
    (void)pthread_cond_destroy(&engine->freed);
    (void)pthread_mutex_destroy(&engine->lock);
    free(engine);
}

const struct summary_make *layer_engine_make(const struct layer_engine *engine)
{
    return &engine->make;
}

unsigned layer_engine_lanes(const struct layer_engine *engine)
{
    return engine->lanes;
}

void layer_engine_describe(const struct layer_engine *engine, struct mu_buf *out)
{
    mu_buf_printf(out, "sandbox=%s finders=",
                  engine->config.isolation == LAYER_IN_CHILD ? "process" : "none");
    for (size_t i = 0; i < engine->make.finder_count; i++)
        mu_buf_printf(out, "%s/%u,", engine->make.finders[i]->name,
                      engine->make.finders[i]->version);
}

/* ---- the budget ---- */

static void freed_await(struct layer_engine *engine)
{
    struct timespec until;

    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += WAIT_MS * 1000000L;
    until.tv_sec += until.tv_nsec / 1000000000L;
    until.tv_nsec %= 1000000000L;
    (void)pthread_cond_timedwait(&engine->freed, &engine->lock, &until);
}

enum mu_status layer_engine_enter(struct layer_engine *engine, const struct sandbox_tick *tick,
                                  struct mu_error *err)
{
    enum mu_status st = MU_OK;

    (void)pthread_mutex_lock(&engine->lock);
    while (st == MU_OK && engine->taken >= engine->places) {
        freed_await(engine);
        st = tick->tick(tick->opaque, err);
    }
    if (st == MU_OK)
        engine->taken++;
    mu_scratch_resident(engine->taken > 0 ? READING_RESIDENT_BYTES : RESIDENT_BYTES);
    (void)pthread_mutex_unlock(&engine->lock);
    return st;
}

void layer_engine_leave(struct layer_engine *engine)
{
    (void)pthread_mutex_lock(&engine->lock);
    engine->taken--;
    mu_scratch_resident(engine->taken > 0 ? READING_RESIDENT_BYTES : RESIDENT_BYTES);
    (void)pthread_cond_signal(&engine->freed);
    (void)pthread_mutex_unlock(&engine->lock);
}

/* ---- the cache ---- */

bool layer_engine_find(struct layer_engine *engine, const char *digest, struct layer_wants wants,
                       struct summary_box *ret_box)
{
    bool found = engine->cache &&
                 summary_cache_find(engine->cache, digest, &engine->make, wants, ret_box);

    mu_metric_add(found ? &metric_layers_cached : &metric_layers_read, 1);
    return found;
}

void layer_engine_keep(struct layer_engine *engine, const char *digest, struct layer_wants wants,
                       const struct summary_box *box)
{
    struct mu_error err;

    if (engine->cache &&
        summary_cache_keep(engine->cache, digest, &engine->make, wants, box, &err) != MU_OK)
        MU_LOG(MU_LOG_WARN, "a layer's summary is not kept", MU_KV("layer", digest),
               MU_KV("error", err.message));
}

/* ---- one layer ---- */

/* In this process a large file is held by name of nobody, too. */
static enum mu_status run_begin(struct layer_job *job, struct layer_task *task,
                                struct mu_error *err)
{
    if (mu_file_open_nameless(job->engine->config.temp_dir, &job->temp_fd, err) != MU_OK)
        return err->status;
    task->temp_fd = job->temp_fd;
    return layer_run_new(task, &job->run, err);
}

enum mu_status layer_job_begin(struct layer_engine *engine, const struct layer_job_config *config,
                               struct layer_job **ret_job, struct mu_error *err)
{
    MU_AUTO(layer_job) struct layer_job *job = mu_xcalloc(1, sizeof(*job));
    struct layer_task task = {
            .make = &engine->make, .wants = config->wants, .limits = config->limits, .temp_fd = -1};
    const struct sandbox_config sandbox = {.temp_dir = engine->config.temp_dir,
                                           .cpu_seconds = config->cpu_seconds,
                                           .tick = config->tick};

    job->engine = engine;
    job->temp_fd = -1;
    if ((engine->config.isolation == LAYER_IN_CHILD
                 ? sandbox_start(&task, &sandbox, &job->sandbox, err)
                 : run_begin(job, &task, err)) != MU_OK)
        return err->status;
    *ret_job = job;
    job = NULL;
    return MU_OK;
}

void layer_job_free(struct layer_job *job)
{
    if (!job)
        return;
    sandbox_free(job->sandbox);
    layer_run_free(job->run);
    if (job->temp_fd >= 0)
        (void)close(job->temp_fd);
    free(job);
}

enum mu_status layer_job_write(struct layer_job *job, const void *bytes, size_t len,
                               struct mu_error *err)
{
    return job->sandbox ? sandbox_write(job->sandbox, bytes, len, err)
                        : layer_run_write(job->run, bytes, len, err);
}

static enum mu_status run_finish(struct layer_job *job, struct summary_box *box,
                                 struct mu_error *err)
{
    uint64_t size_bytes;

    if (layer_run_finish(job->run, &size_bytes, err) != MU_OK ||
        summary_box_begin(box, size_bytes, job->engine->config.temp_dir, err) != MU_OK)
        return err->status;
    return layer_run_output(job->run, summary_box_put, box, err);
}

enum mu_status layer_job_finish(struct layer_job *job, struct summary_box *ret_box,
                                struct mu_error *err)
{
    struct summary_box box = {.bytes = NULL};
    enum mu_status st =
            job->sandbox ? sandbox_finish(job->sandbox, &box, err) : run_finish(job, &box, err);

    if (st == MU_OK && summary_box_open(&box, &job->engine->make, err) != MU_OK)
        st = mu_fail(err, MU_E_INTERNAL, "%.400s", err->message);
    if (st == MU_OK)
        *ret_box = box;
    else
        summary_box_done(&box);
    return st;
}
