#include "job/worker_pool.h"

#include "job/message_sender.h"
#include "metrics/metrics.h"

#include "base/log.h"
#include "base/stop.h"
#include "base/text.h"
#include "http/http_client.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    PRIORITY_COUNT = 3,
    RETRY_MIN_MS = 200,
    RETRY_MAX_MS = 15000,
    EVIDENCE_DEADLINE_MS = 300000
};

/* Tasks that wait, in order of arrival. */
struct queue {
    struct scan_task *first, *last;
};

struct worker_pool {
    struct worker_pool_config config;
    pthread_t *threads;
    unsigned thread_count;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    struct queue waiting[PRIORITY_COUNT]; /* most urgent first */
    bool closing;
};

struct worker {
    struct worker_pool *pool;
    struct mu_arena *arena;
    struct mu_http_client *client;
    struct message_sender sender;
};

/* ---- one task ---- */

/* A request nobody can understand goes where people see it. True when it is dealt with: also when
 * Kafka will not have even that, or it would come back for ever. */
static bool quarantine(struct worker *worker, const struct mu_incoming *incoming,
                       const struct mu_error *why)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf payload;
    char digest[MU_DIGEST_TEXT_SIZE], id[MU_UUID_TEXT_SIZE];
    struct mu_quarantine_record record = {.stage = "scanner",
                                          .source = mu_topic_name(incoming->topic),
                                          .reason_code = mu_status_name(why->status),
                                          .reason = why->message,
                                          .received_at_us = mu_now_us()};
    const struct message_to_send message = {.topic = MU_TOPIC_QUARANTINE,
                                            .type = MU_MSG_QUARANTINE_RECORD,
                                            .message = &record,
                                            .key = digest,
                                            .id = id,
                                            .traceparent = incoming->envelope.traceparent};
    struct mu_error err;
    enum mu_status st;

    mu_quarantine_payload(&record, incoming->value, incoming->value_len, &payload, digest);
    mu_stable_id("muster.quarantine-record.v1",
                 (const char *const[]){"scanner", digest, why->message}, 3, id);
    mu_metric_add(&metric_requests_quarantined, 1);
    if (!mu_utf8_valid(why->message, strlen(why->message)))
        record.reason = "the request names itself in bytes that are no text";
    st = message_send(&worker->sender, &message, &err);
    if (st != MU_OK && st != MU_E_UNAVAILABLE)
        MU_LOG(MU_LOG_ERROR, "a request is dropped: it cannot even be quarantined",
               MU_KV("digest", digest), MU_KV("error", err.message));
    return st != MU_E_UNAVAILABLE;
}

/* Until inventory has it. Errors: MU_E_UNAVAILABLE when the process stops first; MU_E_LIMIT when it
 * is larger than inventory takes. */
static enum mu_status store_evidence(struct worker *worker, const struct raw_file *file,
                                     struct mu_error *err)
{
    struct mu_backoff backoff = {RETRY_MIN_MS, RETRY_MAX_MS, 0};
    enum mu_status st;

