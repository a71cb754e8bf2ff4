#include "json/json_plain.h"

#include "json/json_write.h"

#include "base/buf.h"
#include "base/text.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum { INTEGER_MAX_DIGITS = 18 };

struct plain {
    const char *at, *end;
    unsigned depth_left;
    struct mu_buf unescaped; /* of the text being read */
};

static json_t *read_value(struct plain *plain);

static void skip_space(struct plain *plain)
{
    while (plain->at < plain->end &&
           (*plain->at == ' ' || *plain->at == '\n' || *plain->at == '\t' || *plain->at == '\r'))
        plain->at++;
}

static bool take(struct plain *plain, char c)
{
    if (plain->at == plain->end || *plain->at != c)
        return false;
    plain->at++;
    return true;
}

static bool take_after_space(struct plain *plain, char c)
{
    skip_space(plain);
    return take(plain, c);
}

/* ---- texts ---- */

/* Goes on to the first character that is not for itself, or the end. */
static void skip_plain_characters(struct plain *plain)
{
    plain->at += json_plain_length(plain->at, (size_t)(plain->end - plain->at));
}

/* A text without escapes; `*ret_text` points into the document. */
static bool read_simple_text(struct plain *plain, const char **ret_text, size_t *ret_len)
{
    if (!take(plain, '"'))
        return false;
    *ret_text = plain->at;
    skip_plain_characters(plain);
    *ret_len = (size_t)(plain->at - *ret_text);
    return take(plain, '"');
}

/* The four digits behind \u. Left to jansson: NUL, and the halves of a pair. */
static bool read_code_point(struct plain *plain)
{
    uint8_t digits[2];
    unsigned code;
    char utf8[4];

    if (plain->end - plain->at < 4 || !mu_hex_decode(plain->at, 4, digits, sizeof(digits)))
        return false;
    plain->at += 4;
    code = (unsigned)digits[0] << 8 | digits[1];
    if (code == 0 || (code >= 0xd800 && code <= 0xdfff))
        return false;
    mu_buf_append(&plain->unescaped, utf8, (size_t)(mu_utf8_put(utf8, code) - utf8));
    return true;
}

static bool read_escape(struct plain *plain)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    const char *found;

    if (plain->at == plain->end || *plain->at == '\0')
        return false;
    if (take(plain, 'u'))
        return read_code_point(plain);
    found = strchr(from, *plain->at);
    if (!found)
        return false;
    plain->at++;
    mu_buf_append(&plain->unescaped, &to[found - from], 1);
    return true;
}

/* The rest of a text that began at `text` and has come to its first backslash. */
static json_t *read_escaped_text(struct plain *plain, const char *text)
{
    mu_buf_reset(&plain->unescaped);
    mu_buf_append(&plain->unescaped, text, (size_t)(plain->at - text));
    while (take(plain, '\\')) {
        if (!read_escape(plain))
            return NULL;
        text = plain->at;
        skip_plain_characters(plain);
        mu_buf_append(&plain->unescaped, text, (size_t)(plain->at - text));
    }
    if (!take(plain, '"') || plain->unescaped.failed)
        return NULL;
    return json_stringn_nocheck(plain->unescaped.data, plain->unescaped.len);
}

static json_t *read_text(struct plain *plain)
{
    const char *text = plain->at + 1;
    size_t len;

    if (read_simple_text(plain, &text, &len))
        return json_stringn_nocheck(text, len);
    return read_escaped_text(plain, text);
}

/* ---- numbers and words ---- */

static json_t *read_integer(struct plain *plain)
{
    bool negative = take(plain, '-');
    const char *begun = plain->at;
    json_int_t number = 0;
    size_t digits;

    while (plain->at < plain->end && *plain->at >= '0' && *plain->at <= '9' &&
           plain->at - begun < INTEGER_MAX_DIGITS)
        number = number * 10 + (*plain->at++ - '0');
    digits = (size_t)(plain->at - begun);
    if (digits == 0 || (*begun == '0' && (digits > 1 || negative)))
        return NULL;
    if (plain->at < plain->end && strchr("0123456789.eE", *plain->at))
        return NULL;
    return json_integer(negative ? -number : number);
}

