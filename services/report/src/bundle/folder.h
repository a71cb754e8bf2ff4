/*
 * folder: where a bundle is built, and how it appears at once: a hidden folder beside the
 * target, locked while a run writes it, renamed when everything in it is on the disk. Of a target
 * that ends in .zip or .tar.zst the folder is packed (archive/archive.h) and the archive renamed.
 * What a killed run left is cleared by the next one.
 *
 * Threads: one at a time per folder.
 */
#ifndef REPORT_BUNDLE_FOLDER_H
#define REPORT_BUNDLE_FOLDER_H

#include "base/error.h"

enum { BUNDLE_PATH_SIZE = 4096 };

struct bundle_folder {
    char target[BUNDLE_PATH_SIZE];
    char building[BUNDLE_PATH_SIZE]; /* "" when not open */
    int lock_fd;
};

/* Names of the folders that a bundle may have; NULL ends them. */
extern const char *const bundle_folders[];

/* Makes the empty folder to build in, and the target's parents. Slashes behind the target do not
 * count. Errors: MU_E_CONFLICT (the target exists, another run builds it), MU_E_LIMIT (path too
 * long), MU_E_UNAVAILABLE. */
enum mu_status bundle_folder_open(const char *target, struct bundle_folder *ret_folder,
                                  struct mu_error *err) MU_MUST_CHECK;

/* Path of a file in it. Errors: MU_E_LIMIT. */
enum mu_status bundle_folder_path(const struct bundle_folder *folder, const char *name,
                                  char ret_path[BUNDLE_PATH_SIZE],
                                  struct mu_error *err) MU_MUST_CHECK;

/* Makes everything in it durable and gives it the target's name. Errors: MU_E_CONFLICT (somebody
 * made the target meanwhile), MU_E_UNAVAILABLE; then it is still open. */
enum mu_status bundle_folder_commit(struct bundle_folder *folder,
                                    struct mu_error *err) MU_MUST_CHECK;

/* Removes what was built and closes; after a commit only closes. Never opened is fine, with
 * `building` "". */
void bundle_folder_close(struct bundle_folder *folder);

#endif
