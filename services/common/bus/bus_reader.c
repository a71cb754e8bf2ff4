/* Looks at what a topic holds, without a place in any group. */
#include "bus/bus_incoming.h"
#include "bus/bus_link.h"

#include "base/clock.h"
#include "base/memory.h"

#include <stdlib.h>

enum { READER_MAX_PARTITIONS = 1000, READER_POLL_MS = 100, MILLI = 1000 };

struct reader {
    struct bus_link link; /* first: the opaque of the handle's callbacks */
    rd_kafka_t *handle;
    int64_t timeout_ms;
    size_t partition_count, open_count;
    int64_t *end; /* of each partition: where reading ends; -1: done */
};

static void reader_close(struct reader *reader)
{
    if (reader->handle != NULL) {
        (void)rd_kafka_assign(reader->handle, NULL);
        rd_kafka_destroy_flags(reader->handle, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
    }
    free(reader->end);
    bus_link_done(&reader->link);
}

/* A group's name is needed to assign partitions; it is never joined and nothing is committed. */
static enum mu_status open_handle(struct reader *reader, const struct mu_bus_config *config,
                                  struct mu_error *err)
{
    const struct bus_setting settings[] = {{"group.id", "muster-look"},
                                           {"enable.auto.commit", "false"},
                                           {"enable.auto.offset.store", "false"},
                                           {"enable.partition.eof", "true"},
                                           {"auto.offset.reset", "earliest"},
                                           {"fetch.wait.max.ms", "100"},
                                           {"queued.max.messages.kbytes", "16384"},
                                           {NULL, NULL}};
    rd_kafka_conf_t *conf = NULL;

    if (bus_conf_new(config, settings, &reader->link, &conf, err) != MU_OK ||
        bus_handle_new(RD_KAFKA_CONSUMER, conf, &reader->handle, err) != MU_OK)
        return err->status;
    (void)rd_kafka_poll_set_consumer(reader->handle);
    return MU_OK;
}

static enum mu_status count_partitions(struct reader *reader, const char *name,
                                       struct mu_error *err)
{
    rd_kafka_topic_t *topic = rd_kafka_topic_new(reader->handle, name, NULL);
    const struct rd_kafka_metadata *metadata = NULL;
    rd_kafka_resp_err_t code =
            rd_kafka_metadata(reader->handle, 0, topic, &metadata, (int)reader->timeout_ms);

    rd_kafka_topic_destroy(topic);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
        code = metadata->topic_cnt == 1 ? metadata->topics[0].err
                                        : RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
        reader->partition_count = (size_t)metadata->topics[0].partition_cnt;
    if (metadata != NULL)
        rd_kafka_metadata_destroy(metadata);
    if (code == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART)
        return mu_fail(err, MU_E_NOT_FOUND, "topic '%s' does not exist", name);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        return mu_fail(err, bus_code_status(code), "topic '%s': %s", name, rd_kafka_err2str(code));
    return reader->partition_count <= READER_MAX_PARTITIONS
                   ? MU_OK
                   : mu_fail(err, MU_E_LIMIT, "topic '%s' has more than %d partitions", name,
                             READER_MAX_PARTITIONS);
}

/* Where each partition begins: the first message from `since_us` on. */
static rd_kafka_resp_err_t find_beginning(struct reader *reader,
                                          rd_kafka_topic_partition_list_t *places, int64_t since_us)
{
    if (since_us == MU_TIME_NONE)
        return RD_KAFKA_RESP_ERR_NO_ERROR;
    for (int i = 0; i < places->cnt; i++)
        places->elems[i].offset = since_us / MILLI;
    return rd_kafka_offsets_for_times(reader->handle, places, (int)reader->timeout_ms);
}

static rd_kafka_resp_err_t find_end(struct reader *reader, rd_kafka_topic_partition_list_t *places)
{
    for (int i = 0; i < places->cnt; i++) {
        rd_kafka_topic_partition_t *place = &places->elems[i];
        int64_t low = 0, high = 0;
        rd_kafka_resp_err_t code =
                rd_kafka_query_watermark_offsets(reader->handle, place->topic, place->partition,
                                                 &low, &high, (int)reader->timeout_ms);

        if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
            return code;
        if (place->offset < low && place->offset != RD_KAFKA_OFFSET_END)
            place->offset = low;
        reader->end[i] = place->offset == RD_KAFKA_OFFSET_END || place->offset >= high ? -1 : high;
        reader->open_count += reader->end[i] >= 0;
    }
    return RD_KAFKA_RESP_ERR_NO_ERROR;
}

static enum mu_status begin(struct reader *reader, const char *name, int64_t since_us,
                            struct mu_error *err)
{
    rd_kafka_topic_partition_list_t *places =
            rd_kafka_topic_partition_list_new((int)reader->partition_count);
    rd_kafka_resp_err_t code;

    reader->end = mu_xcalloc(reader->partition_count + 1, sizeof(*reader->end));
    for (size_t i = 0; i < reader->partition_count; i++)
        rd_kafka_topic_partition_list_add(places, name, (int32_t)i)->offset = 0;
    code = find_beginning(reader, places, since_us);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
        code = find_end(reader, places);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
        code = rd_kafka_assign(reader->handle, places);
    rd_kafka_topic_partition_list_destroy(places);
    return code == RD_KAFKA_RESP_ERR_NO_ERROR
                   ? MU_OK
                   : mu_fail(err, bus_code_status(code), "topic '%s': %s", name,
                             rd_kafka_err2str(code));
}

static void finish(struct reader *reader, int32_t partition)
{
    if (partition < 0 || (size_t)partition >= reader->partition_count || reader->end[partition] < 0)
        return;
    reader->end[partition] = -1;
    reader->open_count--;
}

/* One event of the handle; takes `message`. */
static enum mu_status take(struct reader *reader, rd_kafka_message_t *message, mu_read_fn *each,
                           void *opaque, struct mu_error *err)
{
    struct mu_incoming incoming;
    enum mu_status st = MU_OK;
    bool last;

    if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF)
        finish(reader, message->partition);
    else if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR)
        st = mu_fail(err, MU_E_UNAVAILABLE, "read: %s", rd_kafka_message_errstr(message));
    if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR || !bus_incoming_fill(&incoming, message)) {
        rd_kafka_message_destroy(message);
        return st;
    }
    last = incoming.offset + 1 >= reader->end[incoming.partition];
    if (reader->end[incoming.partition] >= 0) /* what came since we began is left out */
        st = each(opaque, &incoming, err);
    if (last)
        finish(reader, incoming.partition);
    bus_incoming_release(&incoming);
    return st;
}

