/*
 * gate_cache_build: keys and caches for tests of the gate. Header-only; for tests.
 */
#ifndef MU_TEST_GATE_CACHE_BUILD_H
#define MU_TEST_GATE_CACHE_BUILD_H

#include "gate/gate_cache.h"

#include "base/clock.h"

#include <stdlib.h>
#include <string.h>

/* Made for tests with 'openssl genpkey -algorithm ed25519'; guards nothing. */
static const char gate_test_key[] =
        "-----BEGIN PRIVATE KEY-----\n"
        "MC4CAQAwBQYDK2VwBCIEIEc/t7vLFe0MqXqLHomwHO8EMYNtJc5EICwaK62nW78d\n"
        "-----END PRIVATE KEY-----\n";

static inline struct mu_ed25519 *gate_test_key_new(void)
{
    struct mu_ed25519 *key = NULL;
    struct mu_error err;

    if (mu_ed25519_from_pem(gate_test_key, strlen(gate_test_key), &key, &err) != MU_OK)
        abort();
    return key;
}

static inline struct gate_entry gate_test_entry(const char *name, enum verdict verdict,
                                                enum verdict_reason reason)
{
    return (struct gate_entry){.name = name,
                               .digest = "sha256:0",
                               .rule = "rule",
                               .detail = "detail",
                               .scan_id = "scan",
                               .database_version = "db",
                               .verdict = verdict,
                               .reason = reason,
                               .scanned_at_us = 1,
                               .expires_at_us = MU_TIME_NONE};
}

/* Writes a cache of these entries, built at that time, to `path`. */
static inline void gate_test_write(const char *path, const struct gate_entry *entries, size_t count,
                                   int64_t built_at_us)
{
    MU_AUTO(ed25519) struct mu_ed25519 *key = gate_test_key_new();
    MU_AUTO(gate_cache_builder) struct gate_cache_builder *builder = gate_cache_builder_new();
    const struct gate_cache_info info = {.generation = 7, .built_at_us = built_at_us};
    struct mu_error err;

    for (size_t i = 0; i < count; i++)
        if (gate_cache_builder_add(builder, &entries[i], &err) != MU_OK)
            abort();
    if (gate_cache_builder_write(builder, &info, key, path, &err) != MU_OK)
        abort();
}

#endif
