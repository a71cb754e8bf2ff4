#include "store/close_record.h"

#include "system/companion.h"

#include "base/clock.h"
#include "base/text.h"
#include "json/json_doc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CLOSE_MAX_DEPTH = 6, CLOSE_SERIAL_MAX = 1000 * 1000 };

static const struct mu_json_limits limits = {CLOSE_RECORD_MAX_BYTES, CLOSE_MAX_DEPTH};

#define MEMBER(struct_, member, json, type_, flags_) \
    .name = (json), .type = (type_), .flags = (flags_), .offset = offsetof(struct struct_, member)
#define TEXT(struct_, member, json, flags, most)                                                  \
    {                                                                                             \
        MEMBER(struct_, member, json, MU_JSON_TEXT, flags), .min = (flags) ? 1 : 0, .max = (most) \
    }
#define NUMBER(struct_, member, json, low, high)                                                  \
    {                                                                                             \
        MEMBER(struct_, member, json, MU_JSON_INT, MU_JSON_REQUIRED), .min = (low), .max = (high) \
    }
#define PLAIN(struct_, member, json, type)                    \
    {                                                         \
        MEMBER(struct_, member, json, type, MU_JSON_REQUIRED) \
    }
#define LINK(member, present)                                                                    \
    {                                                                                            \
        MEMBER(close_record, member, #member, MU_JSON_OBJECT, 0),                                \
                .object = &link_object, .present_offset = offsetof(struct close_record, present) \
    }
#define FILE_OF(member)                                                          \
    {                                                                            \
        MEMBER(close_record, member, #member, MU_JSON_OBJECT, MU_JSON_REQUIRED), \
                .object = &file_object                                           \
    }
#define OBJECT(table, text, struct_)                                                          \
    {                                                                                         \
        .name = (text), .fields = (table), .field_count = sizeof(table) / sizeof((table)[0]), \
        .struct_size = sizeof(struct struct_)                                                 \
    }

static const struct mu_json_field file_fields[] = {
        PLAIN(close_file, sha256, "sha256", MU_JSON_DIGEST),
        NUMBER(close_file, size_bytes, "size_bytes", 0, INT64_MAX),
};
static const struct mu_json_object file_object = OBJECT(file_fields, "file", close_file);

static const struct mu_json_field link_fields[] = {
        TEXT(close_link, month, "month", MU_JSON_REQUIRED, CLOSE_NAME_MAX),
        NUMBER(close_link, revision, "revision", 1, CLOSE_REVISION_MAX),
        NUMBER(close_link, serial, "serial", 1, CLOSE_SERIAL_MAX),
        PLAIN(close_link, sha256, "sha256", MU_JSON_DIGEST),
};
static const struct mu_json_object link_object = OBJECT(link_fields, "link", close_link);

static const struct mu_json_field companion_fields[] = {
        TEXT(close_companion, key, "key", MU_JSON_REQUIRED, CLOSE_NAME_MAX),
        TEXT(close_companion, name, "name", MU_JSON_REQUIRED, CLOSE_NAME_MAX),
        PLAIN(close_companion, file.sha256, "sha256", MU_JSON_DIGEST),
        NUMBER(close_companion, file.size_bytes, "size_bytes", 0, INT64_MAX),
};
static const struct mu_json_object companion_object =
        OBJECT(companion_fields, "companion", close_companion);

static const char *const severities[] = {"", "rejects", "warns", NULL};

static const struct mu_json_field finding_fields[] = {
        TEXT(close_finding, check, "check", MU_JSON_REQUIRED, CLOSE_NAME_MAX),
        NUMBER(close_finding, count, "count", 1, INT64_MAX),
        {MEMBER(close_finding, severity, "severity", MU_JSON_ENUM, MU_JSON_REQUIRED),
         .words = severities},
        {MEMBER(close_finding, subjects, "subjects", MU_JSON_TEXTS, MU_JSON_REQUIRED),
         .max = CLOSE_MAX_SUBJECTS},
};
static const struct mu_json_object finding_object =
        OBJECT(finding_fields, "finding", close_finding);

static const struct mu_json_field record_fields[] = {
        TEXT(close_record, accepted_reason, "accepted_reason", 0, CLOSE_TEXT_MAX),
        PLAIN(close_record, as_of_us, "as_of", MU_JSON_TIME),
        PLAIN(close_record, closed_at_us, "closed_at", MU_JSON_TIME),
        TEXT(close_record, closed_by, "closed_by", MU_JSON_REQUIRED, CLOSE_NAME_MAX),
        {MEMBER(close_record, companions, "companions", MU_JSON_ARRAY, MU_JSON_REQUIRED),
         .max = SYSTEM_COMPANIONS, .object = &companion_object},
        FILE_OF(evidence),
        NUMBER(close_record, evidence_files, "evidence_files", 0, INT64_MAX),
        {MEMBER(close_record, findings, "findings", MU_JSON_ARRAY, MU_JSON_REQUIRED),
         .max = CLOSE_MAX_CHECKS, .object = &finding_object},
        TEXT(close_record, generator, "generator", MU_JSON_REQUIRED, CLOSE_NAME_MAX),
        PLAIN(close_record, known_at_us, "known_at", MU_JSON_TIME),
        TEXT(close_record, month, "month", MU_JSON_REQUIRED, CLOSE_NAME_MAX),
        FILE_OF(numbers),
        LINK(previous, has_previous),
        LINK(previous_month, has_previous_month),
        TEXT(close_record, reason, "reason", 0, CLOSE_TEXT_MAX),
        LINK(replaces, has_replaces),
        NUMBER(close_record, revision, "revision", 1, CLOSE_REVISION_MAX),
        TEXT(close_record, schema, "schema", MU_JSON_REQUIRED, CLOSE_NAME_MAX),
        NUMBER(close_record, serial, "serial", 1, CLOSE_SERIAL_MAX),
        FILE_OF(snapshot),
        FILE_OF(system),
};
static const struct mu_json_object record_object =
        OBJECT(record_fields, "month close", close_record);

/* ---- months ---- */

static enum mu_status close_month_check(const char *month, struct mu_error *err)
{
    int64_t begin_us, end_us;

    return mu_month_parse(month, &begin_us, &end_us, err);
}

void close_month_step(const char *month, int steps, char ret_month[CLOSE_MONTH_SIZE])
{
    enum { MONTHS = 12, YEAR_MIN = 1970, YEAR_MAX = 9999 };
    long count = strtol(month, NULL, 10) * MONTHS + strtol(month + 5, NULL, 10) - 1 + steps;
    long year = count / MONTHS;

    year = year < YEAR_MIN ? YEAR_MIN : year > YEAR_MAX ? YEAR_MAX : year;
    (void)snprintf(ret_month, CLOSE_MONTH_SIZE, "%04u-%02u", (unsigned)year % (YEAR_MAX + 1),
                   (unsigned)(count % MONTHS) % MONTHS + 1);
}

/* ---- both ways ---- */

static enum mu_status check_link(const struct close_record *record, bool present,
                                 const struct close_link *link, const char *name,
                                 struct mu_error *err)
{
    if (!present)
        return MU_OK;
    if (close_month_check(link->month, err) != MU_OK)
        return mu_wrap(err, "%s", name);
    return link->serial < record->serial
                   ? MU_OK
                   : mu_fail(err, MU_E_INVALID, "%s: serial %lld is not before its own, %lld", name,
                             (long long)link->serial, (long long)record->serial);
}

static int key_place(const char *key)
{
    for (int i = 0; i < SYSTEM_COMPANIONS; i++)
        if (mu_text_equal(key, system_companion_keys[i]))
            return i;
    return -1;
}

/* The names become paths: nothing but "KEY.ending". */
static bool is_name_of(const char *name, const char *key)
{
    enum { ENDING_MAX = 8 };
    const char *ending = name + strlen(key);

    if (!mu_text_starts(name, key) || *ending != '.')
        return false;
    ending++;
    return *ending && strlen(ending) <= ENDING_MAX &&
           strspn(ending, "abcdefghijklmnopqrstuvwxyz") == strlen(ending);
}

static enum mu_status check_companions(const struct close_record *record, struct mu_error *err)
{
    const struct close_companion *companions = record->companions.items;
    int last = -1;

    for (size_t i = 0; i < record->companions.count; i++) {
        const int place = key_place(companions[i].key);

        if (place <= last)
            return mu_fail(err, MU_E_INVALID,
                           "companions: '%.100s' is no key of such a file, or not in its place",
                           companions[i].key);
        if (!is_name_of(companions[i].name, companions[i].key))
            return mu_fail(err, MU_E_INVALID, "companions: '%.100s' is no name of %s",
                           companions[i].name, companions[i].key);
        last = place;
    }
    return MU_OK;
}

/* What the fields alone cannot say. */
static enum mu_status check_record(const struct close_record *record, struct mu_error *err)
{
    enum mu_status st = close_month_check(record->month, err);

    if (st == MU_OK && !mu_text_equal(record->schema, CLOSE_SCHEMA))
        st = mu_fail(err, MU_E_INVALID, "schema: '%.100s' is not %s", record->schema, CLOSE_SCHEMA);
    if (st == MU_OK && record->has_previous != (record->serial > 1))
        st = mu_fail(err, MU_E_INVALID, "previous: every close but the first names one");
    if (st == MU_OK && (record->has_replaces != (record->revision > 1) ||
                        record->has_replaces != (record->reason && *record->reason)))
        st = mu_fail(err, MU_E_INVALID,
                     "replaces: an amendment, and no other close, names what it replaces and why");
    if (st == MU_OK)
        st = check_companions(record, err);
    if (st == MU_OK)
        st = check_link(record, record->has_previous, &record->previous, "previous", err);
    if (st == MU_OK)
        st = check_link(record, record->has_previous_month, &record->previous_month,
                        "previous_month", err);
    if (st == MU_OK)
        st = check_link(record, record->has_replaces, &record->replaces, "replaces", err);
    return st;
}

enum mu_status close_record_parse(const char *bytes, size_t len, struct mu_arena *arena,
                                  struct close_record *ret_record, struct mu_error *err)
{
    enum { MAX_VALUES = 20 * 1000 };
    MU_AUTO(json_document) json_t *root = NULL;
    struct close_record record;
    enum mu_status st = mu_json_parse_bounded(bytes, len, &limits, MAX_VALUES, &root, err);

    if (st == MU_OK)
        st = mu_json_decode(&record_object, root, arena, &record, err);
    if (st == MU_OK)
        st = check_record(&record, err);
    if (st == MU_OK)
        *ret_record = record;
    return st;
}

enum mu_status close_record_print(const struct close_record *record, struct mu_buf *out,
                                  struct mu_error *err)
{
    enum mu_status st = check_record(record, err);

    return st == MU_OK ? mu_json_encode(&record_object, record, out, err) : st;
}
