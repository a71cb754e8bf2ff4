#include "items/item_state.h"

#include "base/clock.h"
#include "base/text.h"

enum item_state item_state_of(const struct finding_row *row, int64_t next_us)
{
    static const char *const held[] = {"accepted", "operational_requirement", "vendor_dependency"};
    int64_t due_us = MU_TIME_NONE;
    struct mu_error err;

    if (mu_text_equal(row->status, "false_positive"))
        return ITEM_FALSE_POSITIVE;
    if (mu_text_equal(row->status, "late"))
        return ITEM_LATE;
    if (snapshot_time(row->due_at, &due_us, &err) == MU_OK && due_us != MU_TIME_NONE &&
        due_us <= next_us)
        return ITEM_DUE;
    for (size_t i = 0; i < sizeof(held) / sizeof(held[0]); i++)
        if (mu_text_equal(row->status, held[i]))
            return ITEM_HELD;
    return mu_text_equal(row->due_by, "vendor_check_in") ? ITEM_HELD : ITEM_OPEN;
}
