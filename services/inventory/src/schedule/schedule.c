#include "schedule/schedule.h"

#include "identity/identity.h"
#include "store/metrics.h"
#include "store/outbox_row.h"
#include "store/rounds.h"
#include "store/statements.h"

#include "base/text.h"
#include "json/json_doc.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum {
    ROUND_MAX_JOBS = 500,
    ROUND_ARENA_MAX_BYTES = 64 * 1024 * 1024,
    RATES_MAX_BYTES = 64 * 1024
};
#define ROUND_MAX_TEXT "500"

struct round {
    const struct schedule_config *config;
    struct mu_pg *pg;
    struct write_set *set;
    struct mu_arena *arena;
    char known_at[64];
    int64_t now_us;
    bool busy;
};

static const char *int_text(struct round *round, int64_t number)
{
    return mu_arena_printf(round->arena, "%" PRId64, number);
}

/* ---- jobs that did not come back ---- */

/* Columns of READ_JOBS_EXPIRED. */
enum {
    EXPIRED_JOB,
    EXPIRED_REPOSITORY,
    EXPIRED_DIGEST,
    EXPIRED_ATTEMPTS,
    EXPIRED_ISSUES,
    EXPIRED_CODE,
    EXPIRED_MESSAGE,
    EXPIRED_FINAL,
    EXPIRED_TRACE,
    EXPIRED_GIVEN_UP,
    EXPIRED_TOLD
};

/* `min_ms` after the first time, twice as long after each other one. */
static int64_t delay_ms(int64_t min_ms, int64_t max_ms, int64_t times)
{
    int64_t delay = min_ms;

    for (int64_t i = 1; i < times && delay < max_ms; i++)
        delay = delay > max_ms / 2 ? max_ms : 2 * delay;
    return delay < max_ms ? delay : max_ms;
}

static int64_t reopen_delay_ms(const struct schedule_config *config,
                               const struct mu_pg_result *jobs, size_t row)
{
    if (mu_pg_bool(jobs, row, EXPIRED_FINAL))
        return config->rescan_after_ms;
    return delay_ms(config->reopen_min_ms, config->reopen_max_ms,
                    mu_pg_int(jobs, row, EXPIRED_GIVEN_UP) + 1);
}

/* A failure that is open already stays as it is. */
static enum mu_status give_up(struct round *round, const struct mu_pg_result *jobs, size_t row,
                              struct mu_error *err)
{
    const char *job_id = mu_pg_text(jobs, row, EXPIRED_JOB);
    const char *repository = mu_pg_text(jobs, row, EXPIRED_REPOSITORY);
    const char *digest = mu_pg_text(jobs, row, EXPIRED_DIGEST);
    const char *code = mu_pg_text(jobs, row, EXPIRED_CODE);
    const char *message = mu_pg_text(jobs, row, EXPIRED_MESSAGE);
    const char *issues = mu_pg_text(jobs, row, EXPIRED_ISSUES);
    struct mu_json_pair details[] = {{"code", code}, {"reason", message}};
    char failure_id[MU_UUID_TEXT_SIZE], subject[MU_OCI_UAI_SIZE];
    struct mu_notification notification = {
            .kind = "detection_failure",
            .severity = MU_NOTIFICATION_CRITICAL,
            .subject = subject,
            .message = mu_pg_bool(jobs, row, EXPIRED_FINAL)
                               ? "no scan of this image could be completed: see the reason, mend "
                                 "it and push again"
                               : "no scan of this image could be completed: see the reason and "
                                 "mend it; it is tried again by itself",
            .occurred_at_us = round->now_us,
            .details = {details, 2}};

