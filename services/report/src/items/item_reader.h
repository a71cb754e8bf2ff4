/*
 * item_reader: the open findings of a snapshot as items, each with all its assets taken together:
 * what a VER report and an OSCAL risk say once.
 *
 * Where assets differ, the worst counts: the higher severity, the earlier date, the exposed asset.
 *
 * Ownership: texts of an item live until the next one. Threads: one at a time per reader.
 */
#ifndef REPORT_ITEMS_ITEM_READER_H
#define REPORT_ITEMS_ITEM_READER_H

#include "snapshot/snapshot.h"

#include <stdbool.h>

struct item {
    const char *item, *vulnerability, *reported_as, *packages, *fixed_versions; /* first asset's */
    const char *severity, *effective_severity, *severity_source, *cvss, *scanner_name;
    const char *kev_added, *kev_due, *epss, *exploitation; /* of the vulnerability */
    const char *automatable, *technical_impact;
    const char *deviations, *pending;
    const char *status;          /* of the asset that is due first */
    int64_t detected_at_us;      /* never MU_TIME_NONE */
    int64_t kev_due_at_us;       /* MU_TIME_NONE: none */
    int64_t due_at_us;           /* by Rev5's clocks; MU_TIME_NONE: none */
    const char *due_by;          /* as due_at_us */
    size_t assets, instances;    /* that have it, that run it */
    size_t exposed, not_exposed; /* assets of which somebody stated it */
    size_t late;                 /* assets that are, by Rev5's clocks */
};

struct item_reader;

/* Errors: MU_E_UNAVAILABLE. */
enum mu_status item_reader_open(const struct snapshot *snapshot, struct item_reader **ret_reader,
                                struct mu_error *err) MU_MUST_CHECK;
void item_reader_free(struct item_reader *reader); /* NULL is fine */
/* Errors: MU_E_UNAVAILABLE, MU_E_INVALID (a time that is none), MU_E_LIMIT. */
enum mu_status item_next(struct item_reader *reader, struct item *ret_item, bool *ret_found,
                         struct mu_error *err) MU_MUST_CHECK;

/* Texts of a snapshot's times as instants; NULL gives MU_TIME_NONE. Errors: MU_E_INVALID. */
enum mu_status item_time(const char *text, int64_t *ret_at_us, struct mu_error *err) MU_MUST_CHECK;

MU_DEFINE_AUTO(item_reader, struct item_reader, item_reader_free)

#endif
