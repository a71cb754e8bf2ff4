/* Structured, batched and undeclared bodies; the first byte says which. */
#include "fuzz_source.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const types[] = {"application/cloudevents+json",
                                        "application/cloudevents-batch+json", NULL};

    if (size > 0)
        fuzz_body("cloudevents", types[data[0] % 3], data + 1, size - 1, NULL, NULL);
    return 0;
}
