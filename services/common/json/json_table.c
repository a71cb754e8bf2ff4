#include "json/json_table.h"

#include "json/json_doc.h"

#include "base/clock.h"
#include "base/sha256.h"
#include "base/text.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_MAX_CHARACTERS = 4096, ITEM_MAX_CHARACTERS = 1024, PATH_SIZE = 256 };

/* What an element of MU_JSON_TEXTS and a value of MU_JSON_MAP may be. */
static const struct mu_json_field texts_item = {.min = 1, .max = ITEM_MAX_CHARACTERS};
static const struct mu_json_field map_item = {.max = ITEM_MAX_CHARACTERS};

/* Where we are, for errors: "containers[2].image". */
struct path {
    char text[PATH_SIZE];
};

struct walk {
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

static enum mu_status wrong(const struct walk *walk, const struct path *path, const char *expected)
{
    return mu_fail(walk->err, MU_E_INVALID, "%s%s%s: %s", walk->top->name,
                   path->text[0] ? ": " : "", path->text, expected);
}

static enum mu_status over(const struct walk *walk, const struct path *path, int64_t max,
                           const char *unit)
{
    return mu_fail(walk->err, MU_E_LIMIT, "%s: %s: more than %lld %s", walk->top->name, path->text,
                   (long long)max, unit);
}

static enum mu_status no_memory(const struct walk *walk, const struct path *path)
{
    return mu_fail(walk->err, MU_E_NOMEM, "%s: %s: out of memory", walk->top->name, path->text);
}

/* ---- limits, the same both ways ---- */

static bool all_visible(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (text[i] < '!' || text[i] > '~')
            return false;
    return true;
}

/* `text` is UTF-8. */
static enum mu_status check_text(const struct walk *walk, const struct path *path,
                                 const struct mu_json_field *field, const char *text, size_t len)
{
    int64_t count = (int64_t)mu_utf8_count(text, len);
    int64_t max = field->max ? field->max : TEXT_MAX_CHARACTERS;

    if (count > max)
        return over(walk, path, max, "characters");
    if (count < field->min)
        return wrong(walk, path, "is too short");
    if ((field->flags & MU_JSON_VISIBLE) && !all_visible(text, len))
        return wrong(walk, path, "must be ASCII without spaces");
    return MU_OK;
}

static enum mu_status check_int(const struct walk *walk, const struct path *path,
                                const struct mu_json_field *field, int64_t number)
{
    if ((field->min || field->max) && (number < field->min || number > field->max))
        return wrong(walk, path, "is out of range");
    return MU_OK;
}

static enum mu_status check_count(const struct walk *walk, const struct path *path,
                                  const struct mu_json_field *field, size_t count)
{
    if ((int64_t)count > field->max)
        return over(walk, path, field->max, field->type == MU_JSON_MAP ? "members" : "elements");
    return (int64_t)count < field->min ? wrong(walk, path, "has too few elements") : MU_OK;
}

typedef enum mu_status decode_fn(const struct walk *walk, const struct path *path,
                                 const struct mu_json_field *field, const json_t *value,
                                 void *slot);

/* ---- one function per type ---- */

static enum mu_status copy_text(const struct walk *walk, const struct path *path,
                                const json_t *value, const char **ret_text)
{
    const char *text = json_string_value(value);
    size_t len = json_string_length(value);

    if (memchr(text, '\0', len))
        return wrong(walk, path, "must not hold a NUL");
    *ret_text = mu_arena_strndup(walk->arena, text, len);
    return *ret_text ? MU_OK : no_memory(walk, path);
}

static enum mu_status decode_text(const struct walk *walk, const struct path *path,
                                  const struct mu_json_field *field, const json_t *value,
                                  void *slot)
{
    if (!json_is_string(value))
        return wrong(walk, path, "must be a text");
    if (check_text(walk, path, field, json_string_value(value), json_string_length(value)) != MU_OK)
        return walk->err->status;
    return copy_text(walk, path, value, slot);
}

static enum mu_status decode_int(const struct walk *walk, const struct path *path,
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
        return wrong(walk, path, "must be a whole number");
    if (check_int(walk, path, field, number) != MU_OK)
        return walk->err->status;
    *(int64_t *)slot = number;
    return MU_OK;
}

static enum mu_status decode_bool(const struct walk *walk, const struct path *path,
                                  const struct mu_json_field *field, const json_t *value,
                                  void *slot)
{
    (void)field;
    if (!json_is_boolean(value))
        return wrong(walk, path, "must be true or false");
    *(bool *)slot = json_is_true(value);
    return MU_OK;
}

static enum mu_status decode_time(const struct walk *walk, const struct path *path,
                                  const struct mu_json_field *field, const json_t *value,
                                  void *slot)
{
    struct mu_error detail;

    (void)field;
    if (!json_is_string(value))
        return wrong(walk, path, "must be a time");
    if (mu_time_parse(json_string_value(value), json_string_length(value), slot, &detail) != MU_OK)
        return wrong(walk, path, detail.message);
    return MU_OK;
}

static enum mu_status decode_enum(const struct walk *walk, const struct path *path,
                                  const struct mu_json_field *field, const json_t *value,
                                  void *slot)
{
    if (!json_is_string(value))
        return wrong(walk, path, "must be a text");
    for (int i = 1; field->words[i]; i++) {
        if (mu_text_equal(field->words[i], json_string_value(value))) {
            *(int *)slot = i;
            return MU_OK;
        }
    }
    return wrong(walk, path, "is an unknown word");
}

static enum mu_status decode_digest(const struct walk *walk, const struct path *path,
                                    const struct mu_json_field *field, const json_t *value,
                                    void *slot)
{
    (void)field;
    if (!json_is_string(value))
        return wrong(walk, path, "must be a text");
    if (!mu_digest_valid(json_string_value(value), json_string_length(value)))
        return wrong(walk, path, "is no digest");
    return copy_text(walk, path, value, slot);
}

static enum mu_status decode_object(const struct walk *walk, const struct path *path,
                                    const struct mu_json_object *object, const json_t *value,
                                    void *ret_struct);

static enum mu_status decode_embedded(const struct walk *walk, const struct path *path,
                                      const struct mu_json_field *field, const json_t *value,
                                      void *slot)
{
    return decode_object(walk, path, field->object, value, slot);
}

static enum mu_status check_array(const struct walk *walk, const struct path *path,
                                  const struct mu_json_field *field, const json_t *value)
{
    if (!json_is_array(value))
        return wrong(walk, path, "must be an array");
    return check_count(walk, path, field, json_array_size(value));
}

static enum mu_status decode_array(const struct walk *walk, const struct path *path,
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
        return no_memory(walk, path);
    for (size_t i = 0; i < array.count; i++) {
        struct path element = path_element(path, i);

        st = decode_object(walk, &element, field->object, json_array_get(value, i),
                           (char *)array.items + i * size);
        if (st != MU_OK)
            return st;
    }
    *(struct mu_json_array *)slot = array;
    return MU_OK;
}

static enum mu_status decode_texts(const struct walk *walk, const struct path *path,
                                   const struct mu_json_field *field, const json_t *value,
                                   void *slot)
{
    struct mu_json_texts texts = {.count = json_array_size(value)};
    enum mu_status st = check_array(walk, path, field, value);

    if (st != MU_OK)
        return st;
    texts.items = mu_arena_alloc(walk->arena, (texts.count + 1) * sizeof(char *));
    if (!texts.items)
        return no_memory(walk, path);
    for (size_t i = 0; i < texts.count; i++) {
        struct path element = path_element(path, i);

        st = decode_text(walk, &element, &texts_item, json_array_get(value, i), &texts.items[i]);
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

static enum mu_status decode_map(const struct walk *walk, const struct path *path,
                                 const struct mu_json_field *field, const json_t *value, void *slot)
{
    struct mu_json_map map = {0};
    const char *key;
    json_t *member;

    if (!json_is_object(value))
        return wrong(walk, path, "must be an object");
    if (check_count(walk, path, field, json_object_size(value)) != MU_OK)
        return walk->err->status;
    map.items = mu_arena_alloc(walk->arena,
                               (json_object_size(value) + 1) * sizeof(struct mu_json_pair));
    if (!map.items)
        return no_memory(walk, path);
    json_object_foreach ((json_t *)(uintptr_t)value, key, member) {
        struct path at = path_member(path, key);
        struct mu_json_pair *pair = &map.items[map.count++];
        enum mu_status st = decode_text(walk, &at, &map_item, member, &pair->value);

        if (st != MU_OK)
            return st;
        pair->key = mu_arena_strdup(walk->arena, key);
        if (!pair->key)
            return no_memory(walk, &at);
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

static enum mu_status decode_member(const struct walk *walk, const struct path *path,
                                    const struct mu_json_field *field, const json_t *object,
                                    char *ret_struct)
{
    const json_t *value = json_object_get(object, field->name);
    struct path at = path_member(path, field->name);

    if (!value || json_is_null(value)) {
        if (field->type == MU_JSON_TIME)
            *(int64_t *)(void *)(ret_struct + field->offset) = MU_TIME_NONE;
        return field->flags & MU_JSON_REQUIRED ? wrong(walk, &at, "is missing") : MU_OK;
    }
    if (field->present_offset)
        *(bool *)(ret_struct + field->present_offset) = true;
    return decoders[field->type](walk, &at, field, value, ret_struct + field->offset);
}

static enum mu_status decode_object(const struct walk *walk, const struct path *path,
                                    const struct mu_json_object *object, const json_t *value,
                                    void *ret_struct)
{
    if (!json_is_object(value))
        return wrong(walk, path, "must be an object");
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
    struct walk walk = {object, arena, err};
    struct path top = {""};
    void *decoded = mu_arena_alloc(arena, object->struct_size);
    enum mu_status st;

    if (!decoded)
        return mu_fail(err, MU_E_NOMEM, "%s: out of memory", object->name);
    st = decode_object(&walk, &top, object, root, decoded);
    if (st == MU_OK)
        memcpy(ret_struct, decoded, object->struct_size);
    return st;
}

/* ---- encoding ---- */

typedef enum mu_status encode_fn(const struct walk *walk, const struct path *path,
                                 const struct mu_json_field *field, const void *slot,
                                 json_t **ret_value);

static enum mu_status encode_object(const struct walk *walk, const struct path *path,
                                    const struct mu_json_object *object, const void *from,
                                    json_t **ret_root);

/* NULL stays absent. */
static enum mu_status make_text(const struct walk *walk, const struct path *path,
                                const struct mu_json_field *field, const char *text,
                                json_t **ret_value)
{
    size_t len = text ? strlen(text) : 0;

    if (!text)
        return MU_OK;
    if (!mu_utf8_valid(text, len))
        return wrong(walk, path, "is not UTF-8");
    if (check_text(walk, path, field, text, len) != MU_OK)
        return walk->err->status;
    *ret_value = json_stringn(text, len);
    return *ret_value ? MU_OK : no_memory(walk, path);
}

static enum mu_status encode_text(const struct walk *walk, const struct path *path,
                                  const struct mu_json_field *field, const void *slot,
                                  json_t **ret_value)
{
    return make_text(walk, path, field, *(const char *const *)slot, ret_value);
}

static enum mu_status encode_digest(const struct walk *walk, const struct path *path,
                                    const struct mu_json_field *field, const void *slot,
                                    json_t **ret_value)
{
    const char *text = *(const char *const *)slot;

    if (text && !mu_digest_valid(text, strlen(text)))
        return wrong(walk, path, "is no digest");
    return make_text(walk, path, field, text, ret_value);
}

static enum mu_status encode_enum(const struct walk *walk, const struct path *path,
                                  const struct mu_json_field *field, const void *slot,
                                  json_t **ret_value)
{
    int value = *(const int *)slot, count = 0;

    while (field->words[count])
        count++;
    if (value < 0 || value >= count)
        return wrong(walk, path, "has an unknown value");
    return make_text(walk, path, field, value == 0 ? NULL : field->words[value], ret_value);
}

static enum mu_status encode_int(const struct walk *walk, const struct path *path,
                                 const struct mu_json_field *field, const void *slot,
                                 json_t **ret_value)
{
    if (check_int(walk, path, field, *(const int64_t *)slot) != MU_OK)
        return walk->err->status;
    *ret_value = json_integer(*(const int64_t *)slot);
    return *ret_value ? MU_OK : no_memory(walk, path);
}

static enum mu_status encode_bool(const struct walk *walk, const struct path *path,
                                  const struct mu_json_field *field, const void *slot,
                                  json_t **ret_value)
{
    (void)walk, (void)path, (void)field;
    *ret_value = json_boolean(*(const bool *)slot);
    return MU_OK;
}

static enum mu_status encode_time(const struct walk *walk, const struct path *path,
                                  const struct mu_json_field *field, const void *slot,
                                  json_t **ret_value)
{
    int64_t at_us = *(const int64_t *)slot, back_us;
    char text[MU_TIME_TEXT_SIZE];
    struct mu_error detail;

    (void)field;
    if (at_us == MU_TIME_NONE)
        return MU_OK;
    mu_time_format(at_us, text);
    if (mu_time_parse(text, strlen(text), &back_us, &detail) != MU_OK)
        return wrong(walk, path, detail.message);
    *ret_value = json_string(text);
    return *ret_value ? MU_OK : no_memory(walk, path);
}

static enum mu_status encode_embedded(const struct walk *walk, const struct path *path,
                                      const struct mu_json_field *field, const void *slot,
                                      json_t **ret_value)
{
    return encode_object(walk, path, field->object, slot, ret_value);
}

/* Takes `element` in any case. */
static enum mu_status add_element(const struct walk *walk, const struct path *path, json_t *array,
                                  json_t *element)
{
    return json_array_append_new(array, element) == 0 ? MU_OK : no_memory(walk, path);
}

static enum mu_status encode_array(const struct walk *walk, const struct path *path,
                                   const struct mu_json_field *field, const void *slot,
                                   json_t **ret_value)
{
    const struct mu_json_array *items = slot;
    json_auto_t *array = json_array();
    enum mu_status st = check_count(walk, path, field, items->count);

    for (size_t i = 0; st == MU_OK && i < items->count; i++) {
        const void *item = (const char *)items->items + i * field->object->struct_size;
        struct path at = path_element(path, i);
        json_t *element = NULL;

        st = encode_object(walk, &at, field->object, item, &element);
        if (st == MU_OK)
            st = add_element(walk, &at, array, element);
    }
    if (st == MU_OK)
        *ret_value = json_incref(array);
    return st;
}

static enum mu_status encode_texts(const struct walk *walk, const struct path *path,
                                   const struct mu_json_field *field, const void *slot,
                                   json_t **ret_value)
{
    const struct mu_json_texts *texts = slot;
    json_auto_t *array = json_array();
    enum mu_status st = check_count(walk, path, field, texts->count);

    for (size_t i = 0; st == MU_OK && i < texts->count; i++) {
        struct path at = path_element(path, i);
        json_t *element = NULL;

        st = texts->items[i] ? make_text(walk, &at, &texts_item, texts->items[i], &element)
                             : wrong(walk, &at, "is missing");
        if (st == MU_OK)
            st = add_element(walk, &at, array, element);
    }
    if (st == MU_OK)
        *ret_value = json_incref(array);
    return st;
}

static enum mu_status encode_map(const struct walk *walk, const struct path *path,
                                 const struct mu_json_field *field, const void *slot,
                                 json_t **ret_value)
{
    const struct mu_json_map *map = slot;
    json_auto_t *object = json_object();
    enum mu_status st = check_count(walk, path, field, map->count);

    for (size_t i = 0; st == MU_OK && i < map->count; i++) {
        const struct mu_json_pair *pair = &map->items[i];
        struct path at = path_member(path, pair->key);
        json_t *value = NULL;

        if (!mu_utf8_valid(pair->key, strlen(pair->key)))
            return wrong(walk, &at, "is not UTF-8");
        st = pair->value ? make_text(walk, &at, &map_item, pair->value, &value)
                         : wrong(walk, &at, "is missing");
        if (st == MU_OK && json_object_set_new(object, pair->key, value) != 0)
            st = no_memory(walk, &at);
    }
    if (st == MU_OK)
        *ret_value = json_incref(object);
    return st;
}

static encode_fn *const encoders[] = {
        [MU_JSON_TEXT] = encode_text,       [MU_JSON_INT] = encode_int,
        [MU_JSON_BOOL] = encode_bool,       [MU_JSON_TIME] = encode_time,
        [MU_JSON_ENUM] = encode_enum,       [MU_JSON_DIGEST] = encode_digest,
        [MU_JSON_OBJECT] = encode_embedded, [MU_JSON_ARRAY] = encode_array,
        [MU_JSON_TEXTS] = encode_texts,     [MU_JSON_MAP] = encode_map,
};

static enum mu_status encode_member(const struct walk *walk, const struct path *path,
                                    const struct mu_json_field *field, const char *from,
                                    json_t *into)
{
    struct path at = path_member(path, field->name);
    json_t *value = NULL;
    enum mu_status st = MU_OK;

    if (!field->present_offset || *(const bool *)(from + field->present_offset))
        st = encoders[field->type](walk, &at, field, from + field->offset, &value);
    if (st != MU_OK)
        return st;
    if (!value)
        return field->flags & MU_JSON_REQUIRED ? wrong(walk, &at, "is missing") : MU_OK;
    return json_object_set_new(into, field->name, value) == 0 ? MU_OK : no_memory(walk, &at);
}

static enum mu_status encode_object(const struct walk *walk, const struct path *path,
                                    const struct mu_json_object *object, const void *from,
                                    json_t **ret_root)
{
    json_auto_t *root = json_object();

    for (size_t i = 0; i < object->field_count; i++) {
        enum mu_status st = encode_member(walk, path, &object->fields[i], from, root);

        if (st != MU_OK)
            return st;
    }
    *ret_root = json_incref(root);
    return MU_OK;
}

enum mu_status mu_json_encode(const struct mu_json_object *object, const void *value,
                              json_t **ret_root, struct mu_error *err)
{
    struct walk walk = {object, NULL, err};
    struct path top = {""};

    return encode_object(&walk, &top, object, value, ret_root);
}
