/*
 * summary_box: the bytes of one summary, from wherever they come, and the summary in them.
 *
 * A large one lies in a nameless file that is mapped, so that the summaries of an image of many
 * large layers are the system's to page.
 *
 * Threads: one at a time per box. Trust: bytes are put in as they come; summary_box_open checks.
 */
#ifndef SCANNER_LAYER_SUMMARY_BOX_H
#define SCANNER_LAYER_SUMMARY_BOX_H

#include "layer/layer_summary.h"

struct summary_box {
    uint8_t *bytes;
    size_t len, have;
    size_t skipped; /* bytes of a mapped file before the summary */
    bool mapped;
    struct layer_summary summary; /* head NULL: not opened */
};

void summary_box_done(struct summary_box *box); /* also of one that is all zeros */

/* Room for `len` bytes; a large one needs `temp_dir`. Errors: MU_E_LIMIT, MU_E_NOMEM,
 * MU_E_UNAVAILABLE (disk). */
enum mu_status summary_box_begin(struct summary_box *box, uint64_t len, const char *temp_dir,
                                 struct mu_error *err) MU_MUST_CHECK;
/* A summary_out_fn; `opaque` is the box. Errors: MU_E_INVALID (more than was said). */
enum mu_status summary_box_put(void *opaque, const void *bytes, size_t len,
                               struct mu_error *err) MU_MUST_CHECK;
/* The file's bytes behind the first `skipped` (a multiple of 8). Errors: MU_E_UNAVAILABLE,
 * MU_E_INVALID (size). */
enum mu_status summary_box_map(struct summary_box *box, int fd, size_t skipped,
                               struct mu_error *err) MU_MUST_CHECK;
/* Errors: MU_E_INVALID. */
enum mu_status summary_box_open(struct summary_box *box, const struct summary_make *make,
                                struct mu_error *err) MU_MUST_CHECK;

#endif
