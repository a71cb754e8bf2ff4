/*
 * layer_analysis: the entries of one layer, shown to the finders, become the layer's summary.
 *
 * Each entry is looked at once and in the tar's order. Of files that some finder wants, by path or
 * by first bytes, the content is put together and read; the rest passes by.
 *
 * An entry is put into the summary by name when it bears evidence, is a link or a whiteout, or when
 * the order within the layer matters: it stands where such an entry, or one above it, was put
 * before. All others are a hash.
 *
 * Threads: one at a time per analysis. Trust: entries are hostile; limits of layer_summary.h.
 * Errors of its sink: MU_E_LIMIT, MU_E_NOMEM, MU_E_UNAVAILABLE (disk); never what a finder says of
 * a file, which is evidence too.
 */
#ifndef SCANNER_LAYER_LAYER_ANALYSIS_H
#define SCANNER_LAYER_LAYER_ANALYSIS_H

#include "layer/layer_summary.h"
#include "layer/summary_writer.h"
#include "layer/tar_walk.h"

enum { LAYER_WANTS_MAX = 256 };

/* A place that links lead to: what is at or below `path` is shown to the finders as if it were at
 * or below `as`. */
struct layer_want {
    const char *path, *as; /* cleaned, not "" */
};

struct layer_wants {
    const struct layer_want *items;
    size_t count;
};

struct layer_analysis;

/* `make`, the wants and `temp_fd` (for large files; -1: none) are borrowed. */
struct layer_analysis *layer_analysis_new(const struct summary_make *make, struct layer_wants wants,
                                          int temp_fd);
void layer_analysis_free(struct layer_analysis *analysis); /* NULL is fine */
MU_DEFINE_AUTO(layer_analysis, struct layer_analysis, layer_analysis_free)

void layer_analysis_sink(struct layer_analysis *analysis, struct tar_sink *ret_sink);

/* After the last entry. */
struct summary_writer *layer_analysis_writer(struct layer_analysis *analysis);

#endif
