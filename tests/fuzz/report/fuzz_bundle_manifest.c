#include "verify/state.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The manifest of a folder that is not there: every name it lists is looked up and missing. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    MU_AUTO(table) struct mu_table *differences = mu_table_new(verify_columns, VERIFY_COLUMN_COUNT);
    MU_AUTO(table)
    struct mu_table *gaps = mu_table_new(verify_gap_columns, VERIFY_GAP_COLUMN_COUNT);
    struct verify_state state;
    json_t *manifest;

    verify_state_init(&state, "/nonexistent/package", differences, gaps);
    manifest = verify_parse_json(&state, "manifest.json", (const char *)data, size);
    if (manifest)
        verify_take_manifest(&state, manifest);
    verify_raw_scans(&state);
    verify_count(&state, "rows", 0);
    verify_state_done(&state);
    return 0;
}
