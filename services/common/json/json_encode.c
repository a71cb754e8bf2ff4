#include "json/json_walk.h"
#include "json/json_write.h"

#include "base/clock.h"
#include "base/sha256.h"
#include "base/text.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

typedef enum mu_status encode_fn(const struct json_walk *walk, const struct json_path *path,
                                 const struct mu_json_field *field, const void *slot);

static enum mu_status encode_object(const struct json_walk *walk, const struct json_path *path,
                                    const struct mu_json_object *object, const void *from);

/* ---- one function per type; what is absent does not come here ---- */

static enum mu_status put_text(const struct json_walk *walk, const struct json_path *path,
                               const struct mu_json_field *field, const char *text)
{
    size_t len;

    if (!text)
        return json_wrong(walk, path, "is missing");
    len = strlen(text);
    if (!mu_utf8_valid(text, len))
        return json_wrong(walk, path, "is not UTF-8");
    if (json_check_text(walk, path, field, text, len) != MU_OK)
        return walk->err->status;
    json_write_text(walk->out, text, len);
    return MU_OK;
}

static enum mu_status encode_text(const struct json_walk *walk, const struct json_path *path,
                                  const struct mu_json_field *field, const void *slot)
{
    return put_text(walk, path, field, *(const char *const *)slot);
}

static enum mu_status encode_digest(const struct json_walk *walk, const struct json_path *path,
                                    const struct mu_json_field *field, const void *slot)
{
    const char *text = *(const char *const *)slot;
    size_t len = strlen(text);

    (void)field;
    if (!mu_digest_valid(text, len))
        return json_wrong(walk, path, "is no digest");
    json_write_text(walk->out, text, len);
    return MU_OK;
}

static enum mu_status encode_enum(const struct json_walk *walk, const struct json_path *path,
                                  const struct mu_json_field *field, const void *slot)
{
    int value = *(const int *)slot, count = 0;

    while (field->words[count])
        count++;
    if (value < 0 || value >= count)
        return json_wrong(walk, path, "has an unknown value");
    json_write_text(walk->out, field->words[value], strlen(field->words[value]));
    return MU_OK;
}

static enum mu_status encode_int(const struct json_walk *walk, const struct json_path *path,
                                 const struct mu_json_field *field, const void *slot)
{
    if (json_check_int(walk, path, field, *(const int64_t *)slot) != MU_OK)
        return walk->err->status;
    json_write_int(walk->out, *(const int64_t *)slot);
    return MU_OK;
}

static enum mu_status encode_bool(const struct json_walk *walk, const struct json_path *path,
                                  const struct mu_json_field *field, const void *slot)
{
    (void)path, (void)field;
    mu_buf_puts(walk->out, *(const bool *)slot ? "true" : "false");
    return MU_OK;
}

static enum mu_status encode_time(const struct json_walk *walk, const struct json_path *path,
                                  const struct mu_json_field *field, const void *slot)
{
    int64_t at_us = *(const int64_t *)slot;
    char text[MU_TIME_TEXT_SIZE];

    (void)field;
    if (!mu_time_valid(at_us))
        return json_wrong(walk, path, "lies before 1970 or after 9999");
    mu_time_format(at_us, text);
    json_write_text(walk->out, text, strlen(text));
    return MU_OK;
}

static enum mu_status encode_embedded(const struct json_walk *walk, const struct json_path *path,
                                      const struct mu_json_field *field, const void *slot)
{
    return encode_object(walk, path, field->object, slot);
}

static void put_comma(const struct json_walk *walk, size_t index)
{
    if (index > 0)
        mu_buf_append(walk->out, ",", 1);
}

static enum mu_status encode_array(const struct json_walk *walk, const struct json_path *path,
                                   const struct mu_json_field *field, const void *slot)
{
    const struct mu_json_array *items = slot;
    enum mu_status st = json_check_count(walk, path, field, items->count);

    mu_buf_append(walk->out, "[", 1);
    for (size_t i = 0; st == MU_OK && i < items->count; i++) {
        const void *item = (const char *)items->items + i * field->object->struct_size;
        const struct json_path at = {path, NULL, i};

        put_comma(walk, i);
        st = encode_object(walk, &at, field->object, item);
    }
    mu_buf_append(walk->out, "]", 1);
    return st;
}

static enum mu_status encode_texts(const struct json_walk *walk, const struct json_path *path,
                                   const struct mu_json_field *field, const void *slot)
{
    const struct mu_json_texts *texts = slot;
    enum mu_status st = json_check_count(walk, path, field, texts->count);

    mu_buf_append(walk->out, "[", 1);
    for (size_t i = 0; st == MU_OK && i < texts->count; i++) {
        const struct json_path at = {path, NULL, i};

        put_comma(walk, i);
        st = put_text(walk, &at, &json_texts_item, texts->items[i]);
    }
    mu_buf_append(walk->out, "]", 1);
    return st;
}

static enum mu_status put_pair(const struct json_walk *walk, const struct json_path *path,
                               const struct mu_json_pair *pair)
{
    const struct json_path at = {path, pair->key, 0};

    if (!mu_utf8_valid(pair->key, strlen(pair->key)))
        return json_wrong(walk, &at, "is not UTF-8");
    json_write_text(walk->out, pair->key, strlen(pair->key));
    mu_buf_append(walk->out, ":", 1);
    return put_text(walk, &at, &json_map_item, pair->value);
}

