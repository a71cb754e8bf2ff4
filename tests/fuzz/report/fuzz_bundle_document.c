#include "verify/checks.h"
#include "verify/documents.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The deliverables: the first byte says which, JSON by each schema or CSV. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    MU_AUTO(table) struct mu_table *differences = mu_table_new(verify_columns, VERIFY_COLUMN_COUNT);
    MU_AUTO(table)
    struct mu_table *gaps = mu_table_new(verify_gap_columns, VERIFY_GAP_COLUMN_COUNT);
    struct verify_state state;
    struct mu_error err;
    MU_AUTO_FILE FILE *in =
            size > 1 ? fmemopen((void *)(uintptr_t)(data + 1), size - 1, "r") : NULL;

    if (!in)
        return 0;
    if (verify_state_init(&state, "/nonexistent/package",
                          &(struct verify_tables){differences, gaps, NULL}, &err) != MU_OK)
        abort();
    if (data[0] % 16 < 3)
        verify_read_csv(&state, data[0] % 16, in);
    else
        verify_read_document(&state, &schema_documents[data[0] % schema_document_count], "fuzz",
                             in);
    verify_run_checks(&state, VERIFY_HAS_FINDINGS | VERIFY_HAS_CLOSED | VERIFY_HAS_ASSETS);
    verify_state_done(&state);
    return 0;
}
