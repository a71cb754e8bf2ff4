#include "verify/checks.h"
#include "verify/foreign_state.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Another scanner's report, against no rows. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    MU_AUTO(table) struct mu_table *differences = mu_table_new(verify_columns, VERIFY_COLUMN_COUNT);
    MU_AUTO(table)
    struct mu_table *gaps = mu_table_new(verify_gap_columns, VERIFY_GAP_COLUMN_COUNT);
    MU_AUTO_FILE FILE *in = size ? fmemopen((void *)(uintptr_t)data, size, "r") : NULL;
    struct verify_state state;
    struct mu_error err;

    if (!in)
        return 0;
    if (verify_state_init(&state, "/nonexistent/package",
                          &(struct verify_tables){differences, gaps, NULL}, &err) != MU_OK)
        abort();
    foreign_read_scan(&state, "fuzz.json", in);
    verify_run_checks(&state, VERIFY_FOREIGN);
    verify_state_done(&state);
    return 0;
}
