#include "json/json_table.h"

#include "json/json_doc.h"

#include "base/clock.h"
#include "base/text.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_MAX_BYTES = 4096, TEXTS_ITEM_MAX_BYTES = 1024, PATH_SIZE = 256 };

/* Where we are, for errors: "containers[2].image". */
struct path {
    char text[PATH_SIZE];
};

struct decoder {
    const struct mu_json_object *top;
    struct mu_arena *arena;
    struct mu_error *err;
};

static struct path path_member(const struct path *parent, const char *name)
{
    struct path path;

    (void)snprintf(path.text, sizeof(path.text), "%.120s%s%.120s", parent->text,
                   parent->text[0] ? "." : "", name);
    return path;
}

static struct path path_element(const struct path *parent, size_t index)
{
    struct path path;

    (void)snprintf(path.text, sizeof(path.text), "%.200s[%zu]", parent->text, index);
    return path;
}

static enum mu_status wrong(const struct decoder *decoder, const struct path *path,
                            const char *expected)
{
    return mu_fail(decoder->err, MU_E_INVALID, "%s: %s: %s", decoder->top->name, path->text,
                   expected);
}

static enum mu_status over(const struct decoder *decoder, const struct path *path, int64_t max,
                           const char *unit)
{
    return mu_fail(decoder->err, MU_E_LIMIT, "%s: %s: more than %lld %s", decoder->top->name,
                   path->text, (long long)max, unit);
}

static enum mu_status no_memory(const struct decoder *decoder, const struct path *path)
{
    return mu_fail(decoder->err, MU_E_NOMEM, "%s: %s: out of memory", decoder->top->name,
                   path->text);
}

typedef enum mu_status decode_fn(const struct decoder *decoder, const struct path *path,
                                 const struct mu_json_field *field, const json_t *value,
                                 void *slot);

/* ---- one function per type ---- */

static enum mu_status copy_text(const struct decoder *decoder, const struct path *path,
                                const json_t *value, const char **ret_text)
{
    const char *text = json_string_value(value);
    size_t len = json_string_length(value);

    if (memchr(text, '\0', len))
        return wrong(decoder, path, "must not hold a NUL");
    *ret_text = mu_arena_strndup(decoder->arena, text, len);
    return *ret_text ? MU_OK : no_memory(decoder, path);
}

static enum mu_status decode_text(const struct decoder *decoder, const struct path *path,
                                  const struct mu_json_field *field, const json_t *value,
                                  void *slot)
{
    int64_t len = (int64_t)json_string_length(value);
    int64_t max = field->max ? field->max : TEXT_MAX_BYTES;

    if (!json_is_string(value))
        return wrong(decoder, path, "must be a text");
    if (len > max)
        return over(decoder, path, max, "bytes");
    if (len < field->min)
        return wrong(decoder, path, "is too short");
    return copy_text(decoder, path, value, slot);
}

static enum mu_status decode_int(const struct decoder *decoder, const struct path *path,
                                 const struct mu_json_field *field, const json_t *value, void *slot)
{
    json_int_t number = json_integer_value(value);

    if (!json_is_integer(value))
        return wrong(decoder, path, "must be a whole number");
    if ((field->min || field->max) && (number < field->min || number > field->max))
        return wrong(decoder, path, "is out of range");
    *(int64_t *)slot = number;
    return MU_OK;
}

static enum mu_status decode_bool(const struct decoder *decoder, const struct path *path,
                                  const struct mu_json_field *field, const json_t *value,
                                  void *slot)
{
    (void)field;
    if (!json_is_boolean(value))
        return wrong(decoder, path, "must be true or false");
    *(bool *)slot = json_is_true(value);
    return MU_OK;
}

static enum mu_status decode_time(const struct decoder *decoder, const struct path *path,
                                  const struct mu_json_field *field, const json_t *value,
                                  void *slot)
{
    struct mu_error detail;

    (void)field;
    if (!json_is_string(value))
        return wrong(decoder, path, "must be a time");
    if (mu_time_parse(json_string_value(value), json_string_length(value), slot, &detail) != MU_OK)
        return wrong(decoder, path, detail.message);
    return MU_OK;
}

