#include "notify/webhook_config.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    MU_AUTO(webhook_config) struct webhook_config *config = NULL;
    struct mu_error err;

    (void)!webhook_config_parse((const char *)data, size, &config, &err);
    return 0;
}
