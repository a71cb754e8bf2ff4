/*
 * image_owners: which package of the distribution owns the file that another package was found in.
 *
 * Threads: none held. Trust: as merge_layer.h.
 */
#ifndef SCANNER_IMAGE_IMAGE_OWNERS_H
#define SCANNER_IMAGE_IMAGE_OWNERS_H

#include "image/image_scan.h"
#include "image/merge_see.h"

/* Fills owner_type and owner of the packages; texts in `arena`. A file that several own is said to
 * be of the one first in the order of type and name. Errors: MU_E_NOMEM. */
enum mu_status image_owners_find(const struct merge *merge, struct mu_arena *arena,
                                 struct image_package *packages, size_t count,
                                 struct mu_error *err) MU_MUST_CHECK;

#endif
