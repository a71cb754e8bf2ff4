#include "database/builder.h"

#include "database/format.h"

#include "base/clock.h"
#include "base/memory.h"
#include "base/scope.h"
#include "base/sha256.h"
#include "base/text.h"
#include "json/json_doc.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { STRINGS_FIRST_SLOTS = 1 << 16, MAX_TEXT_BYTES = 512 };
static const size_t section_max_bytes = (size_t)1 << 30;

/* What was read of one record; of several with one id the newest holds, of equals the last. */
struct note {
    uint32_t id, sequence; /* place in the order of reading */
    uint32_t skipped;
    bool withdrawn;
    int64_t modified_us;
};

struct builder {
    struct database_header header;
    struct mu_buf rows, events, lists, strings;
    struct mu_buf owners; /* for each row the sequence of its record */
    struct mu_buf notes;  /* struct note by sequence */
    struct note now;      /* of the record being read */
    bool too_long;        /* it has a text that may not be cut */
    bool too_many;        /* it has a range of too many events */
    uint32_t *slots;      /* open addressing: offset of a string, 0 empty */
    size_t slot_count, string_count;
};

enum { SECTION_COUNT = 6 };

static void sections_of(struct builder *builder, struct mu_buf *ret_sections[SECTION_COUNT])
{
    ret_sections[0] = &builder->rows;
    ret_sections[1] = &builder->events;
    ret_sections[2] = &builder->lists;
    ret_sections[3] = &builder->strings;
    ret_sections[4] = &builder->owners;
    ret_sections[5] = &builder->notes;
}

/* ---- strings, each once ---- */

static uint64_t hash_text(const char *text, size_t len)
{
    uint64_t hash = 1469598103934665603U;

    for (size_t i = 0; i < len; i++)
        hash = (hash ^ (unsigned char)text[i]) * 1099511628211U;
    return hash;
}

static void grow_slots(struct builder *builder)
{
    size_t count = 2 * builder->slot_count;
    uint32_t *slots = mu_xcalloc(count, sizeof(uint32_t));

    for (size_t i = 0; i < builder->slot_count; i++) {
        const char *text = builder->strings.data + builder->slots[i];
        size_t at;

        if (builder->slots[i] == 0)
            continue;
        at = hash_text(text, strlen(text)) & (count - 1);
        while (slots[at] != 0)
            at = (at + 1) & (count - 1);
        slots[at] = builder->slots[i];
    }
    free(builder->slots);
    builder->slots = slots;
    builder->slot_count = count;
}

/* Offset of the text; an empty one is 0. */
static uint32_t intern_bytes(struct builder *builder, const char *text, size_t len)
{
    uint32_t offset = (uint32_t)builder->strings.len;
    size_t at;

    if (len == 0)
        return 0;
    at = hash_text(text, len) & (builder->slot_count - 1);
    while (builder->slots[at] != 0) {
        const char *known = builder->strings.data + builder->slots[at];

        if (strlen(known) == len && memcmp(known, text, len) == 0)
            return builder->slots[at];
        at = (at + 1) & (builder->slot_count - 1);
    }
    mu_buf_append(&builder->strings, text, len);
    mu_buf_append(&builder->strings, "", 1);
    builder->slots[at] = offset;
    if (++builder->string_count * 2 > builder->slot_count)
        grow_slots(builder);
    return offset;
}

/* What is compared may not be cut: half a version is another version. Absent is "". */
static uint32_t intern(struct builder *builder, const char *text)
{
    size_t len = text ? strlen(text) : 0;

    if (len > MAX_TEXT_BYTES) {
        builder->too_long = true;
        return 0;
    }
    return intern_bytes(builder, text, len);
}

/* For people: cut to size at a character's border. */
static uint32_t intern_cut(struct builder *builder, const char *text)
{
    size_t len = text ? strnlen(text, MAX_TEXT_BYTES) : 0;

    while (len > 0 && !mu_utf8_valid(text, len))
        len--;
    return intern_bytes(builder, text, len);
}

static uint32_t count_in(const struct mu_buf *section, size_t item_size)
{
    return (uint32_t)(section->len / item_size);
}

