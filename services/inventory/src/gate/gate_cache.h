/*
 * gate_cache: what the gate knows of every image, in one signed file that is mapped into memory, so
 * that a verdict needs neither database nor network.
 *
 * Layout, little-endian: a header of 256 bytes; a hash table of slots (first 16 bytes of the
 * SHA-256 of a name, number of its record); the records; their texts. Names are "repository:tag"
 * and "repository@digest". The header holds the SHA-256 of all that follows it, and an Ed25519
 * signature (RFC 8032) over itself.
 *
 * A file is written beside its place and renamed, never changed; so who has mapped it keeps what
 * he has.
 *
 * Threads: an open cache is constant. Trust: a file is looked into only when the signature is of
 * the key that was given; every offset is checked even then.
 */
#ifndef INVENTORY_GATE_CACHE_H
#define INVENTORY_GATE_CACHE_H

#include "policy/verdict.h"

#include "base/ed25519.h"
#include "base/error.h"
#include "base/scope.h"
#include "base/sha256.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { GATE_CACHE_MAX_RECORDS = 8 * 1024 * 1024, GATE_CACHE_MAX_TEXT_BYTES = 1024 * 1024 * 1024 };

/* Texts are never NULL; "" when there is nothing to say. */
struct gate_entry {
    const char *name;
    const char *digest; /* what a tag points at */
    const char *rule;   /* of the policy, or approval, that decided */
    const char *detail; /* one line for people */
    const char *scan_id, *database_version;
    enum verdict verdict;
    enum verdict_reason reason;
    int64_t scanned_at_us; /* MU_TIME_NONE: never */
    int64_t expires_at_us; /* from when on an approval no longer holds; MU_TIME_NONE: no end */
};

struct gate_cache_info {
    uint64_t generation;              /* one more with each build */
    int64_t built_at_us, known_at_us; /* when; and what the database knew by then */
    char policy[MU_DIGEST_TEXT_SIZE]; /* of the policy that decided */
    uint64_t file_bytes;
    uint32_t records;
};

/* ---- reading ---- */

struct gate_cache;

/*
 * Maps and checks the file. Errors: MU_E_NOT_FOUND, MU_E_UNAVAILABLE, MU_E_LIMIT, MU_E_INVALID (it
 * is no cache, or damaged), MU_E_DENIED (not signed by `key`).
 */
enum mu_status gate_cache_open(const char *path, const struct mu_ed25519 *key,
                               struct gate_cache **ret_cache, struct mu_error *err) MU_MUST_CHECK;
void gate_cache_close(struct gate_cache *cache); /* NULL is fine */

/* Checks bytes that stay where they are while the cache is used. Errors: as gate_cache_open. */
enum mu_status gate_cache_parse(const uint8_t *bytes, size_t len, const struct mu_ed25519 *key,
                                struct gate_cache **ret_cache, struct mu_error *err) MU_MUST_CHECK;

const struct gate_cache_info *gate_cache_info(const struct gate_cache *cache);
/* Texts live as long as the cache. */
bool gate_cache_find(const struct gate_cache *cache, const char *name,
                     struct gate_entry *ret_entry);

/* ---- writing ---- */

struct gate_cache_builder;

struct gate_cache_builder *gate_cache_builder_new(void);
void gate_cache_builder_free(struct gate_cache_builder *builder); /* NULL is fine */
/* Texts are copied. Of equal names the first stays. Errors: MU_E_LIMIT. */
enum mu_status gate_cache_builder_add(struct gate_cache_builder *builder,
                                      const struct gate_entry *entry,
                                      struct mu_error *err) MU_MUST_CHECK;
/* Signs and replaces the file; file_bytes and records of `info` are not looked at. Errors:
 * MU_E_LIMIT, MU_E_NOMEM, MU_E_UNAVAILABLE, MU_E_DENIED (no private key). */
enum mu_status gate_cache_builder_write(struct gate_cache_builder *builder,
                                        const struct gate_cache_info *info,
                                        const struct mu_ed25519 *key, const char *path,
                                        struct mu_error *err) MU_MUST_CHECK;

MU_DEFINE_AUTO(gate_cache, struct gate_cache, gate_cache_close)
MU_DEFINE_AUTO(gate_cache_builder, struct gate_cache_builder, gate_cache_builder_free)

#endif
