#include "store/close_record.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What parses is printed, and parses to the same. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    MU_AUTO(arena) struct mu_arena *arena = mu_arena_new(16 << 20);
    MU_AUTO_DONE(mu_buf_done) struct mu_buf first;
    MU_AUTO_DONE(mu_buf_done) struct mu_buf second;
    struct close_record record;
    struct mu_error err;

    mu_buf_init(&first, CLOSE_RECORD_MAX_BYTES);
    mu_buf_init(&second, CLOSE_RECORD_MAX_BYTES);
    if (close_record_parse((const char *)data, size, arena, &record, &err) != MU_OK)
        return 0;
    if (close_record_print(&record, &first, &err) != MU_OK ||
        close_record_parse(first.data, first.len, arena, &record, &err) != MU_OK ||
        close_record_print(&record, &second, &err) != MU_OK || strcmp(first.data, second.data) != 0)
        abort();
    return 0;
}
