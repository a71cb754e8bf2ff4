/*
 * html_items: the open items of a snapshot, one after the other, each with what its rows come to:
 * the one that is due first comes first.
 *
 * Ownership: texts of an item are the reader's until its next one.
 */
#ifndef REPORT_HTML_ITEMS_H
#define REPORT_HTML_ITEMS_H

#include "numbers/numbers.h"
#include "snapshot/snapshot.h"

enum { ITEM_SHOWN_ASSETS = 3 };

struct html_item {
    const char *item, *vulnerability, *packages, *fixed_versions, *cvss, *severity_source;
    const char *scanner_name, *deviations, *pending;
    enum rating rating, original; /* with and without the adjustments of approved deviations */
    enum item_state state;
    const char *detected_at, *due_at, *due_by, *status, *kev_added, *kev_due, *bod_due_at;
    const char *uais[ITEM_SHOWN_ASSETS];
    int64_t assets, instances;
    bool is_public, forensic;
};

struct html_item_reader;

enum mu_status html_item_reader_open(const struct snapshot *snapshot, int64_t next_us,
                                     struct html_item_reader **ret_reader,
                                     struct mu_error *err) MU_MUST_CHECK;
void html_item_reader_free(struct html_item_reader *reader); /* NULL is fine */
/* `ret_found` false at the end. Errors: MU_E_UNAVAILABLE, MU_E_LIMIT. */
enum mu_status html_item_next(struct html_item_reader *reader, struct html_item *ret_item,
                              bool *ret_found, struct mu_error *err) MU_MUST_CHECK;

MU_DEFINE_AUTO(html_item_reader, struct html_item_reader, html_item_reader_free)

#endif