struct builder *builder_new(void)
{
    struct builder *builder = mu_xcalloc(1, sizeof(*builder));
    struct mu_buf *sections[SECTION_COUNT];

    sections_of(builder, sections);
    for (size_t i = 0; i < SECTION_COUNT; i++)
        mu_buf_init(sections[i], section_max_bytes);
    mu_buf_append(&builder->strings, "", 1); /* offset 0 is "" */
    builder->slot_count = STRINGS_FIRST_SLOTS;
    builder->slots = mu_xcalloc(builder->slot_count, sizeof(uint32_t));
    memcpy(builder->header.magic, DATABASE_MAGIC, sizeof(builder->header.magic));
    builder->header.version = DATABASE_FORMAT_VERSION;
    return builder;
}

void builder_free(struct builder *builder)
{
    struct mu_buf *sections[SECTION_COUNT];

    if (!builder)
        return;
    sections_of(builder, sections);
    for (size_t i = 0; i < SECTION_COUNT; i++)
        mu_buf_done(sections[i]);
    free(builder->slots);
    free(builder);
}

/* ---- one record ---- */

static void add_text(struct builder *builder, struct database_list *list, const char *text)
{
    uint32_t offset = intern(builder, text);

    mu_buf_append(&builder->lists, &offset, sizeof(offset));
    list->count++;
}

static struct database_list start_list(const struct builder *builder)
{
    return (struct database_list){count_in(&builder->lists, sizeof(uint32_t)), 0};
}

static void add_texts(struct builder *builder, struct database_list *list, const json_t *array)
{
    const json_t *item;
    size_t index;

    json_array_foreach (array, index, item) {
        if (json_is_string(item))
            add_text(builder, list, json_string_value(item));
    }
}

static void add_event(struct builder *builder, struct database_row *row,
                      enum database_event_kind kind, const char *version)
{
    struct database_event event = {(uint32_t)kind, intern(builder, version)};

    mu_buf_append(&builder->events, &event, sizeof(event));
    row->events.count++;
}

static void add_range(struct builder *builder, struct database_row *row, const json_t *range)
{
    static const struct {
        const char *name;
        enum database_event_kind kind;
    } kinds[] = {{"introduced", DATABASE_EVENT_INTRODUCED},
                 {"fixed", DATABASE_EVENT_FIXED},
                 {"last_affected", DATABASE_EVENT_LAST_AFFECTED}};
    const json_t *event;
    size_t index;
    uint32_t before;

    if (mu_text_equal(mu_json_text_at(range, "type"), "GIT")) {
        builder->now.skipped++;
        return;
    }
    add_event(builder, row, DATABASE_EVENT_RANGE, NULL);
    before = row->events.count;
    json_array_foreach (json_object_get(range, "events"), index, event) {
        for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
            const char *version = mu_json_text_at(event, kinds[i].name);

            if (version)
                add_event(builder, row, kinds[i].kind, version);
        }
    }
    builder->too_many |= row->events.count - before > DATABASE_MAX_EVENTS_PER_RANGE;
}

/* CVSS vectors of the entry, else of the record ("severity may be top-level or per affected"). */
static void add_severity(struct builder *builder, struct database_row *row, const json_t *record,
                         const json_t *affected)
{
    const json_t *severities = json_object_get(affected, "severity"), *severity;
    size_t index;

    if (!severities)
        severities = json_object_get(record, "severity");
    json_array_foreach (severities, index, severity) {
        const char *type = mu_json_text_at(severity, "type");
        const char *score = mu_json_text_at(severity, "score");

        if (mu_text_equal(type, "CVSS_V3") && mu_text_starts(score, "CVSS:3."))
            row->cvss_v3 = intern(builder, score);
        else if (mu_text_equal(type, "CVSS_V2"))
            row->cvss_v2 = intern(builder, score);
    }
}

static bool is_debian(const char *ecosystem)
{
    return ecosystem && strncmp(ecosystem, "Debian", 6) == 0 &&
           (ecosystem[6] == '\0' || ecosystem[6] == ':');
}