    if (file->fd < 0)
        return MU_OK;
    while ((st = evidence_put(worker->client, &worker->pool->config.context->evidence, file,
                              err)) != MU_OK) {
        if (st == MU_E_LIMIT)
            return st;
        /* Also a wrong token: an operator can mend that, and nothing is lost meanwhile. */
        MU_LOG(st == MU_E_UNAVAILABLE ? MU_LOG_WARN : MU_LOG_ERROR, "evidence not stored, retrying",
               MU_KV("evidence", file->digest), MU_KV("error", err->message));
        if (mu_backoff_wait(&backoff))
            return mu_fail(err, MU_E_UNAVAILABLE, "the scanner is stopping");
    }
    return MU_OK;
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

/* What is left of a result that cannot be sent as it is. */
static struct mu_scan_result without_content(const struct mu_scan_result *result,
                                             struct mu_scan_failure failure)
{
    return (struct mu_scan_result){.request_id = result->request_id,
                                   .job_id = result->job_id,
                                   .attempt = result->attempt,
                                   .repository = result->repository,
                                   .digest = result->digest,
                                   .outcome = MU_SCAN_FAILED,
                                   .has_failure = true,
                                   .failure = failure,
                                   .uais = result->uais,
                                   .scanner_name = result->scanner_name,
                                   .scanner_version = result->scanner_version,
                                   .database_version = result->database_version,
                                   .database_built_at_us = result->database_built_at_us,
                                   .configuration_checksum = result->configuration_checksum,
                                   .started_at_us = result->started_at_us,
                                   .finished_at_us = result->finished_at_us,
                                   .evidence_digest = result->evidence_digest,
                                   .evidence_size_bytes = result->evidence_size_bytes};
}

/* The id is the request's: answered twice, since we died between answer and offset, it is one
 * event. */
static enum mu_status send_result(struct worker *worker, const struct mu_scan_result *result,
                                  const char *parent, struct mu_error *err)
{
    char id[MU_UUID_TEXT_SIZE];
    const struct message_to_send message = {.topic = MU_TOPIC_SCAN_RESULTS,
                                            .type = MU_MSG_SCAN_RESULT,
                                            .message = result,
                                            .key = result->digest,
                                            .id = id,
                                            .traceparent = parent};

    mu_stable_id("muster.scan-result.v1", (const char *const[]){result->request_id}, 1, id);
    return message_send(&worker->sender, &message, err);
}

/* True when Kafka has the result, or one that says why it cannot have it. */
static bool hand_over(struct worker *worker, const struct mu_incoming *incoming,
                      const struct mu_scan_result *result)
{
    static const struct mu_scan_failure too_large = {"limit", "result: too large for a message",
                                                     false};
    static const struct mu_scan_failure not_a_message = {
            "internal", "result: it cannot be put into a message", false};
    const char *parent = incoming->envelope.traceparent;
    struct mu_scan_result instead;
    struct mu_error err;
    enum mu_status st = send_result(worker, result, parent, &err);

    if (st == MU_E_INVALID || st == MU_E_LIMIT) {
        MU_LOG(MU_LOG_ERROR, "a result cannot be sent as it is", MU_KV("digest", result->digest),
               MU_KV("error", err.message));
        instead = without_content(result, st == MU_E_LIMIT ? too_large : not_a_message);
        result = &instead;
        st = send_result(worker, result, parent, &err);
    }
    if (st == MU_E_INVALID || st == MU_E_LIMIT)
        return quarantine(worker, incoming, &err);
    if (st != MU_OK)
        return false;
    count_result(result);
    log_result(result, parent);
    return true;
}

static bool scan_and_send(struct worker *worker, const struct mu_scan_request *request,
                          const struct mu_incoming *incoming)
{
    static const struct mu_scan_failure evidence_too_large = {
            "limit", "raw result: larger than inventory stores", false};
    struct mu_backoff backoff = {RETRY_MIN_MS, RETRY_MAX_MS, 0};
    struct scan_files files = SCAN_FILES_NONE;
    struct mu_scan_result result = {0};
    struct mu_error err;
    enum mu_status st;
    bool sent;

    while (scan_run(worker->pool->config.context, request, worker->arena, &result, &files, &err) !=
           MU_OK) {
        MU_LOG(MU_LOG_ERROR, "scan could not be run, retrying", MU_KV("digest", request->digest),
               MU_KV("error", err.message));
        if (mu_backoff_wait(&backoff))
            return false;
        mu_arena_reset(worker->arena);
    }
    if (mu_stop_requested() && result.outcome == MU_SCAN_FAILED) {
        scan_files_close(&files);
        return false; /* cut short by our own stop: whoever comes next scans it */
    }
    st = store_evidence(worker, &files.original, &err);
    if (st == MU_OK)
        st = store_evidence(worker, &files.raw, &err);
    if (st == MU_E_LIMIT) {
        result = without_content(&result, evidence_too_large);
        result.evidence_digest = NULL;
    }
    sent = st != MU_E_UNAVAILABLE && hand_over(worker, incoming, &result);
    scan_files_close(&files);
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
    return scan_and_send(worker, &request, incoming);
}

/* ---- threads ---- */

static size_t priority_of(enum mu_topic topic)
{
    if (topic == MU_TOPIC_SCAN_REQUESTS_URGENT)
        return 0;
    return topic == MU_TOPIC_SCAN_REQUESTS_NORMAL ? 1 : 2;
}

static void queue_put(struct queue *queue, struct scan_task *task)
{
    task->next = NULL;
    if (queue->last)
        queue->last->next = task;
    else
        queue->first = task;
    queue->last = task;
}

/* NULL: nothing waits. */
static struct scan_task *queues_take(struct queue *queues)
{
    for (size_t i = 0; i < PRIORITY_COUNT; i++) {
        struct scan_task *task = queues[i].first;

        if (!task)
            continue;
        queues[i].first = task->next;
        if (!task->next)
            queues[i].last = NULL;
        return task;
    }
    return NULL;
}

static struct scan_task *take_task(struct worker_pool *pool)
{
    struct scan_task *task = NULL;

    (void)pthread_mutex_lock(&pool->lock);
    while (!pool->closing && !(task = queues_take(pool->waiting)))
        (void)pthread_cond_wait(&pool->wake, &pool->lock);
    (void)pthread_mutex_unlock(&pool->lock);
    return task;
}

static void finish_task(struct worker_pool *pool, struct scan_task *task, bool done)
{
    (void)pthread_mutex_lock(&pool->lock);
    task->done = done;
    (void)pthread_mutex_unlock(&pool->lock);
}

static void *work(void *opaque)
{
    struct mu_http_client_config http = {.user_agent = "muster-scanner",
                                         .deadline_ms = EVIDENCE_DEADLINE_MS};
    struct worker worker = {.pool = opaque, .arena = mu_arena_new_scratch(IMAGE_ARENA_MAX_BYTES)};
    struct scan_task *task;
    struct mu_error err;

    message_sender_init(&worker.sender, worker.pool->config.producer);
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
    message_sender_done(&worker.sender);
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

void worker_pool_close(struct worker_pool *pool)
{
    (void)pthread_mutex_lock(&pool->lock);
    pool->closing = true;
    (void)pthread_cond_broadcast(&pool->wake);
    (void)pthread_mutex_unlock(&pool->lock);
}

void worker_pool_stop(struct worker_pool *pool)
{
    worker_pool_close(pool);
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
    queue_put(&pool->waiting[priority_of(task->incoming.topic)], task);
    (void)pthread_cond_signal(&pool->wake);
    (void)pthread_mutex_unlock(&pool->lock);
}

bool worker_pool_done(struct worker_pool *pool, const struct scan_task *task)
{
    bool done;

    (void)pthread_mutex_lock(&pool->lock);
    done = task->done;
    (void)pthread_mutex_unlock(&pool->lock);
    return done;
}
