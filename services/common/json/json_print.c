#include "json/json_doc.h"

#include "json/json_write.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { PRINT_MAX_DEPTH = 2048, KEYS_ON_STACK = 32 };

struct member {
    const char *key;
    size_t len;
    const json_t *value;
};

static bool print_value(const json_t *value, unsigned depth, struct mu_buf *out);

static int compare_members(const void *a, const void *b)
{
    const struct member *left = a, *right = b;
    int order = memcmp(left->key, right->key, left->len < right->len ? left->len : right->len);

    return order != 0 ? order : (left->len > right->len) - (left->len < right->len);
}

/* For the few members that most objects have. */
static void insertion_sort(struct member *members, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        struct member moved = members[i];
        size_t at = i;

        for (; at > 0 && compare_members(&members[at - 1], &moved) > 0; at--)
            members[at] = members[at - 1];
        members[at] = moved;
    }
}

/* Into `members`, which has room for `most`; how many. */
static size_t collect_members(const json_t *object, struct member *members, size_t most)
{
    json_t *unconst = (json_t *)(uintptr_t)object; /* jansson's iterators lack the const */
    size_t count = 0;

    for (void *at = json_object_iter(unconst); at && count < most;
         at = json_object_iter_next(unconst, at))
        members[count++] = (struct member){json_object_iter_key(at), json_object_iter_key_len(at),
                                           json_object_iter_value(at)};
    return count;
}

static bool print_members(const struct member *members, size_t count, unsigned depth,
                          struct mu_buf *out)
{
    mu_buf_append(out, "{", 1);
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            mu_buf_append(out, ",", 1);
        json_write_text(out, members[i].key, members[i].len);
        mu_buf_append(out, ":", 1);
        if (!print_value(members[i].value, depth, out))
            return false;
    }
    mu_buf_append(out, "}", 1);
    return true;
}

static bool print_object(const json_t *object, unsigned depth, struct mu_buf *out)
{
    struct member few[KEYS_ON_STACK], *members = few;
    size_t count = json_object_size(object);
    bool done;

    if (count > KEYS_ON_STACK)
        members = malloc(count * sizeof(*members));
    if (!members)
        return false;
    count = collect_members(object, members, count);
    if (count > KEYS_ON_STACK)
        qsort(members, count, sizeof(*members), compare_members);
    else
        insertion_sort(members, count);
    done = print_members(members, count, depth, out);
    if (members != few)
        free(members);
    return done;
}

static bool print_array(const json_t *array, unsigned depth, struct mu_buf *out)
{
    mu_buf_append(out, "[", 1);
    for (size_t i = 0; i < json_array_size(array); i++) {
        if (i > 0)
            mu_buf_append(out, ",", 1);
        if (!print_value(json_array_get(array, i), depth, out))
            return false;
    }
    mu_buf_append(out, "]", 1);
    return true;
}

static int append(const char *bytes, size_t len, void *opaque)
{
    mu_buf_append(opaque, bytes, len);
    return 0;
}

/* `depth`: how many levels more there may be. */
static bool print_value(const json_t *value, unsigned depth, struct mu_buf *out)
{
    if (!value || out->failed || depth == 0)
        return false;
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        return print_object(value, depth - 1, out);
    case JSON_ARRAY:
        return print_array(value, depth - 1, out);
    case JSON_STRING:
        json_write_text(out, json_string_value(value), json_string_length(value));
        return true;
    case JSON_INTEGER:
        json_write_int(out, json_integer_value(value));
        return true;
    case JSON_REAL: /* the shortest form that reads back is jansson's own affair */
        return json_dump_callback(value, append, out, JSON_COMPACT | JSON_ENCODE_ANY) == 0;
    case JSON_TRUE:
        mu_buf_append(out, "true", 4);
        return true;
    case JSON_FALSE:
        mu_buf_append(out, "false", 5);
        return true;
    case JSON_NULL:
        mu_buf_append(out, "null", 4);
        return true;
    }
    return false;
}

enum mu_status mu_json_print(const json_t *root, struct mu_buf *out, struct mu_error *err)
{
    bool printed = print_value(root, PRINT_MAX_DEPTH, out);

    if (mu_buf_status(out, "JSON", err) != MU_OK)
        return err->status;
    return printed ? MU_OK : mu_fail(err, MU_E_INTERNAL, "JSON cannot be printed");
}
