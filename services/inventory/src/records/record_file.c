#include "records/record_parse.h"

#include "base/clock.h"
#include "base/text.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

enum { NAME_MAX_BYTES = 1024, TEXT_MAX_CHARACTERS = 4096, FIRST_RECORDS = 64 };

size_t record_field_find(const struct record_kind *kind, const char *name, size_t name_len)
{
    size_t i = 0;

    while (i < kind->field_count && (strlen(kind->fields[i].name) != name_len ||
                                     memcmp(kind->fields[i].name, name, name_len) != 0))
        i++;
    return i;
}

enum mu_status record_list_add(struct record_list *list, struct record **ret_record,
                               struct mu_error *err)
{
    if (list->set.count >= RECORDS_MAX)
        return mu_fail(err, MU_E_LIMIT, "more than %d records", RECORDS_MAX);
    if (list->set.count == list->capacity) {
        size_t capacity = list->capacity ? 2 * list->capacity : FIRST_RECORDS;
        struct record *items = mu_arena_alloc(list->arena, capacity * sizeof(*items));

        if (!items)
            return mu_fail(err, MU_E_NOMEM, "records: out of memory");
        if (list->set.count > 0)
            memcpy(items, list->set.items, list->set.count * sizeof(*items));
        list->set.items = items;
        list->capacity = capacity;
    }
    *ret_record = &list->set.items[list->set.count++];
    return MU_OK;
}

/* ---- checks ---- */

static enum mu_status check_word(const struct record_field *field, const char *value,
                                 struct mu_error *err)
{
    char words[256] = "";
    size_t len = 0;

    for (size_t i = 0; field->words[i]; i++) {
        if (mu_text_equal(value, field->words[i]))
            return MU_OK;
        if (len < sizeof(words))
            len += (size_t)snprintf(words + len, sizeof(words) - len, "%s%s", i ? ", " : "",
                                    field->words[i]);
    }
    return mu_fail(err, MU_E_INVALID, "%s: '%.64s' is none of %s", field->name, value, words);
}

static enum mu_status check_text(const struct record_field *field, const char *value,
                                 struct mu_error *err)
{
    bool name = field->type == RECORD_NAME;
    size_t len = strlen(value);

    if (!mu_utf8_valid(value, len))
        return mu_fail(err, MU_E_INVALID, "%s: is no UTF-8", field->name);
    if (name ? len > NAME_MAX_BYTES : mu_utf8_count(value, len) > TEXT_MAX_CHARACTERS)
        return mu_fail(err, MU_E_INVALID, "%s: is longer than %d", field->name,
                       name ? NAME_MAX_BYTES : TEXT_MAX_CHARACTERS);
    if (strchr("=+-@", value[0]))
        return mu_fail(err, MU_E_INVALID, "%s: begins with '%c', which a spreadsheet would run",
                       field->name, value[0]);
    for (size_t i = 0; i < len; i++) {
        unsigned char byte = (unsigned char)value[i];

        if (byte == 0x7f || (byte < 0x20 && (name || byte != '\n')) || (name && byte == ' '))
            return mu_fail(err, MU_E_INVALID, "%s: has a %s", field->name,
                           byte == ' ' ? "space" : "control character");
    }
    return MU_OK;
}

static enum mu_status check_time(const struct record_field *field, struct mu_arena *arena,
                                 const char **value, struct mu_error *err)
{
    int64_t at_us;
    char text[MU_TIME_TEXT_SIZE];

    if (mu_time_parse(*value, strlen(*value), &at_us, err) != MU_OK)
        return mu_fail(err, MU_E_INVALID, "%s: '%.64s' is no time as 2026-11-01T12:00:00Z",
                       field->name, *value);
    mu_time_format(at_us, text);
    *value = mu_arena_strdup(arena, text);
    return *value ? MU_OK : mu_fail(err, MU_E_NOMEM, "records: out of memory");
}

static enum mu_status check_rule(const struct record_kind *kind, const struct record_rule *rule,
                                 const struct record *record, struct mu_error *err)
{
    for (size_t i = 0; i < kind->field_count; i++) {
        unsigned bit = 1U << i;

        if (!record->values[i] && (rule->needs & bit))
            return mu_fail(err, MU_E_INVALID, "%s: is missing%s%s", kind->fields[i].name,
                           rule->word ? ", as the record is " : "", rule->word ? rule->word : "");
        if (record->values[i] && !((rule->needs | rule->may) & bit))
            return mu_fail(err, MU_E_INVALID, "%s: has no place%s%s", kind->fields[i].name,
                           rule->word ? " in a record of " : "", rule->word ? rule->word : "");
    }
    return MU_OK;
}

static enum mu_status check_rules(const struct record_kind *kind, const struct record *record,
                                  struct mu_error *err)
{
    size_t field = record_field_find(kind, "record", strlen("record"));
    const char *word = field < kind->field_count ? record->values[field] : NULL;

    for (size_t i = 0; i < kind->rule_count; i++)
        if (!kind->rules[i].word || mu_text_equal(kind->rules[i].word, word))
            return check_rule(kind, &kind->rules[i], record, err);
    return mu_fail(err, MU_E_INVALID, "record: is missing");
}

enum mu_status record_check(const struct record_kind *kind, struct mu_arena *arena,
                            struct record *record, struct mu_error *err)
{
    for (size_t i = 0; i < kind->field_count; i++) {
        const struct record_field *field = &kind->fields[i];
        enum mu_status st = MU_OK;

        if (record->values[i] && !*record->values[i])
            record->values[i] = NULL;
        if (!record->values[i])
            continue;
        if (field->type == RECORD_WORD)
            st = check_word(field, record->values[i], err);
        else if (field->type == RECORD_TIME)
            st = check_time(field, arena, &record->values[i], err);
        else
            st = check_text(field, record->values[i], err);
        if (st != MU_OK)
            return st;
    }
    return check_rules(kind, record, err);
}

enum mu_status record_blame(const struct record_kind *kind, const struct record *record,
                            struct mu_error *err)
{
    size_t field = record_field_find(kind, err->message, strcspn(err->message, ":"));
    struct record_place place = record->place;

    if (field < kind->field_count && record->places[field].line > 0)
        place = record->places[field];
    return mu_wrap(err, "line %u, column %u", place.line, place.column);
}

/* ---- the file ---- */

enum mu_status record_file_parse(const struct record_kind *kind, const char *bytes, size_t len,
                                 struct mu_arena *arena, struct record_set *ret_set,
                                 struct mu_error *err)
{
    struct record_list list = {.kind = kind, .arena = arena};
    size_t start = 0;
    enum mu_status st;

    if (len > RECORD_FILE_MAX_BYTES)
        return mu_fail(err, MU_E_LIMIT, "the file is larger than %d bytes", RECORD_FILE_MAX_BYTES);
    while (start < len && isspace((unsigned char)bytes[start]))
        start++;
    st = start < len && bytes[start] == '{' ? record_parse_json(&list, bytes, len, err)
                                            : record_parse_csv(&list, bytes, len, err);
    for (size_t i = 0; st == MU_OK && i < list.set.count; i++) {
        st = record_check(kind, arena, &list.set.items[i], err);
        if (st != MU_OK)
            (void)record_blame(kind, &list.set.items[i], err);
    }
    if (st == MU_OK)
        *ret_set = list.set;
    return st;
}
