#include "bus/bus_link.h"

#include "base/text.h"

#include <string.h>

static const char *const topic_names[MU_TOPIC_COUNT] = {
        [MU_TOPIC_REGISTRY_EVENTS] = "muster.registry-events",
        [MU_TOPIC_WORKLOAD_EVENTS] = "muster.workload-events",
        [MU_TOPIC_SCAN_REQUESTS_URGENT] = "muster.scan-requests.urgent",
        [MU_TOPIC_SCAN_REQUESTS_NORMAL] = "muster.scan-requests.normal",
        [MU_TOPIC_SCAN_REQUESTS_BULK] = "muster.scan-requests.bulk",
        [MU_TOPIC_SCAN_RESULTS] = "muster.scan-results",
        [MU_TOPIC_QUARANTINE] = "muster.quarantine",
        [MU_TOPIC_NOTIFICATIONS] = "muster.notifications",
};

const char *mu_topic_name(enum mu_topic topic)
{
    return topic < MU_TOPIC_COUNT ? topic_names[topic] : "unknown";
}

enum mu_topic mu_topic_of(const char *name)
{
    for (int i = 0; i < MU_TOPIC_COUNT; i++)
        if (mu_text_equal(topic_names[i], name))
            return (enum mu_topic)i;
    return MU_TOPIC_COUNT;
}

/*
 * Asks only for our topics, and as a consumer, whose metadata request never creates:
 * a cluster where others made the topics need not grant us the right to.
 */
static enum mu_status find_missing(rd_kafka_t *handle, int timeout_ms,
                                   bool ret_missing[MU_TOPIC_COUNT], struct mu_error *err)
{
    const struct rd_kafka_metadata *metadata = NULL;
    rd_kafka_topic_t *topics[MU_TOPIC_COUNT];
    rd_kafka_resp_err_t code;

    for (int i = 0; i < MU_TOPIC_COUNT; i++) {
        ret_missing[i] = true;
        topics[i] = rd_kafka_topic_new(handle, topic_names[i], NULL);
    }
    code = rd_kafka_metadata(handle, 0, NULL, &metadata, timeout_ms);
    for (int i = 0; i < MU_TOPIC_COUNT; i++)
        if (topics[i] != NULL)
            rd_kafka_topic_destroy(topics[i]);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        return mu_fail(err, bus_code_status(code), "list topics: %s", rd_kafka_err2str(code));

    for (int i = 0; i < metadata->topic_cnt; i++) {
        enum mu_topic topic = mu_topic_of(metadata->topics[i].topic);

        if (topic < MU_TOPIC_COUNT)
            ret_missing[topic] = metadata->topics[i].err == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
    }
    rd_kafka_metadata_destroy(metadata);
    return MU_OK;
}

static size_t describe_missing(const bool missing[MU_TOPIC_COUNT], int partitions,
                               rd_kafka_NewTopic_t *ret_topics[MU_TOPIC_COUNT])
{
    char why[128];
    size_t count = 0;

    for (int i = 0; i < MU_TOPIC_COUNT; i++)
        if (missing[i])
            ret_topics[count++] =
                    rd_kafka_NewTopic_new(topic_names[i], partitions, -1, why, sizeof(why));
    return count;
}

static enum mu_status check_created(rd_kafka_event_t *event, struct mu_error *err)
{
    const rd_kafka_topic_result_t **results;
    size_t count = 0;

    if (rd_kafka_event_error(event) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return mu_fail(err, bus_code_status(rd_kafka_event_error(event)), "create topics: %s",
                       rd_kafka_event_error_string(event));
    results =
            rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event), &count);
    for (size_t i = 0; i < count; i++) {
        rd_kafka_resp_err_t code = rd_kafka_topic_result_error(results[i]);
        const char *text = rd_kafka_topic_result_error_string(results[i]);

        if (code == RD_KAFKA_RESP_ERR_NO_ERROR || code == RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS)
            continue;
        return mu_fail(err, bus_code_status(code), "create topic '%s': %s",
                       rd_kafka_topic_result_name(results[i]),
                       text != NULL ? text : rd_kafka_err2str(code));
    }
    return MU_OK;
}

static enum mu_status create_topics(rd_kafka_t *handle, rd_kafka_NewTopic_t **topics, size_t count,
                                    int timeout_ms, struct mu_error *err)
{
    rd_kafka_queue_t *queue = rd_kafka_queue_new(handle);
    rd_kafka_AdminOptions_t *options =
            rd_kafka_AdminOptions_new(handle, RD_KAFKA_ADMIN_OP_CREATETOPICS);
    rd_kafka_event_t *event;
    enum mu_status st;
    char why[128];

    (void)rd_kafka_AdminOptions_set_request_timeout(options, timeout_ms, why, sizeof(why));
    (void)rd_kafka_AdminOptions_set_operation_timeout(options, timeout_ms, why, sizeof(why));
    rd_kafka_CreateTopics(handle, topics, count, options, queue);
    event = rd_kafka_queue_poll(queue,
                                timeout_ms + 1000); /* the request's own timeout comes first */
    if (event == NULL)
        st = mu_fail(err, MU_E_UNAVAILABLE, "create topics: no answer in %d ms", timeout_ms);
    else
        st = check_created(event, err);
    if (event != NULL)
        rd_kafka_event_destroy(event);
    rd_kafka_AdminOptions_destroy(options);
    rd_kafka_queue_destroy(queue);
    return st;
}

static enum mu_status ensure_with(rd_kafka_t *handle, int partitions, int timeout_ms,
                                  struct mu_error *err)
{
    rd_kafka_NewTopic_t *topics[MU_TOPIC_COUNT];
    bool missing[MU_TOPIC_COUNT];
    enum mu_status st;
    size_t count;

    st = find_missing(handle, timeout_ms, missing, err);
    if (st != MU_OK)
        return st;
    count = describe_missing(missing, partitions, topics);
    if (count == 0)
        return MU_OK;
    st = create_topics(handle, topics, count, timeout_ms, err);
    rd_kafka_NewTopic_destroy_array(topics, count);
    return st;
}

/* librdkafka answers "timed out" or "transport failure"; the reason came through the error
 * callback. */
static enum mu_status explain(rd_kafka_t *handle, struct bus_link *link, struct mu_error *err)
{
    char reason[LINK_ERROR_SIZE];

    (void)rd_kafka_poll(handle, 0);
    bus_link_last_error(link, reason);
    return mu_wrap(err, "%s", reason);
}

enum mu_status mu_bus_ensure_topics(const struct mu_bus_config *config, int partitions,
                                    int64_t timeout_ms, struct mu_error *err)
{
    static const struct bus_setting none[] = {{NULL, NULL}};
    rd_kafka_conf_t *conf = NULL;
    rd_kafka_t *handle = NULL;
    struct bus_link link;
    enum mu_status st;

    if (partitions < 1 || partitions > 10000 || timeout_ms < 1 || timeout_ms > 600000)
        return mu_fail(err, MU_E_INVALID, "topics with %d partitions within %lld ms", partitions,
                       (long long)timeout_ms);
    bus_link_init(&link);
    st = bus_conf_new(config, none, &link, &conf, err);
    if (st == MU_OK)
        st = bus_handle_new(RD_KAFKA_CONSUMER, conf, &handle, err);
    if (st == MU_OK)
        st = ensure_with(handle, partitions, (int)timeout_ms, err);
    if (st == MU_E_UNAVAILABLE)
        st = explain(handle, &link, err);
    if (handle != NULL)
        rd_kafka_destroy(handle);
    bus_link_done(&link);
    return st;
}
