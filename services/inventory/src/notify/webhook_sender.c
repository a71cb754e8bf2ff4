#include "notify/webhook_sender.h"

#include "notify/notify_store.h"
#include "store/metrics.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/stop.h"
#include "http/http_client.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    BODY_MAX_BYTES = 64 * 1024,
    ANSWER_MAX_BYTES = 1024 * 1024,
    DEADLINE_MS = 10000,
    IDLE_MS = 1000,
    ROUND_MAX_POSTS = 50, /* of one target */
    DEFAULT_ATTEMPTS = 12,
    DEFAULT_WAITING = 10000,
    HEADER_SIZE = 160
};
#define DEFAULT_RETRY_MIN_MS INT64_C(10000)
#define DEFAULT_RETRY_MAX_MS INT64_C(3600000)
#define LEASE_MS             "60000"

struct webhook_sender {
    struct webhook_sender_config config;
    struct mu_http_client *http;
    struct mu_pg *pg;
};

static int64_t or_default(int64_t value, int64_t fallback)
{
    return value > 0 ? value : fallback;
}

enum mu_status webhook_sender_new(const struct webhook_sender_config *config,
                                  struct webhook_sender **ret_sender, struct mu_error *err)
{
    static const struct mu_http_client_config http = {
            .user_agent = "muster-inventory", .deadline_ms = DEADLINE_MS, .no_redirects = true};
    struct webhook_sender *sender = mu_xcalloc(1, sizeof(*sender));

    sender->config = *config;
    sender->config.retry_min_ms = or_default(config->retry_min_ms, DEFAULT_RETRY_MIN_MS);
    sender->config.retry_max_ms = or_default(config->retry_max_ms, DEFAULT_RETRY_MAX_MS);
    sender->config.max_attempts = or_default(config->max_attempts, DEFAULT_ATTEMPTS);
    sender->config.max_waiting = or_default(config->max_waiting, DEFAULT_WAITING);
    if (mu_http_client_new(&http, &sender->http, err) != MU_OK) {
        free(sender);
        return err->status;
    }
    *ret_sender = sender;
    return MU_OK;
}

void webhook_sender_free(struct webhook_sender *sender)
{
    if (!sender)
        return;
    mu_http_client_free(sender->http);
    mu_pg_close(sender->pg);
    free(sender);
}

/* ---- a post ---- */

static enum mu_status ignore_answer(void *opaque, const void *bytes, size_t len,
                                    struct mu_error *err)
{
    (void)opaque, (void)bytes, (void)len, (void)err;
    return MU_OK;
}

enum mu_status webhook_post(struct webhook_sender *sender, const struct webhook_target *target,
                            const char *delivery_id,
                            const struct webhook_notification *notification, int *ret_status,
                            int64_t *ret_retry_ms, struct mu_error *err)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf body;
    char id[HEADER_SIZE], time[HEADER_SIZE], type[HEADER_SIZE], signature[HEADER_SIZE];
    char sign[WEBHOOK_SIGNATURE_SIZE];
    const char *headers[] = {id, time, signature, type, NULL};
    int64_t now_s = mu_now_us() / 1000000;
    struct mu_http_request request = {.method = "POST",
                                      .url = target->url,
                                      .headers = headers,
                                      .on_body = ignore_answer,
                                      .max_body_bytes = ANSWER_MAX_BYTES};
    struct mu_http_response response = {.retry_after_ms = -1};
    enum mu_status st;

    mu_buf_init(&body, BODY_MAX_BYTES);
    (void)snprintf(type, sizeof(type), "content-type: %s",
                   webhook_body(target->template, notification, &body));
    st = mu_buf_status(&body, "a notification", err);
    if (st == MU_OK)
        st = webhook_sign(target->secret, target->secret_len, delivery_id, now_s, &body, sign, err);
    if (st != MU_OK)
        return st;
    (void)snprintf(id, sizeof(id), "webhook-id: %.64s", delivery_id);
    (void)snprintf(time, sizeof(time), "webhook-timestamp: %" PRId64, now_s);
    (void)snprintf(signature, sizeof(signature), "webhook-signature: %s", sign);
    request.body = body.data;
    request.body_len = body.len;
    st = mu_http_request(sender->http, &request, &response, err);
    *ret_status = response.status;
    *ret_retry_ms = response.retry_after_ms;
    if (st == MU_OK && (response.status < 200 || response.status > 299))
        st = mu_http_status_error(&request, &response, err);
    return st;
}

/* ---- deliveries ---- */

/* Columns of NOTIFY_TAKE. */
enum { TAKE_ID, TAKE_ATTEMPTS, TAKE_KIND, TAKE_SEVERITY, TAKE_SUBJECT, TAKE_MESSAGE, TAKE_TIME };

static int64_t delay_ms(const struct webhook_sender *sender, int64_t attempts, int64_t asked_ms)
{
    int64_t delay = sender->config.retry_min_ms, max = sender->config.retry_max_ms;

    for (int64_t i = 1; i < attempts && delay < max; i++)
        delay = delay > max / 2 ? max : 2 * delay;
    if (asked_ms > delay)
        delay = asked_ms;
    return delay < max ? delay : max;
}

static enum mu_status told(struct webhook_sender *sender, const struct webhook_target *target,
                           const char *delivery_id, int status, struct mu_error *err)
{
    char status_text[16];
    const char *values[] = {target->name, delivery_id, status_text};

    (void)snprintf(status_text, sizeof(status_text), "%d", status);
    mu_metric_add(&metric_webhooks_delivered, 1);
    return mu_pg_execute(sender->pg, NOTIFY_DELIVERED, values, NULL, err);
}

