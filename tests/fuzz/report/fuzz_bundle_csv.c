#include "verify/state.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The list of running containers, against no rows. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    MU_AUTO(table) struct mu_table *differences = mu_table_new(verify_columns, VERIFY_COLUMN_COUNT);
    MU_AUTO(table)
    struct mu_table *gaps = mu_table_new(verify_gap_columns, VERIFY_GAP_COLUMN_COUNT);
    struct verify_state state;
    struct mu_error err;
    FILE *in = size ? fmemopen((void *)(uintptr_t)data, size, "r") : NULL;

    if (!in)
        return 0;
    if (verify_state_init(&state, "/nonexistent/package",
                          &(struct verify_tables){differences, gaps, NULL}, &err) != MU_OK)
        abort();
    verify_read_containers(&state, in);
    verify_state_done(&state);
    (void)fclose(in);
    return 0;
}
