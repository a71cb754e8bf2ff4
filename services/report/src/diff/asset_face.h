/*
 * asset_face: what a month knows of one asset, gathered from its rows: manifests, worst coverage
 * state, and on demand what its raw scans saw.
 *
 * Trust: raw scans are hashed before they are believed. Threads: one at a time.
 */
#ifndef REPORT_DIFF_ASSET_FACE_H
#define REPORT_DIFF_ASSET_FACE_H

#include "diff/diff.h"

#include "base/buf.h"

#include "json/json_doc.h"

enum { ASSET_FACE_MAX_BYTES = 4 * 1024 * 1024 };

struct asset_face {
    const struct diff_month *month;
    struct mu_buf uai;
    struct mu_buf manifests; /* a line each, in order */
    struct mu_buf evidence;  /* digests of raw scans, a line each */
    struct mu_buf state;     /* of the coverage, a line each where they differ */
    json_t *packages;        /* "name version" of what the raw scans saw; NULL until asked for */
    json_t *vex;             /* vulnerabilities that a VEX statement suppresses */
    bool looked;
};

void asset_face_init(struct asset_face *face, const struct diff_month *month);
void asset_face_done(struct asset_face *face);

/* Makes it that of the asset; nothing is done when it is already. Errors: MU_E_UNAVAILABLE,
 * MU_E_LIMIT. */
enum mu_status asset_face_of(struct asset_face *face, const char *uai,
                             struct mu_error *err) MU_MUST_CHECK;

/* Nothing of the asset is there. */
bool asset_face_absent(const struct asset_face *face);

/*
 * Whether the asset's raw scans saw one of the packages (a line each), and whether they suppress
 * the vulnerability by VEX. `ret_known` false: there is no raw scan to look into.
 */
struct asset_sight {
    bool known, package, vex;
};

enum mu_status asset_face_look(struct asset_face *face, const char *packages,
                               const char *vulnerability, struct asset_sight *ret_sight,
                               struct mu_error *err) MU_MUST_CHECK;

#endif
