#include "source/kind.h"

#include "source/emit.h"

#include "base/text.h"
#include "json/json_doc.h"

#include <string.h>

enum { REPEAT_WINDOW_MINUTES = 10 };

struct document {
    const struct source_input *input;
    const struct source_kind *kind;
    struct source_events *events;
};

/* ---- one event ---- */

/* Canonical, so that the order of members and the white space between them do not matter. */
static bool digest_of(const json_t *value, char ret_digest[MU_DIGEST_TEXT_SIZE])
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf text;
    struct mu_error ignored;

    mu_buf_init(&text, SOURCE_MAX_BODY_BYTES);
    if (value && mu_json_print(value, &text, &ignored) != MU_OK)
        return false;
    mu_sha256_text(text.data, text.len, ret_digest);
    return true;
}

const char *source_content_id(const struct source_reader *reader, bool timeless)
{
    const struct source_input *input = reader->input;
    char root[MU_DIGEST_TEXT_SIZE], event[MU_DIGEST_TEXT_SIZE] = "";
    char window[MU_NUMBER_TEXT_SIZE] = "";
    char id[MU_UUID_TEXT_SIZE];
    const char *parts[] = {root, event, window};

    /* What an event of a list means may stand around the list: its type, its time. */
    if (reader->attributes->is_body)
        mu_sha256_text(input->body, input->len, root);
    else if (!digest_of(reader->root, root))
        return NULL;
    if (reader->event != reader->root && !digest_of(reader->event, event))
        return NULL;
    if (timeless)
        (void)mu_text_of_number(input->received_at_us / (REPEAT_WINDOW_MINUTES * INT64_C(60000000)),
                                window);
    mu_stable_id("muster.source-content", parts, 3, id);
    return mu_arena_strdup(input->arena, id);
}

/* Hashing costs more than reading: only for what becomes a message and has no id of its own. */
static bool needs_content_id(const struct source_reader *reader, const struct fact *fact)
{
    if (fact_classes[fact->class_].effect == FACT_EFFECT_NONE || fact->told_only ||
        fact->text[FACT_KEY])
        return false;
    return reader->input->source->kind->id != SOURCE_ID_TOLD || !fact->text[FACT_EVENT_ID];
}

/* What the event says is clear, but it names nothing that could be looked up. */
static enum mu_status quarantine_fact(struct source_reader *reader, struct fact *fact,
                                      struct mu_error *why, struct mu_error *err)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf text;
    enum mu_status st;

    if (reader->place)
        (void)mu_wrap(why, "%s[%zu]", reader->place, reader->index);
    fact->quarantined = true;
    source_redact(why->message, strlen(why->message));
    fact->why = mu_arena_strdup(reader->input->arena, why->message);
    fact->first_event = reader->events->count;
    fact->event_count = 1;
    mu_buf_init(&text, SOURCE_MAX_BODY_BYTES);
    st = mu_json_print(reader->event, &text, err);
    if (st == MU_OK)
        st = source_quarantine(reader->input, reader->events, text.data, text.len, why, err);
    reader->fanned++;
    return st == MU_OK ? source_events_keep(reader->events, fact, err) : st;
}

enum mu_status source_fact_add(struct source_reader *reader, struct fact *fact,
                               struct mu_error *err)
{
    bool timeless = reader->input->source->kind->id == SOURCE_ID_CONTENT_AND_TIME ||
                    fact->occurred_at_us == MU_TIME_NONE;
    const char *id = needs_content_id(reader, fact) ? source_content_id(reader, timeless) : "";
    struct mu_error why;
    enum mu_status st;

    if (!id)
        return mu_fail(err, MU_E_NOMEM, "out of memory");
    st = emit_fact(reader->input, id, reader->fanned, reader->events, fact, &why);
    if (st == MU_E_INVALID || st == MU_E_LIMIT)
        return quarantine_fact(reader, fact, &why, err);
    if (st != MU_OK) {
        *err = why;
        return st;
    }
    reader->fanned++;
    return source_events_keep(reader->events, fact, err);
}

static enum mu_status classify(const struct source_reader *reader, const struct source_shape *shape,
                               struct fact *fact, struct mu_error *err)
{
    const char *word = shape->class_path ? source_read_text(reader, shape->class_path) : NULL;

    fact->class_ = shape->otherwise;
    fact->text[FACT_ACTION] = word;
    for (size_t i = 0; word && i < shape->class_count; i++) {
        if (mu_text_equal(word, shape->classes[i].word)) {
            fact->class_ = shape->classes[i].class_;
            return MU_OK;
        }
    }
    if (shape->otherwise != FACT_REJECT)
        return MU_OK;
    return word ? mu_fail(err, MU_E_INVALID, "%s: '%.100s' is unknown", shape->class_path, word)
                : mu_fail(err, MU_E_INVALID, "%s: is missing", shape->class_path);
}

static enum mu_status read_event(struct source_reader *reader, const struct source_shape *shape,
                                 struct mu_error *err)
{
    struct fact fact;
    enum mu_status st;

    fact_init(&fact);
    st = classify(reader, shape, &fact, err);
    if (st == MU_OK)
        st = source_read_fields(reader, shape->fields, shape->field_count, &fact, err);
    if (st == MU_OK && shape->finish)
        st = shape->finish(reader, &fact, err);
    if (st == MU_OK)
        st = source_fact_add(reader, &fact, err);
    return st == MU_END ? MU_OK : st;
}

