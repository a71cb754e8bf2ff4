#include "api/cursor.h"

#include "base/text.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What was read can be written, and is then read the same. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    MU_AUTO(arena) struct mu_arena *arena = mu_arena_new((size_t)1024 * 1024);
    MU_AUTO_DONE(mu_buf_done) struct mu_buf text;
    struct cursor first, second;
    struct mu_error err;

    mu_buf_init(&text, (size_t)CURSOR_MAX_BYTES * 2);
    if (cursor_parse((const char *)data, size, arena, &first, &err) != MU_OK)
        return 0;
    if (cursor_write(&first, &text, &err) != MU_OK)
        return 0; /* times are longer than they came */
    if (cursor_parse(text.data, text.len, arena, &second, &err) != MU_OK ||
        !mu_text_equal(first.key, second.key) || !mu_text_equal(first.mark, second.mark) ||
        !mu_text_equal(first.instants.valid_at, second.instants.valid_at) ||
        !mu_text_equal(first.instants.known_at, second.instants.known_at))
        abort();
    return 0;
}