static enum mu_status decode_enum(const struct decoder *decoder, const struct path *path,
                                  const struct mu_json_field *field, const json_t *value,
                                  void *slot)
{
    if (!json_is_string(value))
        return wrong(decoder, path, "must be a text");
    for (int i = 1; field->words[i]; i++) {
        if (mu_text_equal(field->words[i], json_string_value(value))) {
            *(int *)slot = i;
            return MU_OK;
        }
    }
    return wrong(decoder, path, "is an unknown word");
}

static bool digest_valid(const char *text, size_t len)
{
    static const struct {
        const char *prefix;
        size_t digits;
    } algorithms[] = {{"sha256:", 64}, {"sha512:", 128}};

    for (size_t i = 0; i < sizeof(algorithms) / sizeof(algorithms[0]); i++) {
        size_t prefix = strlen(algorithms[i].prefix);

        if (len == prefix + algorithms[i].digits && mu_text_starts(text, algorithms[i].prefix))
            return strspn(text + prefix, "0123456789abcdef") == algorithms[i].digits;
    }
    return false;
}

static enum mu_status decode_digest(const struct decoder *decoder, const struct path *path,
                                    const struct mu_json_field *field, const json_t *value,
                                    void *slot)
{
    (void)field;
    if (!json_is_string(value))
        return wrong(decoder, path, "must be a text");
    if (!digest_valid(json_string_value(value), json_string_length(value)))
        return wrong(decoder, path, "is no digest");
    return copy_text(decoder, path, value, slot);
}

static enum mu_status decode_object(const struct decoder *decoder, const struct path *path,
                                    const struct mu_json_object *object, const json_t *value,
                                    void *ret_struct);

static enum mu_status decode_embedded(const struct decoder *decoder, const struct path *path,
                                      const struct mu_json_field *field, const json_t *value,
                                      void *slot)
{
    return decode_object(decoder, path, field->object, value, slot);
}

/* Array length against field->max. */
static enum mu_status check_array(const struct decoder *decoder, const struct path *path,
                                  const struct mu_json_field *field, const json_t *value)
{
    if (!json_is_array(value))
        return wrong(decoder, path, "must be an array");
    if ((int64_t)json_array_size(value) > field->max)
        return over(decoder, path, field->max, "elements");
    if ((int64_t)json_array_size(value) < field->min)
        return wrong(decoder, path, "has too few elements");
    return MU_OK;
}

static enum mu_status decode_array(const struct decoder *decoder, const struct path *path,
                                   const struct mu_json_field *field, const json_t *value,
                                   void *slot)
{
    struct mu_json_array array = {.count = json_array_size(value)};
    size_t size = field->object->struct_size;
    enum mu_status st = check_array(decoder, path, field, value);

    if (st != MU_OK)
        return st;
    array.items = mu_arena_alloc(decoder->arena, array.count * size + 1);
    if (!array.items)
        return no_memory(decoder, path);
    for (size_t i = 0; i < array.count; i++) {
        struct path element = path_element(path, i);

        st = decode_object(decoder, &element, field->object, json_array_get(value, i),
                           (char *)array.items + i * size);
        if (st != MU_OK)
            return st;
    }
    *(struct mu_json_array *)slot = array;
    return MU_OK;
}

static enum mu_status decode_texts(const struct decoder *decoder, const struct path *path,
                                   const struct mu_json_field *field, const json_t *value,
                                   void *slot)
{
    static const struct mu_json_field item = {.min = 1, .max = TEXTS_ITEM_MAX_BYTES};
    struct mu_json_texts texts = {.count = json_array_size(value)};
    enum mu_status st = check_array(decoder, path, field, value);

    if (st != MU_OK)
        return st;
    texts.items = mu_arena_alloc(decoder->arena, (texts.count + 1) * sizeof(char *));
    if (!texts.items)
        return no_memory(decoder, path);
    for (size_t i = 0; i < texts.count; i++) {
        struct path element = path_element(path, i);

        st = decode_text(decoder, &element, &item, json_array_get(value, i), &texts.items[i]);
        if (st != MU_OK)
            return st;
    }
    *(struct mu_json_texts *)slot = texts;
    return MU_OK;
}

static int compare_pairs(const void *a, const void *b)
{
    const struct mu_json_pair *left = a, *right = b;

    return strcmp(left->key, right->key);
}

