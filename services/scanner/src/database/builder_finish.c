/* Settles what a builder has collected and writes the file (format.h). */
#include "database/builder_state.h"

#include "base/clock.h"
#include "base/memory.h"
#include "base/sha256.h"

#include <stdlib.h>
#include <string.h>

/* ---- one record for each key ---- */

static int compare_u32(uint32_t a, uint32_t b)
{
    return (a > b) - (a < b);
}

static int compare_keys(const struct note *left, const struct note *right)
{
    int order = compare_u32(left->feed, right->feed);

    if (order == 0)
        order = compare_u32(left->id, right->id);
    for (size_t i = 0; order == 0 && i < 3; i++)
        order = compare_u32(left->scope[i], right->scope[i]);
    return order;
}

static int compare_notes(const void *a, const void *b)
{
    const struct note *left = a, *right = b;
    int order = compare_keys(left, right);

    if (order == 0)
        order = (left->modified_us > right->modified_us) - (left->modified_us < right->modified_us);
    return order ? order : compare_u32(left->sequence, right->sequence);
}

static void count_note(struct database_header *header, const struct note *note)
{
    header->records++;
    header->withdrawn += note->withdrawn;
    header->skipped += note->skipped;
    if (note->modified_us > header->newest_record_at_us)
        header->newest_record_at_us = note->modified_us;
}

/* Drops the rows of records that a newer one of the same key replaces; tells the others what they
 * are about. */
static uint32_t settle_rows(struct builder *builder, struct database_header *header)
{
    struct note *notes = (void *)builder->notes.data;
    struct built_row *rows = (void *)builder->rows.data;
    uint32_t note_count = builder_count(&builder->notes, sizeof(struct note));
    uint32_t row_count = builder_count(&builder->rows, sizeof(struct built_row)), kept = 0;
    MU_AUTO_FREE bool *holds = mu_xcalloc((size_t)note_count + 1, sizeof(bool));
    MU_AUTO_FREE struct database_list *about =
            mu_xcalloc((size_t)note_count + 1, sizeof(struct database_list));

    if (note_count > 0)
        qsort(notes, note_count, sizeof(struct note), compare_notes);
    for (uint32_t i = 0; i < note_count; i++) {
        if (i + 1 < note_count && compare_keys(&notes[i], &notes[i + 1]) == 0)
            continue;
        holds[notes[i].sequence] = true;
        count_note(header, &notes[i]);
    }
    identity_resolve(builder, holds, about);
    for (uint32_t i = 0; i < row_count; i++) {
        if (!holds[rows[i].owner])
            continue;
        rows[kept] = rows[i];
        rows[kept++].row.vulnerabilities = about[rows[i].owner];
    }
    return kept;
}

static int compare_rows(const void *a, const void *b, void *strings)
{
    const struct built_row *left = a, *right = b;
    const char *text = strings;
    int order = strcmp(text + left->ecosystem, text + right->ecosystem);

    if (order == 0)
        order = strcmp(text + left->package, text + right->package);
    if (order == 0)
        order = strcmp(text + left->row.id, text + right->row.id);
    if (order == 0)
        order = compare_u32(left->owner, right->owner);
    return order ? order : compare_u32(left->row.events.first, right->row.events.first);
}

/* ---- facts: one for each CVE ---- */

static int compare_facts(const void *a, const void *b, void *strings)
{
    const struct fact_note *left = a, *right = b;
    const char *text = strings;
    int order = strcmp(text + left->fact.cve, text + right->fact.cve);

    return order ? order : compare_u32(left->sequence, right->sequence);
}

static void merge_fact(struct database_fact *into, const struct database_fact *later)
{
    const size_t members[] = {offsetof(struct database_fact, kev_added),
                              offsetof(struct database_fact, kev_due),
                              offsetof(struct database_fact, exploitation),
                              offsetof(struct database_fact, automatable),
                              offsetof(struct database_fact, technical_impact),
                              offsetof(struct database_fact, nvd_v3),
                              offsetof(struct database_fact, cna_v3),
                              offsetof(struct database_fact, adp_v3),
                              offsetof(struct database_fact, nvd_v2),
                              offsetof(struct database_fact, any_v4),
                              offsetof(struct database_fact, nvd_v3_tenths)};

    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
        uint32_t value;

        memcpy(&value, (const char *)later + members[i], sizeof(value));
        if (value != 0)
            memcpy((char *)into + members[i], &value, sizeof(value));
    }
    if (later->flags & FACT_HAS_EPSS) {
        into->epss_millionths = later->epss_millionths;
        into->percentile_millionths = later->percentile_millionths;
    }
    into->flags |= later->flags;
}