static enum mu_status not_told(struct webhook_sender *sender, const struct webhook_target *target,
                               const struct mu_pg_result *taken, int status, int64_t asked_ms,
                               const struct mu_error *why, struct mu_error *err)
{
    int64_t attempts = mu_pg_int(taken, 0, TAKE_ATTEMPTS);
    bool last = attempts >= sender->config.max_attempts;
    char status_text[16], delay[24];
    const char *values[] = {target->name, mu_pg_text(taken, 0, TAKE_ID), status_text, why->message,
                            delay,        last ? "true" : "false"};

    (void)snprintf(status_text, sizeof(status_text), "%d", status);
    (void)snprintf(delay, sizeof(delay), "%" PRId64, delay_ms(sender, attempts, asked_ms));
    MU_LOG(last ? MU_LOG_ERROR : MU_LOG_WARN,
           last ? "a webhook is given up: see 'muster-inventory notifications list'"
                : "a webhook failed, retrying",
           MU_KV("target", target->name), MU_KV("error", why->message));
    mu_metric_add(&metric_webhooks_failed, 1);
    return mu_pg_execute(sender->pg, NOTIFY_FAILED, values, NULL, err);
}

/* MU_END: nothing more is due for the target. */
static enum mu_status send_next(struct webhook_sender *sender, const struct webhook_target *target,
                                struct mu_error *err)
{
    const char *values[] = {target->name, LEASE_MS};
    MU_AUTO(pg_result) struct mu_pg_result *taken = NULL;
    struct webhook_notification notification;
    struct mu_error why;
    int status = 0;
    int64_t asked_ms = -1;

    if (mu_pg_execute(sender->pg, NOTIFY_TAKE, values, &taken, err) != MU_OK)
        return err->status;
    if (mu_pg_rows(taken) == 0)
        return MU_END;
    notification = (struct webhook_notification){.kind = mu_pg_text(taken, 0, TAKE_KIND),
                                                 .severity = mu_pg_text(taken, 0, TAKE_SEVERITY),
                                                 .subject = mu_pg_text(taken, 0, TAKE_SUBJECT),
                                                 .message = mu_pg_text(taken, 0, TAKE_MESSAGE),
                                                 .occurred_at = mu_pg_text(taken, 0, TAKE_TIME)};
    if (webhook_post(sender, target, mu_pg_text(taken, 0, TAKE_ID), &notification, &status,
                     &asked_ms, &why) == MU_OK)
        return told(sender, target, mu_pg_text(taken, 0, TAKE_ID), status, err);
    if (mu_stop_requested()) /* the lease ends by itself */
        return MU_END;
    return not_told(sender, target, taken, status, asked_ms, &why, err);
}

static enum mu_status enqueue(struct webhook_sender *sender, const struct webhook_target *target,
                              struct mu_error *err)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf kinds;
    char waiting[24];
    const char *values[] = {target->name, NULL, target->min_severity, waiting};

    mu_buf_init(&kinds, BODY_MAX_BYTES);
    mu_pg_array_begin(&kinds);
    for (size_t i = 0; i < target->kind_count; i++)
        mu_pg_array_add(&kinds, target->kinds[i]);
    mu_pg_array_end(&kinds);
    if (target->kind_count > 0)
        values[1] = kinds.data;
    (void)snprintf(waiting, sizeof(waiting), "%" PRId64, sender->config.max_waiting);
    return mu_pg_execute(sender->pg, NOTIFY_ENQUEUE, values, NULL, err);
}

static enum mu_status serve_target(struct webhook_sender *sender,
                                   const struct webhook_target *target, bool *busy,
                                   struct mu_error *err)
{
    enum mu_status st = enqueue(sender, target, err);

    for (int i = 0; st == MU_OK && i < ROUND_MAX_POSTS && !mu_stop_requested(); i++) {
        st = send_next(sender, target, err);
        *busy |= st == MU_OK && i == ROUND_MAX_POSTS - 1;
    }
    return st == MU_END ? MU_OK : st;
}

enum mu_status webhook_sender_round(struct webhook_sender *sender, bool *ret_busy,
                                    struct mu_error *err)
{
    enum mu_status st = MU_OK;
    bool busy = false;

    if (sender->pg && !mu_pg_alive(sender->pg)) {
        mu_pg_close(sender->pg);
        sender->pg = NULL;
    }
    if (!sender->pg)
        st = notify_store_open(sender->config.conninfo, &sender->pg, err);
    for (size_t i = 0; st == MU_OK && i < webhook_config_count(sender->config.webhooks); i++)
        st = serve_target(sender, webhook_config_target(sender->config.webhooks, i), &busy, err);
    if (st == MU_OK)
        *ret_busy = busy;
    return st;
}

void webhook_sender_run(struct webhook_sender *sender)
{
    struct mu_backoff backoff = {200, 5000, 0};

    while (!mu_stop_requested()) {
        struct mu_error err;
        bool busy = false;

        if (webhook_sender_round(sender, &busy, &err) != MU_OK) {
            MU_LOG(err.status == MU_E_UNAVAILABLE ? MU_LOG_WARN : MU_LOG_ERROR,
                   "webhooks wait for the database, retrying", MU_KV("error", err.message));
            (void)mu_backoff_wait(&backoff);
            continue;
        }
        backoff.attempt = 0;
        if (!busy)
            (void)mu_stop_wait(IDLE_MS);
    }
}
