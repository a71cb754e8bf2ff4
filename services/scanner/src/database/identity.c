/* What each record is about: see builder.h, "Identity". */
#include "database/builder_state.h"

#include "base/memory.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_GROUP_CVES = 16 };

/* An id that aliases name, by its text's offset; ids of one vulnerability share the root. */
struct identity {
    uint32_t text, root;
};

struct identities {
    struct builder *builder;
    struct identity *items; /* sorted by text */
    size_t count;
    uint32_t *by_root; /* indexes of items, sorted by root, then CVEs first, then id */
};

static bool is_cve(const char *id)
{
    return strncmp(id, "CVE-", 4) == 0;
}

/* "DEBIAN-CVE-2024-1" holds "CVE-2024-1"; NULL when the id names no CVE. */
static const char *cve_in(const char *id)
{
    const char *cve = strstr(id, "CVE-");

    return cve && (cve == id || cve[-1] == '-') ? cve : NULL;
}

static const char *text_at(const struct builder *builder, uint32_t offset)
{
    return text_pool_at(&builder->texts, offset);
}

static uint32_t list_item(const struct builder *builder, struct database_list list, uint32_t index)
{
    return ((const uint32_t *)(const void *)builder->lists.data)[list.first + index];
}

/* ---- union-find over aliases ---- */

static int compare_identities(const void *a, const void *b)
{
    const struct identity *left = a, *right = b;

    return (left->text > right->text) - (left->text < right->text);
}

static uint32_t find(const struct identities *ids, uint32_t text)
{
    const struct identity key = {.text = text};
    const struct identity *found =
            bsearch(&key, ids->items, ids->count, sizeof(key), compare_identities);

    return found ? (uint32_t)(found - ids->items) : UINT32_MAX;
}

static uint32_t root_of(struct identities *ids, uint32_t at)
{
    while (ids->items[at].root != at) {
        ids->items[at].root = ids->items[ids->items[at].root].root;
        at = ids->items[at].root;
    }
    return at;
}

static void unite(struct identities *ids, uint32_t a, uint32_t b)
{
    uint32_t left = root_of(ids, find(ids, a)), right = root_of(ids, find(ids, b));

    if (left != right)
        ids->items[left > right ? left : right].root = left > right ? right : left;
}

/* A withdrawn record's word on what is the same does not count. */
static bool links(const struct note *note, const bool *holds)
{
    return holds[note->sequence] && !note->withdrawn && note->aliases.count > 0;
}

static void collect(struct identities *ids, const bool *holds)
{
    const struct builder *builder = ids->builder;
    const struct note *notes = (const void *)builder->notes.data;
    uint32_t note_count = builder_count(&builder->notes, sizeof(struct note));
    size_t most = 0, kept = 0;

    for (uint32_t i = 0; i < note_count; i++)
        if (links(&notes[i], holds))
            most += 1 + notes[i].aliases.count;
    ids->items = mu_xcalloc(most + 1, sizeof(struct identity));
    for (uint32_t i = 0; i < note_count; i++) {
        if (!links(&notes[i], holds))
            continue;
        ids->items[ids->count++].text = notes[i].id;
        for (uint32_t j = 0; j < notes[i].aliases.count; j++)
            ids->items[ids->count++].text = list_item(builder, notes[i].aliases, j);
    }
    qsort(ids->items, ids->count, sizeof(struct identity), compare_identities);
    for (size_t i = 0; i < ids->count; i++)
        if (kept == 0 || ids->items[kept - 1].text != ids->items[i].text)
            ids->items[kept++] = ids->items[i];
    ids->count = kept;
    for (size_t i = 0; i < kept; i++)
        ids->items[i].root = (uint32_t)i;
}

static int rank_of(const char *id)
{
    return is_cve(id) ? 0 : mu_text_starts(id, "GHSA-") ? 1 : 2;
}

static int compare_members(const void *a, const void *b, void *opaque)
{
    const struct identities *ids = opaque;
    const struct identity *left = &ids->items[*(const uint32_t *)a];
    const struct identity *right = &ids->items[*(const uint32_t *)b];
    const char *left_id = text_at(ids->builder, left->text);
    const char *right_id = text_at(ids->builder, right->text);

    if (left->root != right->root)
        return left->root < right->root ? -1 : 1;
    if (rank_of(left_id) != rank_of(right_id))
        return rank_of(left_id) - rank_of(right_id);
    return strcmp(left_id, right_id);
}