static void settle_facts(struct builder *builder, struct mu_buf *out)
{
    struct fact_note *notes = (void *)builder->facts.data;
    size_t count = builder_count(&builder->facts, sizeof(struct fact_note)), next;

    if (count > 0)
        qsort_r(notes, count, sizeof(struct fact_note), compare_facts, builder->texts.bytes.data);
    for (size_t i = 0; i < count; i = next) {
        struct database_fact fact = notes[i].fact;

        for (next = i + 1; next < count && notes[next].fact.cve == fact.cve; next++)
            merge_fact(&fact, &notes[next].fact);
        mu_buf_append(out, &fact, sizeof(fact));
    }
}

/* ---- content of a package: what a change of makes it worth judging again ---- */

struct content {
    struct mu_sha256 *hash;
    const struct builder *builder;
    const struct database_fact *facts;
    size_t fact_count;
};

static void hash_text(const struct content *content, uint32_t offset)
{
    const char *text = text_pool_at(&content->builder->texts, offset);

    mu_sha256_update(content->hash, text, strlen(text) + 1);
}

static void hash_number(const struct content *content, uint32_t number)
{
    mu_sha256_update(content->hash, &number, sizeof(number));
}

static void hash_list(const struct content *content, struct database_list list)
{
    const uint32_t *items = (const void *)content->builder->lists.data;

    hash_number(content, list.count);
    for (uint32_t i = 0; i < list.count; i++)
        hash_text(content, items[list.first + i]);
}

