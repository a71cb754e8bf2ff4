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

enum { ASSET_MAX_BYTES = 16 * 1024 * 1024 };

/* Consecutive inventory rows of one UAI. */
struct asset {
    const struct inventory_row *rows;
    size_t row_count;
};

/* The snapshot's assets, one after the other. */
struct asset_reader;

enum mu_status asset_reader_open(const struct snapshot *snapshot, struct asset_reader **ret_reader,
                                 struct mu_error *err) MU_MUST_CHECK;
void asset_reader_free(struct asset_reader *reader); /* NULL is fine */
/* The asset is the reader's until the next call; `ret_found` false at the end. Errors:
 * MU_E_UNAVAILABLE, MU_E_LIMIT (an asset of more than ASSET_MAX_BYTES). */
enum mu_status asset_next(struct asset_reader *reader, struct asset *ret_asset, bool *ret_found,
                          struct mu_error *err) MU_MUST_CHECK;

MU_DEFINE_AUTO(asset_reader, struct asset_reader, asset_reader_free)

/* A hardening baseline was stated of it, and none is valid: the system file's does not stand in. */
bool asset_baseline_is_gone(const struct asset *asset);

/* Cells live in the arena. Errors: MU_E_LIMIT. */
enum mu_status asset_to_row(const struct asset *asset, const struct system_file *system,
                            struct mu_arena *arena, struct inventory_workbook_row *ret_row,
                            struct mu_error *err) MU_MUST_CHECK;

/* coverage-gaps.json: one object per asset that is not covered, with the containers it concerns; a
 * new file, not yet durable. Errors: MU_E_UNAVAILABLE, MU_E_NOMEM, MU_E_LIMIT. */
enum mu_status assets_write_gaps(const struct snapshot *snapshot, const char *path,
                                 size_t *ret_gaps, struct mu_error *err) MU_MUST_CHECK;

#endif
