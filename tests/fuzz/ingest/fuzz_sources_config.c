#include "config/ingest_config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    MU_AUTO(arena) struct mu_arena *arena = mu_arena_new(16 << 20);
    struct ingest_config config;
    struct mu_error err;

    if (ingest_config_parse("fuzz", (const char *)data, size, arena, &config, &err) != MU_OK) {
        if (strncmp(err.message, "fuzz:", 5) != 0)
            abort(); /* every refusal names the file */
        return 0;
    }
    for (size_t i = 0; i < config.source_count; i++)
        if (!ingest_config_find(&config, config.sources[i].name))
            abort();
    return 0;
}
