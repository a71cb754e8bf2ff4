#include "database/json_split.h"

#include <string.h>

void json_split_init(struct json_split *split, unsigned depth, size_t max_value_bytes,
                     json_value_fn *on_value, void *opaque)
{
    memset(split, 0, sizeof(*split));
    split->depth = depth;
    split->on_value = on_value;
    split->opaque = opaque;
    mu_buf_init(&split->value, max_value_bytes);
}

void json_split_done(struct json_split *split)
{
    mu_buf_done(&split->value);
}

static enum mu_status open_container(struct json_split *split, char c, struct mu_error *err)
{
    if (split->level == JSON_SPLIT_NESTING_MAX)
        return mu_fail(err, MU_E_LIMIT, "JSON nested deeper than %d", JSON_SPLIT_NESTING_MAX);
    if (split->level == 0 && split->begun)
        return mu_fail(err, MU_E_INVALID, "JSON: more than one document");
    split->begun = true;
    split->closers[split->level++] = c == '{' ? '}' : ']';
    if (split->level <= split->depth)
        split->keys[split->level - 1][0] = '\0';
    if (split->value_level == 0 && split->level == split->depth + 1)
        split->value_level = split->level;
    return MU_OK;
}

static enum mu_status close_container(struct json_split *split, char c, struct mu_error *err)
{
    const char *keys[JSON_SPLIT_MAX_DEPTH];
    enum mu_status st;

    if (split->level == 0 || split->closers[split->level - 1] != c)
        return mu_fail(err, MU_E_INVALID, "JSON: '%c' closes nothing", c);
    split->level--;
    if (split->value_level == 0 || split->level >= split->value_level)
        return MU_OK;
    mu_buf_append(&split->value, &c, 1);
    split->value_level = 0;
    st = mu_buf_status(&split->value, "JSON value", err);
    for (size_t i = 0; i < JSON_SPLIT_MAX_DEPTH; i++)
        keys[i] = split->keys[i];
    if (st == MU_OK)
        st = split->on_value(split->opaque, keys, split->value.data, split->value.len, err);
    mu_buf_reset(&split->value);
    return st;
}

/* A name before its ':' in an object that leads to a value. */
static void take_key(struct json_split *split)
{
    if (split->value_level > 0 || split->level == 0 || split->level > split->depth)
        return;
    memcpy(split->keys[split->level - 1], split->text, split->text_len + 1);
}

static void add_text(struct json_split *split, char c)
{
    if (split->escaped) {
        split->escaped = false;
    } else if (c == '\\') {
        split->escaped = true;
    } else if (c == '"') {
        split->in_text = false;
        return;
    }
    if (split->text_len + 1 < sizeof(split->text)) {
        split->text[split->text_len++] = c;
        split->text[split->text_len] = '\0';
    }
}

static enum mu_status take(struct json_split *split, char c, struct mu_error *err)
{
    if (split->in_text) {
        add_text(split, c);
        return MU_OK;
    }
    switch (c) {
    case '"':
        split->in_text = true;
        split->text_len = 0;
        split->text[0] = '\0';
        return MU_OK;
    case ':':
        take_key(split);
        return MU_OK;
    case '{':
    case '[':
        return open_container(split, c, err);
    case '}':
    case ']':
        return close_container(split, c, err);
    default:
        return MU_OK;
    }
}

enum mu_status json_split_feed(struct json_split *split, const char *bytes, size_t len,
                               struct mu_error *err)
{
    enum mu_status st = MU_OK;

    for (size_t i = 0; st == MU_OK && i < len; i++) {
        bool inside = split->value_level > 0;

        st = take(split, bytes[i], err);
        if (split->value_level > 0)
            mu_buf_append(&split->value, &bytes[i], 1);
        if (inside && split->value.failed)
            return mu_buf_status(&split->value, "JSON value", err);
    }
    return st;
}

enum mu_status json_split_end(const struct json_split *split, struct mu_error *err)
{
    if (!split->begun || split->level > 0 || split->in_text)
        return mu_fail(err, MU_E_INVALID, "JSON: the document is cut off");
    return MU_OK;
}
