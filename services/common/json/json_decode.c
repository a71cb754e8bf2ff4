#include "json/json_walk.h"

#include "base/clock.h"
#include "base/sha256.h"
#include "base/text.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

typedef enum mu_status decode_fn(const struct json_walk *walk, const struct json_path *path,
                                 const struct mu_json_field *field, const json_t *value,
                                 void *slot);

/* ---- one function per type ---- */

static enum mu_status copy_text(const struct json_walk *walk, const struct json_path *path,
                                const json_t *value, const char **ret_text)
{
    const char *text = json_string_value(value);
    size_t len = json_string_length(value);

    if (memchr(text, '\0', len))
        return json_wrong(walk, path, "must not hold a NUL");
    *ret_text = mu_arena_strndup(walk->arena, text, len);
    return *ret_text ? MU_OK : json_no_memory(walk, path);
}

static enum mu_status decode_text(const struct json_walk *walk, const struct json_path *path,
                                  const struct mu_json_field *field, const json_t *value,
                                  void *slot)
{
    if (!json_is_string(value))
        return json_wrong(walk, path, "must be a text");
    if (json_check_text(walk, path, field, json_string_value(value), json_string_length(value)) !=
        MU_OK)
        return walk->err->status;
    return copy_text(walk, path, value, slot);
}

static enum mu_status decode_int(const struct json_walk *walk, const struct json_path *path,
                                 const struct mu_json_field *field, const json_t *value, void *slot)
{
    double real = json_number_value(value);
    int64_t number;

    if (json_is_integer(value))
        number = json_integer_value(value);
    else if (json_is_real(value) && real >= -0x1p63 && real < 0x1p63 &&
             real == (double)(int64_t)real)
        number = (int64_t)real; /* 1.0 is a whole number too (JSON Schema, "integer") */
    else
        return json_wrong(walk, path, "must be a whole number");
    if (json_check_int(walk, path, field, number) != MU_OK)
        return walk->err->status;
    *(int64_t *)slot = number;
    return MU_OK;
}

static enum mu_status decode_bool(const struct json_walk *walk, const struct json_path *path,
                                  const struct mu_json_field *field, const json_t *value,
                                  void *slot)
{
    (void)field;
    if (!json_is_boolean(value))
        return json_wrong(walk, path, "must be true or false");
    *(bool *)slot = json_is_true(value);
    return MU_OK;
}

static enum mu_status decode_time(const struct json_walk *walk, const struct json_path *path,
                                  const struct mu_json_field *field, const json_t *value,
                                  void *slot)
{
    struct mu_error detail;

    (void)field;
    if (!json_is_string(value))
        return json_wrong(walk, path, "must be a time");
    if (mu_time_parse(json_string_value(value), json_string_length(value), slot, &detail) != MU_OK)
        return json_wrong(walk, path, detail.message);
    return MU_OK;
}

static enum mu_status decode_enum(const struct json_walk *walk, const struct json_path *path,
                                  const struct mu_json_field *field, const json_t *value,
                                  void *slot)
{
    if (!json_is_string(value))
        return json_wrong(walk, path, "must be a text");
    for (int i = 1; field->words[i]; i++) {
        if (mu_text_equal(field->words[i], json_string_value(value))) {
            *(int *)slot = i;
            return MU_OK;
        }
    }
    return json_wrong(walk, path, "is an unknown word");
}

static enum mu_status decode_digest(const struct json_walk *walk, const struct json_path *path,
                                    const struct mu_json_field *field, const json_t *value,
                                    void *slot)
{
    (void)field;
    if (!json_is_string(value))
        return json_wrong(walk, path, "must be a text");
    if (!mu_digest_valid(json_string_value(value), json_string_length(value)))
        return json_wrong(walk, path, "is no digest");
    return copy_text(walk, path, value, slot);
}

static enum mu_status decode_object(const struct json_walk *walk, const struct json_path *path,
                                    const struct mu_json_object *object, const json_t *value,
                                    void *ret_struct);

static enum mu_status decode_embedded(const struct json_walk *walk, const struct json_path *path,
                                      const struct mu_json_field *field, const json_t *value,
                                      void *slot)
{
    return decode_object(walk, path, field->object, value, slot);
}

static enum mu_status check_array(const struct json_walk *walk, const struct json_path *path,
                                  const struct mu_json_field *field, const json_t *value)
{
    if (!json_is_array(value))
        return json_wrong(walk, path, "must be an array");
    return json_check_count(walk, path, field, json_array_size(value));
}

