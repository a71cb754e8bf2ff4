#include "source/envelope.h"

#include "base/buf.h"
#include "base/text.h"
#include "json/json_doc.h"

#include <string.h>
#include <zlib.h>

static const struct mu_json_limits limits = {SOURCE_MAX_BODY_BYTES, SOURCE_MAX_DEPTH};

struct opening {
    const struct source_input *input;
    struct source_events *events;
    envelope_document_fn *each;
    void *opaque;
};

static const char *header(const struct source_input *input, const char *name)
{
    return input->header ? input->header(input->opaque, name) : NULL;
}

static bool content_type_is(const struct source_input *input, const char *type)
{
    return input->content_type && strncasecmp(input->content_type, type, strlen(type)) == 0;
}

/* ---- handing over ---- */

/* One document among others: what is wrong with it stays with it. */
static enum mu_status hand_over(struct opening *opening, const json_t *root,
                                const struct source_attributes *attributes, const char *place,
                                size_t index, struct mu_error *err)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf text;
    struct mu_error why;
    enum mu_status st = opening->each(opening->opaque, root, attributes, &why);

    mu_buf_init(&text, SOURCE_MAX_BODY_BYTES);
    if (st == MU_OK)
        return MU_OK;
    if (st != MU_E_INVALID && st != MU_E_LIMIT) {
        *err = why;
        return st;
    }
    (void)mu_wrap(&why, "%s[%zu]", place, index);
    st = mu_json_print(attributes->outer ? attributes->outer : root, &text, err);
    return st == MU_OK ? source_events_reject(opening->input, opening->events, text.data, text.len,
                                              &why, err)
                       : st;
}

static enum mu_status say_nothing(struct opening *opening, const char *why, struct mu_error *err)
{
    struct fact fact;

    fact_init(&fact);
    fact.class_ = FACT_NOOP;
    fact.why = why;
    return source_events_keep(opening->events, &fact, err);
}

static enum mu_status parse(const char *what, const char *bytes, size_t len, json_t **ret_root,
                            struct mu_error *err)
{
    enum mu_status st = mu_json_parse(bytes, len, &limits, ret_root, err);

    return st == MU_OK ? MU_OK : mu_wrap(err, "%s", what);
}

/* ---- CloudEvents ---- */

static enum mu_status check_cloudevent(const char *const values[4], struct mu_error *err)
{
    static const char *const names[] = {"specversion", "id", "source", "type"};

    for (size_t i = 0; i < 4; i++)
        if (!values[i] || !*values[i])
            return mu_fail(err, MU_E_INVALID, "CloudEvents attribute '%s' is missing", names[i]);
    if (!mu_text_equal(values[0], "1.0"))
        return mu_fail(err, MU_E_INVALID, "CloudEvents specversion '%.20s' is not 1.0", values[0]);
    return MU_OK;
}

static enum mu_status base64_document(const char *text, json_t **ret_root, struct mu_error *err)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf bytes;
    enum mu_status st;

    mu_buf_init(&bytes, SOURCE_MAX_BODY_BYTES);
    st = mu_base64_decode(text, strlen(text), &bytes, err);
    return st == MU_OK ? parse("the data behind base64", bytes.data, bytes.len, ret_root, err) : st;
}

static enum mu_status open_structured(struct opening *opening, const json_t *event,
                                      struct mu_error *err)
{
    const char *const values[] = {mu_json_text_at(event, "specversion"),
                                  mu_json_text_at(event, "id"), mu_json_text_at(event, "source"),
                                  mu_json_text_at(event, "type")};
    const struct source_attributes attributes = {.outer = event};
    const char *base64 = mu_json_text_at(event, "data_base64");
    MU_AUTO(json_document) json_t *decoded = NULL;
    enum mu_status st = check_cloudevent(values, err);

    if (st == MU_OK && base64)
        st = base64_document(base64, &decoded, err);
    if (st != MU_OK)
        return st;
    return opening->each(opening->opaque, decoded ? decoded : json_object_get(event, "data"),
                         &attributes, err);
}

static enum mu_status structured_document(void *opaque, const json_t *event,
                                          const struct source_attributes *attributes,
                                          struct mu_error *err)
{
    (void)attributes;
    return open_structured(opaque, event, err);
}

