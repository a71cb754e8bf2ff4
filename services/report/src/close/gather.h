/*
 * gather: a month's raw scans, and the reports of other scanners behind them, into the store, and
 * what they say into the snapshot. Without a store each is looked at and thrown away.
 */
#ifndef REPORT_CLOSE_GATHER_H
#define REPORT_CLOSE_GATHER_H

#include "bundle/evidence.h"
#include "snapshot/snapshot.h"
#include "store/store_writer.h"

struct gather {
    struct snapshot *snapshot;
    struct evidence_source source;
    struct store_writer *writer; /* NULL: none */
    void (*progress)(size_t done, size_t total);
};

/* Errors: as bundle_write. A requested stop is MU_E_UNAVAILABLE. */
enum mu_status gather_evidence(const struct gather *gather, struct mu_error *err) MU_MUST_CHECK;

#endif
