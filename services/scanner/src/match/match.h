/*
 * match: which vulnerabilities the packages of an image have.
 *
 * Debian: by source package and its version, in the ecosystem of the image's release. Of several
 * records that speak of one CVE for one package the security tracker's (DEBIAN-CVE-) decides;
 * without one it is affected when any advisory (DSA-, DLA-) says so. The others are references.
 * Urgency "unimportant" means no effect on the binary package: such findings are counted apart.
 * Severity shown, as FedRAMP wants it: CVSS v3 base, else v2, else the tracker's low, medium or
 * high, else unknown.
 *
 * Ownership: everything lives in the arena; texts of the database live as long as it.
 */
#ifndef SCANNER_MATCH_H
#define SCANNER_MATCH_H

#include "database/database.h"
#include "image/image_scan.h"
#include "match/cvss.h"

#include "msg/msg.h"

struct finding {
    const char *id;                      /* the CVE where there is one, else the record's own id */
    const char *advisory;                /* the record that decided */
    const struct image_package *package; /* first binary package of the source */
    size_t package_count;                /* binary packages of the same source and version */
    const char *fixed_version;           /* NULL: no fix */
    const char *summary;
    enum severity severity;
    const char *severity_source; /* "debian", "cvss_v3", "cvss_v2", "none" */
    const char *cvss_v3, *cvss_v2;
    int cvss_v3_tenths, cvss_v2_tenths; /* -1: none */
    const char **references;            /* other records that say the same */
    size_t reference_count;
};

struct match_result {
    const char *ecosystem;    /* "Debian:12"; NULL: the distribution is not supported */
    struct finding *findings; /* by package, then id */
    size_t finding_count;
    size_t suppressed; /* of urgency "unimportant" */
    struct mu_scan_counts counts;
};

/* Errors: MU_E_NOMEM. */
enum mu_status match_image(const struct database *database, const struct image_analysis *image,
                           struct mu_arena *arena, struct match_result *ret_result,
                           struct mu_error *err) MU_MUST_CHECK;

#endif
