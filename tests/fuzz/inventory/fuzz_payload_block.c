/* A block of payloads as a tampered database would give it. */
#include "apply/payload_block.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    MU_AUTO(arena) struct mu_arena *arena = mu_arena_new(64 << 20);
    struct payload_block block = {.count = 0};
    size_t sum = 0;
    struct mu_error err;

    if (payload_block_read(data, size, arena, &block, &err) != MU_OK)
        return 0;
    for (size_t i = 0; i < block.count; i++) {
        const struct mu_incoming *incoming = &block.entries[i].incoming;
        const unsigned char *value = incoming->value;

        sum += incoming->ce_type ? strlen(incoming->ce_type) : 0;
        sum += value && incoming->value_len > 0 ? value[incoming->value_len - 1] : 0U;
    }
    return sum == SIZE_MAX ? -1 : 0;
}
