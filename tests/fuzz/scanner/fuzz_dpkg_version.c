/* Any three texts as versions (a newline between them): the order is one order. */
#include "version/dpkg_version.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static int sign(const char *a, const char *b)
{
    int order = dpkg_version_compare(a, b);

    return (order > 0) - (order < 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    char *text = malloc(len + 1), *rest = text;
    const char *v[3] = {"", "", ""};

    if (!text)
        return 0;
    memcpy(text, bytes, len);
    text[len] = '\0';
    for (size_t i = 0; i < 3 && rest; i++)
        v[i] = strsep(&rest, "\n");
    for (size_t i = 0; i < 3; i++)
        for (size_t j = 0; j < 3; j++)
            if (sign(v[i], v[j]) != -sign(v[j], v[i]))
                abort();
    if (sign(v[0], v[1]) <= 0 && sign(v[1], v[2]) <= 0 && sign(v[0], v[2]) > 0)
        abort();
    free(text);
    return 0;
}
