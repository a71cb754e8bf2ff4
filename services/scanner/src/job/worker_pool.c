#include "job/worker_pool.h"

#include "metrics/metrics.h"

#include "base/log.h"
#include "base/stop.h"
#include "base/text.h"
#include "http/http_client.h"

#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    POOL_MAX_TASKS = 256,
    RETRY_MIN_MS = 200,
    RETRY_MAX_MS = 15000,
    EVIDENCE_DEADLINE_MS = 300000,
    QUARANTINE_MAX_PAYLOAD_BYTES = 40 * 1024
};

struct worker_pool {
    struct worker_pool_config config;
    pthread_t *threads;
    unsigned thread_count;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    struct scan_task *waiting[POOL_MAX_TASKS]; /* a ring */
    size_t first, waiting_count, pending;
    bool closing;
};

/* One message and the wait for its delivery. */
struct handover {
    pthread_mutex_t lock;
    pthread_cond_t settled;
    bool ready;
    enum mu_status status;
};

struct worker {
    struct worker_pool *pool;
    struct mu_arena *arena;
    struct mu_http_client *client;
    struct handover handover;
};

/* ---- handing over ---- */

static void on_delivered(void *opaque, enum mu_status status, const char *message)
{
    struct handover *handover = opaque;

    (void)message;
    (void)pthread_mutex_lock(&handover->lock);
    handover->ready = true;
    handover->status = status;
    (void)pthread_cond_signal(&handover->settled);
    (void)pthread_mutex_unlock(&handover->lock);
}

static enum mu_status send_once(struct worker *worker, const struct mu_outgoing *message,
                                struct mu_error *err)
{
    struct handover *handover = &worker->handover;
    enum mu_status st;

    handover->ready = false;
    st = mu_producer_send(worker->pool->config.producer, message, on_delivered, handover, err);
    if (st != MU_OK)
        return st;
    (void)pthread_mutex_lock(&handover->lock);
    while (!handover->ready) /* ends: the producer gives every message its report in time */
        (void)pthread_cond_wait(&handover->settled, &handover->lock);
    st = handover->status;
    (void)pthread_mutex_unlock(&handover->lock);
    return st == MU_OK ? MU_OK : mu_fail(err, st, "Kafka did not acknowledge the message");
}

/* Until Kafka has it; false when the process stops first, or Kafka refuses it for good. */
static bool send_message(struct worker *worker, const struct mu_outgoing *message)
{
    struct mu_backoff backoff = {RETRY_MIN_MS, RETRY_MAX_MS, 0};
    struct mu_error err;
    enum mu_status st;

    while ((st = send_once(worker, message, &err)) == MU_E_UNAVAILABLE) {
        MU_LOG(MU_LOG_WARN, "result not delivered, retrying", MU_KV("error", err.message));
        if (mu_backoff_wait(&backoff))
            return false;
    }
    if (st != MU_OK)
        MU_LOG(MU_LOG_ERROR, "Kafka refuses a message for good", MU_KV("error", err.message));
    return st == MU_OK;
}

static bool send_encoded(struct worker *worker, enum mu_topic topic, enum mu_msg_type type,
                         const void *message, const char *key, const char *id, const char *parent)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf value;
    char traceparent[MU_TRACEPARENT_SIZE];
    struct mu_outgoing outgoing = {.topic = topic, .key = key};
    struct mu_error err;

    mu_buf_init(&value, 4 * MU_MSG_MAX_BYTES);
    if (mu_msg_encode(type, message, &value, &err) != MU_OK) {
        MU_LOG(MU_LOG_ERROR, "message cannot be encoded", MU_KV("error", err.message));
        return false;
    }
    mu_traceparent_new(parent, traceparent);
    outgoing.envelope = (struct mu_msg_envelope){.type = type,
                                                 .id = id,
                                                 .source = "/muster/scanner",
                                                 .time_us = mu_now_us(),
                                                 .traceparent = traceparent};
    outgoing.value = value.data;
    outgoing.value_len = value.len;
    return send_message(worker, &outgoing);
}

/* ---- one task ---- */

/* A request nobody can understand goes where people see it. */
static bool quarantine(struct worker *worker, const struct mu_incoming *incoming,
                       const struct mu_error *why)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf payload;
    size_t kept = incoming->value_len < QUARANTINE_MAX_PAYLOAD_BYTES ? incoming->value_len
                                                                     : QUARANTINE_MAX_PAYLOAD_BYTES;
    char digest[MU_DIGEST_TEXT_SIZE], id[MU_UUID_TEXT_SIZE];
    struct mu_quarantine_record record = {.stage = "scanner",
                                          .source = mu_topic_name(incoming->topic),
                                          .reason_code = mu_status_name(why->status),
                                          .reason = why->message,
                                          .received_at_us = mu_now_us(),
                                          .payload_digest = digest,
                                          .payload_size_bytes = (int64_t)incoming->value_len,
                                          .payload_truncated = kept < incoming->value_len};

    mu_buf_init(&payload, 2 * QUARANTINE_MAX_PAYLOAD_BYTES);
    mu_base64_encode(incoming->value, kept, &payload);
    record.payload_base64 = payload.data;
    mu_sha256_text(incoming->value, incoming->value_len, digest);
    mu_stable_id("muster.quarantine-record.v1",
                 (const char *const[]){"scanner", digest, why->message}, 3, id);
    mu_metric_add(&metric_requests_quarantined, 1);
    return send_encoded(worker, MU_TOPIC_QUARANTINE, MU_MSG_QUARANTINE_RECORD, &record, digest, id,
                        incoming->envelope.traceparent);
}

