#include "json/json_walk.h"

#include "base/text.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { PATH_SIZE = 256, NAME_SHOWN = 120 };

const struct mu_json_field json_texts_item = {.min = 1, .max = JSON_ITEM_MAX_CHARACTERS};
const struct mu_json_field json_map_item = {.max = JSON_ITEM_MAX_CHARACTERS};

/* Appends the way to `path` behind `len` bytes of `text`; gives the new length. */
static size_t write_path(const struct json_path *path, char text[PATH_SIZE], size_t len)
{
    int added;

    if (!path->parent)
        return len;
    len = write_path(path->parent, text, len);
    if (path->name)
        added = snprintf(text + len, PATH_SIZE - len, "%s%.*s", len > 0 ? "." : "", NAME_SHOWN,
                         path->name);
    else
        added = snprintf(text + len, PATH_SIZE - len, "[%zu]", path->index);
    len += added > 0 ? (size_t)added : 0;
    return len < PATH_SIZE ? len : PATH_SIZE - 1;
}

enum mu_status json_wrong(const struct json_walk *walk, const struct json_path *path,
                          const char *expected)
{
    char text[PATH_SIZE] = "";

    (void)write_path(path, text, 0);
    return mu_fail(walk->err, MU_E_INVALID, "%s%s%s: %s", walk->top->name, text[0] ? ": " : "",
                   text, expected);
}

enum mu_status json_no_memory(const struct json_walk *walk, const struct json_path *path)
{
    char text[PATH_SIZE] = "";

    (void)write_path(path, text, 0);
    return mu_fail(walk->err, MU_E_NOMEM, "%s: %s: out of memory", walk->top->name, text);
}

static enum mu_status over(const struct json_walk *walk, const struct json_path *path, int64_t max,
                           const char *unit)
{
    char text[PATH_SIZE] = "";

    (void)write_path(path, text, 0);
    return mu_fail(walk->err, MU_E_LIMIT, "%s: %s: more than %lld %s", walk->top->name, text,
                   (long long)max, unit);
}

static bool all_visible(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (text[i] < '!' || text[i] > '~')
            return false;
    return true;
}

enum mu_status json_check_text(const struct json_walk *walk, const struct json_path *path,
                               const struct mu_json_field *field, const char *text, size_t len)
{
    int64_t max = field->max ? field->max : JSON_TEXT_MAX_CHARACTERS, bytes = (int64_t)len;

    /* No text has more characters than bytes, nor fewer than a quarter. */
    if (bytes > max && (int64_t)mu_utf8_count(text, len) > max)
        return over(walk, path, max, "characters");
    if (bytes < 4 * field->min && (int64_t)mu_utf8_count(text, len) < field->min)
        return json_wrong(walk, path, "is too short");
    if ((field->flags & MU_JSON_VISIBLE) && !all_visible(text, len))
        return json_wrong(walk, path, "must be ASCII without spaces");
    return MU_OK;
}

enum mu_status json_check_int(const struct json_walk *walk, const struct json_path *path,
                              const struct mu_json_field *field, int64_t number)
{
    if ((field->min || field->max) && (number < field->min || number > field->max))
        return json_wrong(walk, path, "is out of range");
    return MU_OK;
}

enum mu_status json_check_count(const struct json_walk *walk, const struct json_path *path,
                                const struct mu_json_field *field, size_t count)
{
    if ((int64_t)count > field->max)
        return over(walk, path, field->max, field->type == MU_JSON_MAP ? "members" : "elements");
    return (int64_t)count < field->min ? json_wrong(walk, path, "has too few elements") : MU_OK;
}
