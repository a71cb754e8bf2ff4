/*
 * place: where a package can be read as a folder: itself, or an archive unpacked into a private
 * folder under TMPDIR, /var/tmp, /tmp or the working folder, which goes again.
 */
#ifndef REPORT_VERIFY_PLACE_H
#define REPORT_VERIFY_PLACE_H

#include "archive/archive.h"

#include <stdbool.h>

enum { VERIFY_PLACE_SIZE = 4096, VERIFY_MAX_FILES = 8 * 1000 * 1000 };

struct verify_place {
    char folder[VERIFY_PLACE_SIZE]; /* "" when not open */
    bool is_temporary;
};

/* `only`: the one file of it that is wanted, or NULL. `ret_entry`: of the archive, where it failed,
 * or "". Errors: MU_E_NOT_FOUND, MU_E_UNAVAILABLE; MU_E_INVALID and MU_E_LIMIT are about the
 * archive. */
enum mu_status verify_place_open(const char *path, const char *only, uint64_t max_bytes,
                                 struct verify_place *ret_place,
                                 char ret_entry[ARCHIVE_NAME_MAX + 1],
                                 struct mu_error *err) MU_MUST_CHECK;
/* Never opened is fine, with `folder` "". */
void verify_place_close(struct verify_place *place);

#endif
