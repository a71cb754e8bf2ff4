/* numbers_files: numbers.json of earlier months, for the trend and for triggers that recur. */
#ifndef REPORT_NUMBERS_FILES_H
#define REPORT_NUMBERS_FILES_H

#include "base/error.h"
#include "base/memory.h"

#include <stddef.h>

enum { NUMBERS_MAX_MONTHS = 24 };

struct numbers_files {
    const char *const *paths;
    size_t count;
};

/* "FILE,FILE"; NULL: none. Texts live in the arena. Errors: MU_E_LIMIT, MU_E_NOMEM. */
enum mu_status numbers_files_split(const char *text, struct mu_arena *arena,
                                   struct numbers_files *ret_files,
                                   struct mu_error *err) MU_MUST_CHECK;

#endif
