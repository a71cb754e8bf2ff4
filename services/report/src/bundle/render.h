/*
 * render: what every deliverable of a bundle is made from, and the table of them. A renderer is a
 * function that writes its files into the bundle's folder and lists them in the manifest; it asks
 * nothing but the snapshot, the system file and the raw scans that are already in the folder.
 *
 * Same input, same bytes: no clock, no locale, no order of hashing.
 */
#ifndef REPORT_BUNDLE_RENDER_H
#define REPORT_BUNDLE_RENDER_H

#include "bundle/folder.h"
#include "bundle/manifest.h"
#include "snapshot/snapshot.h"
#include "system/system_file.h"

struct render {
    const struct snapshot *snapshot;
    const struct system_file *system;
    const char *month;            /* "2026-11" */
    const char *previous_numbers; /* numbers.json of earlier months, commas between; NULL: none */
    const struct bundle_folder *folder;
    struct manifest *manifest;
};

/* Path of the file in the folder; its folders are made. Errors: MU_E_LIMIT, MU_E_UNAVAILABLE. */
enum mu_status render_path(const struct render *render, const char *name,
                           char ret_path[BUNDLE_PATH_SIZE], struct mu_error *err) MU_MUST_CHECK;
/* Lists a file that was written. */
enum mu_status render_list(const struct render *render, const char *name, const char *title,
                           struct mu_error *err) MU_MUST_CHECK;

/* Every deliverable that the system file asks for. */
enum mu_status render_all(const struct render *render, struct mu_error *err) MU_MUST_CHECK;

#endif
