#include "gate/gate_cache.h"

#include "gate/gate_cache_format.h"

#include "base/clock.h"
#include "base/memory.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

struct gate_cache {
    const struct gate_cache_header *header;
    const struct gate_cache_slot *slots;
    const struct gate_cache_record *records;
    const char *texts;
    struct gate_cache_info info;
    void *mapped; /* NULL: the bytes are somebody else's */
    size_t mapped_bytes;
};

void gate_cache_key(const char *name, uint8_t ret_key[GATE_CACHE_KEY_BYTES])
{
    static const size_t prefix = sizeof("sha256:") - 1;
    char digest[MU_DIGEST_TEXT_SIZE];

    mu_sha256_text(name, strlen(name), digest);
    (void)mu_hex_decode(digest + prefix, 2 * GATE_CACHE_KEY_BYTES, ret_key, GATE_CACHE_KEY_BYTES);
}

size_t gate_cache_place(const uint8_t key[GATE_CACHE_KEY_BYTES], uint32_t slot_count)
{
    uint32_t first;

    memcpy(&first, key, sizeof(first));
    return first & (slot_count - 1);
}

/* ---- checks ---- */

/* The parts fill the file exactly; sums of 64 bits of what has 32 cannot overflow. */
static bool sizes_fit(const struct gate_cache_header *header, size_t len)
{
    uint64_t bytes = sizeof(*header) +
                     (uint64_t)header->slot_count * sizeof(struct gate_cache_slot) +
                     (uint64_t)header->record_count * sizeof(struct gate_cache_record);
    uint32_t slots = header->slot_count;

    return header->header_bytes == sizeof(*header) && header->file_bytes == len && slots > 0 &&
           (slots & (slots - 1)) == 0 && header->record_count < slots &&
           header->record_count <= GATE_CACHE_MAX_RECORDS && header->text_bytes > 0 &&
           header->text_bytes <= GATE_CACHE_MAX_TEXT_BYTES && bytes + header->text_bytes == len;
}

static void hash_body(const struct gate_cache_header *header, size_t len,
                      uint8_t ret_hash[MU_SHA256_BYTES])
{
    MU_AUTO(sha256) struct mu_sha256 *hash = mu_sha256_new();

    mu_sha256_update(hash, header + 1, len - sizeof(*header));
    mu_sha256_final(hash, ret_hash);
}

static enum mu_status check(const struct gate_cache_header *header, size_t len,
                            const struct mu_ed25519 *key, struct mu_error *err)
{
    uint8_t public_key[MU_ED25519_PUBLIC_BYTES], body[MU_SHA256_BYTES];

    if (len < sizeof(*header) ||
        memcmp(header->magic, GATE_CACHE_MAGIC, GATE_CACHE_MAGIC_BYTES) != 0)
        return mu_fail(err, MU_E_INVALID, "no gate cache of this version");
    mu_ed25519_public(key, public_key);
    if (memcmp(header->public_key, public_key, sizeof(public_key)) != 0)
        return mu_fail(err, MU_E_DENIED, "signed with another key");
    if (!mu_ed25519_verifies(key, header, GATE_CACHE_SIGNED_BYTES, header->signature))
        return mu_fail(err, MU_E_DENIED, "the signature is wrong");
    if (!sizes_fit(header, len))
        return mu_fail(err, MU_E_INVALID, "its parts do not fill its %zu bytes", len);
    hash_body(header, len, body);
    if (memcmp(body, header->body, sizeof(body)) != 0)
        return mu_fail(err, MU_E_INVALID, "damaged: its content is not what was signed");
    return MU_OK;
}

static void tell(const struct gate_cache_header *header, struct gate_cache_info *ret_info)
{
    *ret_info = (struct gate_cache_info){.generation = header->generation,
                                         .built_at_us = header->built_at_us,
                                         .known_at_us = header->known_at_us,
                                         .policy = "sha256:",
                                         .file_bytes = header->file_bytes,
                                         .records = header->record_count};
    mu_hex_encode(header->policy, sizeof(header->policy), ret_info->policy + strlen("sha256:"));
}

enum mu_status gate_cache_parse(const uint8_t *bytes, size_t len, const struct mu_ed25519 *key,
                                struct gate_cache **ret_cache, struct mu_error *err)
{
    const struct gate_cache_header *header = (const void *)bytes;
    enum mu_status st = check(header, len, key, err);
    struct gate_cache *cache;

