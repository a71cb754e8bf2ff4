/*
 * inventory_files: the inventory workbook of a bundle, its rows those of the snapshot's assets and
 * of the other assets that the system file names, in one order. What a sheet does not hold goes on
 * in inventory-2.xlsx and so on. Also other-assets.json, the identifiers of those that are no
 * images.
 */
#ifndef REPORT_BUNDLE_INVENTORY_FILES_H
#define REPORT_BUNDLE_INVENTORY_FILES_H

#include "bundle/render.h"

struct inventory_counts {
    size_t rows, files;
};

/* `max_rows`: of a file; 0: as many as a sheet holds. Errors: MU_E_UNAVAILABLE, MU_E_LIMIT (a cell
 * or an asset is too large), MU_E_INVALID (the other assets, or one of them is an image too),
 * MU_E_NOT_FOUND. */
enum mu_status inventory_files_write(const struct render *render, uint32_t max_rows,
                                     struct inventory_counts *ret_counts,
                                     struct mu_error *err) MU_MUST_CHECK;

#endif