static enum mu_status decode_array(const struct json_walk *walk, const struct json_path *path,
                                   const struct mu_json_field *field, const json_t *value,
                                   void *slot)
{
    struct mu_json_array array = {.count = json_array_size(value)};
    size_t size = field->object->struct_size;
    enum mu_status st = check_array(walk, path, field, value);

    if (st != MU_OK)
        return st;
    array.items = mu_arena_alloc(walk->arena, array.count * size + 1);
    if (!array.items)
        return json_no_memory(walk, path);
    for (size_t i = 0; i < array.count; i++) {
        struct json_path element = {path, NULL, i};

        st = decode_object(walk, &element, field->object, json_array_get(value, i),
                           (char *)array.items + i * size);
        if (st != MU_OK)
            return st;
    }
    *(struct mu_json_array *)slot = array;
    return MU_OK;
}

static enum mu_status decode_texts(const struct json_walk *walk, const struct json_path *path,
                                   const struct mu_json_field *field, const json_t *value,
                                   void *slot)
{
    struct mu_json_texts texts = {.count = json_array_size(value)};
    enum mu_status st = check_array(walk, path, field, value);

    if (st != MU_OK)
        return st;
    texts.items = mu_arena_alloc(walk->arena, (texts.count + 1) * sizeof(char *));
    if (!texts.items)
        return json_no_memory(walk, path);
    for (size_t i = 0; i < texts.count; i++) {
        struct json_path element = {path, NULL, i};

        st = decode_text(walk, &element, &json_texts_item, json_array_get(value, i),
                         &texts.items[i]);
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

static enum mu_status decode_map(const struct json_walk *walk, const struct json_path *path,
                                 const struct mu_json_field *field, const json_t *value, void *slot)
{
    struct mu_json_map map = {0};
    const char *key;
    json_t *member;

    if (!json_is_object(value))
        return json_wrong(walk, path, "must be an object");
    if (json_check_count(walk, path, field, json_object_size(value)) != MU_OK)
        return walk->err->status;
    map.items = mu_arena_alloc(walk->arena,
                               (json_object_size(value) + 1) * sizeof(struct mu_json_pair));
    if (!map.items)
        return json_no_memory(walk, path);
    json_object_foreach ((json_t *)(uintptr_t)value, key, member) {
        struct json_path at = {path, key, 0};
        struct mu_json_pair *pair = &map.items[map.count++];
        enum mu_status st = decode_text(walk, &at, &json_map_item, member, &pair->value);

        if (st != MU_OK)
            return st;
        pair->key = mu_arena_strdup(walk->arena, key);
        if (!pair->key)
            return json_no_memory(walk, &at);
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

static enum mu_status decode_member(const struct json_walk *walk, const struct json_path *path,
                                    const struct mu_json_field *field, const json_t *object,
                                    char *ret_struct)
{
    const json_t *value = json_object_get(object, field->name);
    struct json_path at = {path, field->name, 0};

    if (!value || json_is_null(value)) {
        if (field->type == MU_JSON_TIME)
            *(int64_t *)(void *)(ret_struct + field->offset) = MU_TIME_NONE;
        return field->flags & MU_JSON_REQUIRED ? json_wrong(walk, &at, "is missing") : MU_OK;
    }
    if (field->present_offset)
        *(bool *)(ret_struct + field->present_offset) = true;
    return decoders[field->type](walk, &at, field, value, ret_struct + field->offset);
}

static enum mu_status decode_object(const struct json_walk *walk, const struct json_path *path,
                                    const struct mu_json_object *object, const json_t *value,
                                    void *ret_struct)
{
    if (!json_is_object(value))
        return json_wrong(walk, path, "must be an object");
    memset(ret_struct, 0, object->struct_size);
    for (size_t i = 0; i < object->field_count; i++) {
        enum mu_status st = decode_member(walk, path, &object->fields[i], value, ret_struct);

        if (st != MU_OK)
            return st;
    }
    return MU_OK;
}

enum mu_status mu_json_decode(const struct mu_json_object *object, const json_t *root,
                              struct mu_arena *arena, void *ret_struct, struct mu_error *err)
{
    struct json_walk walk = {object, arena, NULL, err};
    const struct json_path top = {0};
    void *decoded = mu_arena_alloc(arena, object->struct_size);
    enum mu_status st;

    if (!decoded)
        return mu_fail(err, MU_E_NOMEM, "%s: out of memory", object->name);
    st = decode_object(&walk, &top, object, root, decoded);
    if (st == MU_OK)
        memcpy(ret_struct, decoded, object->struct_size);
    return st;
}