static void group(struct identities *ids, const bool *holds)
{
    const struct note *notes = (const void *)ids->builder->notes.data;
    uint32_t note_count = builder_count(&ids->builder->notes, sizeof(struct note));

    for (uint32_t i = 0; i < note_count; i++)
        for (uint32_t j = 0; links(&notes[i], holds) && j < notes[i].aliases.count; j++)
            unite(ids, notes[i].id, list_item(ids->builder, notes[i].aliases, j));
    ids->by_root = mu_xcalloc(ids->count + 1, sizeof(uint32_t));
    for (size_t i = 0; i < ids->count; i++) {
        ids->items[i].root = root_of(ids, (uint32_t)i);
        ids->by_root[i] = (uint32_t)i;
    }
    qsort_r(ids->by_root, ids->count, sizeof(uint32_t), compare_members, ids);
}

/* Index into by_root of the first member of the group. */
static size_t group_begin(const struct identities *ids, uint32_t root)
{
    size_t low = 0, high = ids->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (ids->items[ids->by_root[middle]].root < root)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* ---- one record ---- */

static void add(struct builder *builder, struct database_list *list, uint32_t text)
{
    for (uint32_t i = 0; i < list->count; i++)
        if (list_item(builder, *list, i) == text)
            return;
    mu_buf_append(&builder->lists, &text, sizeof(text));
    list->count += !builder->lists.failed;
}

static void add_cve_of(struct builder *builder, struct database_list *list, uint32_t text)
{
    const char *id = text_at(builder, text), *cve = cve_in(id);
    char copy[DATABASE_MAX_TEXT_BYTES + 1];
    size_t len;

    if (!cve)
        return;
    len = strlen(cve);
    memcpy(copy, cve, len + 1); /* adding a text may move it */
    add(builder, list, cve == id ? text : text_pool_add(&builder->texts, copy, len));
}

static void add_cves_of(struct builder *builder, struct database_list *list,
                        struct database_list ids)
{
    for (uint32_t i = 0; i < ids.count; i++)
        add_cve_of(builder, list, list_item(builder, ids, i));
}

/* The CVEs of its alias group, else the group's best name. */
static void add_group(struct identities *ids, struct database_list *list, const struct note *note)
{
    uint32_t at = find(ids, note->id);
    size_t first;

    if (at == UINT32_MAX) {
        add(ids->builder, list, note->id);
        return;
    }
    first = group_begin(ids, ids->items[at].root);
    for (size_t i = first; i < ids->count && i < first + MAX_GROUP_CVES; i++) {
        const struct identity *member = &ids->items[ids->by_root[i]];

        if (member->root != ids->items[at].root ||
            (i > first && !is_cve(text_at(ids->builder, member->text))))
            break;
        add(ids->builder, list, member->text);
    }
}

static struct database_list about(struct identities *ids, const struct note *note)
{
    struct builder *builder = ids->builder;
    struct database_list list = {builder_count(&builder->lists, sizeof(uint32_t)), 0};

    add_cve_of(builder, &list, note->id);
    add_cves_of(builder, &list, note->aliases);
    add_cves_of(builder, &list, note->upstream);
    if (note->cves_in_related)
        add_cves_of(builder, &list, note->related);
    if (list.count == 0)
        add_group(ids, &list, note);
    return list;
}

void identity_resolve(struct builder *builder, const bool *holds, struct database_list *ret_lists)
{
    struct identities ids = {.builder = builder};
    const struct note *notes = (const void *)builder->notes.data;
    uint32_t note_count = builder_count(&builder->notes, sizeof(struct note));

    collect(&ids, holds);
    group(&ids, holds);
    for (uint32_t i = 0; i < note_count; i++)
        if (holds[notes[i].sequence])
            ret_lists[notes[i].sequence] = about(&ids, &notes[i]);
    free(ids.items);
    free(ids.by_root);
}