    if (st != MU_OK)
        return st;
    cache = mu_xcalloc(1, sizeof(*cache));
    cache->header = header;
    cache->slots = (const void *)(header + 1);
    cache->records = (const void *)(cache->slots + header->slot_count);
    cache->texts = (const void *)(cache->records + header->record_count);
    if (cache->texts[header->text_bytes - 1] != '\0') {
        free(cache);
        return mu_fail(err, MU_E_INVALID, "its last text has no end");
    }
    tell(header, &cache->info);
    *ret_cache = cache;
    return MU_OK;
}

/* ---- life ---- */

static enum mu_status map_file(const char *path, void **ret_bytes, size_t *ret_len,
                               struct mu_error *err)
{
    MU_AUTO_FD int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat status;
    void *bytes;

    if (fd < 0 || fstat(fd, &status) != 0)
        return mu_fail(err, errno == ENOENT ? MU_E_NOT_FOUND : MU_E_UNAVAILABLE,
                       "gate cache '%s': %s", path, strerror(errno));
    if (status.st_size < (off_t)sizeof(struct gate_cache_header))
        return mu_fail(err, MU_E_INVALID, "gate cache '%s': no gate cache", path);
    bytes = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0);
    if (bytes == MAP_FAILED)
        return mu_fail(err, MU_E_UNAVAILABLE, "gate cache '%s': %s", path, strerror(errno));
    *ret_bytes = bytes;
    *ret_len = (size_t)status.st_size;
    return MU_OK;
}

enum mu_status gate_cache_open(const char *path, const struct mu_ed25519 *key,
                               struct gate_cache **ret_cache, struct mu_error *err)
{
    void *bytes = NULL;
    size_t len = 0;
    enum mu_status st = map_file(path, &bytes, &len, err);

    if (st != MU_OK)
        return st;
    st = gate_cache_parse(bytes, len, key, ret_cache, err);
    if (st != MU_OK) {
        (void)munmap(bytes, len);
        return mu_wrap(err, "gate cache '%s'", path);
    }
    (*ret_cache)->mapped = bytes;
    (*ret_cache)->mapped_bytes = len;
    return MU_OK;
}

void gate_cache_close(struct gate_cache *cache)
{
    if (!cache)
        return;
    if (cache->mapped)
        (void)munmap(cache->mapped, cache->mapped_bytes);
    free(cache);
}

/* ---- looking up ---- */

const struct gate_cache_info *gate_cache_info(const struct gate_cache *cache)
{
    return &cache->info;
}

static const char *text_at(const struct gate_cache *cache, uint32_t offset)
{
    return offset < cache->header->text_bytes ? cache->texts + offset : "";
}

static void read_record(const struct gate_cache *cache, uint32_t number,
                        struct gate_entry *ret_entry)
{
    const struct gate_cache_record *record = &cache->records[number];

    *ret_entry = (struct gate_entry){
            .name = text_at(cache, record->name),
            .digest = text_at(cache, record->digest),
            .rule = text_at(cache, record->rule),
            .detail = text_at(cache, record->detail),
            .scan_id = text_at(cache, record->scan_id),
            .database_version = text_at(cache, record->database_version),
            .verdict =
                    record->verdict < VERDICT_COUNT ? (enum verdict)record->verdict : VERDICT_NONE,
            .reason = record->reason < REASON_COUNT ? (enum verdict_reason)record->reason
                                                    : REASON_NONE,
            .scanned_at_us = record->scanned_at_us,
            .expires_at_us = record->expires_at_us};
}

bool gate_cache_find(const struct gate_cache *cache, const char *name, struct gate_entry *ret_entry)
{
    uint32_t count = cache->header->slot_count;
    uint8_t key[GATE_CACHE_KEY_BYTES];
    size_t at;

    gate_cache_key(name, key);
    at = gate_cache_place(key, count);
    for (uint32_t tried = 0; tried < count; tried++, at = (at + 1) & (count - 1)) {
        const struct gate_cache_slot *slot = &cache->slots[at];

        if (slot->record == 0)
            return false;
        if (memcmp(slot->key, key, sizeof(key)) != 0 || slot->record > cache->header->record_count)
            continue;
        read_record(cache, slot->record - 1, ret_entry);
        return mu_text_equal(ret_entry->name, name);
    }
    return false;
}