static enum mu_status decode_map(const struct decoder *decoder, const struct path *path,
                                 const struct mu_json_field *field, const json_t *value, void *slot)
{
    static const struct mu_json_field item = {.max = TEXTS_ITEM_MAX_BYTES};
    struct mu_json_map map = {0};
    const char *key;
    json_t *member;

    if (!json_is_object(value))
        return wrong(decoder, path, "must be an object");
    if ((int64_t)json_object_size(value) > field->max)
        return over(decoder, path, field->max, "members");
    map.items = mu_arena_alloc(decoder->arena,
                               (json_object_size(value) + 1) * sizeof(struct mu_json_pair));
    if (!map.items)
        return no_memory(decoder, path);
    json_object_foreach ((json_t *)(uintptr_t)value, key, member) {
        struct path at = path_member(path, key);
        struct mu_json_pair *pair = &map.items[map.count++];
        enum mu_status st = decode_text(decoder, &at, &item, member, &pair->value);

        if (st != MU_OK)
            return st;
        pair->key = mu_arena_strdup(decoder->arena, key);
        if (!pair->key)
            return no_memory(decoder, &at);
    }
    qsort(map.items, map.count, sizeof(struct mu_json_pair), compare_pairs);
    *(struct mu_json_map *)slot = map;
    return MU_OK;
}

static decode_fn *const decoders[] = {
        [MU_JSON_TEXT] = decode_text,       [MU_JSON_INT] = decode_int,
        [MU_JSON_BOOL] = decode_bool,       [MU_JSON_TIME] = decode_time,
        [MU_JSON_ENUM] = decode_enum,       [MU_JSON_DIGEST] = decode_digest,
        [MU_JSON_OBJECT] = decode_embedded, [MU_JSON_ARRAY] = decode_array,
        [MU_JSON_TEXTS] = decode_texts,     [MU_JSON_MAP] = decode_map,
};

/* ---- objects ---- */

static enum mu_status decode_member(const struct decoder *decoder, const struct path *path,
                                    const struct mu_json_field *field, const json_t *object,
                                    char *ret_struct)
{
    const json_t *value = json_object_get(object, field->name);
    struct path at = path_member(path, field->name);

    if (!value || json_is_null(value)) {
        if (field->type == MU_JSON_TIME)
            *(int64_t *)(void *)(ret_struct + field->offset) = MU_TIME_NONE;
        return field->flags & MU_JSON_REQUIRED ? wrong(decoder, &at, "is missing") : MU_OK;
    }
    if (field->present_offset)
        *(bool *)(ret_struct + field->present_offset) = true;
    return decoders[field->type](decoder, &at, field, value, ret_struct + field->offset);
}

static enum mu_status decode_object(const struct decoder *decoder, const struct path *path,
                                    const struct mu_json_object *object, const json_t *value,
                                    void *ret_struct)
{
    if (!json_is_object(value))
        return wrong(decoder, path, "must be an object");
    memset(ret_struct, 0, object->struct_size);
    for (size_t i = 0; i < object->field_count; i++) {
        enum mu_status st = decode_member(decoder, path, &object->fields[i], value, ret_struct);

        if (st != MU_OK)
            return st;
    }
    return MU_OK;
}

enum mu_status mu_json_decode(const struct mu_json_object *object, const json_t *root,
                              struct mu_arena *arena, void *ret_struct, struct mu_error *err)
{
    struct decoder decoder = {object, arena, err};
    struct path top = {""};
    void *decoded = mu_arena_alloc(arena, object->struct_size);
    enum mu_status st;

    if (!decoded)
        return mu_fail(err, MU_E_NOMEM, "%s: out of memory", object->name);
    st = decode_object(&decoder, &top, object, root, decoded);
    if (st == MU_OK)
        memcpy(ret_struct, decoded, object->struct_size);
    return st;
}

/* ---- encoding ---- */

static enum mu_status encode_object(const struct mu_json_object *object, const void *value,
                                    json_t **ret_root, struct mu_error *err);

/* Text value of a slot; NULL when absent or an enum's 0. */
static const char *slot_text(const struct mu_json_field *field, const void *slot)
{
    int word;

    if (field->type != MU_JSON_ENUM)
        return *(const char *const *)slot;
    word = *(const int *)slot;
    return word > 0 ? field->words[word] : NULL;
}

