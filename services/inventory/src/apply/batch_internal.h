/*
 * batch_internal: what the files of one transaction share. Not for others.
 */
#ifndef INVENTORY_APPLY_BATCH_INTERNAL_H
#define INVENTORY_APPLY_BATCH_INTERNAL_H

#include "apply/batch.h"
#include "apply/effects.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

enum { BATCH_MAX_PARTITIONS = 1024, BATCH_IDS_MAX_BYTES = 4 * 1024 * 1024 };

struct claim {
    enum mu_topic topic;
    int32_t partition;
    int64_t epoch;
};

/* A thread that has a write set and the connection until it is waited for. */
struct batch_sender {
    pthread_t thread;
    bool running;
    struct write_set *set;
    struct mu_pg *pg;
    const char *known_at;
    enum mu_status status;
    struct mu_error err;
};

struct batch_applier {
    const struct evidence_store *evidence;
    int64_t untagged_grace_ms;
    struct write_set *set, *other; /* that is filled; that is sent meanwhile */
    struct batch_sender sender;
    struct job_wishes *wishes;
    struct mu_arena *arena;
    struct claim claims[BATCH_MAX_PARTITIONS];
    size_t claim_count;
    struct mu_buf plain, block; /* the payloads of a batch, before and after they are packed */
    struct trust trust;
    uint64_t connection; /* mu_pg_serial of the last batch's */
    bool lost_partition; /* the last batch failed because another process took a partition */
};

/* What became of an event of the batch. */
enum fate {
    FATE_DUPLICATE,
    FATE_NEW,       /* its id was taken now */
    FATE_UNDERSTOOD /* the ledger had it as quarantined; now it is understood */
};

/* One transaction. */
struct batch {
    struct batch_applier *applier;
    struct mu_pg *pg;
    struct effects effects;
    struct event *events;    /* as they came */
    struct event **distinct; /* each id once, sorted by it */
    size_t count, distinct_count;
    unsigned char *fates; /* enum fate of distinct */
    unsigned char *flags; /* PAYLOAD_ of distinct */
    char known_at[64];
    int64_t known_us, now_us;
    bool is_replay; /* a rebuild: flags say what became of each event then */
    int64_t applied, quarantined;
};

/* Sends the rows made so far; they are sent behind what was sent before. Nobody else may use the
 * connection before batch_send_wait. Errors: of what was sent before; as write_set_queue. */
enum mu_status batch_send(struct batch *batch, struct mu_error *err);
enum mu_status batch_send_wait(struct batch *batch, struct mu_error *err);

/* Takes the ids of the batch: fills in known_at and fates. Errors: as mu_pg_execute. */
enum mu_status batch_take_ids(struct batch *batch, struct mu_error *err);
/* Its row of the ledger, into the write set. */
void batch_add_row(struct batch *batch, size_t place);
/* The payloads of the batch, into the write set. Errors: MU_E_LIMIT, MU_E_NOMEM. */
enum mu_status batch_add_payloads(struct batch *batch, struct mu_error *err);
/* Moves the positions on. Errors: MU_E_CONFLICT and lost_partition (a partition is another
 * process's now), as mu_pg_execute. */
enum mu_status batch_advance(struct batch *batch, struct mu_error *err);
/* Notifications of tags that moved, into the write set. Errors: as mu_pg_execute. */
enum mu_status batch_notify_moves(struct batch *batch, struct mu_error *err);

#endif
