#include "assets/other_assets.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* As CSV and as YAML. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct system_file system = {.impact_level = "Moderate"};
    static const char *const paths[] = {"fuzz.csv", "fuzz.yaml"};

    for (size_t i = 0; i < 2; i++) {
        struct other_assets assets;
        struct mu_error err;

        if (other_assets_parse(paths[i], (const char *)data, size, &system, &assets, &err) == MU_OK)
            other_assets_done(&assets);
    }
    return 0;
}