static void add_affected(struct builder *builder, const json_t *record, const json_t *affected)
{
    const char *ecosystem = mu_json_text_at(affected, "package.ecosystem");
    const char *package = mu_json_text_at(affected, "package.name");
    struct database_row row = {0};
    const json_t *range;
    size_t index;

    if (!is_debian(ecosystem) || !package) {
        builder->now.skipped++;
        return;
    }
    row.ecosystem = intern(builder, ecosystem);
    row.package = intern(builder, package);
    row.id = intern(builder, mu_json_text_at(record, "id"));
    row.summary = intern_cut(builder, mu_json_text_at(record, "summary"));
    if (row.summary == 0)
        row.summary = intern_cut(builder, mu_json_text_at(record, "details"));
    row.urgency = intern(builder, mu_json_text_at(affected, "ecosystem_specific.urgency"));
    add_severity(builder, &row, record, affected);
    row.related = start_list(builder);
    add_texts(builder, &row.related, json_object_get(record, "aliases"));
    add_texts(builder, &row.related, json_object_get(record, "upstream"));
    row.events.first = count_in(&builder->events, sizeof(struct database_event));
    json_array_foreach (json_object_get(affected, "ranges"), index, range) {
        add_range(builder, &row, range);
    }
    row.versions = start_list(builder);
    add_texts(builder, &row.versions, json_object_get(affected, "versions"));
    mu_buf_append(&builder->rows, &row, sizeof(row));
    mu_buf_append(&builder->owners, &builder->now.sequence, sizeof(builder->now.sequence));
}

static int64_t time_of(const char *text)
{
    struct mu_error ignored;
    int64_t at_us;

    return text && mu_time_parse(text, strlen(text), &at_us, &ignored) == MU_OK ? at_us
                                                                                : MU_TIME_NONE;
}

/* What the sections held before a record. */
struct mark {
    size_t len[SECTION_COUNT];
};

static struct mark mark_set(struct builder *builder)
{
    struct mu_buf *sections[SECTION_COUNT];
    struct mark mark;

    sections_of(builder, sections);
    for (size_t i = 0; i < SECTION_COUNT; i++)
        mark.len[i] = sections[i]->len;
    return mark;
}

/* Takes back a record's rows; its strings stay, others may share them. */
static void mark_return(struct builder *builder, const struct mark *mark)
{
    struct mu_buf *sections[SECTION_COUNT];

    sections_of(builder, sections);
    for (size_t i = 0; i < SECTION_COUNT; i++)
        if (sections[i] != &builder->strings)
            sections[i]->len = mark->len[i];
}

static enum mu_status sections_check(struct builder *builder, struct mu_error *err)
{
    struct mu_buf *sections[SECTION_COUNT];
    enum mu_status st = MU_OK;

    sections_of(builder, sections);
    for (size_t i = 0; st == MU_OK && i < SECTION_COUNT; i++)
        st = mu_buf_status(sections[i], "vulnerability database", err);
    return st;
}

static enum mu_status record_check(struct builder *builder, struct mu_error *err)
{
    if (builder->too_long)
        return mu_fail(err, MU_E_LIMIT, "OSV record: an id, name or version of more than %d bytes",
                       MAX_TEXT_BYTES);
    if (builder->too_many)
        return mu_fail(err, MU_E_LIMIT, "OSV record: a range of more than %d events",
                       DATABASE_MAX_EVENTS_PER_RANGE);
    return sections_check(builder, err);
}

static void add_record(struct builder *builder, const json_t *record)
{
    const json_t *affected;
    size_t index;

    builder->too_long = builder->too_many = false;
    builder->now = (struct note){.id = intern(builder, mu_json_text_at(record, "id")),
                                 .sequence = count_in(&builder->notes, sizeof(struct note)),
                                 .withdrawn = mu_json_text_at(record, "withdrawn") != NULL,
                                 .modified_us = time_of(mu_json_text_at(record, "modified"))};
    if (!builder->now.withdrawn) {
        json_array_foreach (json_object_get(record, "affected"), index, affected) {
            add_affected(builder, record, affected);
        }
    }
    mu_buf_append(&builder->notes, &builder->now, sizeof(builder->now));
}

enum mu_status builder_add(struct builder *builder, const char *json, size_t len,
                           struct mu_error *err)
{
    static const struct mu_json_limits limits = {OSV_RECORD_MAX_BYTES, 32};
    struct mark mark = mark_set(builder);
    json_auto_t *record = NULL;
    const char *id;
    enum mu_status st = mu_json_parse(json, len, &limits, &record, err);