    mu_stable_id("muster.detection-failure", (const char *const[]){job_id, issues}, 2, failure_id);
    mu_oci_uai_format(repository, NULL, digest, subject);
    WRITE_SET_ADD(round->set, WRITE_JOBS_GIVEN_UP, job_id, code, message,
                  int_text(round, reopen_delay_ms(round->config, jobs, row)));
    mu_metric_add(&metric_scans_given_up, 1);
    if (mu_pg_bool(jobs, row, EXPIRED_TOLD))
        return MU_OK;
    WRITE_SET_ADD(round->set, WRITE_DETECTION_FAILURES, failure_id, job_id, repository, digest,
                  code, message, mu_pg_text(jobs, row, EXPIRED_ATTEMPTS));
    return outbox_notify(round->set, &notification, issues, mu_pg_text(jobs, row, EXPIRED_TRACE),
                         err);
}

static enum mu_status expire_jobs(struct round *round, struct mu_error *err)
{
    MU_AUTO(pg_result) struct mu_pg_result *jobs = NULL;
    const char *limit = ROUND_MAX_TEXT;
    enum mu_status st = mu_pg_execute(round->pg, READ_JOBS_EXPIRED, &limit, &jobs, err);

    for (size_t i = 0; st == MU_OK && i < mu_pg_rows(jobs); i++) {
        int64_t attempts = mu_pg_int(jobs, i, EXPIRED_ATTEMPTS);

        if (mu_pg_bool(jobs, i, EXPIRED_FINAL) || attempts >= round->config->max_attempts) {
            st = give_up(round, jobs, i, err);
            continue;
        }
        WRITE_SET_ADD(round->set, WRITE_JOBS_RETRIED, mu_pg_text(jobs, i, EXPIRED_JOB),
                      mu_pg_text(jobs, i, EXPIRED_CODE), mu_pg_text(jobs, i, EXPIRED_MESSAGE),
                      int_text(round, delay_ms(round->config->retry_min_ms,
                                               round->config->retry_max_ms, attempts)));
        mu_metric_add(&metric_scans_retried, 1);
    }
    if (st == MU_OK)
        round->busy |= mu_pg_rows(jobs) == ROUND_MAX_JOBS;
    return st;
}

/* ---- jobs that are due ---- */

/* Columns of READ_JOBS_DUE. */
enum {
    DUE_JOB,
    DUE_REPOSITORY,
    DUE_DIGEST,
    DUE_PRIORITY,
    DUE_REASON,
    DUE_ATTEMPTS,
    DUE_ISSUES,
    DUE_TRACE,
    DUE_UAIS
};

static enum mu_status texts_of(struct round *round, const char *json,
                               struct mu_json_texts *ret_texts, struct mu_error *err)
{
    json_auto_t *array = NULL;
    enum mu_status st = mu_json_parse(json, strlen(json), &mu_json_message_limits, &array, err);

    if (st != MU_OK)
        return st;
    ret_texts->count = json_array_size(array);
    ret_texts->items = mu_arena_alloc(round->arena, (ret_texts->count + 1) * sizeof(char *));
    for (size_t i = 0; ret_texts->items && i < ret_texts->count; i++)
        ret_texts->items[i] =
                mu_arena_strdup(round->arena, json_string_value(json_array_get(array, i)));
    return ret_texts->items ? MU_OK : mu_fail(err, MU_E_NOMEM, "schedule: out of memory");
}

static enum mu_topic topic_of(int64_t priority)
{
    if (priority == MU_SCAN_URGENT)
        return MU_TOPIC_SCAN_REQUESTS_URGENT;
    return priority == MU_SCAN_NORMAL ? MU_TOPIC_SCAN_REQUESTS_NORMAL : MU_TOPIC_SCAN_REQUESTS_BULK;
}

