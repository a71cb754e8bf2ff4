/* Any bytes as a document whose kind they tell themselves, in pieces and at once: both give the
 * same number of records. */
#include "document_fuzz.h"

static uint32_t records_at_once(const uint8_t *bytes, size_t len)
{
    MU_AUTO(builder) struct builder *builder = builder_new();
    struct document_tally tally = {.newest_at_us = MU_TIME_NONE};
    MU_AUTO(document) struct document *document = document_new(builder, NULL, "fuzz", &tally);
    struct mu_error err;

    if (document_feed(document, bytes, len, &err) != MU_OK || document_end(document, &err) != MU_OK)
        return UINT32_MAX;
    return tally.records;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    uint32_t pieces = document_fuzz(NULL, bytes, len);

    if (pieces != records_at_once(bytes, len))
        abort();
    return 0;
}