static enum mu_status open_batch(struct opening *opening, const json_t *root, struct mu_error *err)
{
    struct opening one = {.input = opening->input,
                          .events = opening->events,
                          .each = structured_document,
                          .opaque = opening};
    const struct source_attributes none = {0};
    const json_t *event;
    size_t index;

    if (!json_is_array(root))
        return mu_fail(err, MU_E_INVALID, "a CloudEvents batch must be an array");
    if (json_array_size(root) == 0)
        return say_nothing(opening, "an empty batch", err);
    json_array_foreach (root, index, event) {
        enum mu_status st = hand_over(&one, event, &none, "batch", index, err);

        if (st != MU_OK)
            return st;
    }
    return MU_OK;
}

static const char *kept_header(const struct source_input *input, const char *name)
{
    const char *value = header(input, name);

    return value ? mu_arena_strdup(input->arena, value) : NULL;
}

static enum mu_status open_binary(struct opening *opening, struct mu_error *err)
{
    const struct source_input *input = opening->input;
    const char *const values[] = {kept_header(input, "ce-specversion"), kept_header(input, "ce-id"),
                                  kept_header(input, "ce-source"), kept_header(input, "ce-type")};
    const struct source_attributes attributes = {.in_headers = true};
    MU_AUTO(json_document) json_t *root = NULL;
    enum mu_status st = check_cloudevent(values, err);

    if (st == MU_OK)
        st = parse("body", input->body, input->len, &root, err);
    return st == MU_OK ? opening->each(opening->opaque, root, &attributes, err) : st;
}

/* ---- Amazon SNS ---- */

static bool is_sns(const json_t *root)
{
    return mu_json_text_at(root, "Type") && mu_json_text_at(root, "TopicArn");
}

static enum mu_status open_sns(struct opening *opening, const json_t *root, struct mu_error *err)
{
    const char *message = mu_json_text_at(root, "Message");
    struct source_attributes attributes = {.id = mu_json_text_at(root, "MessageId"),
                                           .time = mu_json_text_at(root, "Timestamp"),
                                           .source = mu_json_text_at(root, "TopicArn")};
    MU_AUTO(json_document) json_t *inner = NULL;
    enum mu_status st;

    if (!mu_text_equal(mu_json_text_at(root, "Type"), "Notification")) {
        attributes.handshake = true;
        return opening->each(opening->opaque, root, &attributes, err);
    }
    if (!message)
        return mu_fail(err, MU_E_INVALID, "Message: is missing");
    st = parse("Message", message, strlen(message), &inner, err);
    return st == MU_OK ? opening->each(opening->opaque, inner, &attributes, err) : st;
}

/* ---- Google Pub/Sub ---- */

static const char *either(const json_t *message, const char *camel, const char *snake)
{
    const char *text = mu_json_text_at(message, camel);

    return text ? text : mu_json_text_at(message, snake);
}

static bool is_pubsub(const json_t *root)
{
    return json_is_object(json_object_get(root, "message")) &&
           (mu_json_at(root, "message.data") || mu_json_at(root, "message.messageId") ||
            mu_json_at(root, "message.message_id"));
}

static enum mu_status open_pubsub(struct opening *opening, const json_t *root, struct mu_error *err)
{
    const json_t *message = json_object_get(root, "message");
    const char *data = mu_json_text_at(message, "data");
    const struct source_attributes attributes = {
            .id = either(message, "messageId", "message_id"),
            .time = either(message, "publishTime", "publish_time"),
            .source = mu_json_text_at(root, "subscription")};
    MU_AUTO(json_document) json_t *inner = NULL;
    enum mu_status st;

    if (!data || !*data)
        return mu_fail(err, MU_E_INVALID, "message.data: is missing");
    st = base64_document(data, &inner, err);
    if (st != MU_OK)
        return mu_wrap(err, "message.data");
    return opening->each(opening->opaque, inner, &attributes, err);
}

/* ---- Event Grid ---- */

static bool is_eventgrid(const json_t *root)
{
    const json_t *first = json_is_array(root) ? json_array_get(root, 0) : root;

    return mu_json_text_at(first, "eventType") && mu_json_text_at(first, "id");
}

