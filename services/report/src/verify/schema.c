#include "verify/schema.h"

#include "base/clock.h"
#include "base/text.h"
#include "oci/reference.h"

#include <ctype.h>
#include <string.h>

enum { SCHEMA_PATH_SIZE = 256 };

/* ---- one value ---- */

static bool is_time(const char *text)
{
    struct mu_error err;
    int64_t at_us;

    return mu_time_parse(text, strlen(text), &at_us, &err) == MU_OK;
}

static bool is_digest(const char *text)
{
    return mu_oci_digest_valid(text, strlen(text));
}

static bool is_month(const char *text)
{
    struct mu_error err;
    int64_t begin_us, end_us;

    return mu_month_parse(text, &begin_us, &end_us, &err) == MU_OK;
}

static bool is_filled(const char *text)
{
    return *text != '\0';
}

static bool is_any(const char *text)
{
    (void)text;
    return true;
}

/* A scheme, a colon, and no blank. */
static bool is_uri(const char *text)
{
    const char *colon = strchr(text, ':');

    return colon && colon > text && isalpha((unsigned char)*text) && colon[1] &&
           !strpbrk(text, " \t\r\n<>\"");
}

static bool is_uuid(const char *text)
{
    for (size_t i = 0; i < 36; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;

        if (dash ? text[i] != '-' : !isxdigit((unsigned char)text[i]))
            return false;
    }
    return text[36] == '\0';
}

/* What a type is called, and how it is told; `fits` is asked of texts. */
static const struct {
    const char *name;
    bool (*fits)(const char *text);
    bool or_null;
} types[SCHEMA_TYPE_COUNT] = {
        [SCHEMA_TEXT] = {"text", is_filled, false},
        [SCHEMA_ANY_TEXT] = {"text", is_any, false},
        [SCHEMA_TEXT_NULL] = {"text", is_any, true},
        [SCHEMA_TIME] = {"RFC 3339 time", is_time, false},
        [SCHEMA_TIME_NULL] = {"RFC 3339 time", is_time, true},
        [SCHEMA_DIGEST] = {"digest", is_digest, false},
        [SCHEMA_DIGEST_NULL] = {"digest", is_digest, true},
        [SCHEMA_MONTH] = {"month", is_month, false},
        [SCHEMA_COUNT] = {"count", NULL, false},
        [SCHEMA_RATING] = {"rating from 1 to 5", NULL, false},
        [SCHEMA_BOOL] = {"true or false", NULL, false},
        [SCHEMA_LIST] = {"list", NULL, false},
        [SCHEMA_OBJECT] = {"object", NULL, false},
        [SCHEMA_URI] = {"URI", is_uri, false},
        [SCHEMA_UUID] = {"UUID", is_uuid, false},
        [SCHEMA_WORD] = {"word of the schema", NULL, false},
};

static bool word_fits(const struct schema_rule *rule, const char *text)
{
    const char *at = text && *text && !strchr(text, '|') ? strstr(rule->words, text) : NULL;

    while (at && (at[-1] != '|' || at[strlen(text)] != '|'))
        at = strstr(at + 1, text);
    return at != NULL;
}

static bool value_fits(const struct schema_rule *rule, const json_t *value)
{
    const char *text = json_string_value(value);
    json_int_t number = json_integer_value(value);

    if (types[rule->type].or_null && json_is_null(value))
        return true;
    if (types[rule->type].fits)
        return text && types[rule->type].fits(text);
    switch (rule->type) {
    case SCHEMA_COUNT:
        return json_is_integer(value) && number >= 0;
    case SCHEMA_RATING:
        return json_is_integer(value) && number >= 1 && number <= 5;
    case SCHEMA_BOOL:
        return json_is_boolean(value);
    case SCHEMA_LIST:
        return json_is_array(value);
    case SCHEMA_OBJECT:
        return json_is_object(value);
    default:
        return word_fits(rule, text);
    }
}

/* ---- a rule's path ---- */

static void wrong(struct schema_check *check, const char *path, const char *what, const char *type)
{
    if (check->wrongs++ < SCHEMA_MAX_WRONGS)
        verify_difference(check->state, "schema", check->file, "%s: '%s' %s%s", check->schema->name,
                          path, what, type);
}

struct walk {
    struct schema_check *check;
    const struct schema_rule *rule;
};

static void walk_value(const struct walk *walk, const char *rest, const char *path,
                       const json_t *value);

static void walk_all(const struct walk *walk, const char *rest, const char *path,
                     const json_t *value)
{
    char inner[SCHEMA_PATH_SIZE];
    const char *name;
    json_t *element;
    size_t index;

    json_array_foreach (value, index, element) {
        (void)snprintf(inner, sizeof(inner), "%s[%zu]", path, index);
        walk_value(walk, rest, inner, element);
    }
    if (!json_is_object(value))
        return;
    json_object_foreach ((json_t *)(uintptr_t)value, name, element) {
        (void)snprintf(inner, sizeof(inner), "%s.%.100s", path, name);
        walk_value(walk, rest, inner, element);
    }
}

