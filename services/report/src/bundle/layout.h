/*
 * layout: the names of the files of a bundle, and what its JSON members are called; shared
 * by the writer (bundle) and the checker (verify). Schema: schemas/bundle-manifest.v1.schema.json.
 */
#ifndef REPORT_BUNDLE_LAYOUT_H
#define REPORT_BUNDLE_LAYOUT_H

#define BUNDLE_SCHEMA      "muster.bundle-manifest.v1"
#define BUNDLE_MANIFEST    "manifest.json"
#define BUNDLE_WORKBOOK    "integrated-inventory-workbook.xlsx"
#define BUNDLE_GAPS        "coverage-gaps.json"
#define BUNDLE_NOT_RUNNING "scan-targets-not-running.json"
#define BUNDLE_CONTAINERS  "running-containers.csv"
#define BUNDLE_NUMBERS     "numbers.json"
#define BUNDLE_HTML        "report.html"
#define BUNDLE_RAW_SCANS   "raw-scans"
#define BUNDLE_REPORTS     "scanner-reports" /* of other scanners, verbatim */

#define BUNDLE_IMPORTED_SCHEMA                                        \
    "muster.imported-scan.v1" /* schemas/imported-scan.v1.schema.json \
                               */

enum {
    BUNDLE_MAX_JSON_BYTES = 256 * 1024 * 1024, /* one JSON file; a raw scan has the same limit */
    BUNDLE_MAX_JSON_DEPTH = 32
};

#endif
