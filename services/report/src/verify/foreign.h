/*
 * foreign: do an inventory workbook and a folder of scans that anybody made belong together?
 *
 * The workbook is any FedRAMP IIW (v2.3 to v3.1): the sheet and its columns are found by their
 * headers. Scans are JSON reports of Trivy, Grype and CycloneDX with vulnerabilities, and raw scans
 * of Muster, mixed, in folders of any depth up to FOREIGN_MAX_DEPTH.
 *
 * Rows and scans are matched both ways by checksum and by name; "host/path:version" and
 * "host/path/version" are the same name, and names are completed as runtimes do (oci/reference.h).
 * Rows that are no containers are counted and kept apart. Reading needs a scan's identity, time and
 * tool alone: what it found is skipped.
 *
 * Trust: both are hostile; limits as in verify.h, json_stream.h and xlsx_reader.h.
 * Sources: FedRAMP IIW v3.1, instructions and "Mandatory or Optional?"; the reports' own formats
 * (Trivy schema version 2, Grype's JSON, CycloneDX 1.4 to 1.6, package-url "oci").
 */
#ifndef REPORT_FOREIGN_H
#define REPORT_FOREIGN_H

#include "verify/verify.h"

enum { FOREIGN_MAX_DEPTH = 8 };

struct foreign_request {
    const char *inventory; /* .xlsx */
    const char *scans;     /* a folder, or an archive of one */
    int64_t as_of_us;      /* scans older than 30 days before it are too old */
    uint64_t max_bytes;
};

/* `summary.rows` are those of containers, `summary.gaps` those that say No in In Latest Scan: they
 * go to `tables->gaps`. Errors: as verify_package. */
enum mu_status verify_foreign(const struct foreign_request *request,
                              const struct verify_tables *tables,
                              struct verify_summary *ret_summary,
                              struct mu_error *err) MU_MUST_CHECK;

#endif
