/*
 * scan_target: the image a person names on the command line: an image on disk, or one of a
 * registry, and which of the platforms of an index.
 *
 * What exists as a file or folder is an image on disk; everything else is a reference of a
 * registry. Speaks to nobody: errors say what to do.
 */
#ifndef SCANNER_APP_SCAN_TARGET_H
#define SCANNER_APP_SCAN_TARGET_H

#include "msg/msg.h"
#include "source/local_source.h"

enum { SCAN_PLATFORM_DEPTH_MAX = 3 }; /* an index of indexes of indexes */

struct scan_target {
    struct image_source *source;
    struct mu_oci_reference reference; /* digest filled in */
};

/*
 * `image` as local_source_open; NULL or "": none. Ownership: the caller frees ret_target->source.
 * Errors: MU_E_INVALID (no reference; neither tag nor digest), those of local_source_open,
 * image_source_open_registry and image_source_resolve.
 */
enum mu_status scan_target_open(const char *name, const char *image,
                                const struct registry_book *book, int64_t deadline_ms,
                                struct scan_target *ret_target, struct mu_error *err) MU_MUST_CHECK;

/*
 * The child of an index for `platform`, "os/architecture[/variant]" (NULL: this machine's, or
 * the only image there is). Without one, of indexes among the children the first to look into.
 * Errors: MU_E_NOT_FOUND listing what there is.
 */
enum mu_status scan_platform_choose(const struct mu_scan_result *index, const char *platform,
                                    const struct mu_scan_child **ret_child,
                                    struct mu_error *err) MU_MUST_CHECK;

#endif
