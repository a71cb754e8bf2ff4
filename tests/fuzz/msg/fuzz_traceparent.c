/* Any text as a traceparent: its child is one, and keeps the trace of a sound parent. */
#include "msg/msg.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    char *text = strndup((const char *)bytes, len);
    char child[MU_TRACEPARENT_SIZE];

    if (!text)
        return 0;
    mu_traceparent_new(text, child);
    if (!mu_traceparent_valid(child))
        abort();
    if (mu_traceparent_valid(text) && (strlen(text) != 55 || memcmp(text + 3, child + 3, 32) != 0))
        abort();
    free(text);
    return 0;
}
