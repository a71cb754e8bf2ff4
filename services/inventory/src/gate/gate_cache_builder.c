#include "gate/gate_cache.h"
#include "gate/gate_cache_format.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

enum { FIRST_SLOTS = 1024 };

/* Offsets of texts that are there already, by their hash. */
struct text_set {
    uint32_t *offsets; /* + 1; 0: empty */
    size_t capacity, count;
};

struct gate_cache_builder {
    struct mu_buf records, texts;
    struct gate_cache_slot *slots;
    uint32_t slot_count, record_count;
    struct text_set known;
};

struct gate_cache_builder *gate_cache_builder_new(void)
{
    struct gate_cache_builder *builder = mu_xcalloc(1, sizeof(*builder));

    mu_buf_init(&builder->records,
                (size_t)GATE_CACHE_MAX_RECORDS * sizeof(struct gate_cache_record));
    mu_buf_init(&builder->texts, GATE_CACHE_MAX_TEXT_BYTES);
    mu_buf_append(&builder->texts, "", 1); /* offset 0 is "" */
    builder->slot_count = FIRST_SLOTS;
    builder->slots = mu_xcalloc(FIRST_SLOTS, sizeof(*builder->slots));
    builder->known.capacity = FIRST_SLOTS;
    builder->known.offsets = mu_xcalloc(FIRST_SLOTS, sizeof(*builder->known.offsets));
    return builder;
}

void gate_cache_builder_free(struct gate_cache_builder *builder)
{
    if (!builder)
        return;
    mu_buf_done(&builder->records);
    mu_buf_done(&builder->texts);
    free(builder->slots);
    free(builder->known.offsets);
    free(builder);
}

/* ---- texts, each once ---- */

/* FNV-1a */
static size_t hash_text(const char *text)
{
    uint64_t hash = UINT64_C(14695981039346656037);

    for (; *text; text++)
        hash = (hash ^ (unsigned char)*text) * UINT64_C(1099511628211);
    return (size_t)(hash ^ (hash >> 32));
}

static uint32_t *text_place(const struct gate_cache_builder *builder, const char *text)
{
    const struct text_set *known = &builder->known;
    size_t at = hash_text(text) & (known->capacity - 1);

    while (known->offsets[at] != 0 &&
           strcmp(builder->texts.data + known->offsets[at] - 1, text) != 0)
        at = (at + 1) & (known->capacity - 1);
    return &known->offsets[at];
}

static enum mu_status grow_texts(struct gate_cache_builder *builder, struct mu_error *err)
{
    struct text_set old = builder->known;

    if (2 * (old.count + 1) < old.capacity)
        return MU_OK;
    builder->known.offsets = calloc(2 * old.capacity, sizeof(*old.offsets));
    if (!builder->known.offsets) {
        builder->known = old;
        return mu_fail(err, MU_E_NOMEM, "gate cache: out of memory");
    }
    builder->known.capacity = 2 * old.capacity;
    for (size_t i = 0; i < old.capacity; i++)
        if (old.offsets[i] != 0)
            *text_place(builder, builder->texts.data + old.offsets[i] - 1) = old.offsets[i];
    free(old.offsets);
    return MU_OK;
}

static enum mu_status add_text(struct gate_cache_builder *builder, const char *text,
                               uint32_t *ret_offset, struct mu_error *err)
{
    uint32_t *place;

    *ret_offset = 0;
    if (!text || !*text)
        return MU_OK;
    if (grow_texts(builder, err) != MU_OK)
        return err->status;
    place = text_place(builder, text);
    if (*place == 0) {
        uint32_t offset = (uint32_t)builder->texts.len;

        mu_buf_append(&builder->texts, text, strlen(text) + 1);
        if (builder->texts.failed)
            return mu_buf_status(&builder->texts, "texts of the gate cache", err);
        *place = offset + 1;
        builder->known.count++;
    }
    *ret_offset = *place - 1;
    return MU_OK;
}

/* ---- names ---- */

static struct gate_cache_slot *slot_place(struct gate_cache_slot *slots, uint32_t count,
                                          const uint8_t key[GATE_CACHE_KEY_BYTES])
{
    size_t at = gate_cache_place(key, count);

    while (slots[at].record != 0 && memcmp(slots[at].key, key, GATE_CACHE_KEY_BYTES) != 0)
        at = (at + 1) & (count - 1);
    return &slots[at];
}

static enum mu_status grow_slots(struct gate_cache_builder *builder, struct mu_error *err)
{
    struct gate_cache_slot *slots;