static enum mu_status eventgrid_document(void *opaque, const json_t *event,
                                         const struct source_attributes *ignored,
                                         struct mu_error *err)
{
    static const char validation[] = "Microsoft.EventGrid.SubscriptionValidationEvent";
    struct opening *opening = opaque;
    const struct source_attributes attributes = {
            .outer = event,
            .id = mu_json_text_at(event, "id"),
            .time = mu_json_text_at(event, "eventTime"),
            .source = mu_json_text_at(event, "topic"),
            .handshake = mu_text_equal(mu_json_text_at(event, "eventType"), validation)};

    (void)ignored;
    if (!attributes.id)
        return mu_fail(err, MU_E_INVALID, "id: is missing");
    return opening->each(opening->opaque, json_object_get(event, "data"), &attributes, err);
}

static enum mu_status open_eventgrid(struct opening *opening, const json_t *root,
                                     struct mu_error *err)
{
    struct opening one = {.input = opening->input,
                          .events = opening->events,
                          .each = eventgrid_document,
                          .opaque = opening};
    const struct source_attributes none = {0};
    const json_t *event;
    size_t index;

    if (json_is_object(root))
        return eventgrid_document(opening, root, &none, err);
    json_array_foreach (root, index, event) {
        enum mu_status st = hand_over(&one, event, &none, "batch", index, err);

        if (st != MU_OK)
            return st;
    }
    return MU_OK;
}

/* ---- lines of a stream ---- */

/* RFC 7464 puts a record separator before each document. */
static bool is_blank(const char *line, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (!strchr(" \t\r\x1e", line[i]))
            return false;
    return true;
}

static enum mu_status open_line(struct opening *opening, const char *line, size_t len,
                                struct mu_error *err)
{
    const struct source_attributes none = {0};
    MU_AUTO(json_document) json_t *root = NULL;
    struct mu_error why;
    enum mu_status st;

    for (; len > 0 && *line == '\x1e'; len--)
        line++;
    st = mu_json_parse(line, len, &limits, &root, &why);
    if (st == MU_OK)
        st = opening->each(opening->opaque, root, &none, &why);
    if (st == MU_E_INVALID || st == MU_E_LIMIT)
        return source_events_reject(opening->input, opening->events, line, len, &why, err);
    if (st != MU_OK)
        *err = why;
    return st;
}

static enum mu_status open_lines(struct opening *opening, const char *bytes, size_t len_of_all,
                                 struct mu_error *err)
{
    const char *at = bytes, *end = bytes + len_of_all;
    enum mu_status st = MU_OK;

    while (st == MU_OK && at < end) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        size_t len = newline ? (size_t)(newline - at) : (size_t)(end - at);

        if (!is_blank(at, len))
            st = open_line(opening, at, len, err);
        at += len + (newline != NULL);
    }
    return st;
}

/* ---- Amazon Data Firehose ---- */

static bool is_firehose(const json_t *root)
{
    return json_is_array(json_object_get(root, "records")) && mu_json_text_at(root, "requestId");
}

/* gzip with a bound: a small record may claim to be huge. */
static enum mu_status gunzip(const struct mu_buf *packed, struct mu_buf *out, struct mu_error *err)
{
    z_stream stream = {.next_in = (Bytef *)packed->data, .avail_in = (uInt)packed->len};
    char piece[16 * 1024];
    int rc = inflateInit2(&stream, 15 + 16);

    if (rc != Z_OK)
        return mu_fail(err, MU_E_NOMEM, "gzip: out of memory");
    while (rc == Z_OK) {
        stream.next_out = (Bytef *)piece;
        stream.avail_out = sizeof(piece);
        rc = inflate(&stream, Z_NO_FLUSH);
        mu_buf_append(out, piece, sizeof(piece) - stream.avail_out);
        if (out->failed)
            break;
    }
    (void)inflateEnd(&stream);
    if (out->failed)
        return mu_buf_status(out, "the record behind gzip", err);
    if (rc != Z_STREAM_END)
        return mu_fail(err, MU_E_INVALID, "gzip: broken or cut short");
    return stream.avail_in == 0 ? MU_OK : mu_fail(err, MU_E_INVALID, "gzip: something follows it");
}

