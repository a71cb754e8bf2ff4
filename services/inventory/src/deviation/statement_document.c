#include "deviation/statement_document.h"

#include "base/clock.h"
#include "json/json_doc.h"

#include <string.h>

static size_t find(const struct record_kind *kind, const char *name)
{
    return record_field_find(kind, name, strlen(name));
}

/* Empty and absent are the same in a file; here it would be a slip. */
static enum mu_status check_filled(const struct record_kind *kind, const struct record *record,
                                   struct mu_error *err)
{
    for (size_t i = 0; i < kind->field_count; i++)
        if (record->values[i] && !*record->values[i])
            return mu_fail(err, MU_E_INVALID, "%s: is empty", kind->fields[i].name);
    return MU_OK;
}

static enum mu_status parse(const struct record_kind *kind, const char *bytes, size_t len,
                            struct mu_arena *arena, struct record *ret_record, struct mu_error *err)
{
    if (len == 0)
        return mu_fail(err, MU_E_INVALID, "the body: is empty; it is a record of %s", kind->name);
    if (len > STATEMENT_DOCUMENT_MAX_BYTES)
        return mu_fail(err, MU_E_LIMIT, "the body: is larger than %d bytes",
                       STATEMENT_DOCUMENT_MAX_BYTES);
    if (record_parse_one(kind, bytes, len, arena, ret_record, err) != MU_OK)
        return mu_wrap(err, "the body");
    return check_filled(kind, ret_record, err);
}

enum mu_status statement_document_parse(enum statement_kind kind, const char *bytes, size_t len,
                                        const char *by, int64_t now_us, struct mu_arena *arena,
                                        struct record *ret_record, struct mu_error *err)
{
    const struct record_kind *records = &statement_records[kind];
    size_t by_field = find(records, "by"), at_field = find(records, "at");
    char now[MU_TIME_TEXT_SIZE];
    struct record record;

    if (parse(records, bytes, len, arena, &record, err) != MU_OK)
        return err->status;
    if (record.values[by_field])
        return mu_fail(err, MU_E_INVALID,
                       "by: has no place here: who states it is whose credentials they are");
    record.values[by_field] = by;
    if (!record.values[at_field]) {
        mu_time_format(now_us, now);
        record.values[at_field] = mu_arena_strdup(arena, now);
        if (!record.values[at_field])
            return mu_fail(err, MU_E_NOMEM, "no memory for a statement");
    }
    if (record_check(records, arena, &record, err) != MU_OK)
        return err->status;
    *ret_record = record;
    return MU_OK;
}

static int add(json_t *root, const char *name, const char *value)
{
    return json_object_set_new(root, name, value ? json_string(value) : json_null());
}

enum mu_status statement_document_ask(enum statement_kind kind, const struct record *record,
                                      struct mu_buf *out, struct mu_error *err)
{
    const struct record_kind *records = &statement_records[kind];
    size_t by_field = find(records, "by");
    json_auto_t *root = json_object();
    int failed = 0;

    for (size_t i = 0; i < records->field_count; i++)
        if (i != by_field && record->values[i])
            failed |= add(root, records->fields[i].name, record->values[i]);
    return failed ? mu_fail(err, MU_E_NOMEM, "no memory for a statement")
                  : mu_json_print(root, out, err);
}

enum mu_status statement_document_write(enum statement_kind kind, const struct record *record,
                                        const struct statement_made *made, struct mu_buf *out,
                                        struct mu_error *err)
{
    const struct record_kind *records = &statement_records[kind];
    json_auto_t *root = json_object();
    int failed = add(root, "fact_id", made->fact_id) | add(root, "known_at", made->known_at);

    for (size_t i = 0; i < records->field_count; i++)
        failed |= add(root, records->fields[i].name, record->values[i]);
    return failed ? mu_fail(err, MU_E_NOMEM, "no memory for a statement")
                  : mu_json_print(root, out, err);
}
