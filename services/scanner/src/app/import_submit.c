#include "app/import_submit.h"

#include "job/message_sender.h"

#include "base/clock.h"
#include "base/stop.h"
#include "base/text.h"
#include "http/http_client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    RETRY_MIN_MS = 200,
    RETRY_MAX_MS = 5000,
    DELIVERY_MS = 5000,
    TOPIC_PARTITIONS = 3,
    FACTS_MAX_BYTES = 4 * 1024 * 1024,
    URL_SIZE = 2048
};

struct import_submit {
    struct evidence_target target;
    struct mu_bus_config bus;
    struct mu_http_client *client;
    uint64_t ends_at_ms;
};

static enum mu_status options_check(const struct import_config *config, struct mu_error *err)
{
    const struct {
        const char *value, *option;
    } needed[] = {{config->kafka_brokers, "kafka-brokers"},
                  {config->inventory_url, "inventory-url"}};

    for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++) {
        if (!needed[i].value || needed[i].value[0] == '\0')
            return mu_fail(err, MU_E_INVALID, "--%s is missing: --submit needs it",
                           needed[i].option);
    }
    return MU_OK;
}

enum mu_status import_submit_new(const struct import_config *config,
                                 struct import_submit **ret_submit, struct mu_error *err)
{
    const struct mu_http_client_config http = {.user_agent = "muster-scanner",
                                               .deadline_ms = config->deadline_ms};
    struct import_submit submit = {
            .target = {.inventory_url = config->inventory_url, .token = config->evidence_token},
            .bus = {.brokers = config->kafka_brokers,
                    .client_id = "muster-scanner-import",
                    .message_timeout_ms = DELIVERY_MS,
                    .properties = config->kafka_properties},
            .ends_at_ms = mu_monotonic_ms() + (uint64_t)config->deadline_ms};

    if (options_check(config, err) != MU_OK ||
        evidence_target_check(&submit.target, err) != MU_OK ||
        result_file_check_folder(config->temp_dir, err) != MU_OK ||
        mu_http_client_new(&http, &submit.client, err) != MU_OK)
        return err->status;
    *ret_submit = mu_xcalloc(1, sizeof(submit));
    **ret_submit = submit;
    return MU_OK;
}

void import_submit_free(struct import_submit *submit)
{
    if (submit)
        mu_http_client_free(submit->client);
    free(submit);
}

/* True: it is to be tried again, and the time for that has passed. */
static bool wait_for_next(const struct import_submit *submit, struct mu_backoff *backoff)
{
    return mu_monotonic_ms() < submit->ends_at_ms && !mu_backoff_wait(backoff);
}

enum mu_status import_submit_ask(struct import_submit *submit, const char *digest,
                                 json_t **ret_facts, struct mu_error *err)
{
    static const struct mu_json_limits limits = {FACTS_MAX_BYTES, 16};
    struct mu_backoff backoff = {RETRY_MIN_MS, RETRY_MAX_MS, 0};
    MU_AUTO_DONE(mu_buf_done) struct mu_buf body;
    struct mu_http_response response;
    char url[URL_SIZE];
    struct mu_http_request request = {.method = "GET", .url = url};
    enum mu_status st;

    mu_buf_init(&body, FACTS_MAX_BYTES);
    if (snprintf(url, sizeof(url), "%s/v1/digests/%s", submit->target.inventory_url, digest) >=
        (int)sizeof(url))
        return mu_fail(err, MU_E_INVALID, "--inventory-url is too long");
    do {
        mu_buf_reset(&body);
        st = mu_http_fetch(submit->client, &request, &body, &response, err);
        if (st == MU_OK && response.status == 404) {
            *ret_facts = NULL;
            return MU_OK;
        }
        if (st == MU_OK && response.status != 200)
            st = mu_http_status_error(&request, &response, err);
    } while (st == MU_E_UNAVAILABLE && wait_for_next(submit, &backoff));
    return st == MU_OK ? mu_json_parse(body.data, body.len, &limits, ret_facts, err) : st;
}

static enum mu_status store(struct import_submit *submit, const struct raw_file *file,
                            struct mu_error *err)
{
    struct mu_backoff backoff = {RETRY_MIN_MS, RETRY_MAX_MS, 0};
    enum mu_status st;

    if (file->fd < 0)
        return MU_OK;
    do
        st = evidence_put(submit->client, &submit->target, file, err);
    while (st == MU_E_UNAVAILABLE && wait_for_next(submit, &backoff));
    return st == MU_OK ? MU_OK : mu_wrap(err, "evidence %s", file->digest);
}

static enum mu_status publish(struct import_submit *submit, const struct mu_scan_result *result,
                              const char *event_id, struct mu_error *err)
{
    MU_AUTO(producer) struct mu_producer *producer = NULL;
    const struct message_to_send message = {.topic = MU_TOPIC_SCAN_RESULTS,
                                            .type = MU_MSG_SCAN_RESULT,
                                            .message = result,
                                            .key = result->digest,
                                            .id = event_id};
    struct message_sender sender;
    struct mu_error ignored;
    enum mu_status st = mu_producer_open(&submit->bus, &producer, err);

    if (st != MU_OK)
        return st;
    (void)!mu_bus_ensure_topics(&submit->bus, TOPIC_PARTITIONS, DELIVERY_MS, &ignored);
    message_sender_init(&sender, producer);
    sender.ends_at_ms = submit->ends_at_ms;
    st = message_send(&sender, &message, err);
    message_sender_done(&sender);
    return st == MU_OK ? MU_OK : mu_wrap(err, "Kafka");
}

enum mu_status import_submit_send(struct import_submit *submit, const struct mu_scan_result *result,
                                  const struct scan_files *files, const char *event_id,
                                  struct mu_error *err)
{
    enum mu_status st = store(submit, &files->original, err);

    if (st == MU_OK)
        st = store(submit, &files->raw, err);
    return st == MU_OK ? publish(submit, result, event_id, err) : st;
}
