/*
 * match: which vulnerabilities packages have.
 *
 * Where advisories of a package are filed says package_key.h, which of them decides judge.h, how
 * bad it is severity.h. One vulnerability of a package is one finding, whatever its aliases: its id
 * is the CVE where there is one, else the GHSA, else the record's own.
 *
 * A match that is not counted is not lost: it is `suppressed`, with the reason
 *   unimportant     Debian: no effect on the binary package
 *   owned_by        a language package whose file belongs to a package of the distribution, which
 *                   has advisories in the database: the distribution's feed judges it
 *   third_party     an OS package of another vendor than the distribution, whose feed this is
 *   module_unknown  an RPM of a module whose stream nobody knows
 *   withdrawn       only withdrawn records say so
 *   vex             a statement says not_affected or fixed (vex.h)
 *
 * Ownership: everything lives in the arena; texts of the database and the VEX set live as long as
 * they. Threads: rules may be shared; a matcher belongs to one thread.
 */
#ifndef SCANNER_MATCH_H
#define SCANNER_MATCH_H

#include "database/database.h"
#include "image/image_scan.h"
#include "match/judge.h"
#include "match/severity.h"
#include "match/vex.h"

#include "msg/msg.h"

struct match_rules {
    const struct database *database;
    const struct vex_set *vex; /* NULL: none */
    const char *image;         /* digest, for statements about an image; NULL: not known */
};

/* Why the package is affected: the version lies in a range, or is listed. */
struct finding_reason {
    const char *ecosystem, *name, *version;         /* looked up and compared */
    const char *introduced, *fixed, *last_affected; /* NULL: the range does not say */
    const char *comparator;                         /* name of the order (version.h) */
    bool listed;
};

struct finding {
    const char *id;                      /* the CVE where there is one, else the record's own id */
    const char *advisory;                /* the record that decided */
    const struct image_package *package; /* first binary package of the source */
    size_t package_count;                /* binary packages of the same source and version */
    const char *fixed_version;           /* NULL: no fix */
    const char *fix_state; /* "will_not_fix" "deferred" "minor" "out_of_support"; "" */
    const char *summary;
    struct severity_verdict severity;
    struct cve_facts facts; /* KEV, EPSS, SSVC; empty where nothing is known */
    bool disputed;
    struct finding_reason reason;
    const char **references; /* other records that speak of it */
    size_t reference_count;
    const struct vex_statement *vex; /* NULL: nobody said anything */
    const char *suppressed;          /* the reason; NULL: it counts */
    const char *suppressed_by;       /* the package that owns the file, the vendor; or NULL */
};

/* Packages of an ecosystem that the database has no advisories for. */
struct match_gap {
    const char *ecosystem; /* or the purl type where that has none */
    size_t packages;
    bool os; /* of the distribution: the image cannot be called scanned */
};

struct match_result {
    const char *ecosystem;    /* of the distribution: "Debian:12"; NULL: it is not supported */
    struct finding *findings; /* OS packages by source, then the others; by id */
    size_t finding_count;
    struct finding *suppressed;
    size_t suppressed_count;
    struct match_gap *gaps;
    size_t gap_count;
    size_t unversioned; /* packages whose version is none that can be judged */
    struct mu_scan_counts counts;
};

/* Errors: MU_E_NOMEM. */
enum mu_status match_image(const struct match_rules *rules, const struct image_analysis *image,
                           struct mu_arena *arena, struct match_result *ret_result,
                           struct mu_error *err) MU_MUST_CHECK;

/*
 * One package by itself, for matching apart from images: nobody knows who owns it. `judge` is
 * scratch for any number of packages. Errors: MU_E_NOMEM.
 */
enum mu_status match_package(const struct match_rules *rules, struct judge *judge,
                             const struct package_distribution *distribution,
                             const struct image_package *package, struct mu_arena *arena,
                             struct match_result *ret_result, struct mu_error *err) MU_MUST_CHECK;

#endif
