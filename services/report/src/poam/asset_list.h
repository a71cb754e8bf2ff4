/*
 * asset_list: the assets of a POA&M item, one a line, as many at a time as a cell holds.
 */
#ifndef REPORT_POAM_ASSET_LIST_H
#define REPORT_POAM_ASSET_LIST_H

#include "snapshot/snapshot.h"

#include "base/buf.h"

struct asset_list {
    struct snapshot_cursor *cursor; /* NULL: closed */
    enum snapshot_list list;
    const char *ahead; /* read, but in no cell yet; the cursor's */
    struct mu_buf text, last;
};

/* `list`: findings or closed findings of an item, inventory of a check or of all issues. The list
 * is closed with asset_list_close, also on failure. */
enum mu_status asset_list_open(const struct snapshot *snapshot, enum snapshot_list list,
                               const char *key, struct asset_list *ret_list,
                               struct mu_error *err) MU_MUST_CHECK;
void asset_list_close(struct asset_list *list); /* closed already is fine */

/* Fills `text`, each asset once; `ret_more`: others did not fit. */
enum mu_status asset_list_fill(struct asset_list *list, bool *ret_more,
                               struct mu_error *err) MU_MUST_CHECK;

#endif
