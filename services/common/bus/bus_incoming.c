#include "bus/bus_incoming.h"

#include "base/clock.h"
#include "base/text.h"

#include <string.h>

struct header_texts {
    const char *id, *type, *source, *time, *traceparent;
};

/* librdkafka ends every header value with a NUL of its own. */
static const char *header_text(const void *value, size_t len)
{
    if (value == NULL || memchr(value, '\0', len) != NULL || !mu_utf8_valid(value, len))
        return NULL;
    return value;
}

static void take_header(struct header_texts *texts, const char *name, const char *value)
{
    const struct {
        const char *name;
        const char **text;
    } rows[] = {
            {"ce_id", &texts->id},
            {"ce_type", &texts->type},
            {"ce_source", &texts->source},
            {"ce_time", &texts->time},
            {"traceparent", &texts->traceparent},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (strcmp(rows[i].name, name) == 0)
            *rows[i].text = value;
}

static struct header_texts read_headers(const rd_kafka_message_t *message)
{
    struct header_texts texts = {0};
    rd_kafka_headers_t *headers = NULL;
    const char *name;
    const void *value;
    size_t len;

    if (rd_kafka_message_headers(message, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return texts;
    for (size_t i = 0;
         rd_kafka_header_get_all(headers, i, &name, &value, &len) == RD_KAFKA_RESP_ERR_NO_ERROR;
         i++)
        take_header(&texts, name, header_text(value, len));
    return texts;
}

static int64_t read_time(const char *text)
{
    int64_t at_us = MU_TIME_NONE;
    struct mu_error ignored;

    if (text == NULL || mu_time_parse(text, strlen(text), &at_us, &ignored) != MU_OK)
        return MU_TIME_NONE;
    return at_us;
}

bool bus_incoming_fill(struct mu_incoming *ret_incoming, rd_kafka_message_t *message)
{
    enum mu_topic topic = mu_topic_of(rd_kafka_topic_name(message->rkt));
    struct header_texts texts;

    if (topic == MU_TOPIC_COUNT)
        return false;
    texts = read_headers(message);
    *ret_incoming = (struct mu_incoming){
            .topic = topic,
            .partition = message->partition,
            .offset = message->offset,
            .key = message->key,
            .key_len = message->key_len,
            .value = message->payload,
            .value_len = message->len,
            .envelope = {.type = texts.type != NULL ? mu_msg_type_of(texts.type)
                                                    : MU_MSG_TYPE_COUNT,
                         .id = texts.id,
                         .source = texts.source,
                         .time_us = read_time(texts.time),
                         .traceparent = texts.traceparent},
            .ce_type = texts.type,
            .internal = message,
    };
    return true;
}

void bus_incoming_release(struct mu_incoming *incoming)
{
    if (incoming->internal != NULL)
        rd_kafka_message_destroy(incoming->internal);
    incoming->internal = NULL;
}
