#include "package/language/lang_json.h"

enum { MAX_VALUES = 200000, MAX_DEPTH = 64 };

static const struct mu_json_limits limits = {LANG_JSON_MAX_BYTES, MAX_DEPTH};

enum mu_status lang_json_load(struct lang_span text, json_t **ret_root, struct mu_error *err)
{
    return mu_json_parse_foreign(text.text, text.len, &limits, MAX_VALUES, ret_root, err);
}

static struct lang_span text_of(const json_t *value)
{
    return (struct lang_span){.text = json_string_value(value), .len = json_string_length(value)};
}

struct lang_span lang_json_member(const json_t *object, const char *name)
{
    return text_of(json_object_get(object, name));
}

struct lang_span lang_json_license(const json_t *object, const char *name)
{
    const json_t *value = json_object_get(object, name);

    if (json_is_array(value))
        value = json_array_get(value, 0);
    if (json_is_object(value))
        value = json_object_get(value, "type");
    return text_of(value);
}
