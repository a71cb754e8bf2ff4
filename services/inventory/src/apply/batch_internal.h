/*
 * batch_internal: what the files of one transaction share. Not for others.
 *
 * A batch is first made (batch_rows.c: messages become rows, without the database), then written
 * (batch_transaction.c). While one is written, the next is made.
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
    int64_t next_offset; /* that must come next, of what is committed; -1: any */
    int64_t reached;     /* by the batch that is written */
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
    /* used again by the next but one */
    struct write_set *set;
    struct job_wishes *wishes;
    struct mu_arena *arena;
    struct mu_buf plain, block; /* the payloads, before and after they are packed */
    /* of this one */
    struct mu_pg *pg;
    struct effects effects;
    const struct mu_incoming *messages;
    struct event *events;    /* as they came */
    struct event **distinct; /* each id once, sorted by it */
    size_t count, distinct_count;
    unsigned char *fates; /* enum fate of distinct */
    unsigned char *flags; /* PAYLOAD_ of distinct */
    char known_at[64];
    int64_t known_us, now_us;
    bool has_clock; /* its transaction has begun */
    bool is_replay; /* a rebuild: flags say what became of each event then */
    int64_t applied, quarantined, lost;
    /* the thread that writes it has it, and the connection, until it is waited for */
    pthread_t thread;
    bool is_written_apart;
    enum mu_status status;
    struct mu_error err;
};

struct batch_applier {
    const struct evidence_store *evidence;
    int64_t untagged_grace_ms;
    struct batch batches[2]; /* that is made; that is written meanwhile */
    struct batch *written;   /* NULL: none */
    struct claim claims[BATCH_MAX_PARTITIONS];
    size_t claim_count;
    struct trust trust;
    uint64_t connection; /* mu_pg_serial of the last batch's */
    bool lost_partition; /* the last batch failed because another process took a partition */
};

/* ---- batch_rows.c: no database ---- */

/* Empties it for `count` of these messages; they are borrowed. */
void batch_begin(struct batch *batch, struct mu_pg *pg, const struct mu_incoming *messages,
                 size_t count);
/* Room for `count` events. Errors: MU_E_UNAVAILABLE. */
enum mu_status batch_make_room(struct batch *batch, struct mu_error *err) MU_MUST_CHECK;
/* Each id once. Errors: MU_E_UNAVAILABLE. */
enum mu_status batch_identify(struct batch *batch, struct mu_error *err) MU_MUST_CHECK;
/* What the events teach, but for duplicates, as rows of the write set. Errors: those of effects.
 */
enum mu_status batch_apply_events(struct batch *batch, struct mu_error *err) MU_MUST_CHECK;

/* ---- batch_ledger.c ---- */

/* Holds the clock from here on; fills in known_at. Errors: as mu_pg_execute. */
enum mu_status batch_tick(struct batch *batch, struct mu_error *err) MU_MUST_CHECK;
/* Asks which ids are there, and fills in fates. Errors: as mu_pg_execute. */
enum mu_status batch_ask_ids(struct batch *batch, struct mu_error *err) MU_MUST_CHECK;
/* Its row of the ledger, into the write set. */
void batch_add_row(struct batch *batch, size_t place);
/* The payloads of the batch, into the write set. Errors: MU_E_LIMIT, MU_E_NOMEM. */
enum mu_status batch_add_payloads(struct batch *batch, struct mu_error *err) MU_MUST_CHECK;
/* Moves the positions on. Errors: MU_E_CONFLICT and lost_partition (a partition is another
 * process's now), as mu_pg_execute. */
enum mu_status batch_advance(struct batch *batch, struct mu_error *err) MU_MUST_CHECK;

/* ---- batch_lost.c ---- */

/* Place among the claims; claim_count: not claimed. */
size_t batch_find_claim(const struct batch_applier *applier, enum mu_topic topic,
                        int32_t partition);
/* The offset that must come next; -1: any. */
int64_t batch_expected(const struct batch_applier *applier, enum mu_topic topic, int32_t partition);
/* Failures of messages that do not follow on those before, into the write set. Errors: as
 * lost_tell. */
enum mu_status batch_note_lost(struct batch *batch, struct mu_error *err) MU_MUST_CHECK;
/* The batch is committed: what comes next follows on it. */
void batch_reached(struct batch_applier *applier);

/* ---- batch_moves.c ---- */

/* Notifications of tags that moved, into the write set. Errors: as mu_pg_execute. */
enum mu_status batch_notify_moves(struct batch *batch, struct mu_error *err) MU_MUST_CHECK;

/* ---- batch_transaction.c ---- */

/*
 * The rows of a batch that was begun. When ids are not trusted its transaction begins here, to ask
 * for them: nobody else may use the connection then. `poison` NULL, or why its only message is to
 * be quarantined. Errors: those of its parts; nothing is open then.
 */
enum mu_status batch_make(struct batch *batch, const struct mu_error *poison,
                          struct mu_error *err) MU_MUST_CHECK;
bool batch_must_ask(const struct batch_applier *applier);

/* Writes and commits a batch that was made, in a thread of its own if `apart`. Its thread has the
 * connection until batch_written has told how it went. */
void batch_write(struct batch *batch, bool apart);
enum mu_status batch_written(struct batch *batch, struct mu_error *err) MU_MUST_CHECK;

#endif
