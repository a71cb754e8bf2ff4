/*
 * layer_run: packed bytes of a layer in, its summary out, in this process.
 *
 * Threads: one thread at a time per run; the finders run on a thread of the run's own.
 * Trust:   input is hostile, and the finders read it here: sandbox/ does this in a child.
 * Errors:  of layer_stream.h and layer_analysis.h.
 */
#ifndef SCANNER_LAYER_LAYER_RUN_H
#define SCANNER_LAYER_LAYER_RUN_H

#include "layer/layer_analysis.h"
#include "layer/layer_stream.h"

struct layer_task {
    const struct summary_make *make; /* borrowed */
    struct layer_wants wants;        /* the same */
    struct layer_limits limits;
    int temp_fd; /* for large files, borrowed; -1: none */
};

struct layer_run;

enum mu_status layer_run_new(const struct layer_task *task, struct layer_run **ret_run,
                             struct mu_error *err) MU_MUST_CHECK;
void layer_run_free(struct layer_run *run); /* NULL is fine */
MU_DEFINE_AUTO(layer_run, struct layer_run, layer_run_free)

enum mu_status layer_run_write(struct layer_run *run, const void *bytes, size_t len,
                               struct mu_error *err) MU_MUST_CHECK;

/* No more bytes come. `ret_size_bytes` is what layer_run_output will write. */
enum mu_status layer_run_finish(struct layer_run *run, uint64_t *ret_size_bytes,
                                struct mu_error *err) MU_MUST_CHECK;
enum mu_status layer_run_output(struct layer_run *run, summary_out_fn *out, void *opaque,
                                struct mu_error *err) MU_MUST_CHECK;

#endif