static enum mu_status issue(struct round *round, const struct mu_pg_result *jobs, size_t row,
                            struct mu_error *err)
{
    char request_id[MU_UUID_TEXT_SIZE];
    struct mu_scan_request request = {.request_id = request_id,
                                      .job_id = mu_pg_text(jobs, row, DUE_JOB),
                                      .attempt = mu_pg_int(jobs, row, DUE_ATTEMPTS) + 1,
                                      .priority = (int)mu_pg_int(jobs, row, DUE_PRIORITY),
                                      .reason = mu_pg_text(jobs, row, DUE_REASON),
                                      .repository = mu_pg_text(jobs, row, DUE_REPOSITORY),
                                      .digest = mu_pg_text(jobs, row, DUE_DIGEST),
                                      .requested_at_us = round->now_us};
    struct outbox_row outbox = {.topic = topic_of(request.priority),
                                .type = MU_MSG_SCAN_REQUEST,
                                .key = request.digest,
                                .id = request_id,
                                .time_us = round->now_us,
                                .parent = mu_pg_text(jobs, row, DUE_TRACE)};
    const char *uais = mu_pg_text(jobs, row, DUE_UAIS);
    enum mu_status st = texts_of(round, uais, &request.uais, err);

    if (st != MU_OK)
        return st;
    identity_request(request.job_id, mu_pg_int(jobs, row, DUE_ISSUES) + 1, request_id);
    WRITE_SET_ADD(round->set, WRITE_JOBS_ISSUED, request.job_id, request_id,
                  int_text(round, round->config->lease_ms), uais);
    mu_metric_add(&metric_scans_requested, 1);
    return outbox_row_add(round->set, &outbox, &request, err);
}

static enum mu_status issue_due(struct round *round, struct mu_error *err)
{
    static const struct registry_rates no_rates;
    const struct schedule_config *config = round->config;
    const struct registry_rates *rates = config->rates ? config->rates : &no_rates;
    MU_AUTO_DONE(mu_buf_done) struct mu_buf hosts;
    MU_AUTO_DONE(mu_buf_done) struct mu_buf numbers;
    MU_AUTO(pg_result) struct mu_pg_result *jobs = NULL;
    const char *values[6] = {
            int_text(round, config->max_in_flight),
            int_text(round, config->max_per_registry > 0 ? config->max_per_registry : INT32_MAX)};
    enum mu_status st;

    mu_buf_init(&hosts, RATES_MAX_BYTES);
    mu_buf_init(&numbers, RATES_MAX_BYTES);
    registry_rates_arrays(rates, &hosts, &numbers);
    values[2] = hosts.data;
    values[3] = numbers.data;
    values[4] = int_text(round, rates->others);
    values[5] = ROUND_MAX_TEXT;
    st = mu_pg_execute(round->pg, READ_JOBS_DUE, values, &jobs, err);
    if (st == MU_OK)
        round->busy |= mu_pg_rows(jobs) >= ROUND_MAX_JOBS;
    for (size_t i = 0; st == MU_OK && i < mu_pg_rows(jobs); i++)
        st = issue(round, jobs, i, err);
    return st;
}

/* ---- jobs to open again ---- */

static enum mu_status reopen(struct round *round, struct mu_error *err)
{
    MU_AUTO(pg_result) struct mu_pg_result *reopened = NULL;
    const char *known_at = round->known_at;
    const char *names[] = {ROUND_MAX_TEXT, int_text(round, round->config->rematch_spread_ms)};
    const char *probe = int_text(round, round->config->probe_after_ms);
    const char *rescan[] = {int_text(round, round->config->rescan_after_ms),
                            int_text(round, round->config->rescan_spread_ms), ROUND_MAX_TEXT};
    const char *rematch[] = {int_text(round, round->config->rematch_spread_ms), ROUND_MAX_TEXT};
    enum mu_status st = mu_pg_execute(round->pg, READ_JOBS_DROP, &known_at, NULL, err);

