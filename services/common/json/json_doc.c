#include "json/json_doc.h"

#include "json/json_memory.h"
#include "json/json_plain.h"

#include "base/text.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

const struct mu_json_limits mu_json_message_limits = {1024 * 1024, 32};

/* Depth of the deepest nesting, or max_depth + 1 as soon as it is exceeded. No recursion. */
static unsigned depth_of(const char *bytes, size_t len, unsigned max_depth)
{
    unsigned depth = 0, deepest = 0;
    bool in_text = false;

    for (size_t i = 0; i < len && deepest <= max_depth; i++) {
        char c = bytes[i];

        if (in_text) {
            if (c == '\\')
                i++;
            in_text = c != '"';
        } else if (c == '"') {
            in_text = true;
        } else if (c == '{' || c == '[') {
            depth++;
            deepest = depth > deepest ? depth : deepest;
        } else if ((c == '}' || c == ']') && depth > 0) {
            depth--;
        }
    }
    return deepest;
}

enum mu_status mu_json_parse(const char *bytes, size_t len, const struct mu_json_limits *limits,
                             json_t **ret_root, struct mu_error *err)
{
    json_error_t error;
    json_t *root;
    bool is_utf8;

    if (len > limits->max_bytes)
        return mu_fail(err, MU_E_LIMIT, "JSON of %zu bytes: more than %zu", len, limits->max_bytes);
    is_utf8 = mu_utf8_valid(bytes, len);
    json_memory_begin();
    root = is_utf8 ? json_read_plain(bytes, len, limits->max_depth) : NULL;
    json_memory_end();
    if (root) {
        *ret_root = root;
        return MU_OK;
    }
    if (depth_of(bytes, len, limits->max_depth) > limits->max_depth)
        return mu_fail(err, MU_E_LIMIT, "JSON is nested deeper than %u levels", limits->max_depth);
    if (!is_utf8)
        return mu_fail(err, MU_E_INVALID, "JSON is not valid UTF-8");
    root = json_loadb(bytes, len, JSON_REJECT_DUPLICATES, &error);
    if (!root)
        return mu_fail(err,
                       json_error_code(&error) == json_error_out_of_memory ? MU_E_NOMEM
                                                                           : MU_E_INVALID,
                       "JSON, line %d, column %d: %s", error.line, error.column, error.text);
    *ret_root = root;
    return MU_OK;
}

/* The member or element that `name` (of `len` bytes) leads to. */
static const json_t *step(const json_t *from, const char *name, size_t len)
{
    char *end;
    unsigned long index;

    if (json_is_object(from))
        return json_object_getn(from, name, len);
    if (!json_is_array(from))
        return NULL;
    index = strtoul(name, &end, 10);
    return end == name + len && len > 0 ? json_array_get(from, index) : NULL;
}

const json_t *mu_json_at(const json_t *root, const char *path)
{
    while (root && *path) {
        size_t len = strcspn(path, ".");

        root = step(root, path, len);
        path += len + (path[len] == '.');
    }
    return root;
}

const char *mu_json_text_at(const json_t *root, const char *path)
{
    return json_string_value(mu_json_at(root, path));
}
