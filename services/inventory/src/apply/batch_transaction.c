/* A batch's rows are made, and written in one transaction, perhaps while those of the next are
 * made. */
#include "apply/batch_internal.h"
#include "store/metrics.h"

/* ---- made ---- */

bool batch_must_ask(const struct batch_applier *applier)
{
    return !trust_in(&applier->trust, WRITE_LEDGER_IDS);
}

static enum mu_status begin(struct batch *batch, struct mu_error *err)
{
    enum mu_status st = mu_pg_begin(batch->pg, MU_PG_READ_COMMITTED, err);

    if (st == MU_OK)
        st = batch_tick(batch, err);
    batch->has_clock = st == MU_OK;
    return st;
}

static enum mu_status make(struct batch *batch, const struct mu_error *poison, struct mu_error *err)
{
    enum mu_status st = batch_identify(batch, err);

    if (st == MU_OK && poison) {
        event_read(&batch->events[0], batch->arena);
        event_reject(&batch->events[0], batch->arena, poison);
    }
    if (st == MU_OK && batch_must_ask(batch->applier)) {
        st = begin(batch, err);
        if (st == MU_OK)
            st = batch_ask_ids(batch, err);
    }
    if (st == MU_OK)
        st = batch_apply_events(batch, err);
    for (size_t i = 0; st == MU_OK && i < batch->distinct_count; i++)
        if (batch->fates[i] != FATE_DUPLICATE)
            batch_add_row(batch, i);
    return st == MU_OK ? batch_add_payloads(batch, err) : st;
}

enum mu_status batch_make(struct batch *batch, const struct mu_error *poison, struct mu_error *err)
{
    enum mu_status st = make(batch, poison, err);

    if (st != MU_OK && batch_must_ask(batch->applier))
        mu_pg_rollback(batch->pg);
    return st;
}

/* ---- written ---- */

static enum mu_status flush(struct batch *batch, struct mu_error *err)
{
    enum mu_status st = write_set_queue(batch->set, batch->pg, batch->known_at, err);

    return st == MU_OK ? mu_pg_sync(batch->pg, err) : st;
}

static enum mu_status write(struct batch *batch, struct mu_error *err)
{
    MU_AUTO(pg_transaction) struct mu_pg *transaction = batch->pg;
    enum mu_status st = batch->has_clock ? MU_OK : begin(batch, err);

    (void)transaction;
    if (st != MU_OK)
        return st;
    job_wishes_write(batch->wishes, batch->set, batch->known_us, batch->arena);
    st = flush(batch, err);
    if (st == MU_OK)
        st = batch_notify_moves(batch, err);
    if (st == MU_OK)
        st = batch_note_lost(batch, err);
    if (st == MU_OK)
        st = flush(batch, err);
    if (st == MU_OK)
        st = batch_advance(batch, err);
    return st == MU_OK ? mu_pg_commit(batch->pg, err) : st;
}

static void *write_apart(void *opaque)
{
    struct batch *batch = opaque;

    batch->status = write(batch, &batch->err);
    return NULL;
}

void batch_write(struct batch *batch, bool apart)
{
    batch->is_written_apart =
            apart && pthread_create(&batch->thread, NULL, write_apart, batch) == 0;
    if (!batch->is_written_apart)
        (void)write_apart(batch);
}

static void count(const struct batch *batch)
{
    mu_metric_add(&metric_events_applied, batch->applied);
    mu_metric_add(&metric_events_quarantined, batch->quarantined);
    mu_metric_add(&metric_events_lost, batch->lost);
    mu_metric_add(&metric_findings_loaded, batch->effects.findings);
    mu_metric_add(&metric_events_duplicate,
                  (int64_t)batch->count - batch->applied - batch->quarantined);
}

enum mu_status batch_written(struct batch *batch, struct mu_error *err)
{
    if (batch->is_written_apart)
        (void)pthread_join(batch->thread, NULL);
    batch->is_written_apart = false;
    if (batch->status != MU_OK) {
        *err = batch->err;
        return batch->status;
    }
    mu_metric_add(&metric_batches, 1);
    batch_reached(batch->applier);
    write_set_keep(batch->set);
    trust_kept(&batch->applier->trust);
    count(batch);
    return MU_OK;
}
