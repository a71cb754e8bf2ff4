/*
 * import: what another scanner found in an image, in Muster's terms.
 *
 * Reads reports of Trivy and Grype (JSON), CycloneDX with vulnerabilities, and SARIF where each
 * result names package and version. The original stays the evidence: its hash and size are in the
 * result, and nothing of it is judged anew but the severity, by the rule for all findings: CVSS v3
 * base (NVD's before others'), else v2, else the scanner's own word.
 *
 * With a `target` it is a scan of record: it carries every UAI with the digest, and the hash of the
 * original.
 *
 * A report is about one image: the digest it names, or one that is given and that it does not
 * contradict. A report that is not enough for a scan of record (no digest, a finding without
 * package or version, a bill of materials without vulnerabilities) is refused whole.
 *
 * Threads: none held. Ownership: texts live in the arena. Trust: hostile JSON within the limits
 * below; every text is cut to IMPORT_TEXT_MAX_BYTES.
 *
 * Sources: Trivy's report schema 2; Grype's JSON model (descriptor, source, matches,
 * ignoredMatches); CycloneDX 1.4 to 1.7; SARIF 2.1.0 (OASIS) with the messages of the two tools.
 */
#ifndef SCANNER_IMPORT_IMPORT_H
#define SCANNER_IMPORT_IMPORT_H

#include "match/cvss.h"
#include "json/json_stream.h"

#include "base/error.h"
#include "base/memory.h"
#include "base/sha256.h"
#include "json/json_table.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    IMPORT_MAX_BYTES = 64 * 1024 * 1024,
    IMPORT_FINDINGS_MAX = 200000,
    IMPORT_TEXT_MAX_BYTES = 1024,
    IMPORT_NOTES_MAX = 8,
    IMPORT_ARENA_MAX_BYTES = 256 * 1024 * 1024 /* for the caller's arena */
};

enum import_kind { IMPORT_ANY, IMPORT_TRIVY, IMPORT_GRYPE, IMPORT_CYCLONEDX, IMPORT_SARIF };

/* "trivy" gives IMPORT_TRIVY; IMPORT_ANY when there is no such kind. */
enum import_kind import_kind_of(const char *name);

struct imported_finding {
    const char *id;                /* the CVE where there is one */
    const char *package, *version; /* as the scanner writes them */
    /* NULL: not said. */
    const char *advisory; /* id of the record that the scanner used */
    const char *type;     /* the scanner's kind of package */
    const char *purl, *path, *layer_digest;
    const char *fixed_version;
    const char *vendor_status; /* "will_not_fix", "wont-fix" */
    const char *told_severity; /* the scanner's own word */
    const char *summary, *url;
    const char *suppressed_reason; /* NULL: it counts */
    enum severity severity;
    const char *severity_source;   /* "cvss_v3" "cvss_v2" "scanner" "none" */
    const char *cvss_v3, *cvss_v2; /* NULL: none */
    int cvss_v3_tenths, cvss_v2_tenths;
    bool cvss_v3_nvd, cvss_v2_nvd; /* whose vector it is */
};

/* What makes an imported scan one of record: which asset it is of, and how it was made. */
struct import_target {
    const char *repository;    /* canonical "host/path" */
    struct mu_json_texts uais; /* all that the document must carry */
    const char *configuration_checksum;
    int64_t started_at_us, finished_at_us;
};

struct imported_scan {
    enum import_kind kind;
    const struct import_target *target; /* NULL: it is only looked at */
    const char *tool, *tool_version;    /* version NULL: not said */
    const char *digest;                 /* of the image: "sha256:<hex>" */
    bool digest_given;                  /* by the caller, since the report names none */
    const char *config_digest, *reference, *os_id, *os_version; /* NULL: not said */
    const char *database_version;                               /* NULL: not said */
    int64_t scanned_at_us, database_built_at_us;                /* MU_TIME_NONE: not said */
    char told_configuration[MU_DIGEST_TEXT_SIZE]; /* hash of the settings it tells; "": none */
    char original_digest[MU_DIGEST_TEXT_SIZE];
    uint64_t original_size_bytes;
    struct imported_finding *findings; /* by package, version, id, path */
    size_t finding_count, suppressed_count;
    const char *notes[IMPORT_NOTES_MAX]; /* what the report has besides, and what it lacks */
    size_t note_count;
};

struct import_options {
    enum import_kind kind; /* IMPORT_ANY: told by the content */
    const char *digest;    /* NULL: the report must name it */
    /* Indexes that hold `digest`: a report that names one of them instead is about it. */
    struct mu_json_texts indexes;
    const char *config_digest; /* of the image; NULL: not known. A report must not name another. */
};

/* Errors: MU_E_INVALID (not of that kind, not enough, about another image), MU_E_LIMIT,
 * MU_E_NOMEM. */
enum mu_status import_read(const char *bytes, size_t len, const struct import_options *options,
                           struct mu_arena *arena, struct imported_scan *ret_scan,
                           struct mu_error *err) MU_MUST_CHECK;

/* Findings that are not suppressed, by severity; SEVERITY_UNKNOWN to SEVERITY_CRITICAL. */
enum { IMPORT_SEVERITIES = SEVERITY_CRITICAL + 1 };
void imported_scan_count(const struct imported_scan *scan, int64_t ret_counts[IMPORT_SEVERITIES]);

/* `imported_scan` is a struct of that name: schemas/imported-scan.v1.schema.json. */
void imported_scan_put(struct json_stream *out, const void *imported_scan);

#endif