/* The record's bytes, unpacked when they are gzip. */
static enum mu_status open_record(const json_t *record, struct mu_buf *out, struct mu_error *err)
{
    const char *data = mu_json_text_at(record, "data");
    MU_AUTO_DONE(mu_buf_done) struct mu_buf packed;
    enum mu_status st;

    mu_buf_init(&packed, SOURCE_MAX_BODY_BYTES);
    if (!data)
        return mu_fail(err, MU_E_INVALID, "data: is missing");
    st = mu_base64_decode(data, strlen(data), &packed, err);
    if (st != MU_OK)
        return st;
    if (packed.len > 2 && memcmp(packed.data, "\x1f\x8b", 2) == 0)
        return gunzip(&packed, out, err);
    mu_buf_append(out, packed.data, packed.len);
    return mu_buf_status(out, "the record", err);
}

/* One document, or, where Firehose puts a newline behind each, several. */
static enum mu_status firehose_document(void *opaque, const json_t *record,
                                        const struct source_attributes *attributes,
                                        struct mu_error *err)
{
    struct opening *opening = opaque;
    MU_AUTO_DONE(mu_buf_done) struct mu_buf bytes;
    MU_AUTO(json_document) json_t *root = NULL;
    struct mu_error ignored;
    enum mu_status st;

    mu_buf_init(&bytes, SOURCE_MAX_BODY_BYTES);
    st = open_record(record, &bytes, err);
    if (st != MU_OK)
        return st;
    if (mu_json_parse(bytes.data, bytes.len, &limits, &root, &ignored) == MU_OK)
        return opening->each(opening->opaque, root, attributes, err);
    if (bytes.len == 0 || !memchr(bytes.data, '\n', bytes.len - 1))
        return parse("the record", bytes.data, bytes.len, &root, err);
    return open_lines(opening, bytes.data, bytes.len, err);
}

static enum mu_status open_firehose(struct opening *opening, const json_t *root,
                                    struct mu_error *err)
{
    struct opening one = {.input = opening->input,
                          .events = opening->events,
                          .each = firehose_document,
                          .opaque = opening};
    const struct source_attributes attributes = {0};
    const json_t *record;
    size_t index;

    json_array_foreach (json_object_get(root, "records"), index, record) {
        enum mu_status st = hand_over(&one, record, &attributes, "records", index, err);

        if (st != MU_OK)
            return st;
    }
    return MU_OK;
}

/* ---- a stream ---- */

/* A recorded event over many lines is one document; a body whose first line is whole is a stream.
 */
static enum mu_status open_stream(struct opening *opening, struct mu_error *err)
{
    const struct source_input *input = opening->input;
    const struct source_attributes none = {0};
    size_t first = strcspn(input->body, "\n");
    MU_AUTO(json_document) json_t *root = NULL;
    struct mu_error ignored;
    enum mu_status st;

    if (first >= input->len || mu_json_parse(input->body, first, &limits, &root, &ignored) == MU_OK)
        return open_lines(opening, input->body, input->len, err);
    st = mu_json_parse(input->body, input->len, &limits, &root, err);
    if (st == MU_OK)
        return opening->each(opening->opaque, root, &none, err);
    /* A first line that closes what it opened is a broken event of a stream. */
    return first > 0 && input->body[first - 1] == '}'
                   ? open_lines(opening, input->body, input->len, err)
                   : st;
}

/* ---- which one ---- */

static bool is_structured(const struct source_input *input, const json_t *root)
{
    return content_type_is(input, "application/cloudevents+json") ||
           (json_is_object(root) && mu_json_text_at(root, "specversion") &&
            mu_json_text_at(root, "type"));
}

static bool is_batch(const struct source_input *input, const json_t *root)
{
    return content_type_is(input, "application/cloudevents-batch+json") ||
           (json_is_array(root) && mu_json_text_at(json_array_get(root, 0), "specversion"));
}

