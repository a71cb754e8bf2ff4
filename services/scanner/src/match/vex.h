/*
 * vex: statements of whether a product is affected by a vulnerability.
 *
 * Sources: OpenVEX 0.2 (statements, products with subcomponents, status, justification) and
 * CycloneDX 1.4 and later (vulnerabilities with analysis and affects). A product is a package
 * (purl; its version counts when it is written, qualifiers do not) or, by an OCI purl, an image:
 * then its subcomponents are the packages, or all of the image when there are none. Of several
 * statements the latest holds, of equals the last read.
 *
 * Threads: a set is constant once loaded. Ownership: a set owns its texts.
 * Trust: outside bytes, bounded; what is malformed is refused whole, since half of somebody's
 * statements is not what they said.
 */
#ifndef SCANNER_MATCH_VEX_H
#define SCANNER_MATCH_VEX_H

#include "image/image_scan.h"

#include "base/error.h"
#include "base/scope.h"

#include <stddef.h>
#include <stdint.h>

enum vex_status { VEX_NOT_AFFECTED, VEX_AFFECTED, VEX_FIXED, VEX_UNDER_INVESTIGATION };
const char *vex_status_word(enum vex_status status);

struct vex_statement {
    const char *vulnerability;
    enum vex_status status;
    const char *justification, *detail; /* NULL: not given */
    const char *author, *source;        /* source: name of the document's file */
    int64_t at_us;                      /* MU_TIME_NONE: not said */
    /* The package; type NULL: any of the image. */
    const char *type, *name, *version;
    const char *image; /* digest of the image it is about, "" without one; NULL: any image */
    uint32_t sequence; /* place in the order of reading */
};

struct vex_set;

struct vex_set *vex_set_new(void);
void vex_set_free(struct vex_set *set); /* NULL is fine */
MU_DEFINE_AUTO(vex_set, struct vex_set, vex_set_free)

/* One document. `source` names it. Errors: MU_E_INVALID naming the member, MU_E_LIMIT,
 * MU_E_NOMEM; nothing of it is kept then. */
enum mu_status vex_set_read(struct vex_set *set, const char *source, const char *bytes, size_t len,
                            struct mu_error *err) MU_MUST_CHECK;
/* A file, or all *.json of a folder. Errors: as above, MU_E_NOT_FOUND, MU_E_UNAVAILABLE. */
enum mu_status vex_set_load(struct vex_set *set, const char *path,
                            struct mu_error *err) MU_MUST_CHECK;

size_t vex_set_count(const struct vex_set *set);

/* What holds for the vulnerability in the package of that image; `image` NULL: not known. NULL:
 * nobody said anything. */
const struct vex_statement *vex_set_find(const struct vex_set *set, const char *vulnerability,
                                         const struct image_package *package, const char *image);

#endif