static bool store_evidence(struct worker *worker, const struct raw_file *file)
{
    struct mu_backoff backoff = {RETRY_MIN_MS, RETRY_MAX_MS, 0};
    struct mu_error err;
    enum mu_status st;

    if (file->fd < 0)
        return true;
    while ((st = evidence_put(worker->client, &worker->pool->config.context->evidence, file,
                              &err)) != MU_OK) {
        /* Also a wrong token: an operator can mend that, and nothing is lost meanwhile. */
        MU_LOG(st == MU_E_UNAVAILABLE ? MU_LOG_WARN : MU_LOG_ERROR, "evidence not stored, retrying",
               MU_KV("evidence", file->digest), MU_KV("error", err.message));
        if (mu_backoff_wait(&backoff))
            return false;
    }
    return true;
}

static void count_result(const struct mu_scan_result *result)
{
    static struct mu_metric *const by_outcome[] = {[MU_SCAN_COMPLETE] = &metric_scans_complete,
                                                   [MU_SCAN_RESOLVED] = &metric_scans_resolved,
                                                   [MU_SCAN_NOT_SCANNABLE] =
                                                           &metric_scans_not_scannable,
                                                   [MU_SCAN_FAILED] = &metric_scans_failed};

    mu_metric_add(by_outcome[result->outcome], 1);
    mu_metric_add(&metric_findings, result->has_counts ? result->counts.findings : 0);
}

static void log_result(const struct mu_scan_result *result, const char *traceparent)
{
    static const char *const words[] = {"", "complete", "resolved", "not scannable", "failed"};

    MU_LOG(result->outcome == MU_SCAN_FAILED ? MU_LOG_WARN : MU_LOG_INFO, "scan ended",
           MU_KV("digest", result->digest), MU_KV("repository", result->repository),
           MU_KV("outcome", words[result->outcome]), MU_KV_INT("findings", result->counts.findings),
           MU_KV("failure", result->has_failure ? result->failure.message : ""),
           MU_KV("traceparent", traceparent));
}

/* Result under its own deterministic id: the same request answered twice is one event. */
static bool send_result(struct worker *worker, const struct mu_scan_result *result,
                        const char *parent)
{
    char id[MU_UUID_TEXT_SIZE];

    mu_stable_id("muster.scan-result.v1",
                 (const char *const[]){result->request_id, result->evidence_digest}, 2, id);
    count_result(result);
    log_result(result, parent);
    return send_encoded(worker, MU_TOPIC_SCAN_RESULTS, MU_MSG_SCAN_RESULT, result, result->digest,
                        id, parent);
}

static bool scan_and_send(struct worker *worker, const struct mu_scan_request *request,
                          const char *parent)
{
    struct mu_backoff backoff = {RETRY_MIN_MS, RETRY_MAX_MS, 0};
    struct raw_file file = {.fd = -1};
    struct mu_scan_result result;
    struct mu_error err;
    bool sent;

    while (scan_run(worker->pool->config.context, request, worker->arena, &result, &file, &err) !=
           MU_OK) {
        MU_LOG(MU_LOG_ERROR, "scan could not be run, retrying", MU_KV("digest", request->digest),
               MU_KV("error", err.message));
        if (mu_backoff_wait(&backoff))
            return false;
        mu_arena_reset(worker->arena);
    }
    if (mu_stop_requested() && result.outcome == MU_SCAN_FAILED) {
        if (file.fd >= 0)
            (void)close(file.fd);
        return false; /* cut short by our own stop: whoever comes next scans it */
    }
    sent = store_evidence(worker, &file) && send_result(worker, &result, parent);
    if (file.fd >= 0)
        (void)close(file.fd);
    return sent;
}

/* True when the request is dealt with. */
static bool run_task(struct worker *worker, const struct mu_incoming *incoming)
{
    MU_AUTO(arena) struct mu_arena *request_arena = mu_arena_new(4 * MU_MSG_MAX_BYTES);
    struct mu_scan_request request;
    struct mu_error err;
    enum mu_status st;

    if (incoming->envelope.type != MU_MSG_SCAN_REQUEST)
        st = mu_fail(&err, MU_E_INVALID, "type '%.80s' is no scan request this scanner knows",
                     incoming->ce_type ? incoming->ce_type : "(none)");
    else
        st = mu_msg_decode(MU_MSG_SCAN_REQUEST, incoming->value, incoming->value_len, request_arena,
                           &request, &err);
    if (st != MU_OK)
        return quarantine(worker, incoming, &err);
    mu_metric_add(&metric_requests, 1);
    mu_arena_reset(worker->arena);
    return scan_and_send(worker, &request, incoming->envelope.traceparent);
}

