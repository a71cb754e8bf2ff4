/*
 * other_assets: hosts, sensors, databases and whatever else the inventory workbook lists beside
 * container images, as people keep them in a CSV or a YAML file.
 *
 *   CSV:  a header line of column names, a line an asset
 *   YAML: a list of mappings
 *
 * Columns go by the workbook's headers (case and white space do not count) or by keys such as
 * end_of_life. An asset with an asset type counts as OS/Infrastructure, one without as software or
 * database; what is mandatory and what stays blank follows from that. Every mistake names file,
 * line and column.
 *
 * Source: FedRAMP Integrated Inventory Workbook v3.1, rows "Valid Values" and "Mandatory or
 * Optional?". Trust: the operator's file, at most OTHER_ASSETS_MAX_BYTES.
 */
#ifndef REPORT_ASSETS_OTHER_ASSETS_H
#define REPORT_ASSETS_OTHER_ASSETS_H

#include "system/system_file.h"
#include "workbook/workbook.h"

enum { OTHER_ASSETS_MAX_BYTES = 16 * 1024 * 1024, OTHER_ASSETS_MAX = 65536 };

struct other_asset {
    struct inventory_workbook_row row;
    size_t line; /* of the file */
};

/* Sorted by identifier, bytewise, each once. */
struct other_assets {
    struct mu_arena *arena;
    struct other_asset *assets;
    size_t count;
    const char *path;
};

/* Path "": none. Errors: MU_E_NOT_FOUND, MU_E_INVALID, MU_E_LIMIT. */
enum mu_status other_assets_read(const char *path, const struct system_file *system,
                                 struct other_assets *ret_assets,
                                 struct mu_error *err) MU_MUST_CHECK;
/* A name that ends with .yaml or .yml; any other file is CSV. */
bool other_assets_is_yaml(const char *path);
/* The same as other_assets_read from memory. */
enum mu_status other_assets_parse(const char *path, const char *bytes, size_t len,
                                  const struct system_file *system, struct other_assets *ret_assets,
                                  struct mu_error *err) MU_MUST_CHECK;
void other_assets_done(struct other_assets *assets);

#endif
