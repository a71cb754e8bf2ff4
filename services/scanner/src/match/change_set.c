#include "match/change_set.h"

#include "database/format.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

struct change_set {
    struct database_package_key *keys; /* sorted by ecosystem, then name */
    size_t count, capacity;
};

static int compare_keys(const struct database_package_key *a, const struct database_package_key *b)
{
    int order = strcmp(a->ecosystem, b->ecosystem);

    return order ? order : strcmp(a->name, b->name);
}

static enum mu_status add(struct change_set *set, const struct database_package_key *key,
                          struct mu_error *err)
{
    if (set->count == set->capacity) {
        size_t capacity = set->capacity ? 2 * set->capacity : 256;
        struct database_package_key *keys = realloc(set->keys, capacity * sizeof(*keys));

        if (!keys)
            return mu_fail(err, MU_E_NOMEM, "changes: out of memory");
        set->keys = keys;
        set->capacity = capacity;
    }
    set->keys[set->count++] = *key;
    return MU_OK;
}

/* Both are sorted: one walk finds what only one of them has, and what differs. */
static enum mu_status walk(struct change_set *set, const struct database *before,
                           const struct database *after, struct mu_error *err)
{
    size_t before_count = database_package_count(before), b = 0;
    size_t after_count = database_package_count(after), a = 0;
    enum mu_status st = MU_OK;

    while (st == MU_OK && (b < before_count || a < after_count)) {
        struct database_package_key old = {0}, new = {0};
        int order;

        if (b < before_count)
            database_package_at(before, b, &old);
        if (a < after_count)
            database_package_at(after, a, &new);
        order = !new.name ? -1 : !old.name ? 1 : compare_keys(&old, &new);
        if (order != 0 || memcmp(old.content, new.content, DATABASE_CONTENT_BYTES) != 0)
            st = add(set, order < 0 ? &old : &new, err);
        b += order <= 0;
        a += order >= 0;
    }
    return st;
}

enum mu_status change_set_new(const struct database *before, const struct database *after,
                              struct change_set **ret_set, struct mu_error *err)
{
    MU_AUTO(change_set) struct change_set *set = mu_xcalloc(1, sizeof(*set));
    enum mu_status st = walk(set, before, after, err);

    if (st != MU_OK)
        return st;
    *ret_set = set;
    set = NULL;
    return MU_OK;
}

void change_set_free(struct change_set *set)
{
    if (!set)
        return;
    free(set->keys);
    free(set);
}

size_t change_set_count(const struct change_set *set)
{
    return set->count;
}

bool change_set_has(const struct change_set *set, const char *ecosystem, const char *name)
{
    const struct database_package_key key = {.ecosystem = ecosystem, .name = name};
    size_t low = 0, high = set->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = compare_keys(&set->keys[middle], &key);

        if (order == 0)
            return true;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return false;
}