    if (st == MU_OK)
        st = mu_pg_execute(round->pg, READ_JOBS_REOPEN, names, &reopened, err);
    for (size_t i = 0; st == MU_OK && i < mu_pg_rows(reopened); i++)
        mu_metric_add(&metric_scans_reopened, mu_pg_bool(reopened, i, 0));
    if (st == MU_OK)
        round->busy |= mu_pg_rows(reopened) == ROUND_MAX_JOBS;
    if (st == MU_OK)
        st = mu_pg_execute(round->pg, READ_JOBS_REMATCH, rematch, NULL, err);
    if (st == MU_OK)
        st = mu_pg_execute(round->pg, READ_JOBS_PROBE, &probe, NULL, err);
    if (st == MU_OK)
        st = mu_pg_execute(round->pg, READ_JOBS_RESCAN, rescan, NULL, err);
    return st == MU_OK ? mu_pg_execute(round->pg, READ_JOBS_HURRY, NULL, NULL, err) : st;
}

/* ---- a round ---- */

static enum mu_status tick(struct round *round, struct mu_error *err)
{
    MU_AUTO(pg_result) struct mu_pg_result *result = NULL;
    enum mu_status st = mu_pg_execute(round->pg, READ_TICK, NULL, &result, err);

    if (st == MU_OK)
        (void)snprintf(round->known_at, sizeof(round->known_at), "%s", mu_pg_text(result, 0, 0));
    return st;
}

static enum mu_status find_work(struct round *round, bool *ret_work, struct mu_error *err)
{
    MU_AUTO(pg_result) struct mu_pg_result *result = NULL;
    const char *rescan[] = {int_text(round, round->config->rescan_after_ms),
                            int_text(round, round->config->rescan_spread_ms),
                            int_text(round, round->config->probe_after_ms)};
    enum mu_status st = mu_pg_execute(round->pg, READ_JOBS_WORK, rescan, &result, err);

    if (st == MU_OK)
        *ret_work = mu_pg_bool(result, 0, 0);
    return st;
}

/* The clock comes first, as in apply/: whoever has it may lock jobs, so the two cannot deadlock. */
static enum mu_status run_steps(struct round *round, struct mu_error *err)
{
    enum mu_status st = mu_pg_begin(round->pg, MU_PG_READ_COMMITTED, err);

    if (st == MU_OK)
        st = tick(round, err);
    if (st == MU_OK)
        st = reopen(round, err);
    if (st == MU_OK)
        st = expire_jobs(round, err);
    if (st == MU_OK)
        st = issue_due(round, err);
    if (st == MU_OK)
        st = write_set_queue(round->set, round->pg, round->known_at, err);
    if (st == MU_OK)
        st = mu_pg_sync(round->pg, err);
    return st == MU_OK ? mu_pg_commit(round->pg, err) : st;
}

enum mu_status schedule_round(const struct schedule_config *config, struct mu_pg *pg,
                              bool *ret_busy, struct mu_error *err)
{
    MU_AUTO(arena) struct mu_arena *arena = mu_arena_new(ROUND_ARENA_MAX_BYTES);
    MU_AUTO(write_set) struct write_set *set = write_set_new();
    MU_AUTO(pg_transaction) struct mu_pg *transaction = pg;
    struct round round = {
            .config = config, .pg = pg, .set = set, .arena = arena, .now_us = mu_now_us()};
    bool work = false;
    enum mu_status st = find_work(&round, &work, err);

    (void)transaction;
    if (st == MU_OK && work)
        st = run_steps(&round, err);
    if (st == MU_OK)
        *ret_busy = round.busy;
    return st;
}

static enum mu_status open_schedule(const void *opaque, struct mu_pg **ret_pg, struct mu_error *err)
{
    const struct schedule_config *config = opaque;

    return inventory_pg_open(config->conninfo, "muster-inventory schedule", ret_pg, err);
}

static enum mu_status run_round(const void *opaque, struct mu_pg *pg, bool *ret_busy,
                                struct mu_error *err)
{
    return schedule_round(opaque, pg, ret_busy, err);
}

void schedule_run(const struct schedule_config *config)
{
    const struct rounds rounds = {.open = open_schedule,
                                  .round = run_round,
                                  .opaque = config,
                                  .waiting = "scheduling waits, retrying",
                                  .pause_ms = config->interval_ms,
                                  .backoff = {200, 5000, 0}};

    rounds_run(&rounds);
}
