#include "records/record_parse.h"

#include "base/text.h"
#include "json/json_doc.h"

#include <ctype.h>
#include <string.h>

enum { MAX_DEPTH = 4 };

/* ---- where the values stand: a walk over text that has been parsed already ---- */

struct walk {
    const char *at, *end, *line_start;
    uint32_t line;
};

static void skip_space(struct walk *walk)
{
    for (; walk->at < walk->end && isspace((unsigned char)*walk->at); walk->at++)
        if (*walk->at == '\n') {
            walk->line++;
            walk->line_start = walk->at + 1;
        }
}

/* The text between the quotes, as written. */
static const char *skip_string(struct walk *walk, size_t *ret_len)
{
    const char *start = ++walk->at;

    while (walk->at < walk->end && *walk->at != '"')
        walk->at += *walk->at == '\\' ? 2 : 1;
    *ret_len = (size_t)(walk->at - start);
    walk->at++;
    return start;
}

static void skip_value(struct walk *walk)
{
    size_t depth = 0, len;

    do {
        skip_space(walk);
        if (walk->at >= walk->end)
            return;
        if (*walk->at == '"') {
            (void)skip_string(walk, &len);
        } else if (strchr("{[", *walk->at)) {
            depth++;
            walk->at++;
        } else if (strchr("}]", *walk->at)) {
            depth--;
            walk->at++;
        } else if (strchr(",:", *walk->at)) {
            walk->at++;
        } else {
            while (walk->at < walk->end && !strchr(",:]} \t\r\n", *walk->at))
                walk->at++;
        }
    } while (depth > 0);
}

static struct record_place place_of(const struct walk *walk)
{
    return (struct record_place){walk->line, (uint32_t)(walk->at - walk->line_start) + 1};
}

/* At the next member's value of the object that `at` is inside of; false behind the last. */
static bool next_member(struct walk *walk, const char **ret_name, size_t *ret_len)
{
    skip_space(walk);
    while (walk->at < walk->end && strchr("{,", *walk->at)) {
        walk->at++;
        skip_space(walk);
    }
    if (walk->at >= walk->end || *walk->at != '"') {
        walk->at++;
        return false;
    }
    *ret_name = skip_string(walk, ret_len);
    skip_space(walk);
    walk->at++; /* the colon */
    skip_space(walk);
    return true;
}

static void place_record(struct walk *walk, const struct record_kind *kind, struct record *record)
{
    const char *name;
    size_t len;

    record->place = place_of(walk);
    while (next_member(walk, &name, &len)) {
        size_t field = record_field_find(kind, name, len);

        if (field < kind->field_count)
            record->places[field] = place_of(walk);
        skip_value(walk);
    }
}

static void place_records(struct record_list *list, const char *bytes, size_t len)
{
    struct walk walk = {bytes, bytes + len, bytes, 1};
    const char *name;
    size_t name_len;

    while (next_member(&walk, &name, &name_len)) {
        if (name_len != strlen("records") || memcmp(name, "records", name_len) != 0) {
            skip_value(&walk);
            continue;
        }
        walk.at++; /* the bracket */
        for (size_t i = 0; i < list->set.count; i++) {
            skip_space(&walk);
            if (walk.at < walk.end && *walk.at == ',')
                walk.at++;
            skip_space(&walk);
            place_record(&walk, list->kind, &list->set.items[i]);
        }
        return;
    }
}

/* ---- values ---- */

static enum mu_status take_fields(const struct record_kind *kind, const json_t *object,
                                  struct mu_arena *arena, struct record *record,
                                  struct mu_error *err)
{
    const char *name;
    const json_t *value;

    json_object_foreach ((json_t *)(uintptr_t)object, name, value) {
        size_t field = record_field_find(kind, name, strlen(name));

        if (field == kind->field_count)
            return mu_fail(err, MU_E_INVALID, "%s has no field '%.64s'", kind->name, name);
        if (json_is_null(value))
            continue;
        if (!json_is_string(value) || strlen(json_string_value(value)) != json_string_length(value))
            return mu_fail(err, MU_E_INVALID, "%s: is no text", name);
        record->values[field] = mu_arena_strdup(arena, json_string_value(value));
        if (!record->values[field])
            return mu_fail(err, MU_E_NOMEM, "records: out of memory");
    }
    return MU_OK;
}

static enum mu_status take_record(struct record_list *list, const json_t *object,
                                  struct mu_error *err)
{
    struct record *record;

    if (!json_is_object(object))
        return mu_fail(err, MU_E_INVALID, "records[%zu]: is no object", list->set.count);
    if (record_list_add(list, &record, err) != MU_OK)
        return err->status;
    if (take_fields(list->kind, object, list->arena, record, err) != MU_OK)
        return mu_wrap(err, "records[%zu]", list->set.count - 1);
    return MU_OK;
}

static enum mu_status take_records(struct record_list *list, const json_t *root,
                                   struct mu_error *err)
{
    const json_t *records = json_object_get(root, "records"), *record;
    size_t index;

    if (!mu_text_equal(mu_json_text_at(root, "schema"), "muster.operator-facts.v1"))
        return mu_fail(err, MU_E_INVALID, "schema: expected \"muster.operator-facts.v1\"");
    if (!mu_text_equal(mu_json_text_at(root, "kind"), list->kind->name))
        return mu_fail(err, MU_E_INVALID, "kind: expected \"%s\"", list->kind->name);
    if (!json_is_array(records) || json_object_size(root) != 3)
        return mu_fail(err, MU_E_INVALID, "expected schema, kind and the array records");
    json_array_foreach (records, index, record)
        if (take_record(list, record, err) != MU_OK)
            return err->status;
    return MU_OK;
}

enum mu_status record_parse_json(struct record_list *list, const char *bytes, size_t len,
                                 struct mu_error *err)
{
    static const struct mu_json_limits limits = {RECORD_FILE_MAX_BYTES, MAX_DEPTH};
    json_auto_t *root = NULL;
    enum mu_status st = mu_json_parse_bounded(bytes, len, &limits,
                                              (size_t)RECORDS_MAX * RECORD_FIELDS_MAX, &root, err);

    if (st == MU_OK)
        st = take_records(list, root, err);
    if (st == MU_OK || list->set.count > 0)
        place_records(list, bytes, len);
    if (st == MU_E_INVALID && list->set.count > 0)
        (void)record_blame(list->kind, &list->set.items[list->set.count - 1], err);
    return st;
}

enum mu_status record_parse_one(const struct record_kind *kind, const char *bytes, size_t len,
                                struct mu_arena *arena, struct record *ret_record,
                                struct mu_error *err)
{
    static const struct mu_json_limits limits = {RECORD_FILE_MAX_BYTES, MAX_DEPTH};
    struct record record = {0};
    json_auto_t *root = NULL;
    enum mu_status st = mu_json_parse(bytes, len, &limits, &root, err);

    if (st == MU_OK && !json_is_object(root))
        st = mu_fail(err, MU_E_INVALID, "is no object");
    if (st == MU_OK)
        st = take_fields(kind, root, arena, &record, err);
    if (st == MU_OK)
        *ret_record = record;
    return st;
}
