/*
 * spool_folder: the names in a spool's folder. Internal to src/spool.
 *
 *   <20 digits>.spool            a segment
 *   <20 digits>.spool.<why>      a segment kept for a person: damaged, refused
 *   lock                         held while a process uses the folder
 */
#ifndef INGEST_SPOOL_FOLDER_H
#define INGEST_SPOOL_FOLDER_H

#include "base/error.h"

#include <limits.h>
#include <stdint.h>

struct spool_folder {
    const char *path; /* borrowed */
    int lock_fd;      /* -1: not held */
};

struct spool_folder_content {
    int64_t size_bytes;         /* of segments and kept files */
    unsigned long long highest; /* number in use, kept files included; 0: none */
    unsigned long long oldest;  /* lowest segment; 0: none */
};

/* Makes the folder and locks it. Errors: MU_E_CONFLICT (another process has it), MU_E_UNAVAILABLE.
 */
enum mu_status spool_folder_open(const char *path, struct spool_folder *ret_folder,
                                 struct mu_error *err) MU_MUST_CHECK;
void spool_folder_close(struct spool_folder *folder);

/* Errors: MU_E_UNAVAILABLE. */
enum mu_status spool_folder_scan(const struct spool_folder *folder,
                                 struct spool_folder_content *ret_content,
                                 struct mu_error *err) MU_MUST_CHECK;
/* Makes names that came and went durable. Errors: MU_E_UNAVAILABLE. */
enum mu_status spool_folder_sync(const struct spool_folder *folder,
                                 struct mu_error *err) MU_MUST_CHECK;
void spool_folder_segment(const struct spool_folder *folder, unsigned long long number,
                          char ret_path[PATH_MAX]);

/* "spool: <what> '<path>': <errno>" as MU_E_UNAVAILABLE. */
enum mu_status spool_disk_error(struct mu_error *err, const char *what, const char *path);

#endif
