/* A tag that names another image than before is told. */
#include "apply/batch_internal.h"

#include "store/outbox_row.h"

#include "oci/reference.h"

/* By whether the tag was deleted before, and whether it is floating. */
static const char *const sentences[2][2] = {
        {"a version tag was pushed again with another image: containers of one asset may differ; "
         "give each build its own version",
         "a floating tag names another image now"},
        {"a version tag was deleted and pushed again with another image: one asset has been two; "
         "give each build its own version",
         "a floating tag was deleted and pushed again with another image"}};

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
            .message = sentences[mu_pg_bool(result, row, 7)][floating],
            .occurred_at_us = mu_pg_time_us(result, row, 4),
            .details = {details, 2}};

    mu_oci_uai_format(repository, tag, NULL, uai);
    return outbox_notify(batch->set, &notification, mu_pg_text(result, row, 6), NULL, err);
}

enum { COLUMNS = 5, COLUMN_MAX_BYTES = 16 * 1024 * 1024 };

/* Tags that this batch tells of; false when there are none. */
static bool collect(struct batch *batch, struct mu_buf columns[COLUMNS])
{
    for (int c = 0; c < COLUMNS; c++)
        mu_pg_array_begin(&columns[c]);
    for (size_t i = 0; i < batch->distinct_count; i++) {
        const struct event *event = batch->distinct[i];
        const struct mu_registry_event *r = event->message;

        if (batch->fates[i] == FATE_DUPLICATE || !event->message ||
            event->type != MU_MSG_REGISTRY_EVENT || !effects_text(r->tag) ||
            r->action != MU_REGISTRY_PUSH)
            continue;
        mu_pg_array_add(&columns[0], event->event_id);
        mu_pg_array_add(&columns[1], r->repository);
        mu_pg_array_add(&columns[2], r->tag);
        mu_pg_array_add(&columns[3],
                        effects_time(&batch->effects, event_happened(event, r->occurred_at_us)));
        mu_pg_array_add(&columns[4], r->digest);
    }
    for (int c = 0; c < COLUMNS; c++)
        mu_pg_array_end(&columns[c]);
    return columns[0].len > 2;
}

static enum mu_status ask(struct batch *batch, const struct mu_buf columns[COLUMNS],
                          struct mu_pg_result **ret_result, struct mu_error *err)
{
    const char *values[COLUMNS];
    enum mu_status st = MU_OK;

    for (int c = 0; st == MU_OK && c < COLUMNS; c++) {
        st = mu_buf_status(&columns[c], "tags", err);
        values[c] = columns[c].data;
    }
    return st == MU_OK ? mu_pg_execute(batch->pg, READ_TAG_MOVES, values, ret_result, err) : st;
}

enum mu_status batch_notify_moves(struct batch *batch, struct mu_error *err)
{
    MU_AUTO(pg_result) struct mu_pg_result *result = NULL;
    struct mu_buf columns[COLUMNS];
    enum mu_status st = MU_OK;

    for (int c = 0; c < COLUMNS; c++)
        mu_buf_init(&columns[c], COLUMN_MAX_BYTES);
    if (collect(batch, columns))
        st = ask(batch, columns, &result, err);
    for (int c = 0; c < COLUMNS; c++)
        mu_buf_done(&columns[c]);
    for (size_t i = 0; st == MU_OK && result && i < mu_pg_rows(result); i++)
        st = notify_move(batch, result, i, err);
    return st;
}
