#include "image/image_run.h"

#include "base/clock.h"
#include "base/text.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LANES_MAX = 8, CPU_SECONDS_MIN = 10 };

/* The layers of one image while they are read. */
struct reading {
    struct image_run *run;
    struct layer_state *states;
    pthread_mutex_t lock; /* over what follows, and `scanned` of the layers */
    size_t next;
    bool stopped; /* no layer is begun any more */
};

/* A thread's share: layers one after the other from a source of its own. */
struct lane {
    struct reading *reading;
    struct image_source *source; /* the lane's to free, but for the first one's */
    pthread_t thread;
};

/* One layer on its way from the source into its summary. */
struct layer_read {
    struct image_run *run;
    struct layer_job *job;
    struct mu_error broken; /* status MU_OK: not broken */
};

static enum mu_status run_tick(void *opaque, struct mu_error *err)
{
    return image_run_tick(opaque, err);
}

/*
 * Content that cannot be read is remembered, and the rest still hashed: whether the bytes were
 * wrong on the way or in the image is for the digest to say.
 */
static enum mu_status layer_bytes(void *opaque, const void *bytes, size_t len, struct mu_error *err)
{
    struct layer_read *read = opaque;
    enum mu_status st;

    if (image_run_tick(read->run, err) != MU_OK)
        return err->status;
    if (read->broken.status != MU_OK)
        return MU_OK;
    st = layer_job_write(read->job, bytes, len, err);
    if (st != MU_E_INVALID)
        return st;
    read->broken = *err;
    return MU_OK;
}

static enum mu_status layer_check(const struct image_descriptor *descriptor,
                                  const struct image_limits *limits, struct mu_error *err)
{
    if (descriptor->urls.count > 0)
        return mu_fail(err, MU_E_INVALID, "a layer that is kept elsewhere, not in the registry");
    if ((uint64_t)descriptor->size_bytes > limits->max_layer_bytes)
        return mu_fail(err, MU_E_LIMIT, "a layer of %lld bytes, more than %llu",
                       (long long)descriptor->size_bytes,
                       (unsigned long long)limits->max_layer_bytes);
    return MU_OK;
}

/* What a fresh reading checks on its way, also of one that is from the cache. */
static enum mu_status summary_check(const struct image_layer *layer,
                                    const struct summary_head *head,
                                    const struct layer_limits *limits, struct mu_error *err)
{
    if (!head)
        return mu_fail(err, MU_E_INTERNAL, "a layer without summary");
    if (head->unpacked_bytes > limits->max_unpacked_bytes)
        return mu_fail(err, MU_E_LIMIT, "unpacks to more than %llu bytes",
                       (unsigned long long)limits->max_unpacked_bytes);
    if (head->tar_entries > limits->max_entries)
        return mu_fail(err, MU_E_LIMIT, "more than %llu entries in a tar",
                       (unsigned long long)limits->max_entries);
    if (layer->diff_id && !mu_text_equal(layer->diff_id, head->diff_id))
        return mu_fail(err, MU_E_CONFLICT,
                       "unpacked it hashes to %s, not to the config's diff_id %s", head->diff_id,
                       layer->diff_id);
    return MU_OK;
}

static uint64_t cpu_seconds_of(const struct image_limits *limits)
{
    uint64_t seconds = limits->deadline_ms > 0 ? (uint64_t)limits->deadline_ms / 1000 : 0;

    return seconds > CPU_SECONDS_MIN ? seconds : CPU_SECONDS_MIN;
}

static enum mu_status layer_pull(const struct lane *lane, size_t index,
                                 const struct layer_limits *limits, struct summary_box *ret_box,
                                 struct mu_error *err)
{
    struct image_run *run = lane->reading->run;
    const struct layer_state *state = &lane->reading->states[index];
    const struct image_descriptor *descriptor = &run->descriptors[index];
    const struct mu_registry_blob blob = {.digest = descriptor->digest,
                                          .size_bytes = (uint64_t)descriptor->size_bytes};
    const struct layer_job_config config = {.limits = *limits,
                                            .wants = {state->wants, state->want_count},
                                            .cpu_seconds = cpu_seconds_of(run->limits),
                                            .tick = {run_tick, run}};
    MU_AUTO(layer_job) struct layer_job *job = NULL;
    struct layer_read read = {.run = run};

