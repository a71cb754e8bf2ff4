#include "numbers/numbers_files.h"

#include <string.h>

enum mu_status numbers_files_split(const char *text, struct mu_arena *arena,
                                   struct numbers_files *ret_files, struct mu_error *err)
{
    const char **paths = mu_arena_alloc(arena, NUMBERS_MAX_MONTHS * sizeof(*paths));
    char *list = mu_arena_strdup(arena, text ? text : ""), *rest = NULL;

    *ret_files = (struct numbers_files){paths, 0};
    if (!paths || !list)
        return mu_fail(err, MU_E_NOMEM, "out of memory");
    for (char *path = strtok_r(list, ",", &rest); path; path = strtok_r(NULL, ",", &rest)) {
        if (ret_files->count == NUMBERS_MAX_MONTHS)
            return mu_fail(err, MU_E_LIMIT, "more than %d earlier months", NUMBERS_MAX_MONTHS);
        paths[ret_files->count++] = path;
    }
    return MU_OK;
}
