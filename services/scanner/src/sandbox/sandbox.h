/*
 * sandbox: reads one layer in a process of its own, which can do nothing but that.
 *
 * The process is this program once more (/proc/self/exe with SANDBOX_COMMAND); it gets the layer's
 * packed bytes over a socket and gives the layer's summary back. One process reads one layer: what
 * a hostile layer may do to it ends with it. Its memory and its time have limits; when it crashes
 * or exceeds them, that is an error of this layer.
 *
 * Threads: one at a time per sandbox. Trust: all that it says is hostile; the summary is checked by
 * whoever opens the box.
 * Errors:  the layer's own, as of layer_run.h; MU_E_LIMIT (memory, processor time), MU_E_INTERNAL
 *          (it crashed, or says nonsense), MU_E_UNAVAILABLE (no process), or what `tick` says.
 */
#ifndef SCANNER_SANDBOX_SANDBOX_H
#define SCANNER_SANDBOX_SANDBOX_H

#include "layer/layer_run.h"
#include "layer/summary_box.h"

/* Asked a few times a second while the sandbox is waited for; any status but MU_OK ends that. */
struct sandbox_tick {
    enum mu_status (*tick)(void *opaque, struct mu_error *err);
    void *opaque;
};

struct sandbox_config {
    const char *temp_dir; /* for large files and summaries; borrowed */
    uint64_t cpu_seconds; /* of the process */
    struct sandbox_tick tick;
};

struct sandbox;

/* `task->temp_fd` is not used: the sandbox gets a file of its own. */
enum mu_status sandbox_start(const struct layer_task *task, const struct sandbox_config *config,
                             struct sandbox **ret_sandbox, struct mu_error *err) MU_MUST_CHECK;
void sandbox_free(struct sandbox *sandbox); /* ends the process; NULL is fine */
MU_DEFINE_AUTO(sandbox, struct sandbox, sandbox_free)

enum mu_status sandbox_write(struct sandbox *sandbox, const void *bytes, size_t len,
                             struct mu_error *err) MU_MUST_CHECK;
/* No more bytes come; waits for the summary. */
enum mu_status sandbox_finish(struct sandbox *sandbox, struct summary_box *ret_box,
                              struct mu_error *err) MU_MUST_CHECK;

#endif
