#include "policy/approval_document.h"

#include "base/text.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is read is whole and within its limits, and written again it is the same decision. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    MU_AUTO(arena) struct mu_arena *arena = mu_arena_new(1024 * 1024);
    MU_AUTO_DONE(mu_buf_done) struct mu_buf text;
    struct approval read, again;
    struct mu_error err;

    mu_buf_init(&text, APPROVAL_DOCUMENT_MAX_BYTES);
    if (approval_document_parse((const char *)data, size, arena, &read, &err) != MU_OK)
        return 0;
    if (!*read.image || !*read.role || !*read.reason || !*read.decision || read.person ||
        size > APPROVAL_DOCUMENT_MAX_BYTES)
        abort();
    if (approval_document_ask(&read, &text, &err) != MU_OK)
        return err.status == MU_E_LIMIT ? 0 : (abort(), 0);
    if (approval_document_parse(text.data, text.len, arena, &again, &err) != MU_OK ||
        !mu_text_equal(read.image, again.image) || !mu_text_equal(read.role, again.role) ||
        !mu_text_equal(read.reason, again.reason) || !mu_text_equal(read.until, again.until) ||
        !mu_text_equal(read.decision, again.decision))
        abort();
    return 0;
}
