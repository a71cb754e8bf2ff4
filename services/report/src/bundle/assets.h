/*
 * assets: the snapshot's rows gathered by asset, as rows of the workbook and as declared gaps.
 *
 * One asset (one UAI) is one row, its digests one a line in the address column: the template
 * demands that column A is unique and that the checksum of each container in production is there
 * (FedRAMP IIW v3.1, instructions 2a and 2b).
 */
#ifndef REPORT_BUNDLE_ASSETS_H
#define REPORT_BUNDLE_ASSETS_H

#include "snapshot/snapshot.h"
#include "system/system_file.h"
#include "workbook/workbook.h"

#include "json/json_doc.h"

/* Consecutive inventory rows of one UAI. */
struct asset {
    const struct inventory_row *rows;
    size_t row_count;
};

/* The asset that starts at row `index`; false at the end. Advances `index`. */
bool asset_next(const struct snapshot *snapshot, size_t *index, struct asset *ret_asset);

/* Cells live in the arena. Errors: MU_E_LIMIT. */
enum mu_status asset_to_row(const struct asset *asset, const struct system_file *system,
                            struct mu_arena *arena, struct inventory_workbook_row *ret_row,
                            struct mu_error *err) MU_MUST_CHECK;

/* coverage-gaps.json: one object per asset that is not covered, with the containers it concerns.
 * New reference. */
enum mu_status assets_gaps(const struct snapshot *snapshot, json_t **ret_gaps,
                           struct mu_error *err) MU_MUST_CHECK;

#endif
