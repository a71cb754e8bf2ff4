/* W3C Trace Context level 1: "00-<32 hex trace id>-<16 hex span id>-<2 hex flags>". */
#include "msg/msg.h"

#include "base/text.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum { TRACE_ID_AT = 3, TRACE_ID_LEN = 32, SPAN_ID_AT = 36, SPAN_ID_LEN = 16, TRACE_LEN = 55 };
/* getrandom gives up to 256 bytes whole. */
enum { RANDOM_BYTES = (TRACE_ID_LEN + SPAN_ID_LEN) / 2, RANDOM_IDS = 256 / RANDOM_BYTES };

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

/* Random bytes of this thread, got from the kernel for many ids at once. */
static const uint8_t *take_random(void)
{
    static _Thread_local uint8_t random[RANDOM_IDS][RANDOM_BYTES];
    static _Thread_local size_t left;

    if (left == 0) {
        if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
            abort();
        left = RANDOM_IDS;
    }
    return random[--left];
}

static void write_traceparent(const char *trace_id, const char *span_id,
                              char ret_traceparent[MU_TRACEPARENT_SIZE])
{
    static const char shape[MU_TRACEPARENT_SIZE] =
            "00-                                -                -01";

    memcpy(ret_traceparent, shape, sizeof(shape));
    memcpy(ret_traceparent + TRACE_ID_AT, trace_id, TRACE_ID_LEN);
    memcpy(ret_traceparent + SPAN_ID_AT, span_id, SPAN_ID_LEN);
}

void mu_traceparent_new(const char *parent, char ret_traceparent[MU_TRACEPARENT_SIZE])
{
    uint8_t random[RANDOM_BYTES];
    char hex[TRACE_ID_LEN + SPAN_ID_LEN + 1];
    bool child = mu_traceparent_valid(parent);

    memcpy(random, take_random(), sizeof(random));
    random[0] |= 1; /* neither id may be all zero */
    random[TRACE_ID_LEN / 2] |= 1;
    mu_hex_encode(random, sizeof(random), hex);
    write_traceparent(child ? parent + TRACE_ID_AT : hex, hex + TRACE_ID_LEN, ret_traceparent);
}
