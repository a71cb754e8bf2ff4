/*
 * layer_engine: how layers are read: in a sandbox or here, from the cache where they were read
 * before, and how many at once.
 *
 * Threads: shared by all workers; a layer_job belongs to one thread at a time.
 * Trust:   summaries come out checked, wherever they were made.
 */
#ifndef SCANNER_IMAGE_LAYER_ENGINE_H
#define SCANNER_IMAGE_LAYER_ENGINE_H

#include "layer/layer_run.h"
#include "layer/summary_box.h"
#include "sandbox/sandbox.h"

/* What reading one layer may take, in all its processes; the budget is counted in these. */
enum { LAYER_MEMORY_BYTES = 64 * 1024 * 1024 };

enum layer_isolation { LAYER_IN_CHILD, LAYER_IN_PROCESS };

struct layer_engine_config {
    enum layer_isolation isolation;
    const char *temp_dir;  /* borrowed */
    const char *cache_dir; /* NULL or "": no cache */
    uint64_t cache_max_bytes;
    uint64_t memory_budget_bytes;        /* 0: no limit but that of one image's layers */
    const struct finder *const *finders; /* at most SUMMARY_FINDERS_MAX; borrowed */
    size_t finder_count;
};

struct layer_engine;

/* Errors: MU_E_UNAVAILABLE, MU_E_INVALID (the cache's folder). */
enum mu_status layer_engine_new(const struct layer_engine_config *config,
                                struct layer_engine **ret_engine,
                                struct mu_error *err) MU_MUST_CHECK;
void layer_engine_free(struct layer_engine *engine); /* NULL is fine */
MU_DEFINE_AUTO(layer_engine, struct layer_engine, layer_engine_free)

const struct summary_make *layer_engine_make(const struct layer_engine *engine);
/* Appends what of it can change what is found: isolation, finders and their versions. */
void layer_engine_describe(const struct layer_engine *engine, struct mu_buf *out);
/* How many layers of one image may be read at once. */
unsigned layer_engine_lanes(const struct layer_engine *engine);

/* Waits until the budget allows one more layer; each is followed by a leave. Errors: the tick's. */
enum mu_status layer_engine_enter(struct layer_engine *engine, const struct sandbox_tick *tick,
                                  struct mu_error *err) MU_MUST_CHECK;
void layer_engine_leave(struct layer_engine *engine);

/* Of a layer whose blob has this digest. True: `ret_box` is open and the caller's. */
bool layer_engine_find(struct layer_engine *engine, const char *digest, struct layer_wants wants,
                       struct summary_box *ret_box);
/* Only after the blob's bytes had that digest. A cache that cannot be written to is logged. */
void layer_engine_keep(struct layer_engine *engine, const char *digest, struct layer_wants wants,
                       const struct summary_box *box);

struct layer_job;

struct layer_job_config {
    struct layer_limits limits;
    struct layer_wants wants; /* borrowed */
    uint64_t cpu_seconds;
    struct sandbox_tick tick;
};

/* Errors of all three: of sandbox.h; of layer_run.h when it is read in this process. */
enum mu_status layer_job_begin(struct layer_engine *engine, const struct layer_job_config *config,
                               struct layer_job **ret_job, struct mu_error *err) MU_MUST_CHECK;
void layer_job_free(struct layer_job *job); /* NULL is fine */
MU_DEFINE_AUTO(layer_job, struct layer_job, layer_job_free)

enum mu_status layer_job_write(struct layer_job *job, const void *bytes, size_t len,
                               struct mu_error *err) MU_MUST_CHECK;
/* `ret_box` is open and the caller's. Errors: also MU_E_INTERNAL (what was made is no summary). */
enum mu_status layer_job_finish(struct layer_job *job, struct summary_box *ret_box,
                                struct mu_error *err) MU_MUST_CHECK;

#endif
