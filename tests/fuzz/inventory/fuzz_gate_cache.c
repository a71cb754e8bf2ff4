/* The bytes are signed on the spot, so that mutations get past the signature; names are looked up.
 */
#include "../../support/gate_cache_build.h"

#include "gate/gate_cache_format.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void sign(struct gate_cache_header *header, size_t size, const struct mu_ed25519 *key)
{
    MU_AUTO(sha256) struct mu_sha256 *hash = mu_sha256_new();
    struct mu_error err;

    memcpy(header->magic, GATE_CACHE_MAGIC, GATE_CACHE_MAGIC_BYTES);
    header->file_bytes = size;
    mu_ed25519_public(key, header->public_key);
    mu_sha256_update(hash, header + 1, size - sizeof(*header));
    mu_sha256_final(hash, header->body);
    (void)!mu_ed25519_sign(key, header, GATE_CACHE_SIGNED_BYTES, header->signature, &err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct mu_ed25519 *key;
    MU_AUTO(gate_cache) struct gate_cache *cache = NULL;
    uint8_t *bytes = malloc(size + 1);
    struct gate_entry entry;
    struct mu_error err;

    if (!key)
        key = gate_test_key_new();
    memcpy(bytes, data, size);
    if (size >= sizeof(struct gate_cache_header))
        sign((void *)bytes, size, key);
    if (gate_cache_parse(bytes, size, key, &cache, &err) == MU_OK)
        for (const char *const *name =
                     (const char *const[]){"a", "registry.example/app:1.0", "", NULL};
             *name; name++)
            if (gate_cache_find(cache, *name, &entry) &&
                strlen(entry.name) + strlen(entry.detail) + strlen(entry.digest) > 3 * size)
                abort(); /* texts overlap, but none is longer than all of it */
    gate_cache_close(cache);
    cache = NULL;
    free(bytes);
    return 0;
}
