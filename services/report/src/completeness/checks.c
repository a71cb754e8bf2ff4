/* The table of checks: name, severity, rule, fix. */
#include "completeness/completeness.h"

#define REJECTS COMPLETENESS_REJECTS
#define WARNS   COMPLETENESS_WARNS

const struct completeness_check completeness_checks[COMPLETENESS_CHECKS] = {
        [CHECK_NO_CONTAINERS] = {"no-containers", REJECTS, "CM-8, IIW v3.1",
                                 "see muster-inventory sources: no cluster has told of a "
                                 "container"},
        [CHECK_NOT_COVERED] = {"containers-not-covered", REJECTS,
                               "ConMon Playbook, containers: 30-day window",
                               "scan the image or stop the container; muster-inventory explain "
                               "tells which"},
        [CHECK_NO_SCAN] = {"images-without-scan", REJECTS,
                           "ConMon Playbook, containers: 30-day window",
                           "have the image scanned whole: muster-inventory clocks, failures"},
        [CHECK_UNRESOLVED] = {"digests-unresolved", REJECTS,
                              "IIW v3.1, column B: registry checksum",
                              "make the image's registry known to ingest, or push the image "
                              "again"},
        [CHECK_DATABASE] = {"databases-stale", REJECTS,
                            "RA-5(2): updated within 24 hours prior to scans",
                            "update the scanner's database, then scan again"},
        [CHECK_CONFIGURATION] = {"configuration-changed", REJECTS,
                                 "ConMon Playbook, Scanning: unchanged configuration",
                                 "restore the validated configuration; or get approval and "
                                 "correct configuration_checksum in the system file"},
        [CHECK_UNAUTHENTICATED] = {"scans-unauthenticated", REJECTS,
                                   "ConMon Playbook, Table 1: 10 % of scans",
                                   "give the scanner the registry's credentials, then scan again"},
        [CHECK_COLUMN] = {"mandatory-column-blank", REJECTS, "IIW v3.1, Mandatory or Optional?",
                          "add the image's label, or the key of the system file, that fills it"},
        [CHECK_BASELINE] = {"baseline-not-valid", REJECTS,
                            "ConMon Playbook, containers: hardened images",
                            "have the image validated anew, then muster-inventory hardening add"},
        [CHECK_TWINS] = {"identifier-not-unique", REJECTS, "IIW v3.1, column A: must be unique",
                         "rename one repository, or make an alias rule of ingest"},
        [CHECK_SOURCE] = {"source-silent", REJECTS, "CM-8(3), KSI-PIY-GIV",
                          "repair the source, or take it out of ingest: muster-inventory sources"},
        [CHECK_LEDGER] = {"ledger-unbalanced", REJECTS, "KSI-PIY-GIV, IVV-IAS-VEF",
                          "events are unaccounted for: muster-inventory ledger; do not close "
                          "before it is explained"},
        [CHECK_UNRATED] = {"finding-unrated", REJECTS,
                           "POA&M v3.0, Original Risk Rating; Playbook: CVSSv3 base",
                           "load NVD into the scanner's database, then match again"},
        [CHECK_RATIONALE] = {"deviation-without-rationale", REJECTS,
                             "Deviation Request v2.1, DR Rationale",
                             "request it anew with --rationale, and withdraw this one"},
        [CHECK_VENDOR] = {"vendor-check-in-old", REJECTS,
                          "ConMon Playbook, vendor dependencies: every 30 days",
                          "ask the vendor, then muster-inventory deviation check-in"},
        [CHECK_CONTACT] = {"no-point-of-contact", REJECTS, "POA&M v3.0, Point of Contact",
                           "write point_of_contact into the system file"},
        [CHECK_PACKAGE_URI] = {"no-package-overview-uri", REJECTS,
                               "VER-RPT-VDT: certificationPackageOverviewUri",
                               "write package_overview_uri into the system file"},
        [CHECK_EXCLUDED] = {"containers-excluded", WARNS,
                            "IIW v3.1: inventory aligns with the scan targets",
                            "be ready to show the reason of each exclusion"},
        [CHECK_CONFIGURATION_UNKNOWN] = {"configuration-not-validated", WARNS,
                                         "ConMon Playbook, Scanning: unchanged configuration",
                                         "write configuration_checksum, as the assessor "
                                         "validated it, into the system file"},
        [CHECK_SOME_UNAUTHENTICATED] = {"some-scans-unauthenticated", WARNS, "RA-5(5)",
                                        "give the scanner the registry's credentials"},
        [CHECK_FLOATING] = {"tag-floats", WARNS, "IIW v3.1, column A: Version#",
                            "run the image under a tag of its version"},
        [CHECK_QUARANTINE] = {"events-quarantined", WARNS, "KSI-PIY-GIV, VDR-CSO-FAV",
                              "read muster.quarantine, mend the sender or ingest, replay"},
        [CHECK_FAILURE] = {"detection-failure-open", WARNS, "VDR-CSO-FAV",
                           "mend what failed: muster-inventory failures; it is reported till "
                           "then"},
        [CHECK_DEVIATION_ENDLESS] = {"deviation-without-end", WARNS,
                                     "VER-RPT-AVI: why it is accepted",
                                     "it was approved before an acceptance needed an end: withdraw "
                                     "it, and request it anew with --expires-at"},
        [CHECK_DEVIATION_EXPIRED] = {"deviation-expired", WARNS, "ConMon Playbook, deviations",
                                     "request it anew, or let it go: its clock runs again"},
        [CHECK_DEVIATION_PENDING] = {"deviation-pending", WARNS, "ConMon Playbook, deviations",
                                     "have it decided; until then it is no deviation"},
        [CHECK_NO_BASELINE] = {"no-vulnerability-baseline", WARNS,
                               "ConMon Playbook, Table 1: 20 % over baseline",
                               "write unique_vulnerability_baseline into the system file"},
        [CHECK_NO_FEDRAMP_ID] = {"no-fedramp-id", WARNS, "CDS-CSO-FID",
                                 "write fedramp_id into the system file"},
        [CHECK_MONTH_OPEN] = {"month-not-reached", WARNS, "CM-8: at least monthly",
                              "nothing was learned of its last day: see muster-inventory "
                              "sources"},
};

const char *completeness_severity_name(enum completeness_severity severity)
{
    return severity == COMPLETENESS_REJECTS ? "rejects" : "warns";
}
