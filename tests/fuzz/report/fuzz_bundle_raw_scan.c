#include "verify/state.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* One input as raw scan, then as list of gaps, then both matched with each other. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    MU_AUTO(table) struct mu_table *differences = mu_table_new(verify_columns, VERIFY_COLUMN_COUNT);
    MU_AUTO(table)
    struct mu_table *gaps = mu_table_new(verify_gap_columns, VERIFY_GAP_COLUMN_COUNT);
    struct verify_state state;
    json_t *root;

    verify_state_init(&state, "/nonexistent/package", differences, gaps);
    root = verify_parse_json(&state, "fuzz", (const char *)data, size);
    if (root) {
        verify_add_raw_scan(&state, "raw-scans/fuzz.json", root);
        verify_add_gaps(&state, json_is_array(root) ? root : json_object_get(root, "gaps"));
        verify_match(&state);
        json_decref(root);
    }
    verify_state_done(&state);
    return 0;
}
