/*
 * poam_item_reader: the items of a sheet of the POA&M, one row at a time. An item with more assets
 * than a cell holds takes several rows: "ID", "ID-part-2", ...; FedRAMP lets an item be split by
 * assets, and every row needs its own id.
 *
 * Which items: open ones (with the one for all configuration findings), closed ones (with approved
 * false positives), or configuration findings. Vulnerabilities rated negligible need none. With the
 * system file's `poam_items: late` scan findings without a deviation stand there only when late.
 */
#ifndef REPORT_POAM_POAM_ITEM_READER_H
#define REPORT_POAM_POAM_ITEM_READER_H

#include "poam/poam_item.h"

enum poam_sheet { ITEMS_OPEN, ITEMS_CLOSED, ITEMS_CONFIGURATION };

/* A row; the reader's until the next. */
struct poam_item_row {
    const struct poam_item *item;
    const char *id; /* of the row */
    const char *assets;
    unsigned part;  /* from 1 */
    bool continues; /* in another row */
};

struct poam_item_reader;

/* `snapshot` and `system` are borrowed. */
struct poam_item_reader *poam_item_reader_new(const struct snapshot *snapshot,
                                              const struct system_file *system,
                                              enum poam_sheet sheet);
void poam_item_reader_free(struct poam_item_reader *reader); /* NULL is fine */

/* Errors: MU_E_UNAVAILABLE, MU_E_LIMIT. */
enum mu_status poam_item_reader_next(struct poam_item_reader *reader, struct poam_item_row *ret_row,
                                     bool *ret_found, struct mu_error *err) MU_MUST_CHECK;

MU_DEFINE_AUTO(poam_item_reader, struct poam_item_reader, poam_item_reader_free)

#endif
