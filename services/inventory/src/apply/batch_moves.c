/* A tag that names another image than before is told. */
#include "apply/batch_internal.h"

#include "store/outbox_row.h"

#include "oci/reference.h"

static enum mu_status notify_move(struct batch *batch, const struct mu_pg_result *result,
                                  size_t row, struct mu_error *err)
{
    const char *repository = mu_pg_text(result, row, 0), *tag = mu_pg_text(result, row, 1);
    const char *now = mu_pg_text(result, row, 2), *before = mu_pg_text(result, row, 3);
    bool floating = mu_pg_bool(result, row, 5);
    struct mu_json_pair details[] = {{"digest", now}, {"previous_digest", before}};
    char uai[MU_OCI_UAI_SIZE];
    struct mu_notification notification = {
            .kind = "tag_moved",
            .severity = floating ? MU_NOTIFICATION_INFO : MU_NOTIFICATION_WARNING,
            .subject = uai,
            .message = floating
                               ? "a floating tag names another image now"
                               : "a version tag was pushed again with another image: containers of "
                                 "one asset may differ; give each build its own version",
            .occurred_at_us = mu_pg_time_us(result, row, 4),
            .details = {details, 2}};

    mu_oci_uai_format(repository, tag, NULL, uai);
    return outbox_notify(batch->applier->set, &notification, mu_pg_text(result, row, 6), NULL, err);
}

enum mu_status batch_notify_moves(struct batch *batch, struct mu_error *err)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf ids;
    MU_AUTO(pg_result) struct mu_pg_result *result = NULL;
    const char *values[] = {NULL};
    enum mu_status st;

    mu_buf_init(&ids, BATCH_IDS_MAX_BYTES);
    mu_pg_array_begin(&ids);
    for (size_t i = 0; i < batch->distinct_count; i++)
        if (batch->fates[i] != FATE_DUPLICATE && batch->distinct[i]->message &&
            batch->distinct[i]->type == MU_MSG_REGISTRY_EVENT)
            mu_pg_array_add(&ids, batch->distinct[i]->event_id);
    mu_pg_array_end(&ids);
    if (ids.len <= 2)
        return MU_OK;
    values[0] = ids.data;
    st = mu_pg_execute(batch->pg, READ_TAG_MOVES, values, &result, err);
    for (size_t i = 0; st == MU_OK && i < mu_pg_rows(result); i++)
        st = notify_move(batch, result, i, err);
    return st;
}