static void walk_member(const struct walk *walk, const char *rest, const char *path,
                        const json_t *value)
{
    char name[64], inner[SCHEMA_PATH_SIZE];
    size_t len = strcspn(rest, ".");
    const json_t *member;

    (void)snprintf(name, sizeof(name), "%.*s", (int)len, rest);
    (void)snprintf(inner, sizeof(inner), "%s%s%s", path, *path ? "." : "", name);
    member = json_object_get(value, name);
    if (member)
        walk_value(walk, rest + len + (rest[len] == '.'), inner, member);
    else if (json_is_object(value) && !rest[len] && walk->rule->required)
        wrong(walk->check, inner, "is missing", "");
}

static void walk_value(const struct walk *walk, const char *rest, const char *path,
                       const json_t *value)
{
    if (!*rest) {
        if (!value_fits(walk->rule, value))
            wrong(walk->check, path, "is no ", types[walk->rule->type].name);
    } else if (rest[0] == '*') {
        walk_all(walk, rest + 1 + (rest[1] == '.'), path, value);
    } else {
        walk_member(walk, rest, path, value);
    }
}

/* ---- pieces ---- */

void schema_begin(struct schema_check *check, struct verify_state *state,
                  const struct schema *schema, const char *file)
{
    *check = (struct schema_check){
            .state = state, .schema = schema, .file = file, .seen = json_object()};
}

static bool is_listed(const struct schema *schema, const char *name)
{
    const size_t length = strlen(name);
    const char *at = schema->each ? schema->each : "";

    while (*at) {
        const size_t listed = strcspn(at, "|");

        if (length && listed == length && !strncmp(at, name, length))
            return true;
        at += listed + (at[listed] == '|');
    }
    return false;
}

enum json_stream_wish schema_wish(const struct schema *schema, const char *member, const char *key)
{
    char name[SCHEMA_PATH_SIZE];

    if (key)
        (void)snprintf(name, sizeof(name), "%.100s/%.100s", member, key);
    else
        (void)snprintf(name, sizeof(name), "%.100s", member);
    return is_listed(schema, name) ? JSON_STREAM_EACH : JSON_STREAM_WHOLE;
}

/* What of the path the piece stands for: behind its member, key and element. NULL: another one. */
static const char *rest_of(const char *path, const char *step)
{
    size_t len = strlen(step);

    if (strncmp(path, step, len) != 0 || (path[len] != '.' && path[len] != '\0'))
        return NULL;
    return path + len + (path[len] == '.');
}

/* How many pieces of that list came before. */
static json_int_t count_piece(struct schema_check *check, const char *list)
{
    json_int_t count = json_integer_value(json_object_get(check->seen, list));

    (void)json_object_set_new(check->seen, list, json_integer(count + 1));
    return count;
}

void schema_piece(struct schema_check *check, const char *member, const char *key,
                  const json_t *value)
{
    char list[SCHEMA_PATH_SIZE], path[SCHEMA_PATH_SIZE];
    bool each = !member || schema_wish(check->schema, member, NULL) == JSON_STREAM_EACH;
    bool inner = key && schema_wish(check->schema, member, key) == JSON_STREAM_EACH;
    json_int_t index;

    (void)snprintf(list, sizeof(list), "%.100s%s%.100s", member ? member : "", key ? "." : "",
                   key ? key : "");
    index = count_piece(check, list);
    if (member && key)
        (void)json_object_set_new(check->seen, member, json_true());
    if (inner || (each && !key))
        (void)snprintf(path, sizeof(path), "%.200s[%lld]", list, (long long)index);
    else
        (void)snprintf(path, sizeof(path), "%s", list);
    for (size_t i = 0; i < check->schema->rule_count; i++) {
        const struct walk walk = {check, &check->schema->rules[i]};
        const char *rest = *list ? rest_of(walk.rule->path, list) : walk.rule->path;

        if (rest && (inner || (each && !key)))
            rest = *rest == '*' ? rest_of(rest, "*") : NULL;
        if (rest)
            walk_value(&walk, rest, path, value);
    }
}

void schema_end(struct schema_check *check, bool whole)
{
    for (size_t i = 0; whole && i < check->schema->rule_count; i++) {
        const struct schema_rule *rule = &check->schema->rules[i];
        const char *dot = strrchr(rule->path, '.');
        char parent[SCHEMA_PATH_SIZE];

        /* members of what is read piece by piece: nobody else sees that they are missing */
        (void)snprintf(parent, sizeof(parent), "%.*s", dot ? (int)(dot - rule->path) : 0,
                       rule->path);
        if (!rule->required || strchr(rule->path, '*') || json_object_get(check->seen, rule->path))
            continue;
        if (!dot || (schema_wish(check->schema, parent, NULL) == JSON_STREAM_EACH &&
                     json_object_get(check->seen, parent)))
            wrong(check, rule->path, "is missing", "");
    }
    json_decref(check->seen);
    check->seen = NULL;
}
