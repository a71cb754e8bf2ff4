/*
 * bundle: one month's package as a folder: workbook, raw scans, declared gaps, running
 * containers, and manifest.json with the SHA-256 of every file.
 *
 * Built in a hidden folder beside the target, made durable and renamed when whole: the folder is
 * there entirely or not at all. Same snapshot and evidence, same bytes. A requested stop
 * (base/stop.h) ends it as MU_E_UNAVAILABLE.
 */
#ifndef REPORT_BUNDLE_H
#define REPORT_BUNDLE_H

#include "bundle/signer.h"
#include "numbers/numbers_files.h"
#include "snapshot/snapshot.h"
#include "system/system_file.h"

struct bundle_request {
    const char *folder; /* must not exist; a name in .zip or .tar.zst: that archive of it */
    const char *month;  /* "2026-11" */
    const char *inventory_url, *inventory_token;
    struct numbers_files previous_numbers;
    uint32_t retry_ms; /* how long to wait for an evidence API that does not answer */
    /* Of a closed month (store/month_store.h): the raw scans come from the shelf, what they say is
     * in the snapshot already, and close.json goes into the package. NULL: a preview. */
    const char *shelf, *close_file;
    const struct system_file *system;
    struct snapshot *snapshot;   /* descriptions and issues are added to it from the raw scans */
    const struct signer *signer; /* of the manifest (bundle/signer.h); NULL: it is not signed */
    uint32_t max_inventory_rows; /* of one file; 0: as many as a sheet holds */
    /* Called after each raw scan; may be NULL. */
    void (*progress)(size_t done, size_t total);
};

struct bundle_counts {
    size_t rows, raw_scans, gaps, containers;
    size_t inventory_files; /* that the rows take; not in the manifest, which lists them */
};

/* Errors: MU_E_CONFLICT (the folder exists, or another run writes it), MU_E_UNAVAILABLE,
 * MU_E_NOT_FOUND (evidence is gone), MU_E_INVALID (evidence is not what its name says),
 * MU_E_LIMIT. */
enum mu_status bundle_write(const struct bundle_request *request, struct bundle_counts *ret_counts,
                            struct mu_error *err) MU_MUST_CHECK;

#endif
