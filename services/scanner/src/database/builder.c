#include "database/builder.h"

#include "database/builder_state.h"
#include "database/ecosystem.h"
#include "database/range.h"
#include "version/version.h"

#include "base/clock.h"
#include "base/memory.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

enum { FAMILY_MAX = 63, UNKNOWN_MAX = 1024 };
static const size_t buffer_max_bytes = (size_t)1 << 31;
static const size_t texts_max_bytes = (size_t)1 << 31;

enum { BUILDER_BUFFERS = 7 };
static void list_buffers(struct builder *builder, struct mu_buf *ret_buffers[BUILDER_BUFFERS])
{
    /* Those that a record's end may take back come first, as their marks do. */
    struct mu_buf *const buffers[BUILDER_BUFFERS] = {
            &builder->rows,  &builder->events,  &builder->lists,  &builder->notes,
            &builder->facts, &builder->sources, &builder->unknown};

    memcpy(ret_buffers, buffers, sizeof(buffers));
}

struct builder *builder_new(void)
{
    struct builder *builder = mu_xcalloc(1, sizeof(*builder));
    struct mu_buf *buffers[BUILDER_BUFFERS];

    list_buffers(builder, buffers);
    for (size_t i = 0; i < BUILDER_BUFFERS; i++)
        mu_buf_init(buffers[i], buffer_max_bytes);
    text_pool_init(&builder->texts, texts_max_bytes);
    builder->newest_us = MU_TIME_NONE;
    return builder;
}

void builder_free(struct builder *builder)
{
    struct mu_buf *buffers[BUILDER_BUFFERS];

    if (!builder)
        return;
    list_buffers(builder, buffers);
    for (size_t i = 0; i < BUILDER_BUFFERS; i++)
        mu_buf_done(buffers[i]);
    text_pool_done(&builder->texts);
    free(builder);
}

enum mu_status builder_check(struct builder *builder, struct mu_error *err)
{
    struct mu_buf *buffers[BUILDER_BUFFERS];
    enum mu_status st = mu_buf_status(&builder->texts.bytes, "vulnerability database", err);

    list_buffers(builder, buffers);
    for (size_t i = 0; st == MU_OK && i < BUILDER_BUFFERS; i++)
        st = mu_buf_status(buffers[i], "vulnerability database", err);
    return st;
}

/* ---- texts ---- */

/* What is compared may not be cut: half a version is another version. Absent is "". */
static uint32_t keep(struct builder *builder, const char *text)
{
    size_t len = text ? strlen(text) : 0;

    if (len > DATABASE_MAX_TEXT_BYTES) {
        builder->too_long = true;
        return 0;
    }
    return text_pool_add(&builder->texts, text ? text : "", len);
}

/* At most `len` bytes, ending at a character's border. */
static uint32_t keep_part(struct builder *builder, const char *text, size_t len)
{
    while (len > 0 && !mu_utf8_valid(text, len))
        len--;
    return text_pool_add(&builder->texts, text, len);
}

/* For people: cut to size. */
static uint32_t keep_cut(struct builder *builder, const char *text)
{
    return text ? keep_part(builder, text, strnlen(text, DATABASE_MAX_TEXT_BYTES)) : 0;
}

static void add_to_list(struct builder *builder, struct database_list *list, const char *text)
{
    uint32_t offset = keep(builder, text);

    if (list->count == 0)
        list->first = builder_count(&builder->lists, sizeof(uint32_t));
    mu_buf_append(&builder->lists, &offset, sizeof(offset));
    list->count++;
}

/* ---- one record ---- */

void builder_begin(struct builder *builder, const struct builder_record *record)
{
    struct mu_buf *buffers[BUILDER_BUFFERS];
    struct note *now = &builder->now;

    list_buffers(builder, buffers);
    for (size_t i = 0; i < sizeof(builder->marks) / sizeof(builder->marks[0]); i++)
        builder->marks[i] = buffers[i]->len;
    builder->too_long = builder->too_many = false;
    *now = (struct note){.feed = (uint32_t)record->feed,
                         .id = keep(builder, record->id),
                         .sequence = builder_count(&builder->notes, sizeof(struct note)),
                         .withdrawn = record->withdrawn,
                         .cves_in_related = record->cves_in_related,
                         .modified_us = record->modified_us};
    for (size_t i = 0; i < 3; i++)
        now->scope[i] = keep(builder, record->scope[i]);
    builder->summary = keep_cut(builder, record->summary);
    builder->row.row = (struct database_row){.flags = (record->withdrawn ? ROW_WITHDRAWN : 0) |
                                                      (record->disputed ? ROW_DISPUTED : 0)};
}