/* ---- threads ---- */

static struct scan_task *take_task(struct worker_pool *pool)
{
    struct scan_task *task = NULL;

    (void)pthread_mutex_lock(&pool->lock);
    while (pool->waiting_count == 0 && !pool->closing)
        (void)pthread_cond_wait(&pool->wake, &pool->lock);
    if (!pool->closing) {
        task = pool->waiting[pool->first];
        pool->first = (pool->first + 1) % POOL_MAX_TASKS;
        pool->waiting_count--;
    }
    (void)pthread_mutex_unlock(&pool->lock);
    return task;
}

static void finish_task(struct worker_pool *pool, struct scan_task *task, bool done)
{
    (void)pthread_mutex_lock(&pool->lock);
    task->done = done;
    pool->pending -= done;
    (void)pthread_mutex_unlock(&pool->lock);
}

static void *work(void *opaque)
{
    struct mu_http_client_config http = {.user_agent = "muster-scanner",
                                         .deadline_ms = EVIDENCE_DEADLINE_MS};
    struct worker worker = {.pool = opaque, .arena = mu_arena_new(IMAGE_ARENA_MAX_BYTES)};
    struct scan_task *task;
    struct mu_error err;

    (void)pthread_mutex_init(&worker.handover.lock, NULL);
    (void)pthread_cond_init(&worker.handover.settled, NULL);
    if (mu_http_client_new(&http, &worker.client, &err) != MU_OK) {
        MU_LOG(MU_LOG_ERROR, "a worker cannot start", MU_KV("error", err.message));
        mu_stop_request();
    }
    while (worker.client && (task = take_task(worker.pool))) {
        mu_metric_add(&metric_scans_running, 1);
        finish_task(worker.pool, task, run_task(&worker, &task->incoming));
        mu_metric_add(&metric_scans_running, -1);
    }
    mu_http_client_free(worker.client);
    mu_arena_free(worker.arena);
    (void)pthread_cond_destroy(&worker.handover.settled);
    (void)pthread_mutex_destroy(&worker.handover.lock);
    return NULL;
}

enum mu_status worker_pool_start(const struct worker_pool_config *config,
                                 struct worker_pool **ret_pool, struct mu_error *err)
{
    struct worker_pool *pool = mu_xcalloc(1, sizeof(*pool));

    pool->config = *config;
    pool->threads = mu_xcalloc(config->workers, sizeof(pthread_t));
    (void)pthread_mutex_init(&pool->lock, NULL);
    (void)pthread_cond_init(&pool->wake, NULL);
    for (unsigned i = 0; i < config->workers; i++) {
        if (pthread_create(&pool->threads[i], NULL, work, pool) != 0) {
            worker_pool_free(pool);
            return mu_fail(err, MU_E_UNAVAILABLE, "no thread for a worker");
        }
        pool->thread_count++;
    }
    *ret_pool = pool;
    return MU_OK;
}

void worker_pool_stop(struct worker_pool *pool)
{
    (void)pthread_mutex_lock(&pool->lock);
    pool->closing = true;
    (void)pthread_cond_broadcast(&pool->wake);
    (void)pthread_mutex_unlock(&pool->lock);
    for (; pool->thread_count > 0; pool->thread_count--)
        (void)pthread_join(pool->threads[pool->thread_count - 1], NULL);
}

void worker_pool_free(struct worker_pool *pool)
{
    if (!pool)
        return;
    worker_pool_stop(pool);
    (void)pthread_cond_destroy(&pool->wake);
    (void)pthread_mutex_destroy(&pool->lock);
    free(pool->threads);
    free(pool);
}

void worker_pool_submit(struct worker_pool *pool, struct scan_task *task)
{
    (void)pthread_mutex_lock(&pool->lock);
    task->done = false;
    pool->waiting[(pool->first + pool->waiting_count) % POOL_MAX_TASKS] = task;
    pool->waiting_count++;
    pool->pending++;
    (void)pthread_cond_signal(&pool->wake);
    (void)pthread_mutex_unlock(&pool->lock);
}

size_t worker_pool_pending(struct worker_pool *pool)
{
    size_t pending;

    (void)pthread_mutex_lock(&pool->lock);
    pending = pool->pending;
    (void)pthread_mutex_unlock(&pool->lock);
    return pending;
}

bool worker_pool_done(struct worker_pool *pool, const struct scan_task *task)
{
    bool done;

    (void)pthread_mutex_lock(&pool->lock);
    done = task->done;
    (void)pthread_mutex_unlock(&pool->lock);
    return done;
}
