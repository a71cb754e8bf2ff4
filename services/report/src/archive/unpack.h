/*
 * unpack: where the entries of a hostile archive go: plain files below one private folder, each
 * name once, within limits. Nothing in it follows a link, since none is ever made there.
 *
 * Threads: one at a time.
 */
#ifndef REPORT_UNPACK_H
#define REPORT_UNPACK_H

#include "archive/archive.h"

#include <stdbool.h>

struct unpack {
    const char *folder;
    struct archive_limits limits;
    const char *only;                /* the one file that is wanted; NULL: all */
    uint64_t bytes, files;           /* so far */
    char name[ARCHIVE_NAME_MAX + 1]; /* of the entry at hand, printable */
    int fd;                          /* -1: no file is open */
};

/* Whether the entry may stand there; "./" in front does not count. Sets `name`. Errors:
 * MU_E_INVALID. */
enum mu_status unpack_name(struct unpack *unpack, const char *name, size_t len,
                           struct mu_error *err) MU_MUST_CHECK;
/* The file of that name. Errors: MU_E_INVALID (it is there), MU_E_LIMIT, MU_E_UNAVAILABLE. */
enum mu_status unpack_begin(struct unpack *unpack, struct mu_error *err) MU_MUST_CHECK;
enum mu_status unpack_write(struct unpack *unpack, const void *bytes, size_t len,
                            struct mu_error *err) MU_MUST_CHECK;
enum mu_status unpack_end(struct unpack *unpack, struct mu_error *err) MU_MUST_CHECK;
void unpack_done(struct unpack *unpack); /* closes what is open */

#endif