/* A relation of another kind than the one before starts a list: feeds name them kind by kind. */
void builder_relate(struct builder *builder, enum builder_relation relation, const char *id)
{
    struct note *now = &builder->now;
    struct database_list *const lists[] = {[RELATION_ALIAS] = &now->aliases,
                                           [RELATION_UPSTREAM] = &now->upstream,
                                           [RELATION_RELATED] = &now->related};

    add_to_list(builder, lists[relation], id);
}

static void count_unknown(struct builder *builder, const char *ecosystem)
{
    struct database_unknown *rows = (void *)builder->unknown.data, row = {0, 1};
    size_t count = builder_count(&builder->unknown, sizeof(row)), len = strcspn(ecosystem, ":");

    row.ecosystem = keep_part(builder, ecosystem, len < FAMILY_MAX ? len : FAMILY_MAX);
    builder->now.skipped++;
    for (size_t i = 0; i < count; i++) {
        if (rows[i].ecosystem == row.ecosystem) {
            rows[i].count++;
            return;
        }
    }
    if (count < UNKNOWN_MAX)
        mu_buf_append(&builder->unknown, &row, sizeof(row));
}

/* All ids the record names, as one list: the three kinds lie one behind the other. */
static struct database_list all_related(const struct note *note)
{
    const struct database_list *lists[] = {&note->aliases, &note->upstream, &note->related};
    struct database_list all = {0, 0};

    for (size_t i = 0; i < 3; i++) {
        if (lists[i]->count == 0)
            continue;
        if (all.count == 0)
            all.first = lists[i]->first;
        all.count += lists[i]->count;
    }
    return all;
}

bool builder_begin_affected(struct builder *builder, const struct builder_affected *affected)
{
    char ecosystem[ECOSYSTEM_TEXT_SIZE], package[ECOSYSTEM_TEXT_SIZE];
    const struct database_row old = builder->row.row;

    if (!ecosystem_file_under(affected->ecosystem, ecosystem)) {
        count_unknown(builder, affected->ecosystem);
        return false;
    }
    if (!ecosystem_fold_name(affected->ecosystem, affected->package, package)) {
        builder->too_long |= affected->package[0] != '\0';
        builder->now.skipped++;
        return false;
    }
    builder->row = (struct built_row){
            .ecosystem = keep(builder, ecosystem),
            .package = keep(builder, package),
            .owner = builder->now.sequence,
            .row = {.id = builder->now.id,
                    .summary = builder->summary,
                    .rating = keep(builder, affected->rating),
                    .module = keep(builder, affected->module),
                    .state = keep(builder, affected->state),
                    .cvss_v4 = keep(builder, affected->cvss_v4),
                    .cvss_v3 = keep(builder, affected->cvss_v3),
                    .cvss_v2 = keep(builder, affected->cvss_v2),
                    .feed = builder->now.feed,
                    .flags = old.flags & (ROW_WITHDRAWN | ROW_DISPUTED),
                    .related = all_related(&builder->now),
                    .events = {builder_count(&builder->events, sizeof(struct database_event)), 0}}};
    return true;
}

void builder_event(struct builder *builder, enum database_event_kind kind, const char *version)
{
    struct database_event event = {(uint32_t)kind, keep(builder, version)};
    struct database_list *events = &builder->row.row.events;

    if (kind == DATABASE_EVENT_RANGE)
        builder->range_first = events->count;
    else if (events->count - builder->range_first > DATABASE_MAX_EVENTS_PER_RANGE)
        builder->too_many = true;
    if (kind == DATABASE_EVENT_FIXED && strstr(version, ".module"))
        builder->row.row.flags |= ROW_MODULAR;
    mu_buf_append(&builder->events, &event, sizeof(event));
    events->count++;
}

void builder_version(struct builder *builder, const char *version)
{
    add_to_list(builder, &builder->row.row.versions, version);
}

void builder_architecture(struct builder *builder, const char *architecture)
{
    add_to_list(builder, &builder->row.row.architectures, architecture);
}

void builder_skip(struct builder *builder)
{
    builder->now.skipped++;
}

/* Drops listed versions that the ranges hold: some feeds list every release there ever was. */
static void drop_covered(struct builder *builder, const struct version_scheme *scheme,
                         const struct database_event *events)
{
    struct database_row *row = &builder->row.row;
    uint32_t *versions = (uint32_t *)(void *)builder->lists.data + row->versions.first, kept = 0;
    const char *strings = builder->texts.bytes.data;
    struct range_place place;

    if (row->architectures.count > 0)
        return; /* they lie behind the versions */
    for (uint32_t i = 0; i < row->versions.count; i++)
        if (!range_holds(scheme->compare, strings, events, row->events.count, strings + versions[i],
                         &place))
            versions[kept++] = versions[i];
    builder->lists.len -= (row->versions.count - kept) * sizeof(uint32_t);
    row->versions.count = kept;
}

