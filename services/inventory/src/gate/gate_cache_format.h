/*
 * gate_cache_format: the bytes of a cache file (gate_cache.h), for its reader and its writer.
 */
#ifndef INVENTORY_GATE_CACHE_FORMAT_H
#define INVENTORY_GATE_CACHE_FORMAT_H

#include "base/ed25519.h"
#include "base/sha256.h"

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "cache files are little-endian");

#define GATE_CACHE_MAGIC "MUGATE01"
enum { GATE_CACHE_MAGIC_BYTES = 8, GATE_CACHE_KEY_BYTES = 16 };

struct gate_cache_header {
    char magic[GATE_CACHE_MAGIC_BYTES];
    uint32_t header_bytes, record_count;
    uint32_t slot_count; /* a power of two, more than the records */
    uint32_t zero;
    uint64_t file_bytes, text_bytes, generation;
    int64_t built_at_us, known_at_us;
    uint8_t policy[MU_SHA256_BYTES];
    uint8_t body[MU_SHA256_BYTES]; /* SHA-256 of what follows the header */
    uint8_t public_key[MU_ED25519_PUBLIC_BYTES];
    uint8_t signature[MU_ED25519_SIGNATURE_BYTES]; /* of the members before it */
    uint8_t pad[32];
};
static_assert(sizeof(struct gate_cache_header) == 256, "the header has no holes");
enum { GATE_CACHE_SIGNED_BYTES = offsetof(struct gate_cache_header, signature) };

struct gate_cache_slot {
    uint8_t key[GATE_CACHE_KEY_BYTES];
    uint32_t record; /* counted from 1; 0: empty */
    uint32_t zero;
};
static_assert(sizeof(struct gate_cache_slot) == 24, "a slot has no holes");

struct gate_cache_record {
    int64_t scanned_at_us, expires_at_us;
    uint32_t name, digest, rule, detail, scan_id, database_version; /* offsets of texts */
    uint8_t verdict, reason, zero[6];
};
static_assert(sizeof(struct gate_cache_record) == 48, "a record has no holes");

/* The key of a name. */
void gate_cache_key(const char *name, uint8_t ret_key[GATE_CACHE_KEY_BYTES]);
/* Where the search for a key begins. */
size_t gate_cache_place(const uint8_t key[GATE_CACHE_KEY_BYTES], uint32_t slot_count);

#endif