static enum mu_status read_all(struct reader *reader, mu_read_fn *each, void *opaque,
                               struct mu_error *err)
{
    uint64_t patience_ms = mu_monotonic_ms() + (uint64_t)reader->timeout_ms;
    enum mu_status st = MU_OK;

    while (st == MU_OK && reader->open_count > 0) {
        rd_kafka_message_t *message = rd_kafka_consumer_poll(reader->handle, READER_POLL_MS);

        if (message != NULL) {
            patience_ms = mu_monotonic_ms() + (uint64_t)reader->timeout_ms;
            st = take(reader, message, each, opaque, err);
        } else if (mu_monotonic_ms() > patience_ms) {
            return mu_fail(err, MU_E_UNAVAILABLE, "read: nothing came for %lld ms",
                           (long long)reader->timeout_ms);
        }
    }
    return st == MU_END ? MU_OK : st;
}

enum mu_status mu_bus_read(const struct mu_bus_config *config, enum mu_topic topic,
                           int64_t since_us, int64_t timeout_ms, mu_read_fn *each, void *opaque,
                           struct mu_error *err)
{
    struct reader reader = {.timeout_ms = timeout_ms};
    enum mu_status st;

    bus_link_init(&reader.link);
    st = open_handle(&reader, config, err);
    if (st == MU_OK)
        st = count_partitions(&reader, mu_topic_name(topic), err);
    if (st == MU_OK)
        st = begin(&reader, mu_topic_name(topic), since_us, err);
    if (st == MU_OK)
        st = read_all(&reader, each, opaque, err);
    reader_close(&reader);
    return st;
}
