/*
 * bom_parts: what the parts of image_bom share. Internal to scans.
 */
#ifndef REPORT_SCANS_BOM_PARTS_H
#define REPORT_SCANS_BOM_PARTS_H

#include "scans/image_bom.h"

#include "base/buf.h"
#include "sbom/cyclonedx.h"
#include "json/json_stream.h"

struct bom_writer {
    const struct image_bom *bom;
    struct json_stream *out;
    const struct mu_sbom_image *image;
    json_t *packages; /* "type\nname\nversion" -> ["ref\npath\ninner path"] */
    json_t *refs;     /* references that are taken */
    struct mu_buf key, text;
};

/* Text of a member of one name; NULL: none. */
const char *bom_text(const json_t *object, const char *name);

/* Calls for the reference of each package that the finding names; how many there were. */
size_t bom_each_ref(struct bom_writer *writer, const json_t *finding,
                    void (*each)(struct bom_writer *writer, const char *ref));

/* Member `vulnerabilities`. */
void bom_put_vulnerabilities(struct bom_writer *writer);

#endif
