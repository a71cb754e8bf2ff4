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

static enum mu_status load(const char *bytes, size_t len, size_t flags, json_t **ret_root,
                           struct mu_error *err)
{
    json_error_t error;
    json_t *root = json_loadb(bytes, len, flags, &error);

    if (!root)
        return mu_fail(err,
                       json_error_code(&error) == json_error_out_of_memory ? MU_E_NOMEM
                                                                           : MU_E_INVALID,
                       "JSON, line %d, column %d: %s", error.line, error.column, error.text);
    *ret_root = root;
    return MU_OK;
}

static enum mu_status check_len(size_t len, const struct mu_json_limits *limits,
                                struct mu_error *err)
{
    if (len > limits->max_bytes)
        return mu_fail(err, MU_E_LIMIT, "JSON of %zu bytes: more than %zu", len, limits->max_bytes);
    return MU_OK;
}

static enum mu_status check_depth(const char *bytes, size_t len,
                                  const struct mu_json_limits *limits, struct mu_error *err)
{
    if (depth_of(bytes, len, limits->max_depth) > limits->max_depth)
        return mu_fail(err, MU_E_LIMIT, "JSON is nested deeper than %u levels", limits->max_depth);
    return MU_OK;
}

enum mu_status mu_json_parse(const char *bytes, size_t len, const struct mu_json_limits *limits,
                             json_t **ret_root, struct mu_error *err)
{
    json_t *root;
    bool is_utf8;

    if (check_len(len, limits, err) != MU_OK)
        return err->status;
    is_utf8 = mu_utf8_valid(bytes, len);
    json_memory_begin();
    root = is_utf8 ? json_read_plain(bytes, len, limits->max_depth) : NULL;
    json_memory_end(root);
    if (root) {
        *ret_root = root;
        return MU_OK;
    }
    if (check_depth(bytes, len, limits, err) != MU_OK)
        return err->status;
    if (!is_utf8)
        return mu_fail(err, MU_E_INVALID, "JSON is not valid UTF-8");
    return load(bytes, len, JSON_REJECT_DUPLICATES, ret_root, err);
}

void mu_json_drop(json_t *root)
{
    json_memory_drop(root);
}

/* An upper bound of the values: each but the root is behind a comma or an opening bracket. */
static size_t values_of(const char *bytes, size_t len)
{
    size_t values = 1;
    bool in_text = false;

    for (size_t i = 0; i < len; i++) {
        char c = bytes[i];

        if (in_text && c == '\\')
            i++;
        else if (c == '"')
            in_text = !in_text;
        else if (!in_text)
            values += c == ',' || c == '{' || c == '[';
    }
    return values;
}

static enum mu_status check_values(const char *bytes, size_t len, size_t max_values,
                                   struct mu_error *err)
{
    if (values_of(bytes, len) > max_values)
        return mu_fail(err, MU_E_LIMIT, "JSON of more than %zu values", max_values);
    return MU_OK;
}

enum mu_status mu_json_parse_bounded(const char *bytes, size_t len,
                                     const struct mu_json_limits *limits, size_t max_values,
                                     json_t **ret_root, struct mu_error *err)
{
    if (len <= limits->max_bytes && check_values(bytes, len, max_values, err) != MU_OK)
        return err->status;
    return mu_json_parse(bytes, len, limits, ret_root, err);
}

static enum mu_status load_cleaned(const char *bytes, size_t len, json_t **ret_root,
                                   struct mu_error *err)
{
    MU_AUTO_FREE char *text = malloc(len + 1);

    if (!text)
        return mu_fail(err, MU_E_NOMEM, "no memory for JSON of %zu bytes", len);
    memcpy(text, bytes, len);
    text[len] = '\0';
    mu_utf8_clean(text);
    return load(text, len, JSON_ALLOW_NUL, ret_root, err);
}

enum mu_status mu_json_parse_foreign(const char *bytes, size_t len,
                                     const struct mu_json_limits *limits, size_t max_values,
                                     json_t **ret_root, struct mu_error *err)
{
    if (len >= 3 && memcmp(bytes, "\xef\xbb\xbf", 3) == 0) {
        bytes += 3;
        len -= 3;
    }
    if (check_len(len, limits, err) != MU_OK || check_depth(bytes, len, limits, err) != MU_OK ||
        check_values(bytes, len, max_values, err) != MU_OK)
        return err->status;
    if (!mu_utf8_valid(bytes, len))
        return load_cleaned(bytes, len, ret_root, err);
    return load(bytes, len, JSON_ALLOW_NUL, ret_root, err);
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
        const char *dot = strchrnul(path, '.');

        root = step(root, path, (size_t)(dot - path));
        path = dot + (*dot == '.');
    }
    return root;
}

const char *mu_json_text_at(const json_t *root, const char *path)
{
    return json_string_value(mu_json_at(root, path));
}
