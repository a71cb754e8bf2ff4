#include "api/accept.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const forms[] = {"application/json", "text/csv"};
    char *header = malloc(size + 1);
    int chosen;

    if (!header)
        return 0;
    memcpy(header, data, size);
    header[size] = '\0';
    chosen = accept_choose(header, forms, 2);
    if (chosen < ACCEPT_NONE || chosen > 1)
        abort();
    free(header);
    return 0;
}