    if (layer_job_begin(run->engine, &config, &job, err) != MU_OK)
        return err->status;
    read.job = job;
    if (image_source_fetch_blob(lane->source, &blob, layer_bytes, &read, err) != MU_OK)
        return err->status;
    if (read.broken.status == MU_OK)
        return layer_job_finish(job, ret_box, err);
    *err = read.broken;
    return err->status;
}

static enum mu_status layer_get(const struct lane *lane, size_t index,
                                const struct layer_limits *limits, struct summary_box *ret_box,
                                struct mu_error *err)
{
    struct image_run *run = lane->reading->run;
    const struct layer_state *state = &lane->reading->states[index];
    const struct layer_wants wants = {state->wants, state->want_count};
    const struct sandbox_tick tick = {run_tick, run};
    const char *digest = run->descriptors[index].digest;
    enum mu_status st;

    if (layer_check(&run->descriptors[index], run->limits, err) != MU_OK)
        return err->status;
    if (layer_engine_find(run->engine, digest, wants, ret_box))
        return MU_OK;
    if (layer_engine_enter(run->engine, &tick, err) != MU_OK)
        return err->status;
    st = layer_pull(lane, index, limits, ret_box, err);
    layer_engine_leave(run->engine);
    if (st == MU_OK)
        layer_engine_keep(run->engine, digest, wants, ret_box);
    return st;
}

/* What is left for a layer when those below it, as far as they are read, took their part. */
static struct layer_limits limits_of(struct reading *reading, size_t index)
{
    const struct image_limits *limits = reading->run->limits;
    uint64_t left = limits->max_image_unpacked_bytes;
    struct layer_limits of = {.max_unpacked_bytes = limits->max_layer_unpacked_bytes,
                              .max_entries = limits->max_layer_entries};

    (void)pthread_mutex_lock(&reading->lock);
    for (size_t i = 0; i < index; i++) {
        const struct summary_head *head =
                reading->run->layers[i].scanned ? reading->states[i].box.summary.head : NULL;

        if (head)
            left -= head->unpacked_bytes < left ? head->unpacked_bytes : left;
    }
    (void)pthread_mutex_unlock(&reading->lock);
    if (left < of.max_unpacked_bytes)
        of.max_unpacked_bytes = left;
    return of;
}

static void layer_read(const struct lane *lane, size_t index)
{
    struct reading *reading = lane->reading;
    struct image_layer *layer = &reading->run->layers[index];
    struct layer_limits limits = limits_of(reading, index);
    struct summary_box box = {.bytes = NULL};
    struct mu_error err = {.status = MU_OK};
    bool read = image_run_tick(reading->run, &err) == MU_OK &&
                layer_get(lane, index, &limits, &box, &err) == MU_OK &&
                summary_check(layer, box.summary.head, &limits, &err) == MU_OK;

    if (read)
        err.status = MU_OK; /* may tell of what was tried before */
    else
        summary_box_done(&box);
    (void)pthread_mutex_lock(&reading->lock);
    layer->scanned = read;
    reading->states[index].box = box;
    reading->states[index].err = err;
    reading->stopped |= err.status == MU_E_UNAVAILABLE || err.status == MU_E_NOMEM ||
                        mu_monotonic_ms() > reading->run->deadline_at_ms;
    (void)pthread_mutex_unlock(&reading->lock);
}

/* The next stale layer; the layers' number when there is none. */
static size_t layer_next(struct reading *reading)
{
    size_t count = reading->run->analysis.layer_count, index;

    (void)pthread_mutex_lock(&reading->lock);
    while (reading->next < count && !reading->states[reading->next].stale)
        reading->next++;
    index = reading->stopped ? count : reading->next++;
    (void)pthread_mutex_unlock(&reading->lock);
    return index;
}

static void *lane_run(void *opaque)
{
    const struct lane *lane = opaque;
    size_t count = lane->reading->run->analysis.layer_count, index;

    while ((index = layer_next(lane->reading)) < count) {
        layer_read(lane, index);
        lane->reading->states[index].stale = false; /* only this lane looks at it */
    }
    return NULL;
}