void builder_end_affected(struct builder *builder)
{
    struct database_row *row = &builder->row.row;
    const char *ecosystem = text_pool_at(&builder->texts, builder->row.ecosystem);
    const struct version_scheme *scheme = version_scheme_of(ecosystem);
    struct database_event *events = (void *)builder->events.data;

    if (!scheme || builder->too_many || builder->too_long || builder->events.failed ||
        builder->lists.failed || builder->texts.bytes.failed)
        return;
    if (row->events.count == 0 && row->versions.count == 0)
        return; /* it names a package and no version of it */
    events += row->events.first;
    range_sort(scheme->compare, builder->texts.bytes.data, events, row->events.count);
    if (row->versions.count > 0)
        drop_covered(builder, scheme, events);
    mu_buf_append(&builder->rows, &builder->row, sizeof(builder->row));
}

enum mu_status builder_end(struct builder *builder, struct mu_error *err)
{
    struct mu_buf *buffers[BUILDER_BUFFERS];
    enum mu_status st = MU_OK;

    mu_buf_append(&builder->notes, &builder->now, sizeof(builder->now));
    if (builder->too_long)
        st = mu_fail(err, MU_E_LIMIT, "advisory: an id, name or version of more than %d bytes",
                     DATABASE_MAX_TEXT_BYTES);
    else if (builder->too_many)
        st = mu_fail(err, MU_E_LIMIT, "advisory: a range of more than %d events",
                     DATABASE_MAX_EVENTS_PER_RANGE);
    else if (builder->now.id == 0 && !builder->texts.bytes.failed)
        st = mu_fail(err, MU_E_INVALID, "advisory: id: is missing");
    else
        st = builder_check(builder, err);
    if (st == MU_OK) {
        if (builder->now.modified_us > builder->newest_us)
            builder->newest_us = builder->now.modified_us;
        return MU_OK;
    }
    /* Its strings stay, others may share them. */
    list_buffers(builder, buffers);
    for (size_t i = 0; i < sizeof(builder->marks) / sizeof(builder->marks[0]); i++)
        buffers[i]->len = builder->marks[i];
    return st;
}

/* ---- facts and sources ---- */

enum mu_status builder_add_fact(struct builder *builder, const struct builder_fact *fact,
                                struct mu_error *err)
{
    struct fact_note note = {.sequence = builder_count(&builder->facts, sizeof(note))};

    if (!mu_text_starts(fact->cve ? fact->cve : "", "CVE-"))
        return mu_fail(err, MU_E_INVALID, "no CVE id");
    builder->too_long = false;
    note.fact = (struct database_fact){
            .cve = keep(builder, fact->cve),
            .flags = (fact->ransomware ? FACT_RANSOMWARE : 0) |
                     (fact->disputed ? FACT_DISPUTED : 0) | (fact->has_epss ? FACT_HAS_EPSS : 0),
            .kev_added = keep(builder, fact->kev_added),
            .kev_due = keep(builder, fact->kev_due),
            .epss_millionths = fact->epss_millionths,
            .percentile_millionths = fact->percentile_millionths,
            .exploitation = keep(builder, fact->exploitation),
            .automatable = keep(builder, fact->automatable),
            .technical_impact = keep(builder, fact->technical_impact),
            .nvd_v3 = keep(builder, fact->nvd_v3),
            .cna_v3 = keep(builder, fact->cna_v3),
            .adp_v3 = keep(builder, fact->adp_v3),
            .nvd_v2 = keep(builder, fact->nvd_v2),
            .any_v4 = keep(builder, fact->any_v4),
            .nvd_v3_tenths = fact->nvd_v3_tenths > 0 ? (uint32_t)fact->nvd_v3_tenths + 1 : 0};
    if (builder->too_long)
        return mu_fail(err, MU_E_LIMIT, "%.40s: a text of more than %d bytes", fact->cve,
                       DATABASE_MAX_TEXT_BYTES);
    mu_buf_append(&builder->facts, &note, sizeof(note));
    return builder_check(builder, err);
}

void builder_add_source(struct builder *builder, const struct builder_source *source)
{
    struct database_source_row row = {.newest_at_us = source->newest_at_us,
                                      .name = keep_cut(builder, source->name),
                                      .kind = keep_cut(builder, source->kind),
                                      .records = source->records,
                                      .rejected = source->rejected};

    memcpy(row.sha256, source->sha256, sizeof(row.sha256));
    mu_buf_append(&builder->sources, &row, sizeof(row));
}

int64_t builder_newest_us(struct builder *builder)
{
    int64_t newest_us = builder->newest_us;

    builder->newest_us = MU_TIME_NONE;
    return newest_us;
}
