/* Four header values, each ended by a newline, then the body. */
#include "fuzz_source.h"

enum { HEADERS = 4, VALUE_SIZE = 2048 };

struct headers {
    char values[HEADERS][VALUE_SIZE];
};

static const char *find(void *opaque, const char *name)
{
    static const char *const names[HEADERS] = {"ce-id", "ce-source", "ce-type", "ce-specversion"};
    struct headers *headers = opaque;

    for (int i = 0; i < HEADERS; i++)
        if (strcmp(name, names[i]) == 0)
            return headers->values[i];
    return NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct headers headers;

    for (int i = 0; i < HEADERS; i++) {
        const uint8_t *end = memchr(data, '\n', size);
        size_t len = end ? (size_t)(end - data) : size;

        if (!end || len >= VALUE_SIZE)
            return 0;
        memcpy(headers.values[i], data, len);
        headers.values[i][len] = '\0';
        data += len + 1;
        size -= len + 1;
    }
    fuzz_body("cloudevents", "application/json", data, size, find, &headers);
    return 0;
}