static json_t *encode_time(int64_t at_us)
{
    char text[MU_TIME_TEXT_SIZE];

    if (at_us == MU_TIME_NONE)
        return NULL;
    mu_time_format(at_us, text);
    return json_string(text);
}

static json_t *encode_texts(const struct mu_json_texts *texts)
{
    json_t *array = json_array();

    for (size_t i = 0; i < texts->count; i++)
        (void)json_array_append_new(array, json_string(texts->items[i]));
    return array;
}

static json_t *encode_map(const struct mu_json_map *map)
{
    json_t *object = json_object();

    for (size_t i = 0; i < map->count; i++)
        (void)json_object_set_new(object, map->items[i].key, json_string(map->items[i].value));
    return object;
}

static enum mu_status encode_array(const struct mu_json_field *field,
                                   const struct mu_json_array *items, json_t **ret_value,
                                   struct mu_error *err)
{
    json_t *array = json_array();

    for (size_t i = 0; i < items->count; i++) {
        const void *item = (const char *)items->items + i * field->object->struct_size;
        json_t *element = NULL;
        enum mu_status st = encode_object(field->object, item, &element, err);

        if (st != MU_OK) {
            json_decref(array);
            return mu_wrap(err, "%s[%zu]", field->name, i);
        }
        (void)json_array_append_new(array, element);
    }
    *ret_value = array;
    return MU_OK;
}

/* The JSON value of a member, or NULL when it is absent. */
static enum mu_status encode_slot(const struct mu_json_field *field, const void *slot,
                                  json_t **ret_value, struct mu_error *err)
{
    const char *text;

    *ret_value = NULL;
    switch (field->type) {
    case MU_JSON_TEXT:
    case MU_JSON_DIGEST:
    case MU_JSON_ENUM:
        text = slot_text(field, slot);
        *ret_value = text ? json_string(text) : NULL;
        if (text && !*ret_value)
            return mu_fail(err, MU_E_INVALID, "%s is not UTF-8", field->name);
        return MU_OK;
    case MU_JSON_INT:
        *ret_value = json_integer(*(const int64_t *)slot);
        return MU_OK;
    case MU_JSON_BOOL:
        *ret_value = json_boolean(*(const bool *)slot);
        return MU_OK;
    case MU_JSON_TIME:
        *ret_value = encode_time(*(const int64_t *)slot);
        return MU_OK;
    case MU_JSON_OBJECT:
        return encode_object(field->object, slot, ret_value, err);
    case MU_JSON_ARRAY:
        return encode_array(field, slot, ret_value, err);
    case MU_JSON_TEXTS:
        *ret_value = encode_texts(slot);
        return MU_OK;
    case MU_JSON_MAP:
        *ret_value = encode_map(slot);
        return MU_OK;
    }
    return mu_fail(err, MU_E_INTERNAL, "%s has no type", field->name);
}

static enum mu_status encode_member(const struct mu_json_field *field, const char *from,
                                    json_t *into, struct mu_error *err)
{
    json_t *value = NULL;
    enum mu_status st = MU_OK;

    if (!field->present_offset || *(const bool *)(from + field->present_offset))
        st = encode_slot(field, from + field->offset, &value, err);
    if (st != MU_OK)
        return st;
    if (!value)
        return field->flags & MU_JSON_REQUIRED
                       ? mu_fail(err, MU_E_INVALID, "%s is missing", field->name)
                       : MU_OK;
    return json_object_set_new(into, field->name, value) == 0
                   ? MU_OK
                   : mu_fail(err, MU_E_NOMEM, "%s: out of memory", field->name);
}

static enum mu_status encode_object(const struct mu_json_object *object, const void *value,
                                    json_t **ret_root, struct mu_error *err)
{
    json_t *root = json_object();

    for (size_t i = 0; i < object->field_count; i++) {
        enum mu_status st = encode_member(&object->fields[i], value, root, err);

        if (st != MU_OK) {
            json_decref(root);
            return st;
        }
    }
    *ret_root = root;
    return MU_OK;
}

enum mu_status mu_json_encode(const struct mu_json_object *object, const void *value,
                              json_t **ret_root, struct mu_error *err)
{
    enum mu_status st = encode_object(object, value, ret_root, err);

    return st == MU_OK ? MU_OK : mu_wrap(err, "%s", object->name);
}
