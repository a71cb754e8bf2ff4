/*
 * The floor of bench/ingest.py: libmicrohttpd and librdkafka and nothing between them. It looks at
 * no byte of what comes, and answers 202 on the delivery report.
 *
 *   bench_webhook_floor PORT BROKERS TOPIC
 *
 * Threads, linger, requests in flight, idempotence and acks are those of ingest, so that the two
 * differ only in what ingest does with an event.
 */
#include <librdkafka/rdkafka.h>
#include <microhttpd.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { THREADS = 2, CONNECTIONS = 1024, BODY_MAX_BYTES = 4 * 1024 * 1024, POLL_MS = 100 };

static rd_kafka_t *kafka;
static rd_kafka_topic_t *topic;
static atomic_bool stopping;

struct request {
    struct MHD_Connection *connection;
    char *body;
    size_t len;
    bool sent;
    unsigned status;
};

static void on_report(rd_kafka_t *handle, const rd_kafka_message_t *message, void *opaque)
{
    struct request *request = message->_private;

    (void)handle, (void)opaque;
    request->status = message->err ? 503 : 202;
    MHD_resume_connection(request->connection);
}

static enum MHD_Result answer(struct request *request)
{
    static char nothing[1];
    struct MHD_Response *response =
            MHD_create_response_from_buffer(0, nothing, MHD_RESPMEM_PERSISTENT);
    enum MHD_Result result = MHD_queue_response(request->connection, request->status, response);

    MHD_destroy_response(response);
    return result;
}

static enum MHD_Result keep(struct request *request, const char *bytes, size_t *len)
{
    char *grown = request->len + *len <= BODY_MAX_BYTES
                          ? realloc(request->body, request->len + *len)
                          : NULL;

    if (!grown)
        return MHD_NO;
    memcpy(grown + request->len, bytes, *len);
    request->body = grown;
    request->len += *len;
    *len = 0;
    return MHD_YES;
}

static enum MHD_Result on_access(void *opaque, struct MHD_Connection *connection, const char *url,
                                 const char *method, const char *version, const char *upload,
                                 size_t *upload_len, void **context)
{
    struct request *request = *context;

    (void)opaque, (void)url, (void)method, (void)version;
    if (!request) {
        *context = request = calloc(1, sizeof(*request));
        if (!request)
            return MHD_NO;
        request->connection = connection;
        return MHD_YES;
    }
    if (*upload_len > 0)
        return keep(request, upload, upload_len);
    if (request->sent)
        return answer(request);
    request->sent = true;
    MHD_suspend_connection(connection);
    if (rd_kafka_produce(topic, RD_KAFKA_PARTITION_UA, RD_KAFKA_MSG_F_COPY, request->body,
                         request->len, NULL, 0, request) != 0) {
        request->status = 503;
        MHD_resume_connection(connection);
    }
    return MHD_YES;
}

static void on_completed(void *opaque, struct MHD_Connection *connection, void **context,
                         enum MHD_RequestTerminationCode code)
{
    struct request *request = *context;

    (void)opaque, (void)connection, (void)code;
    if (request)
        free(request->body);
    free(request);
}

static void *poll_loop(void *opaque)
{
    while (!atomic_load(&stopping))
        (void)rd_kafka_poll(kafka, POLL_MS);
    return opaque;
}

static bool open_kafka(const char *brokers, const char *topic_name)
{
    const char *const settings[][2] = {{"bootstrap.servers", brokers},
                                       {"enable.idempotence", "true"},
                                       {"acks", "all"},
                                       {"linger.ms", "5"},
                                       {"max.in.flight", "2"},
                                       {"message.timeout.ms", "5000"}};
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    char why[256];

    for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++)
        if (rd_kafka_conf_set(conf, settings[i][0], settings[i][1], why, sizeof(why)) !=
            RD_KAFKA_CONF_OK)
            return false;
    rd_kafka_conf_set_dr_msg_cb(conf, on_report);
    kafka = rd_kafka_new(RD_KAFKA_PRODUCER, conf, why, sizeof(why));
    topic = kafka ? rd_kafka_topic_new(kafka, topic_name, NULL) : NULL;
    return topic != NULL;
}

int main(int argc, char **argv)
{
    struct MHD_Daemon *daemon;
    pthread_t poller;
    sigset_t wait;
    int number;

    if (argc != 4 || !open_kafka(argv[2], argv[3])) {
        (void)fprintf(stderr, "usage: bench_webhook_floor PORT BROKERS TOPIC\n");
        return 2;
    }
    (void)sigemptyset(&wait);
    (void)sigaddset(&wait, SIGTERM);
    (void)sigaddset(&wait, SIGINT);
    (void)pthread_sigmask(SIG_BLOCK, &wait, NULL);
    if (pthread_create(&poller, NULL, poll_loop, NULL) != 0)
        return 3;
    daemon = MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME,
                              (uint16_t)strtoul(argv[1], NULL, 10), NULL, NULL, on_access, NULL,
                              MHD_OPTION_NOTIFY_COMPLETED, on_completed, NULL,
                              MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS,
                              MHD_OPTION_THREAD_POOL_SIZE, (unsigned)THREADS, MHD_OPTION_END);
    if (!daemon)
        return 3;
    (void)sigwait(&wait, &number);
    (void)rd_kafka_flush(kafka, 5000);
    MHD_stop_daemon(daemon);
    atomic_store(&stopping, true);
    (void)pthread_join(poller, NULL);
    rd_kafka_topic_destroy(topic);
    rd_kafka_destroy(kafka);
    return 0;
}