/* One more lane; without it the others do the work. */
static bool lane_start(struct reading *reading, struct lane *lane)
{
    const struct image_run *run = reading->run;
    uint64_t now_ms = mu_monotonic_ms();
    struct mu_error ignored;

    *lane = (struct lane){.reading = reading};
    if (now_ms >= run->deadline_at_ms ||
        image_source_another(run->source, (int64_t)(run->deadline_at_ms - now_ms), &lane->source,
                             &ignored) != MU_OK)
        return false;
    if (pthread_create(&lane->thread, NULL, lane_run, lane) == 0)
        return true;
    image_source_free(lane->source);
    return false;
}

static size_t lanes_wanted(const struct reading *reading)
{
    size_t lanes = layer_engine_lanes(reading->run->engine), stale = 0;

    for (size_t i = 0; i < reading->run->analysis.layer_count; i++)
        stale += reading->states[i].stale;
    if (lanes > LANES_MAX)
        lanes = LANES_MAX;
    return stale < lanes ? stale : lanes;
}

static void lanes_run(struct reading *reading)
{
    struct lane lanes[LANES_MAX] = {{.reading = reading, .source = reading->run->source}};
    size_t count = 1, wanted = lanes_wanted(reading);

    while (count < wanted && lane_start(reading, &lanes[count]))
        count++;
    (void)lane_run(&lanes[0]);
    for (size_t i = 1; i < count; i++) {
        (void)pthread_join(lanes[i].thread, NULL);
        image_source_free(lanes[i].source);
    }
}

/* All layers together, lowest first, so that the answer does not depend on who came first. */
static void totals_check(struct image_run *run, struct layer_state *states)
{
    uint64_t left = run->limits->max_image_unpacked_bytes;

    for (size_t i = 0; i < run->analysis.layer_count; i++) {
        const struct summary_head *head = states[i].box.summary.head;

        if (head && head->unpacked_bytes > left) {
            (void)mu_fail(&states[i].err, MU_E_LIMIT, "unpacks to more than %llu bytes",
                          (unsigned long long)left);
            summary_box_done(&states[i].box);
            run->layers[i].scanned = false;
        } else if (head) {
            left -= head->unpacked_bytes;
        }
    }
}

/* True: not all that finders wanted to see in the layer's files was unpacked. */
static bool unpack_check(const struct summary_head *head, struct mu_error *err)
{
    if (!head || head->unpack_refused == 0)
        return false;
    (void)mu_fail(err, MU_E_LIMIT,
                  "archives and programs in it unpack to more than %d times its size: %llu times "
                  "something was left out",
                  SUMMARY_UNPACK_FACTOR, (unsigned long long)head->unpack_refused);
    return true;
}

static enum mu_status failures_keep(struct image_run *run, struct layer_state *states,
                                    struct mu_error *err)
{
    for (size_t i = 0; i < run->analysis.layer_count; i++) {
        char component[160];

        if (states[i].err.status == MU_OK && !unpack_check(states[i].box.summary.head, err))
            continue;
        if (states[i].err.status != MU_OK)
            *err = states[i].err;
        (void)snprintf(component, sizeof(component), "layer %s", run->layers[i].digest);
        if (image_run_fail(run, IMAGE_PART_BLOB, component, err) != MU_OK)
            return err->status;
    }
    return MU_OK;
}

enum mu_status image_layers_read(struct image_run *run, struct layer_state *states,
                                 struct mu_error *err)
{
    struct reading reading = {.run = run, .states = states};

    for (size_t i = 0; i < run->analysis.layer_count; i++) {
        if (!states[i].stale)
            continue;
        run->layers[i].scanned = false;
        summary_box_done(&states[i].box);
        states[i].err.status = MU_OK;
    }
    (void)pthread_mutex_init(&reading.lock, NULL);
    lanes_run(&reading);
    (void)pthread_mutex_destroy(&reading.lock);
    totals_check(run, states);
    return failures_keep(run, states, err);
}
