/*
 * layout: the names of the files of a bundle, and what its JSON members are called; shared
 * by the writer (bundle) and the checker (verify). Schema: schemas/bundle-manifest.v1.schema.json.
 */
#ifndef REPORT_BUNDLE_LAYOUT_H
#define REPORT_BUNDLE_LAYOUT_H

#define BUNDLE_SCHEMA             "muster.bundle-manifest.v1"
#define BUNDLE_MANIFEST           "manifest.json"
#define BUNDLE_WORKBOOK           "integrated-inventory-workbook.xlsx"
#define BUNDLE_WORKBOOK_NEXT      "inventory-%zu.xlsx" /* from 2 */
#define BUNDLE_OTHER_ASSETS       "other-assets.json"
#define BUNDLE_POAM               "poam.xlsx"
#define BUNDLE_DEVIATION_REQUESTS "deviation-requests.xlsx"
#define BUNDLE_GAPS               "coverage-gaps.json"
#define BUNDLE_NOT_RUNNING        "scan-targets-not-running.json"
#define BUNDLE_CONTAINERS         "running-containers.csv"
#define BUNDLE_NUMBERS            "numbers.json"
#define BUNDLE_HTML               "report.html"
#define BUNDLE_CLOSE              "close.json" /* of a closed month: schemas/month-close.v1.schema.json */
#define BUNDLE_RAW_SCANS          "raw-scans"
#define BUNDLE_REPORTS            "scanner-reports" /* of other scanners, verbatim */

#define BUNDLE_FINDINGS           "findings.csv"
#define BUNDLE_CLOSED_FINDINGS    "closed-findings.csv"
#define BUNDLE_DEVIATIONS         "deviations.csv"
#define BUNDLE_FAILURES           "detection-failures.csv"
#define BUNDLE_ASSETS             "assets.csv"
#define BUNDLE_RAW_SCAN_INDEX     "raw-scans.csv"
#define BUNDLE_SBOMS              "sbom" /* <hex of the manifest digest>.cdx.json */
#define BUNDLE_VDT                "vulnerability-detail-report.json"
#define BUNDLE_AVI                "accepted-vulnerability-info.json"
#define BUNDLE_MRH                "historical-ver-activity.json"
#define BUNDLE_OSCAL_COMPONENT    "oscal/component-definition.json"
#define BUNDLE_OSCAL_POAM         "oscal/poam.json"
#define BUNDLE_ITEM_PREFIX        "V-"     /* of the number of an item (snapshot/snapshot.h) */
#define BUNDLE_CONFIGURATION_ITEM "V-CM-6" /* and "-" and the check: of configuration findings */
#define BUNDLE_ITEM_PART          "-part-" /* before the number of an item's further row */

/* Beside the manifest, and not in it (bundle/signer.h). */
#define BUNDLE_SIGNATURE "manifest.json.sig"
#define BUNDLE_CMS       "manifest.json.p7s"
#define BUNDLE_TIMESTAMP "manifest.json.tsr"

#define BUNDLE_RAW_SCHEMA "muster.raw-scan.v1" /* schemas/raw-scan.v1.schema.json */
#define BUNDLE_IMPORTED_SCHEMA                                        \
    "muster.imported-scan.v1" /* schemas/imported-scan.v1.schema.json \
                               */

enum {
    BUNDLE_MAX_JSON_BYTES = 256 * 1024 * 1024, /* one JSON file; a raw scan has the same limit */
    BUNDLE_MAX_JSON_DEPTH = 32
};

#endif