static enum mu_status open_plain(struct opening *opening, unsigned allowed, const json_t *root,
                                 bool is_body, struct mu_error *err)
{
    bool unwrapped = allowed & ENVELOPE_PUBSUB; /* what was around it is in headers */
    const struct source_attributes attributes = {
            .is_body = is_body,
            .id = unwrapped ? kept_header(opening->input, "x-goog-pubsub-message-id") : NULL,
            .time = unwrapped ? kept_header(opening->input, "x-goog-pubsub-publish-time") : NULL,
            .in_headers = header(opening->input, "ce-specversion") != NULL};

    return opening->each(opening->opaque, root, &attributes, err);
}

static enum mu_status open_document(struct opening *opening, unsigned allowed, const json_t *root,
                                    bool is_body, struct mu_error *err)
{
    if ((allowed & ENVELOPE_CLOUDEVENTS) && is_batch(opening->input, root))
        return open_batch(opening, root, err);
    if ((allowed & ENVELOPE_CLOUDEVENTS) && is_structured(opening->input, root))
        return open_structured(opening, root, err);
    if ((allowed & ENVELOPE_SNS) && is_sns(root))
        return open_sns(opening, root, err);
    if ((allowed & ENVELOPE_PUBSUB) && is_pubsub(root))
        return open_pubsub(opening, root, err);
    if ((allowed & ENVELOPE_EVENTGRID) && is_eventgrid(root))
        return open_eventgrid(opening, root, err);
    if ((allowed & ENVELOPE_FIREHOSE) && is_firehose(root))
        return open_firehose(opening, root, err);
    if (allowed & ENVELOPE_PLAIN)
        return open_plain(opening, allowed, root, is_body, err);
    return mu_fail(err, MU_E_INVALID, "the body comes in none of the envelopes of kind '%s'",
                   opening->input->source->kind->name);
}

/* "payload=" and percent-encoded JSON: how GitHub sends webhooks that are set to be forms. */
static bool is_form(const struct source_input *input)
{
    return content_type_is(input, "application/x-www-form-urlencoded") &&
           mu_text_starts(input->body, "payload=");
}

static enum mu_status open_form(struct opening *opening, unsigned allowed, struct mu_error *err)
{
    const char *at = opening->input->body + strlen("payload=");
    MU_AUTO_DONE(mu_buf_done) struct mu_buf text;
    MU_AUTO(json_document) json_t *root = NULL;
    enum mu_status st;

    mu_buf_init(&text, SOURCE_MAX_BODY_BYTES);
    for (; *at && *at != '&'; at++) {
        char c = *at == '+' ? ' ' : *at;
        uint8_t byte;

        if (c == '%' && mu_hex_decode(at + 1, strnlen(at + 1, 2), &byte, 1)) {
            c = (char)byte;
            at += 2;
        }
        mu_buf_append(&text, &c, 1);
    }
    st = mu_buf_status(&text, "payload", err);
    if (st == MU_OK)
        st = parse("payload", text.data, text.len, &root, err);
    return st == MU_OK ? open_document(opening, allowed, root, false, err) : st;
}

/* Some writers of UTF-8 put a byte order mark in front. */
static struct source_input without_mark(const struct source_input *input)
{
    struct source_input rest = *input;

    if (input->len >= 3 && memcmp(input->body, "\xef\xbb\xbf", 3) == 0) {
        rest.body += 3;
        rest.len -= 3;
    }
    return rest;
}

enum mu_status envelope_open(const struct source_input *whole, unsigned allowed,
                             struct source_events *events, envelope_document_fn *each, void *opaque,
                             struct mu_error *err)
{
    const struct source_input rest = without_mark(whole), *input = &rest;
    struct opening opening = {.input = input, .events = events, .each = each, .opaque = opaque};
    MU_AUTO(json_document) json_t *root = NULL;
    enum mu_status st;

    if (allowed & ENVELOPE_LINES)
        return open_stream(&opening, err);
    if (is_form(input))
        return open_form(&opening, allowed, err);
    /* Pub/Sub through Eventarc is a binary CloudEvent around the push body: its own envelope says
     * more. */
    if ((allowed & ENVELOPE_CLOUDEVENTS) && !(allowed & ENVELOPE_PUBSUB) &&
        header(input, "ce-specversion") && !content_type_is(input, "application/cloudevents"))
        return open_binary(&opening, err);
    st = mu_json_parse(input->body, input->len, &limits, &root, err);
    return st == MU_OK ? open_document(&opening, allowed, root, true, err) : st;
}