    if (builder->record_count == GATE_CACHE_MAX_RECORDS)
        return mu_fail(err, MU_E_LIMIT, "gate cache: more than %d names", GATE_CACHE_MAX_RECORDS);
    if (2 * (builder->record_count + 1) < builder->slot_count)
        return MU_OK;
    slots = calloc(2 * (size_t)builder->slot_count, sizeof(*slots));
    if (!slots)
        return mu_fail(err, MU_E_NOMEM, "gate cache: out of memory");
    for (uint32_t i = 0; i < builder->slot_count; i++)
        if (builder->slots[i].record != 0)
            *slot_place(slots, 2 * builder->slot_count, builder->slots[i].key) = builder->slots[i];
    free(builder->slots);
    builder->slots = slots;
    builder->slot_count *= 2;
    return MU_OK;
}

static enum mu_status add_record(struct gate_cache_builder *builder, const struct gate_entry *entry,
                                 struct mu_error *err)
{
    struct gate_cache_record record = {.scanned_at_us = entry->scanned_at_us,
                                       .expires_at_us = entry->expires_at_us,
                                       .verdict = (uint8_t)entry->verdict,
                                       .reason = (uint8_t)entry->reason};
    const struct {
        const char *text;
        uint32_t *offset;
    } texts[] = {
            {entry->name, &record.name},       {entry->digest, &record.digest},
            {entry->rule, &record.rule},       {entry->detail, &record.detail},
            {entry->scan_id, &record.scan_id}, {entry->database_version, &record.database_version}};
    enum mu_status st = MU_OK;

    for (size_t i = 0; st == MU_OK && i < sizeof(texts) / sizeof(texts[0]); i++)
        st = add_text(builder, texts[i].text, texts[i].offset, err);
    if (st != MU_OK)
        return st;
    mu_buf_append(&builder->records, &record, sizeof(record));
    return mu_buf_status(&builder->records, "records of the gate cache", err);
}

enum mu_status gate_cache_builder_add(struct gate_cache_builder *builder,
                                      const struct gate_entry *entry, struct mu_error *err)
{
    uint8_t key[GATE_CACHE_KEY_BYTES];
    struct gate_cache_slot *slot;
    enum mu_status st = grow_slots(builder, err);

    if (st != MU_OK)
        return st;
    gate_cache_key(entry->name, key);
    slot = slot_place(builder->slots, builder->slot_count, key);
    if (slot->record != 0)
        return MU_OK;
    st = add_record(builder, entry, err);
    if (st != MU_OK)
        return st;
    memcpy(slot->key, key, sizeof(key));
    slot->record = ++builder->record_count;
    return MU_OK;
}

/* ---- the file ---- */

static void fill_header(const struct gate_cache_builder *builder,
                        const struct gate_cache_info *info, const struct mu_ed25519 *key,
                        const struct mu_buf *file, struct gate_cache_header *ret_header)
{
    MU_AUTO(sha256) struct mu_sha256 *hash = mu_sha256_new();
    size_t prefix = strlen("sha256:");

    *ret_header = (struct gate_cache_header){.header_bytes = sizeof(*ret_header),
                                             .record_count = builder->record_count,
                                             .slot_count = builder->slot_count,
                                             .file_bytes = file->len,
                                             .text_bytes = builder->texts.len,
                                             .generation = info->generation,
                                             .built_at_us = info->built_at_us,
                                             .known_at_us = info->known_at_us};
    memcpy(ret_header->magic, GATE_CACHE_MAGIC, GATE_CACHE_MAGIC_BYTES);
    if (mu_digest_valid(info->policy, strlen(info->policy)))
        (void)mu_hex_decode(info->policy + prefix, 2 * MU_SHA256_BYTES, ret_header->policy,
                            sizeof(ret_header->policy));
    mu_ed25519_public(key, ret_header->public_key);
    mu_sha256_update(hash, file->data + sizeof(*ret_header), file->len - sizeof(*ret_header));
    mu_sha256_final(hash, ret_header->body);
}

enum mu_status gate_cache_builder_write(struct gate_cache_builder *builder,
                                        const struct gate_cache_info *info,
                                        const struct mu_ed25519 *key, const char *path,
                                        struct mu_error *err)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf file;
    struct gate_cache_header header = {0};
    size_t slot_bytes = (size_t)builder->slot_count * sizeof(*builder->slots);
    enum mu_status st;

    mu_buf_init(&file, sizeof(header) + slot_bytes + builder->records.len + builder->texts.len + 1);
    mu_buf_append(&file, &header, sizeof(header));
    mu_buf_append(&file, builder->slots, slot_bytes);
    mu_buf_append(&file, builder->records.data, builder->records.len);
    mu_buf_append(&file, builder->texts.data, builder->texts.len);
    st = mu_buf_status(&file, "gate cache", err);
    if (st != MU_OK)
        return st;
    fill_header(builder, info, key, &file, &header);
    st = mu_ed25519_sign(key, &header, GATE_CACHE_SIGNED_BYTES, header.signature, err);
    if (st != MU_OK)
        return mu_wrap(err, "gate cache '%s'", path);
    memcpy(file.data, &header, sizeof(header));
    return mu_file_write_atomic(path, file.data, file.len, err);
}