    if (st != MU_OK)
        return st;
    id = mu_json_text_at(record, "id");
    if (!id || id[0] == '\0')
        return mu_fail(err, MU_E_INVALID, "OSV record: id: is missing");
    add_record(builder, record);
    st = record_check(builder, err);
    if (st != MU_OK)
        mark_return(builder, &mark);
    return st;
}

/* ---- one record for each id ---- */

static int compare_notes(const void *a, const void *b)
{
    const struct note *left = a, *right = b;

    if (left->id != right->id)
        return left->id < right->id ? -1 : 1;
    if (left->modified_us != right->modified_us)
        return left->modified_us < right->modified_us ? -1 : 1;
    return left->sequence < right->sequence ? -1 : 1;
}

static void count_note(struct database_header *header, const struct note *note)
{
    header->records++;
    header->withdrawn += note->withdrawn;
    header->skipped += note->skipped;
    if (note->modified_us > header->newest_record_at_us)
        header->newest_record_at_us = note->modified_us;
}

/* Drops the rows of records that a newer one of the same id replaces. */
static void settle_records(struct builder *builder)
{
    struct note *notes = (void *)builder->notes.data;
    struct database_row *rows = (void *)builder->rows.data;
    const uint32_t *owners = (const void *)builder->owners.data;
    uint32_t note_count = count_in(&builder->notes, sizeof(struct note));
    uint32_t row_count = count_in(&builder->rows, sizeof(struct database_row)), kept = 0;
    MU_AUTO_FREE bool *holds = mu_xcalloc((size_t)note_count + 1, sizeof(bool));

    qsort(notes, note_count, sizeof(struct note), compare_notes);
    for (uint32_t i = 0; i < note_count; i++) {
        if (i + 1 < note_count && notes[i + 1].id == notes[i].id)
            continue;
        holds[notes[i].sequence] = true;
        count_note(&builder->header, &notes[i]);
    }
    for (uint32_t i = 0; i < row_count; i++)
        if (holds[owners[i]])
            rows[kept++] = rows[i];
    builder->header.row_count = kept;
}

/* ---- the file ---- */

static int compare_rows(const void *a, const void *b, void *strings)
{
    const struct database_row *left = a, *right = b;
    const char *text = strings;
    int order = strcmp(text + left->ecosystem, text + right->ecosystem);

    if (order == 0)
        order = strcmp(text + left->package, text + right->package);
    return order ? order : strcmp(text + left->id, text + right->id);
}

enum mu_status builder_finish(struct builder *builder, int64_t built_at_us, struct mu_buf *out,
                              struct mu_error *err)
{
    MU_AUTO(sha256) struct mu_sha256 *hash = mu_sha256_new();
    struct database_header *header = &builder->header;
    uint8_t checksum[MU_SHA256_BYTES];

    if (sections_check(builder, err) != MU_OK)
        return err->status; /* records are missing from it */
    settle_records(builder);
    header->event_count = count_in(&builder->events, sizeof(struct database_event));
    header->list_count = count_in(&builder->lists, sizeof(uint32_t));
    header->string_bytes = (uint32_t)builder->strings.len;
    header->built_at_us = built_at_us == MU_TIME_NONE ? header->newest_record_at_us : built_at_us;
    if (header->row_count == 0)
        return mu_fail(err, MU_E_INVALID,
                       "no record names a Debian package: nothing to match against");
    qsort_r(builder->rows.data, header->row_count, sizeof(struct database_row), compare_rows,
            builder->strings.data);
    mu_buf_append(out, header, sizeof(*header));
    mu_buf_append(out, builder->rows.data, header->row_count * sizeof(struct database_row));
    mu_buf_append(out, builder->events.data, builder->events.len);
    mu_buf_append(out, builder->lists.data, builder->lists.len);
    mu_buf_append(out, builder->strings.data, builder->strings.len);
    mu_sha256_update(hash, out->data, out->len);
    mu_sha256_final(hash, checksum);
    mu_buf_append(out, checksum, sizeof(checksum));
    return mu_buf_status(out, "vulnerability database", err);
}
