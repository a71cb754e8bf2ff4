#include "job/feeder.h"

#include "base/log.h"
#include "base/memory.h"
#include "base/stop.h"

#include <stdlib.h>

/* One place more than requests may be under way: a full lane polls all the same. */
enum { LANE_COUNT = 3, LANE_MAX_TASKS = 64 + 1, POLL_MS = 100 };

/* One priority: its consumer, and its requests under way in order of arrival. */
struct lane {
    enum mu_topic topic;
    const char *group;
    struct mu_consumer *consumer;
    size_t limit;                           /* most requests under way */
    struct scan_task tasks[LANE_MAX_TASKS]; /* a ring */
    size_t first, count;
    bool paused;
};

struct feeder {
    const struct feeder_config *config;
    struct lane lanes[LANE_COUNT];
};

static enum mu_status open_lanes(struct feeder *feeder, struct mu_error *err)
{
    static const struct {
        enum mu_topic topic;
        const char *group;
    } rows[LANE_COUNT] = {{MU_TOPIC_SCAN_REQUESTS_URGENT, "muster-scanner-urgent"},
                          {MU_TOPIC_SCAN_REQUESTS_NORMAL, "muster-scanner-normal"},
                          {MU_TOPIC_SCAN_REQUESTS_BULK, "muster-scanner-bulk"}};
    size_t workers = feeder->config->workers;

    for (size_t i = 0; i < LANE_COUNT; i++) {
        struct lane *lane = &feeder->lanes[i];
        enum mu_status st;

        lane->topic = rows[i].topic;
        lane->group = rows[i].group;
        lane->limit = lane->topic == MU_TOPIC_SCAN_REQUESTS_BULK ? (workers + 1) / 2 : 2 * workers;
        if (lane->limit > LANE_MAX_TASKS - 1)
            lane->limit = LANE_MAX_TASKS - 1;
        st = mu_consumer_open(feeder->config->bus, lane->group, &lane->topic, 1, NULL, NULL,
                              &lane->consumer, err);
        if (st != MU_OK)
            return st;
    }
    return MU_OK;
}

/* Tasks done from the front on: their offsets may be stored. */
static void settle(struct feeder *feeder, struct lane *lane)
{
    while (lane->count > 0) {
        struct scan_task *task = &lane->tasks[lane->first];
        struct mu_error err;

        if (!worker_pool_done(feeder->config->pool, task))
            return;
        /* Fails only when the partition went to another scanner, who will see it again. */
        if (mu_consumer_store(lane->consumer, &task->incoming, &err) != MU_OK)
            MU_LOG(MU_LOG_DEBUG, "offset not stored", MU_KV("error", err.message));
        mu_consumer_release(&task->incoming, 1);
        lane->first = (lane->first + 1) % LANE_MAX_TASKS;
        lane->count--;
    }
}

/* A lane may take when it has room, the workers have, and nobody more urgent waits. */
static bool may_take(const struct feeder *feeder, const struct lane *lane)
{
    size_t ahead = 0;

    for (const struct lane *other = feeder->lanes; other < lane; other++)
        ahead += other->count;
    return lane->count < lane->limit && ahead < 2 * (size_t)feeder->config->workers;
}

static void set_paused(struct lane *lane, bool paused)
{
    struct mu_error err;

    if (lane->paused != paused &&
        mu_consumer_pause(lane->consumer, lane->topic, paused, &err) == MU_OK)
        lane->paused = paused;
}

/* Polls even when nothing may be taken: a consumer that does not poll loses its partitions. */
static enum mu_status take(struct feeder *feeder, struct lane *lane, int64_t timeout_ms,
                           bool *ret_taken, struct mu_error *err)
{
    bool wanted = may_take(feeder, lane);
    struct scan_task *task = &lane->tasks[(lane->first + lane->count) % LANE_MAX_TASKS];
    size_t count = 0;
    enum mu_status st;

    set_paused(lane, !wanted);
    if (lane->count == LANE_MAX_TASKS)
        return MU_OK;
    st = mu_consumer_poll(lane->consumer, &task->incoming, 1, timeout_ms, &count, err);
    if (st == MU_OK && count == 1) {
        *ret_taken = true;
        lane->count++;
        worker_pool_submit(feeder->config->pool, task);
    }
    return st;
}

/* One look at every lane; waits, at the most urgent one, only when the last look found nothing. */
static enum mu_status round_of(struct feeder *feeder, bool *idle, struct mu_error *err)
{
    enum mu_status st = MU_OK;
    bool taken = false;

    for (size_t i = 0; st == MU_OK && i < LANE_COUNT; i++) {
        settle(feeder, &feeder->lanes[i]);
        st = take(feeder, &feeder->lanes[i], *idle && i == 0 ? POLL_MS : 0, &taken, err);
    }
    *idle = !taken;
    return st;
}

static void feed(struct feeder *feeder)
{
    struct mu_backoff backoff = {200, 5000, 0};
    bool idle = true;

    while (!mu_stop_requested()) {
        struct mu_error err;

        if (round_of(feeder, &idle, &err) == MU_OK) {
            backoff.attempt = 0;
            continue;
        }
        MU_LOG(MU_LOG_WARN, "Kafka not reachable, retrying", MU_KV("error", err.message));
        (void)mu_backoff_wait(&backoff);
    }
}

static void close_lanes(struct feeder *feeder)
{
    for (size_t i = 0; i < LANE_COUNT; i++) {
        struct lane *lane = &feeder->lanes[i];

        if (!lane->consumer)
            continue;
        settle(feeder, lane);
        for (; lane->count > 0; lane->count--) {
            mu_consumer_release(&lane->tasks[lane->first].incoming, 1);
            lane->first = (lane->first + 1) % LANE_MAX_TASKS;
        }
        mu_consumer_close(lane->consumer);
    }
}

enum mu_status feeder_run(const struct feeder_config *config, struct mu_error *err)
{
    struct feeder *feeder = mu_xcalloc(1, sizeof(*feeder));
    enum mu_status st;

    feeder->config = config;
    st = open_lanes(feeder, err);
    if (st == MU_OK)
        feed(feeder);
    worker_pool_stop(config->pool);
    close_lanes(feeder);
    free(feeder);
    return st;
}
