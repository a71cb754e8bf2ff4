/* The first byte chooses the scheme; any three texts (a newline between them) are in one order. */
#include "version/version.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { TEXTS = 3 };

static int sign(const struct version_scheme *scheme, const char *a, const char *b)
{
    int order = scheme->compare(a, b);

    return (order > 0) - (order < 0);
}

/* Packagist's "#" is the documented exception (schemes.h). */
static int one_order(const struct version_scheme *scheme, const char *const *v)
{
    for (size_t i = 0; i < TEXTS; i++)
        if (strcmp(scheme->name, "packagist") == 0 && strchr(v[i], '#'))
            return 1;
    return sign(scheme, v[0], v[1]) > 0 || sign(scheme, v[1], v[2]) > 0 ||
           sign(scheme, v[0], v[2]) ==
                   (sign(scheme, v[0], v[1]) == 0 ? sign(scheme, v[1], v[2]) : -1);
}

static void check(const struct version_scheme *scheme, const char *const *v)
{
    for (size_t i = 0; i < TEXTS; i++) {
        if (scheme->compare(v[i], v[i]) != 0)
            abort();
        (void)scheme->valid(v[i]);
        for (size_t j = 0; j < TEXTS; j++)
            if (sign(scheme, v[i], v[j]) != -sign(scheme, v[j], v[i]))
                abort();
    }
    if (!one_order(scheme, v))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    const char *v[TEXTS] = {"", "", ""};
    const struct version_scheme *scheme;
    char *text, *rest;
    size_t count = 0;

    while (version_scheme_at(count))
        count++;
    if (len == 0 || count == 0 || !(text = malloc(len)))
        return 0;
    scheme = version_scheme_at(bytes[0] % count);
    memcpy(text, bytes + 1, len - 1);
    text[len - 1] = '\0';
    rest = text;
    for (size_t i = 0; i < TEXTS && rest; i++)
        v[i] = strsep(&rest, "\n");
    check(scheme, v);
    free(text);
    return 0;
}
