#include "store/history.h"

#include "base/text.h"

static enum mu_status find_link(const struct month_store *store, const struct close_link *link,
                                const struct month_close **ret_close, struct mu_error *err)
{
    *ret_close = month_store_find(store, link->month, link->revision);
    if (!*ret_close || !mu_text_equal((*ret_close)->sha256, link->sha256))
        return mu_fail(err, MU_E_CONFLICT,
                       "the chain is broken: close.json of %s revision %lld %s: restore the store "
                       "from its backup",
                       link->month, (long long)link->revision,
                       *ret_close ? "was changed" : "is missing");
    return MU_OK;
}

enum mu_status store_history(const struct month_store *store, const struct close_record *record,
                             struct mu_arena *arena, struct numbers_files *ret_files,
                             struct mu_error *err)
{
    const char **paths = mu_arena_alloc(arena, HISTORY_MONTHS * sizeof(*paths));
    char path[STORE_PATH_SIZE];
    enum mu_status st = paths ? MU_OK : mu_fail(err, MU_E_NOMEM, "out of memory");

    *ret_files = (struct numbers_files){paths, 0};
    while (st == MU_OK && record->has_previous_month && ret_files->count < HISTORY_MONTHS) {
        const struct month_close *close;

        st = find_link(store, &record->previous_month, &close, err);
        if (st == MU_OK)
            st = month_close_file(close, MONTH_NUMBERS, &close->record.numbers, path, err);
        if (st != MU_OK)
            return st;
        paths[ret_files->count] = mu_arena_strdup(arena, path);
        if (!paths[ret_files->count++])
            return mu_fail(err, MU_E_NOMEM, "out of memory");
        record = &close->record; /* its serial is lower: this ends */
    }
    return st;
}