static int compare_pairs(const void *a, const void *b)
{
    const struct mu_json_pair *const *left = a, *const *right = b;

    return strcmp((*left)->key, (*right)->key);
}

/* The pairs in the order of their keys. To be freed; NULL when memory is exhausted. */
static const struct mu_json_pair **sort_pairs(const struct mu_json_map *map)
{
    const struct mu_json_pair **sorted = malloc((map->count + 1) * sizeof(struct mu_json_pair *));

    for (size_t i = 0; sorted && i < map->count; i++)
        sorted[i] = &map->items[i];
    if (sorted)
        qsort(sorted, map->count, sizeof(struct mu_json_pair *), compare_pairs);
    return sorted;
}

static enum mu_status encode_map(const struct json_walk *walk, const struct json_path *path,
                                 const struct mu_json_field *field, const void *slot)
{
    const struct mu_json_map *map = slot;
    MU_AUTO_FREE const struct mu_json_pair **sorted = NULL;
    enum mu_status st = json_check_count(walk, path, field, map->count);

    if (st != MU_OK)
        return st;
    sorted = sort_pairs(map);
    if (!sorted)
        return json_no_memory(walk, path);
    mu_buf_append(walk->out, "{", 1);
    for (size_t i = 0; st == MU_OK && i < map->count; i++) {
        const struct json_path at = {path, sorted[i]->key, 0};

        if (i > 0 && compare_pairs(&sorted[i - 1], &sorted[i]) == 0)
            return json_wrong(walk, &at, "is there twice");
        put_comma(walk, i);
        st = put_pair(walk, path, sorted[i]);
    }
    mu_buf_append(walk->out, "}", 1);
    return st;
}

static encode_fn *const encoders[] = {
        [MU_JSON_TEXT] = encode_text,       [MU_JSON_INT] = encode_int,
        [MU_JSON_BOOL] = encode_bool,       [MU_JSON_TIME] = encode_time,
        [MU_JSON_ENUM] = encode_enum,       [MU_JSON_DIGEST] = encode_digest,
        [MU_JSON_OBJECT] = encode_embedded, [MU_JSON_ARRAY] = encode_array,
        [MU_JSON_TEXTS] = encode_texts,     [MU_JSON_MAP] = encode_map,
};

/* ---- objects ---- */

static bool is_absent(const struct mu_json_field *field, const char *from)
{
    const void *slot = from + field->offset;

    if (field->present_offset)
        return !*(const bool *)(from + field->present_offset);
    switch (field->type) {
    case MU_JSON_TEXT:
    case MU_JSON_DIGEST:
        return *(const char *const *)slot == NULL;
    case MU_JSON_TIME:
        return *(const int64_t *)slot == MU_TIME_NONE;
    case MU_JSON_ENUM:
        return *(const int *)slot == 0;
    case MU_JSON_INT:
    case MU_JSON_BOOL:
    case MU_JSON_OBJECT:
    case MU_JSON_ARRAY:
    case MU_JSON_TEXTS:
    case MU_JSON_MAP:
        break;
    }
    return false;
}

/* ,"name": at once: names of fields need no escapes. */
static void put_name(struct mu_buf *out, size_t index, const char *name)
{
    size_t len = strlen(name);
    char *at = mu_buf_room(out, len + 4);

    if (!at)
        return;
    if (index > 0)
        *at++ = ',';
    *at++ = '"';
    memcpy(at, name, len);
    memcpy(at + len, "\":", 2);
    mu_buf_took(out, len + 3 + (index > 0));
}

/* In the order of the table, which is that of the canonical form. */
static enum mu_status encode_object(const struct json_walk *walk, const struct json_path *path,
                                    const struct mu_json_object *object, const void *from)
{
    size_t written = 0;
    enum mu_status st = MU_OK;

    mu_buf_append(walk->out, "{", 1);
    for (size_t i = 0; st == MU_OK && i < object->field_count; i++) {
        const struct mu_json_field *field = &object->fields[i];
        const struct json_path at = {path, field->name, 0};

        assert(i == 0 || strcmp(object->fields[i - 1].name, field->name) < 0);
        if (is_absent(field, from)) {
            if (field->flags & MU_JSON_REQUIRED)
                st = json_wrong(walk, &at, "is missing");
            continue;
        }
        put_name(walk->out, written++, field->name);
        st = encoders[field->type](walk, &at, field, (const char *)from + field->offset);
    }
    mu_buf_append(walk->out, "}", 1);
    return st;
}

enum mu_status mu_json_encode(const struct mu_json_object *object, const void *value,
                              struct mu_buf *out, struct mu_error *err)
{
    const struct json_walk walk = {object, NULL, out, err};
    const struct json_path top = {0};
    size_t before = out->len;
    enum mu_status st = encode_object(&walk, &top, object, value);

    if (st == MU_OK)
        st = mu_buf_status(out, object->name, err);
    if (st != MU_OK)
        mu_buf_cut(out, before);
    return st;
}
