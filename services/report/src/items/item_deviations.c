#include "items/item_deviations.h"

#include "base/text.h"

#include <stdio.h>
#include <string.h>

enum { NUMBER_SIZE = 256 };

static enum mu_status ask(const struct snapshot *snapshot, const char *number,
                          item_deviation_fn *each, void *opaque, struct mu_error *err)
{
    MU_AUTO(snapshot_cursor) struct snapshot_cursor *cursor = NULL;
    struct deviation_row row;
    bool found = false;
    enum mu_status st = snapshot_list(snapshot, SNAPSHOT_LIST_DEVIATION, number, &cursor, err);

    if (st == MU_OK)
        st = snapshot_next(cursor, &row, &found, err);
    return st == MU_OK && found ? each(opaque, &row, err) : st;
}

enum mu_status item_deviations_each(const struct snapshot *snapshot, const char *numbers,
                                    item_deviation_fn *each, void *opaque, struct mu_error *err)
{
    enum mu_status st = MU_OK;

    for (size_t count = 0; st == MU_OK && numbers && *numbers; count++) {
        size_t len = strcspn(numbers, "\n");
        char number[NUMBER_SIZE];

        if (len >= sizeof(number) || count == ITEM_MAX_DEVIATIONS)
            return mu_fail(err, MU_E_LIMIT, "more than %d deviations of an item, or a long number",
                           ITEM_MAX_DEVIATIONS);
        (void)snprintf(number, sizeof(number), "%.*s", (int)len, numbers);
        st = ask(snapshot, number, each, opaque, err);
        numbers += len + (numbers[len] == '\n' ? 1 : 0);
    }
    return st;
}

bool item_deviation_is_approved(const struct deviation_row *deviation, const char *kind)
{
    return mu_text_equal(deviation->state, "approved") && mu_text_equal(deviation->kind, kind);
}