/* What decides severity and KEV; EPSS moves daily for every CVE and is joined when shown. */
static void hash_fact(const struct content *content, uint32_t cve)
{
    const char *strings = content->builder->texts.bytes.data;
    size_t low = 0, high = content->fact_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (strcmp(strings + content->facts[middle].cve, strings + cve) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    if (low < content->fact_count && content->facts[low].cve == cve) {
        const struct database_fact *fact = &content->facts[low];
        const uint32_t texts[] = {fact->kev_added,   fact->kev_due,          fact->exploitation,
                                  fact->automatable, fact->technical_impact, fact->nvd_v3,
                                  fact->cna_v3,      fact->adp_v3,           fact->nvd_v2,
                                  fact->any_v4};

        for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
            hash_text(content, texts[i]);
        hash_number(content, fact->flags & ~(uint32_t)FACT_HAS_EPSS);
        hash_number(content, fact->nvd_v3_tenths);
    }
}

static void hash_row(const struct content *content, const struct database_row *row)
{
    const uint32_t texts[] = {row->id,    row->summary, row->rating,  row->module,
                              row->state, row->cvss_v4, row->cvss_v3, row->cvss_v2};
    const struct database_event *events = (const void *)content->builder->events.data;
    const uint32_t *lists = (const void *)content->builder->lists.data;

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        hash_text(content, texts[i]);
    hash_number(content, row->feed);
    hash_number(content, row->flags);
    hash_list(content, row->vulnerabilities);
    hash_list(content, row->related);
    hash_list(content, row->versions);
    hash_list(content, row->architectures);
    hash_number(content, row->events.count);
    for (uint32_t i = 0; i < row->events.count; i++) {
        hash_number(content, events[row->events.first + i].kind);
        hash_text(content, events[row->events.first + i].version);
    }
    for (uint32_t i = 0; i < row->vulnerabilities.count; i++)
        hash_fact(content, lists[row->vulnerabilities.first + i]);
}

static void add_packages(const struct content *content, const struct built_row *rows,
                         uint32_t count, struct mu_buf *packages, struct mu_buf *out)
{
    uint32_t next;

    for (uint32_t i = 0; i < count; i = next) {
        struct database_package package = {
                .ecosystem = rows[i].ecosystem, .name = rows[i].package, .first_row = i};
        uint8_t digest[MU_SHA256_BYTES];

        for (next = i; next < count && rows[next].ecosystem == package.ecosystem &&
                       rows[next].package == package.name;
             next++) {
            hash_row(content, &rows[next].row);
            mu_buf_append(out, &rows[next].row, sizeof(rows[next].row));
        }
        mu_sha256_final(content->hash, digest);
        memcpy(package.content, digest, sizeof(package.content));
        package.row_count = next - i;
        mu_buf_append(packages, &package, sizeof(package));
    }
}

/* ---- the file ---- */

struct parts {
    struct mu_buf packages, rows, facts;
};

static void parts_done(struct parts *parts)
{
    mu_buf_done(&parts->packages);
    mu_buf_done(&parts->rows);
    mu_buf_done(&parts->facts);
}

static void write_file(const struct builder *builder, const struct parts *parts,
                       struct database_header *header, struct mu_buf *out)
{
    MU_AUTO(sha256) struct mu_sha256 *hash = mu_sha256_new();
    const struct {
        const struct mu_buf *bytes;
        size_t item;
    } sections[SECTION_COUNT] = {
            [SECTION_SOURCES] = {&builder->sources, sizeof(struct database_source_row)},
            [SECTION_PACKAGES] = {&parts->packages, sizeof(struct database_package)},
            [SECTION_ROWS] = {&parts->rows, sizeof(struct database_row)},
            [SECTION_EVENTS] = {&builder->events, sizeof(struct database_event)},
            [SECTION_FACTS] = {&parts->facts, sizeof(struct database_fact)},
            [SECTION_UNKNOWN] = {&builder->unknown, sizeof(struct database_unknown)},
            [SECTION_LISTS] = {&builder->lists, sizeof(uint32_t)},
            [SECTION_STRINGS] = {&builder->texts.bytes, 1}};
    uint8_t checksum[MU_SHA256_BYTES];

    for (size_t i = 0; i < SECTION_COUNT; i++)
        header->counts[i] = builder_count(sections[i].bytes, sections[i].item);
    mu_buf_append(out, header, sizeof(*header));
    for (size_t i = 0; i < SECTION_COUNT; i++)
        mu_buf_append(out, sections[i].bytes->data, sections[i].bytes->len);
    mu_sha256_update(hash, out->data, out->len);
    mu_sha256_final(hash, checksum);
    mu_buf_append(out, checksum, sizeof(checksum));
}

/* Feeds without times in their records may have one of their own. */
static void count_sources(const struct builder *builder, struct database_header *header)
{
    const struct database_source_row *sources = (const void *)builder->sources.data;
    uint32_t count = builder_count(&builder->sources, sizeof(*sources));

    for (uint32_t i = 0; i < count; i++)
        if (sources[i].newest_at_us > header->newest_record_at_us)
            header->newest_record_at_us = sources[i].newest_at_us;
}

enum mu_status builder_finish(struct builder *builder, int64_t built_at_us, struct mu_buf *out,
                              struct mu_error *err)
{
    MU_AUTO(sha256) struct mu_sha256 *hash = mu_sha256_new();
    MU_AUTO_DONE(parts_done) struct parts parts = {0};
    struct database_header header = {.version = DATABASE_FORMAT_VERSION};
    struct content content = {.hash = hash, .builder = builder};
    uint32_t row_count;

    mu_buf_init(&parts.packages, builder->rows.max_bytes);
    mu_buf_init(&parts.rows, builder->rows.max_bytes);
    mu_buf_init(&parts.facts, builder->rows.max_bytes);
    if (builder_check(builder, err) != MU_OK)
        return err->status; /* records are missing from it */
    memcpy(header.magic, DATABASE_MAGIC, sizeof(header.magic));
    row_count = settle_rows(builder, &header);
    count_sources(builder, &header);
    header.built_at_us = built_at_us == MU_TIME_NONE ? header.newest_record_at_us : built_at_us;
    if (row_count == 0)
        return mu_fail(err, MU_E_INVALID,
                       "no record names a package of a known ecosystem: "
                       "nothing to match against");
    qsort_r(builder->rows.data, row_count, sizeof(struct built_row), compare_rows,
            builder->texts.bytes.data);
    settle_facts(builder, &parts.facts);
    content.facts = (const void *)parts.facts.data;
    content.fact_count = builder_count(&parts.facts, sizeof(struct database_fact));
    add_packages(&content, (const void *)builder->rows.data, row_count, &parts.packages,
                 &parts.rows);
    if (builder_check(builder, err) != MU_OK)
        return err->status;
    write_file(builder, &parts, &header, out);
    return mu_buf_status(out, "vulnerability database", err);
}
