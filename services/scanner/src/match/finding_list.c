#include "match/finding_list.h"

#include <string.h>

enum { FIRST_CAPACITY = 16 };

enum mu_status finding_list_add(struct finding_list *list, struct mu_arena *arena,
                                const struct finding *finding, struct mu_error *err)
{
    if (list->count == list->capacity) {
        size_t capacity = list->capacity ? 2 * list->capacity : FIRST_CAPACITY;
        struct finding *items = mu_arena_alloc(arena, capacity * sizeof(*items));

        if (!items)
            return mu_fail(err, MU_E_NOMEM, "findings: out of memory");
        if (list->count > 0)
            memcpy(items, list->items, list->count * sizeof(*items));
        list->items = items;
        list->capacity = capacity;
    }
    list->items[list->count++] = *finding;
    return MU_OK;
}
