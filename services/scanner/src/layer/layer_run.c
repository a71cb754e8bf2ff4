#include "layer/layer_run.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

struct layer_run {
    struct layer_analysis *analysis;
    struct layer_stream *stream;
    struct summary_head head;
};

enum mu_status layer_run_new(const struct layer_task *task, struct layer_run **ret_run,
                             struct mu_error *err)
{
    MU_AUTO(layer_run) struct layer_run *run = mu_xcalloc(1, sizeof(*run));
    struct tar_sink sink;

    run->analysis = layer_analysis_new(task->make, task->wants, task->temp_fd);
    layer_analysis_sink(run->analysis, &sink);
    if (layer_stream_new(&task->limits, &sink, &run->stream, err) != MU_OK ||
        layer_stream_split(run->stream, err) != MU_OK)
        return err->status;
    *ret_run = run;
    run = NULL;
    return MU_OK;
}

void layer_run_free(struct layer_run *run)
{
    if (!run)
        return;
    layer_stream_free(run->stream); /* first: its thread uses the analysis */
    layer_analysis_free(run->analysis);
    free(run);
}

enum mu_status layer_run_write(struct layer_run *run, const void *bytes, size_t len,
                               struct mu_error *err)
{
    return layer_stream_write(run->stream, bytes, len, err);
}

enum mu_status layer_run_finish(struct layer_run *run, uint64_t *ret_size_bytes,
                                struct mu_error *err)
{
    struct layer_result result;

    if (layer_stream_finish(run->stream, &result, err) != MU_OK)
        return err->status;
    memcpy(run->head.diff_id, result.diff_id, sizeof(run->head.diff_id));
    run->head.packed_bytes = result.packed_bytes;
    run->head.unpacked_bytes = result.unpacked_bytes;
    run->head.tar_entries = result.entries;
    *ret_size_bytes = summary_writer_size(layer_analysis_writer(run->analysis));
    return MU_OK;
}

enum mu_status layer_run_output(struct layer_run *run, summary_out_fn *out, void *opaque,
                                struct mu_error *err)
{
    return summary_writer_finish(layer_analysis_writer(run->analysis), &run->head, out, opaque,
                                 err);
}
