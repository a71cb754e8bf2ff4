#include "statements/statements.h"

#include "base/memory.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What was read is found again under its own name, in the order of time. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    MU_AUTO(arena) struct mu_arena *arena = mu_arena_new(1 << 22);
    struct statements statements = {0};
    struct mu_error err;

    if (statements_parse("fuzz", (const char *)data, size, arena, &statements, &err) != MU_OK)
        return 0;
    for (size_t i = 0; i < statements.count; i++) {
        const struct statement *row = &statements.rows[i], *found;
        struct statements_of of = statements_about(&statements, row->item ? row->item : "",
                                                   row->vulnerability, row->at_us);
        const struct statement *last = NULL;

        while ((found = statements_next(&of))) {
            if (last && last->at_us > found->at_us)
                abort();
            last = found;
        }
        if (!last || last->at_us != row->at_us)
            abort();
    }
    return 0;
}
