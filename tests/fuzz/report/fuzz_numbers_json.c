#include "numbers/numbers_json.h"

#include "base/table.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* numbers.json of a stranger's package, as the command and the trend read it. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    MU_AUTO(table) struct mu_table *all = mu_table_new(numbers_columns, NUMBERS_COLUMN_COUNT);
    MU_AUTO(table)
    struct mu_table *triggers = mu_table_new(triggers_columns, TRIGGERS_COLUMN_COUNT);
    json_t *root = NULL;
    struct mu_error err;

    if (numbers_json_parse("numbers.json", (const char *)data, size, &root, &err) != MU_OK)
        return 0;
    numbers_json_tables(root, all, triggers);
    json_decref(root);
    return 0;
}
