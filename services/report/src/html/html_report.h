/*
 * html_report: the human-readable report of a month as one page: no script, nothing from elsewhere,
 * to be read on a screen or printed. It says what numbers.json and the machine-readable files say,
 * under the same identifiers (FedRAMP CDS-CSO-CBF), with the FedRAMP ID (CDS-CSO-FID), and is the
 * activity report of VER-RPT-PER and VER-RPT-HLO.
 *
 * Memory does not grow with the fleet: rows stream from the snapshot, a table shows `max_rows`.
 * Same input, same bytes.
 */
#ifndef REPORT_HTML_REPORT_H
#define REPORT_HTML_REPORT_H

#include "numbers/numbers.h"
#include "snapshot/snapshot.h"
#include "system/system_file.h"

/* Where the rest of a table is: names of the bundle's files. */
struct html_report_files {
    const char *numbers, *findings, *closed, *deviations, *failures, *assets, *containers, *gaps;
    const char *manifest, *raw_scans;
};

enum { HTML_REPORT_ROWS = 1000 };

struct html_report_request {
    const struct snapshot *snapshot;
    const struct system_file *system;
    const struct numbers *numbers;
    struct html_report_files files;
    size_t max_rows; /* of a table; HTML_REPORT_ROWS */
};

/* A new file, not yet durable. Errors: MU_E_UNAVAILABLE, MU_E_LIMIT. */
enum mu_status html_report_write(const struct html_report_request *request, const char *path,
                                 struct mu_error *err) MU_MUST_CHECK;

#endif
