/* W3C Trace Context level 1: "00-<32 hex trace id>-<16 hex span id>-<2 hex flags>". */
#include "msg/msg.h"

#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum { TRACE_ID_AT = 3, TRACE_ID_LEN = 32, SPAN_ID_AT = 36, SPAN_ID_LEN = 16, TRACE_LEN = 55 };

static bool all_zero(const char *text, size_t len)
{
    return strspn(text, "0") >= len;
}

bool mu_traceparent_valid(const char *text)
{
    static const char shape[] = "xx-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx-xxxxxxxxxxxxxxxx-xx";

    if (!text || strlen(text) != TRACE_LEN || mu_text_starts(text, "ff"))
        return false;
    for (size_t i = 0; i < TRACE_LEN; i++) {
        bool hex = (text[i] >= '0' && text[i] <= '9') || (text[i] >= 'a' && text[i] <= 'f');

        if (shape[i] == 'x' ? !hex : text[i] != shape[i])
            return false;
    }
    return !all_zero(text + TRACE_ID_AT, TRACE_ID_LEN) && !all_zero(text + SPAN_ID_AT, SPAN_ID_LEN);
}

void mu_traceparent_new(const char *parent, char ret_traceparent[MU_TRACEPARENT_SIZE])
{
    uint8_t random[(TRACE_ID_LEN + SPAN_ID_LEN) / 2];
    char hex[TRACE_ID_LEN + SPAN_ID_LEN + 1];
    bool child = mu_traceparent_valid(parent);

    if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
        abort();
    random[0] |= 1; /* neither id may be all zero */
    random[TRACE_ID_LEN / 2] |= 1;
    mu_hex_encode(random, sizeof(random), hex);
    (void)snprintf(ret_traceparent, MU_TRACEPARENT_SIZE, "00-%.32s-%.16s-01",
                   child ? parent + TRACE_ID_AT : hex, hex + TRACE_ID_LEN);
}
