#include "yaml/yaml_json.h"

#include "base/text.h"

#include <stdlib.h>
#include <string.h>
#include <yaml.h>

enum { INTEGER_MAX_DIGITS = 18 };

struct converter {
    const struct yaml_json_rules *rules;
    const char *path;
    json_t *root;
    json_t *open[YAML_JSON_MAX_DEPTH]; /* borrowed from what holds them */
    char *keys[YAML_JSON_MAX_DEPTH];   /* of an open mapping: what waits for its value */
    unsigned depth, documents;
    size_t values;
};

static enum mu_status wrong(const struct converter *converter, const yaml_event_t *event,
                            const char *what, struct mu_error *err)
{
    return mu_fail(err, MU_E_INVALID, "%s:%zu: %s", converter->path, event->start_mark.line + 1,
                   what);
}

/* ---- scalars ---- */

static bool is_integer(const char *text)
{
    size_t digits = strspn(text + (*text == '-'), "0123456789");

    return digits > 0 && digits <= INTEGER_MAX_DIGITS && text[(*text == '-') + digits] == '\0';
}

static json_t *plain_value(const char *text, size_t len, bool typed)
{
    static const char *const nulls[] = {"", "~", "null"};

    for (size_t i = 0; i < sizeof(nulls) / sizeof(nulls[0]); i++)
        if (mu_text_equal(text, nulls[i]))
            return json_null();
    if (!typed)
        return json_stringn(text, len);
    if (mu_text_equal(text, "true") || mu_text_equal(text, "false"))
        return json_boolean(*text == 't');
    return is_integer(text) ? json_integer(strtoll(text, NULL, 10)) : json_stringn(text, len);
}

/* ---- places ---- */

static void drop_key(struct converter *converter)
{
    free(converter->keys[converter->depth - 1]);
    converter->keys[converter->depth - 1] = NULL;
}

/* Takes the reference. */
static enum mu_status put(struct converter *converter, const yaml_event_t *event, json_t *value,
                          struct mu_error *err)
{
    unsigned at = converter->depth;
    json_t *holder = at > 0 ? converter->open[at - 1] : NULL;
    int rc = -1;

    if (++converter->values > converter->rules->max_values) {
        json_decref(value);
        return mu_fail(err, MU_E_LIMIT, "%s: more than %zu values", converter->path,
                       converter->rules->max_values);
    }
    if (!value)
        return wrong(converter, event, "a text that is not UTF-8", err);
    if (!holder) {
        json_decref(converter->root);
        converter->root = value;
        return MU_OK;
    }
    if (json_is_array(holder)) {
        rc = json_array_append_new(holder, value);
    } else if (converter->keys[at - 1]) {
        rc = json_object_set_new(holder, converter->keys[at - 1], value);
        drop_key(converter);
    } else {
        json_decref(value);
        return wrong(converter, event, "a key must be a text", err);
    }
    return rc == 0 ? MU_OK : mu_fail(err, MU_E_NOMEM, "%s: out of memory", converter->path);
}

static enum mu_status take_key(struct converter *converter, const yaml_event_t *event,
                               const char *text, struct mu_error *err)
{
    unsigned at = converter->depth - 1;

    if (converter->rules->keys_once && json_object_get(converter->open[at], text))
        return mu_fail(err, MU_E_INVALID, "%s:%zu: '%.100s' is given twice", converter->path,
                       event->start_mark.line + 1, text);
    converter->keys[at] = strdup(text);
    return converter->keys[at] ? MU_OK
                               : mu_fail(err, MU_E_NOMEM, "%s: out of memory", converter->path);
}

static enum mu_status take_scalar(struct converter *converter, const yaml_event_t *event,
                                  struct mu_error *err)
{
    const char *text = (const char *)event->data.scalar.value;
    size_t len = event->data.scalar.length;
    unsigned at = converter->depth;

    if (strlen(text) != len || !mu_utf8_valid(text, len))
        return wrong(converter, event, "a text that is not UTF-8", err);
    if (at > 0 && json_is_object(converter->open[at - 1]) && !converter->keys[at - 1])
        return take_key(converter, event, text, err);
    return put(converter, event,
               event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE
                       ? plain_value(text, len, converter->rules->typed)
                       : json_stringn(text, len),
               err);
}

static enum mu_status open_holder(struct converter *converter, const yaml_event_t *event,
                                  json_t *holder, struct mu_error *err)
{
    enum mu_status st;

    if (converter->depth == converter->rules->max_depth) {
        json_decref(holder);
        return mu_fail(err, MU_E_LIMIT, "%s:%zu: nested deeper than %u", converter->path,
                       event->start_mark.line + 1, converter->rules->max_depth);
    }
    st = put(converter, event, holder, err);
    if (st == MU_OK)
        converter->open[converter->depth++] = holder; /* what holds it keeps it */
    return st;
}

static enum mu_status take(struct converter *converter, const yaml_event_t *event,
                           struct mu_error *err)
{
    switch (event->type) {
    case YAML_SCALAR_EVENT:
        return take_scalar(converter, event, err);
    case YAML_MAPPING_START_EVENT:
        return open_holder(converter, event, json_object(), err);
    case YAML_SEQUENCE_START_EVENT:
        return open_holder(converter, event, json_array(), err);
    case YAML_MAPPING_END_EVENT:
    case YAML_SEQUENCE_END_EVENT:
        drop_key(converter);
        converter->depth--;
        return MU_OK;
    case YAML_ALIAS_EVENT:
        return wrong(converter, event, "aliases are not read: write it out", err);
    case YAML_DOCUMENT_START_EVENT:
        return ++converter->documents == 1 ? MU_OK
                                           : wrong(converter, event, "a second document", err);
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
            return mu_fail(err, MU_E_INVALID, "%s:%zu: %s", converter->path,
                           parser->problem_mark.line + 1,
                           parser->problem ? parser->problem : "cannot be read");
        more = event.type != YAML_STREAM_END_EVENT;
        st = take(converter, &event, err);
        yaml_event_delete(&event);
    }
    if (st == MU_OK && !json_is_object(converter->root))
        return mu_fail(err, MU_E_INVALID, "%s: must be a mapping", converter->path);
    return st;
}

enum mu_status yaml_json_parse(const char *path, const char *bytes, size_t len,
                               const struct yaml_json_rules *rules, json_t **ret_root,
                               struct mu_error *err)
{
    struct converter converter = {.rules = rules, .path = path};
    yaml_parser_t parser;
    enum mu_status st;

    if (!yaml_parser_initialize(&parser))
        return mu_fail(err, MU_E_NOMEM, "%s: out of memory", path);
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
