/*
 * item_reader: the open findings of a snapshot as items, each with all its assets taken together:
 * what a VER report, an OSCAL risk and a line of the human report say once.
 *
 * Where assets differ, the worst counts: the higher rating, the more urgent state, the earlier
 * date, the exposed asset.
 *
 * Ownership: texts of an item live until the next one. Threads: one at a time per reader.
 */
#ifndef REPORT_ITEMS_ITEM_READER_H
#define REPORT_ITEMS_ITEM_READER_H

#include "items/item_state.h"
#include "items/rating.h"
#include "snapshot/snapshot.h"

#include <stdbool.h>

enum { ITEM_SHOWN_ASSETS = 3 };

struct item {
    const char *item, *vulnerability, *reported_as, *packages, *fixed_versions; /* first asset's */
    const char *severity_source, *cvss, *scanner_name;
    const char *kev_added, *kev_due, *epss, *exploitation; /* of the vulnerability */
    const char *automatable, *technical_impact;
    const char *deviations, *pending;
    enum rating rating, original; /* with and without the adjustments of approved deviations */
    enum item_state state;
    const char *status;                   /* of the asset in that state */
    int64_t detected_at_us;               /* never MU_TIME_NONE */
    int64_t kev_due_at_us, bod_due_at_us; /* MU_TIME_NONE: none */
    int64_t due_at_us;                    /* by Rev5's clocks; MU_TIME_NONE: none */
    const char *due_by;                   /* as due_at_us */
    const char *uais[ITEM_SHOWN_ASSETS];  /* of the first `assets` of them */
    size_t assets, instances;             /* that have it, that run it */
    size_t exposed, not_exposed;          /* assets of which somebody stated it */
    bool is_forensic;                     /* BOD 26-04 asks for a forensic triage of an asset */
};

enum item_order {
    ITEM_ORDER_SNAPSHOT, /* as the snapshot lists findings */
    ITEM_ORDER_DUE       /* the item that is due first first */
};

struct item_reader;

/* `next_us` as item_state_of has it. Errors: MU_E_UNAVAILABLE. */
enum mu_status item_reader_open(const struct snapshot *snapshot, enum item_order order,
                                int64_t next_us, struct item_reader **ret_reader,
                                struct mu_error *err) MU_MUST_CHECK;
void item_reader_free(struct item_reader *reader); /* NULL is fine */
/* `ret_found` false at the end. Errors: MU_E_UNAVAILABLE, MU_E_INVALID (a time that is none),
 * MU_E_LIMIT. */
enum mu_status item_next(struct item_reader *reader, struct item *ret_item, bool *ret_found,
                         struct mu_error *err) MU_MUST_CHECK;

MU_DEFINE_AUTO(item_reader, struct item_reader, item_reader_free)

#endif
