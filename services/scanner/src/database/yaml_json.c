#include "database/yaml_json.h"

#include "base/text.h"

#include <string.h>
#include <yaml.h>

struct converter {
    json_t *root;
    json_t *open[YAML_NESTING_MAX]; /* borrowed from what holds them */
    char *keys[YAML_NESTING_MAX];   /* of an open mapping: the key that waits for its value */
    unsigned depth;
};

static void drop_key(struct converter *converter)
{
    free(converter->keys[converter->depth - 1]);
    converter->keys[converter->depth - 1] = NULL;
}

/* Whether it found its place: at the top, in a sequence, or behind its key. */
static bool place(struct converter *converter, json_t *holder, json_t *value)
{
    if (!holder) {
        if (converter->root)
            return false;
        converter->root = json_incref(value);
        return true;
    }
    if (json_is_array(holder))
        return json_array_append(holder, value) == 0;
    return converter->keys[converter->depth - 1] &&
           json_object_set_new(holder, converter->keys[converter->depth - 1], json_incref(value)) ==
                   0;
}

/* Takes the reference. */
static enum mu_status put(struct converter *converter, json_t *value, struct mu_error *err)
{
    json_t *holder = converter->depth > 0 ? converter->open[converter->depth - 1] : NULL;
    bool placed;

    if (!value)
        return mu_fail(err, MU_E_INVALID, "YAML: a text that is not UTF-8");
    placed = place(converter, holder, value);
    json_decref(value);
    if (json_is_object(holder))
        drop_key(converter);
    return placed ? MU_OK : mu_fail(err, MU_E_INVALID, "YAML: a value without its place");
}

static bool is_null(const yaml_event_t *event)
{
    const char *text = (const char *)event->data.scalar.value;

    return event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
           (text[0] == '\0' || mu_text_equal(text, "~") || mu_text_equal(text, "null"));
}

static enum mu_status take_scalar(struct converter *converter, const yaml_event_t *event,
                                  struct mu_error *err)
{
    const char *text = (const char *)event->data.scalar.value;
    size_t len = event->data.scalar.length;
    unsigned at = converter->depth;

    if (strlen(text) != len || !mu_utf8_valid(text, len))
        return mu_fail(err, MU_E_INVALID, "YAML: line %zu: a text that is not UTF-8",
                       event->start_mark.line + 1);
    if (at > 0 && json_is_object(converter->open[at - 1]) && !converter->keys[at - 1]) {
        converter->keys[at - 1] = strdup(text);
        return converter->keys[at - 1] ? MU_OK : mu_fail(err, MU_E_NOMEM, "YAML: out of memory");
    }
    return put(converter, is_null(event) ? json_null() : json_stringn(text, len), err);
}

static enum mu_status open_holder(struct converter *converter, json_t *holder, struct mu_error *err)
{
    enum mu_status st;

    if (converter->depth == YAML_NESTING_MAX) {
        json_decref(holder);
        return mu_fail(err, MU_E_LIMIT, "YAML: nested deeper than %d", YAML_NESTING_MAX);
    }
    st = put(converter, holder, err);
    if (st != MU_OK)
        return st;
    converter->open[converter->depth++] = holder; /* what holds it keeps it */
    return MU_OK;
}

static enum mu_status take(struct converter *converter, const yaml_event_t *event,
                           struct mu_error *err)
{
    switch (event->type) {
    case YAML_SCALAR_EVENT:
        return take_scalar(converter, event, err);
    case YAML_MAPPING_START_EVENT:
        return open_holder(converter, json_object(), err);
    case YAML_SEQUENCE_START_EVENT:
        return open_holder(converter, json_array(), err);
    case YAML_MAPPING_END_EVENT:
    case YAML_SEQUENCE_END_EVENT:
        drop_key(converter);
        converter->depth--;
        return MU_OK;
    case YAML_ALIAS_EVENT:
        return mu_fail(err, MU_E_INVALID, "YAML: line %zu: aliases are not read",
                       event->start_mark.line + 1);
    default:
        return MU_OK;
    }
}

static enum mu_status convert(yaml_parser_t *parser, struct converter *converter,
                              struct mu_error *err)
{
    enum mu_status st = MU_OK;
    bool more = true;

    while (st == MU_OK && more) {
        yaml_event_t event;

        if (!yaml_parser_parse(parser, &event))
            return mu_fail(err, MU_E_INVALID, "YAML: line %zu: %s", parser->problem_mark.line + 1,
                           parser->problem ? parser->problem : "cannot be read");
        more = event.type != YAML_STREAM_END_EVENT;
        st = take(converter, &event, err);
        yaml_event_delete(&event);
    }
    if (st == MU_OK && !converter->root)
        return mu_fail(err, MU_E_INVALID, "YAML: no document");
    return st;
}

enum mu_status yaml_to_json(const char *bytes, size_t len, json_t **ret_root, struct mu_error *err)
{
    struct converter converter = {0};
    yaml_parser_t parser;
    enum mu_status st;

    if (!yaml_parser_initialize(&parser))
        return mu_fail(err, MU_E_NOMEM, "YAML: out of memory");
    yaml_parser_set_input_string(&parser, (const unsigned char *)bytes, len);
    st = convert(&parser, &converter, err);
    yaml_parser_delete(&parser);
    while (converter.depth > 0) {
        drop_key(&converter);
        converter.depth--;
    }
    if (st == MU_OK)
        *ret_root = converter.root;
    else
        json_decref(converter.root);
    return st;
}
