/* First byte: which kind of statement; the rest: the file. What is understood is written and read
 * again. */
#include "records/statement_kinds.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_again(const struct record_kind *kind, enum record_form form,
                       const struct record_set *set, struct mu_arena *arena)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf text;
    struct record_writer writer;
    struct record_set again = {0};
    struct mu_error err;

    mu_buf_init(&text, RECORD_FILE_MAX_BYTES);
    record_write_begin(&writer, kind, form, &text);
    for (size_t i = 0; i < set->count; i++)
        record_write(&writer, &set->items[i]);
    record_write_end(&writer);
    if (record_file_parse(kind, text.data, text.len, arena, &again, &err) != MU_OK ||
        again.count != set->count)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    MU_AUTO(arena) struct mu_arena *arena = mu_arena_new(RECORD_ARENA_MAX_BYTES);
    struct record_set set = {0};
    const struct record_kind *kind;
    struct mu_error err;

    if (size == 0)
        return 0;
    kind = &statement_records[data[0] % STATEMENT_KIND_COUNT];
    if (record_file_parse(kind, (const char *)data + 1, size - 1, arena, &set, &err) != MU_OK)
        return 0;
    read_again(kind, RECORD_CSV, &set, arena);
    read_again(kind, RECORD_JSON, &set, arena);
    return 0;
}
