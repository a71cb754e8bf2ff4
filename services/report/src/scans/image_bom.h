/*
 * image_bom: a raw scan as a bill of materials with its vulnerabilities, CycloneDX 1.6
 * (sbom/cyclonedx.h). Packages, URLs, places and layers are the scan's; what a scan tells of a
 * package only by a finding (another scanner's report) is a package too, and the list is then
 * incomplete.
 *
 * A match that the scan does not count is there with the state of its analysis.
 *
 * Trust: evidence whose hash was checked; texts are hostile. References that are no address of the
 * web are left out.
 */
#ifndef REPORT_SCANS_IMAGE_BOM_H
#define REPORT_SCANS_IMAGE_BOM_H

#include "json/json_doc.h"

#include "base/error.h"

struct image_bom {
    const json_t *scan;
    const char *evidence_digest, *digest; /* of the scan, of the image's manifest */
    const char *repository;               /* where the scan does not say it */
};

/* A new file, not yet durable. Errors: MU_E_UNAVAILABLE. */
enum mu_status image_bom_write(const struct image_bom *bom, const char *path,
                               struct mu_error *err) MU_MUST_CHECK;

#endif