static bool take_word(struct plain *plain, const char *word)
{
    size_t len = strlen(word);

    if ((size_t)(plain->end - plain->at) < len || memcmp(plain->at, word, len) != 0)
        return false;
    plain->at += len;
    return true;
}

static json_t *read_word(struct plain *plain)
{
    if (take_word(plain, "true"))
        return json_true();
    if (take_word(plain, "false"))
        return json_false();
    return take_word(plain, "null") ? json_null() : NULL;
}

/* ---- objects and arrays ---- */

/* A member's name; `ret_unescaped` holds it when it has escapes. */
static bool read_name(struct plain *plain, const char **ret_name, size_t *ret_len,
                      json_t **ret_unescaped)
{
    const char *text = plain->at + 1;

    if (plain->at == plain->end || *plain->at != '"')
        return false;
    if (read_simple_text(plain, ret_name, ret_len))
        return true;
    *ret_unescaped = read_escaped_text(plain, text);
    *ret_name = json_string_value(*ret_unescaped);
    *ret_len = json_string_length(*ret_unescaped);
    return *ret_unescaped != NULL;
}

/* One member. False also when the name was there already. */
static bool read_member(struct plain *plain, json_t *object)
{
    size_t before = json_object_size(object), len;
    json_auto_t *unescaped = NULL;
    const char *name;
    json_t *value;

    skip_space(plain);
    if (!read_name(plain, &name, &len, &unescaped) || !take_after_space(plain, ':'))
        return false;
    value = read_value(plain);
    return value && json_object_setn_new_nocheck(object, name, len, value) == 0 &&
           json_object_size(object) == before + 1;
}

static bool read_members(struct plain *plain, json_t *object)
{
    if (take_after_space(plain, '}'))
        return true;
    do
        if (!read_member(plain, object))
            return false;
    while (take_after_space(plain, ','));
    return take(plain, '}');
}

static bool read_elements(struct plain *plain, json_t *array)
{
    if (take_after_space(plain, ']'))
        return true;
    do {
        json_t *value = read_value(plain);

        if (!value || json_array_append_new(array, value) != 0)
            return false;
    } while (take_after_space(plain, ','));
    return take(plain, ']');
}

static json_t *read_container(struct plain *plain)
{
    bool is_object = *plain->at == '{', whole;
    json_t *container = is_object ? json_object() : json_array();

    if (!container || plain->depth_left == 0) {
        json_decref(container);
        return NULL;
    }
    plain->at++;
    plain->depth_left--;
    whole = is_object ? read_members(plain, container) : read_elements(plain, container);
    plain->depth_left++;
    if (whole)
        return container;
    json_decref(container);
    return NULL;
}

static json_t *read_value(struct plain *plain)
{
    skip_space(plain);
    if (plain->at == plain->end)
        return NULL;
    switch (*plain->at) {
    case '{':
    case '[':
        return read_container(plain);
    case '"':
        return read_text(plain);
    case 't':
    case 'f':
    case 'n':
        return read_word(plain);
    default:
        return read_integer(plain);
    }
}

json_t *json_read_plain(const char *bytes, size_t len, unsigned max_depth)
{
    struct plain plain = {.at = bytes, .end = bytes + len, .depth_left = max_depth};
    json_t *root = NULL;

    mu_buf_init(&plain.unescaped, len);
    skip_space(&plain);
    if (plain.at < plain.end && (*plain.at == '{' || *plain.at == '['))
        root = read_value(&plain);
    skip_space(&plain);
    if (plain.at < plain.end) { /* something is left */
        json_decref(root);
        root = NULL;
    }
    mu_buf_done(&plain.unescaped);
    return root;
}