/* Takes back what a failed event had added and puts it into quarantine. */
static enum mu_status reject_event(const struct source_reader *reader,
                                   const struct source_shape *shape, struct mu_error *why,
                                   struct mu_error *err)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf text;
    enum mu_status st;

    (void)mu_wrap(why, "%s[%zu]", shape->each, reader->index);
    mu_buf_init(&text, SOURCE_MAX_BODY_BYTES);
    st = mu_json_print(reader->event, &text, err);
    if (st != MU_OK)
        return st;
    return source_events_reject(reader->input, reader->events, text.data, text.len, why, err);
}

/* ---- one document ---- */

static enum mu_status read_each(struct source_reader *reader, const struct source_shape *shape,
                                const json_t *list, struct mu_error *err)
{
    struct source_events *events = reader->events;
    const json_t *event;
    size_t index;

    json_array_foreach (list, index, event) {
        size_t messages = events->count, facts = events->fact_count, ignored = events->ignored;
        struct mu_error why;
        enum mu_status st;

        reader->event = event;
        reader->place = shape->each;
        reader->index = index;
        reader->fanned = 0;
        st = read_event(reader, shape, &why);
        if (st == MU_E_INVALID || (st == MU_E_LIMIT && events->count < SOURCE_MAX_EVENTS)) {
            events->count = messages;
            events->fact_count = facts;
            events->ignored = ignored;
            st = reject_event(reader, shape, &why, err);
        } else if (st != MU_OK) {
            *err = why;
        }
        if (st != MU_OK)
            return st;
    }
    return MU_OK;
}

static enum mu_status add_plain(struct source_reader *reader, enum fact_class class_,
                                const char *why, struct mu_error *err)
{
    struct fact fact;

    fact_init(&fact);
    fact.class_ = class_;
    fact.why = why;
    return source_fact_add(reader, &fact, err);
}

static enum mu_status read_shape(struct source_reader *reader, const struct source_shape *shape,
                                 struct mu_error *err)
{
    const json_t *list;

    if (!shape->each)
        return read_event(reader, shape, err);
    list = source_read_json(reader, shape->each);
    if (!list || json_is_null(list) || (json_is_array(list) && json_array_size(list) == 0))
        return add_plain(reader, FACT_NOOP, "no events in it", err);
    if (!json_is_array(list))
        return mu_fail(err, MU_E_INVALID, "%s: is no array", shape->each);
    return read_each(reader, shape, list, err);
}

static enum mu_status no_shape(const struct source_kind *kind, struct mu_error *err)
{
    const char *expected = kind->shape_count > 0 ? kind->shapes[0].when : NULL;

    return mu_fail(err, MU_E_INVALID, "not an event of kind '%s'%s%s%s", kind->name,
                   expected ? ": no member '" : "", expected ? expected : "", expected ? "'" : "");
}

/* A member that is null still tells the shape: "events": null is an empty list. */
static bool is_shape(const struct source_reader *reader, const struct source_shape *shape)
{
    if (!shape->when || source_read_is(reader, shape->when))
        return true;
    return !strchr("@%=", shape->when[0]) && source_read_json(reader, shape->when) != NULL;
}

enum mu_status source_read_document(const struct source_input *input,
                                    const struct source_kind *kind, const json_t *root,
                                    const struct source_attributes *attributes,
                                    struct source_events *events, struct mu_error *err)
{
    struct source_reader reader = {.input = input,
                                   .attributes = attributes,
                                   .root = root,
                                   .event = root,
                                   .events = events};

    if (attributes->handshake)
        return add_plain(&reader, FACT_HANDSHAKE, "asks for a proof before it sends events", err);
    if ((json_is_object(root) && json_object_size(root) == 0) ||
        (json_is_array(root) && json_array_size(root) == 0))
        return add_plain(&reader, FACT_NOOP, "an empty body", err);
    for (size_t i = 0; i < kind->shape_count; i++)
        if (is_shape(&reader, &kind->shapes[i]))
            return read_shape(&reader, &kind->shapes[i], err);
    return no_shape(kind, err);
}

static enum mu_status on_document(void *opaque, const json_t *root,
                                  const struct source_attributes *attributes, struct mu_error *err)
{
    const struct document *document = opaque;

    return source_read_document(document->input, document->kind, root, attributes, document->events,
                                err);
}

static enum mu_status decode_body(const struct source_input *input,
                                  struct source_events *ret_events, struct mu_error *err)
{
    const struct source_kind *kind = input->source->kind;
    struct document document = {.input = input, .kind = kind, .events = ret_events};

    if (kind->decode)
        return kind->decode(input, ret_events, err);
    return envelope_open(input, kind->envelopes, ret_events, on_document, &document, err);
}

enum mu_status source_decode(const struct source_input *input, struct source_events *ret_events,
                             struct mu_error *err)
{
    struct mu_error why;
    enum mu_status st = decode_body(input, ret_events, &why);

    if (st == MU_E_INVALID || st == MU_E_LIMIT) {
        ret_events->count = ret_events->fact_count = ret_events->ignored = 0;
        return source_events_reject(input, ret_events, input->body, input->len, &why, err);
    }
    if (st != MU_OK)
        *err = why;
    return st;
}
