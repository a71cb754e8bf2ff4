/* The rows of one part of a batch go to the database while those of the next are made. */
#include "apply/batch_internal.h"

#include "base/memory.h"

static void *send_rows(void *opaque)
{
    struct batch_sender *sender = opaque;

    sender->status = write_set_queue(sender->set, sender->pg, sender->known_at, &sender->err);
    return NULL;
}

enum mu_status batch_send_wait(struct batch *batch, struct mu_error *err)
{
    struct batch_sender *sender = &batch->applier->sender;

    if (!sender->running)
        return MU_OK;
    (void)pthread_join(sender->thread, NULL);
    sender->running = false;
    if (sender->status != MU_OK)
        *err = sender->err;
    return sender->status;
}

enum mu_status batch_send(struct batch *batch, struct mu_error *err)
{
    struct batch_applier *applier = batch->applier;
    struct batch_sender *sender = &applier->sender;
    enum mu_status st = batch_send_wait(batch, err);

    if (st != MU_OK)
        return st;
    sender->set = applier->set;
    sender->pg = batch->pg;
    sender->known_at = batch->known_at;
    applier->set = applier->other;
    applier->other = sender->set;
    batch->effects.set = applier->set;
    sender->running = pthread_create(&sender->thread, NULL, send_rows, sender) == 0;
    if (sender->running)
        return MU_OK;
    (void)send_rows(sender);
    if (sender->status != MU_OK)
        *err = sender->err;
    return sender->status;
}
