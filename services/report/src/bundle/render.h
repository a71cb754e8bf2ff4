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
#include "numbers/numbers_files.h"
#include "snapshot/snapshot.h"
#include "system/system_file.h"

struct render {
    const struct snapshot *snapshot;
    const struct system_file *system;
    const char *month; /* "2026-11" */
    struct numbers_files previous_numbers;
    const struct bundle_folder *folder;
    struct manifest *manifest;
};

/* Path of the file in the folder; its folders are made. Errors: MU_E_LIMIT, MU_E_UNAVAILABLE. */
enum mu_status render_path(const struct render *render, const char *name,
                           char ret_path[BUNDLE_PATH_SIZE], struct mu_error *err) MU_MUST_CHECK;
/* Lists a file that was written. */
enum mu_status render_list(const struct render *render, const char *name, const char *title,
                           struct mu_error *err) MU_MUST_CHECK;

/*
 * FedRAMP's reports of vulnerabilities as JSON (schemas of 2026-06-24):
 *
 *   vulnerability-detail-report.json     VER-RPT-VDT: what is not accepted, open or ended this
 * month accepted-vulnerability-info.json     VER-RPT-AVI: exactly what is accepted
 *   historical-ver-activity.json         VER-TFR-MRH: both, and all that has ended before
 *
 * One entry an item of the snapshot's findings (finding_row.item), and one a failure of detection
 * (VDR-CSO-FAV), under its identifier. The schemas have no place for some of what the rules ask:
 * those members stand beside theirs (fedRampId, affectedAssets, ratingHistory, completedReductions,
 * remediatedAt); a remediated entry has no finalDisposition, since none of the three values says
 * it.
 */
enum mu_status ver_render(const struct render *render, struct mu_error *err) MU_MUST_CHECK;

/*
 * OSCAL 1.1.3: oscal/component-definition.json, a component for each image of an asset; and
 * oscal/poam.json, the open items of the findings and open failures of detection with the inventory
 * they are about. A POA&M without any item is no valid OSCAL: then there is no such file.
 * Nothing where the system file says `oscal: No`.
 */
enum mu_status oscal_component_render(const struct render *render,
                                      struct mu_error *err) MU_MUST_CHECK;
enum mu_status oscal_poam_render(const struct render *render, struct mu_error *err) MU_MUST_CHECK;

/*
 * raw-scans.csv, a line for each target of a raw scan: title and file name (SAR template v5.0,
 * table C-4), the scanner's configuration and whether it is the validated one, the age of its
 * database at the start (RA-5(2): 24 hours); and sbom/, a CycloneDX of each image that was scanned,
 * unless the system file says `sboms: No`.
 */
enum mu_status scans_render(const struct render *render, struct mu_error *err) MU_MUST_CHECK;

/* Every deliverable that the system file asks for. */
enum mu_status render_all(const struct render *render, struct mu_error *err) MU_MUST_CHECK;

#endif
