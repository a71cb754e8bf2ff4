/* First byte: which kind of statement; the rest: the body. What is understood is written whole, and
 * its record reads as the same from a file. */
#include "deviation/statement_document.h"

#include "base/text.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void write_answer(enum statement_kind kind, const struct record *record)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf answer;
    const struct statement_made made = {.fact_id = "f", .known_at = "k"};
    struct mu_error err;

    mu_buf_init(&answer, STATEMENT_ANSWER_MAX_BYTES);
    if (statement_document_write(kind, record, &made, &answer, &err) != MU_OK)
        abort();
}

/* Asked of a server again it is the same. */
static void ask_again(enum statement_kind kind, const struct record *record, struct mu_arena *arena)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf text;
    struct record again;
    struct mu_error err;

    mu_buf_init(&text, STATEMENT_ANSWER_MAX_BYTES);
    if (statement_document_ask(kind, record, &text, &err) != MU_OK)
        abort();
    if (text.len > STATEMENT_DOCUMENT_MAX_BYTES)
        return;
    if (statement_document_parse(kind, text.data, text.len, "ann", 0, arena, &again, &err) != MU_OK)
        abort();
    for (size_t i = 0; i < statement_records[kind].field_count; i++)
        if (!mu_text_equal(again.values[i], record->values[i]))
            abort();
}

static void read_again(const struct record_kind *kind, const struct record *record,
                       struct mu_arena *arena)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf text;
    struct record_writer writer;
    struct record_set again = {0};
    struct mu_error err;

    mu_buf_init(&text, RECORD_FILE_MAX_BYTES);
    record_write_begin(&writer, kind, RECORD_JSON, &text);
    record_write(&writer, record);
    record_write_end(&writer);
    if (record_file_parse(kind, text.data, text.len, arena, &again, &err) != MU_OK ||
        again.count != 1)
        abort();
    for (size_t i = 0; i < kind->field_count; i++)
        if (!mu_text_equal(again.items[0].values[i], record->values[i]))
            abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    MU_AUTO(arena) struct mu_arena *arena = mu_arena_new(RECORD_ARENA_MAX_BYTES);
    enum statement_kind kind;
    struct record record;
    struct mu_error err;

    if (size == 0)
        return 0;
    kind = (enum statement_kind)(data[0] % STATEMENT_KIND_COUNT);
    if (statement_document_parse(kind, (const char *)data + 1, size - 1, "ann", 0, arena, &record,
                                 &err) != MU_OK)
        return 0;
    write_answer(kind, &record);
    ask_again(kind, &record, arena);
    read_again(&statement_records[kind], &record, arena);
    return 0;
}
