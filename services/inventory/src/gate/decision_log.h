/*
 * decision_log: every decision of a gate, on its own disk before it is answered, until the database
 * has it too.
 *
 * Decisions are numbered from 1 without a gap, for each instance of a gate: a folder that is new is
 * a new instance. A segment file "decisions-FIRST.log" is a header and frames:
 *
 *   "MUGD", length, sequence, chain, payload
 *
 * `chain` is the first 16 bytes of the SHA-256 over the chain before it, the sequence and the
 * payload: a record that was changed, taken out or put in breaks all that follow. The header of a
 * segment repeats the chain of the one before it.
 *
 * An append puts the record into memory, bounded, and does no more: one thread writes, another
 * calls fdatasync for all that was written meanwhile. Who appends may wait for the write, which is
 * what survives the end of this process, but not longer than his budget. When nothing more fits
 * into memory or on the disk's share, append refuses: the caller decides what an unlogged decision
 * is worth, and the next record says how many there were: they have no numbers, so no gap does.
 * The count survives the end of this process, within `sync_ms` or when the disk answers again, and
 * is told after the next start; when it ends just as a record tells them, they are told twice.
 *
 * Threads: append and wait from any; read from one.
 */
#ifndef INVENTORY_GATE_DECISION_LOG_H
#define INVENTORY_GATE_DECISION_LOG_H

#include "base/error.h"
#include "base/scope.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    DECISION_MAX_BYTES = 16 * 1024, /* of one payload */
    DECISION_CHAIN_BYTES = 16,
    DECISION_FRAME_BYTES = 32, /* before the payload */
    DECISION_INSTANCE_SIZE = 96
};

/* ---- frames ---- */

struct decision_frame {
    uint64_t sequence;
    const uint8_t *chain; /* as it is written there */
    const char *payload;
    size_t payload_len, frame_len;
};

/* The frame at the beginning of the bytes. Errors: MU_END (it goes on behind their end),
 * MU_E_INVALID (it is none). */
enum mu_status decision_frame_parse(const uint8_t *bytes, size_t len,
                                    struct decision_frame *ret_frame,
                                    struct mu_error *err) MU_MUST_CHECK;
/* Whether the frame follows the chain; the chain then goes on with it. */
bool decision_frame_follows(const struct decision_frame *frame,
                            uint8_t chain[DECISION_CHAIN_BYTES]);

/* ---- the log ---- */

struct decision_log_config {
    const char *folder, *name; /* of the gate; the instance's begins with it */
    uint64_t max_bytes;        /* of all segments */
    uint64_t segment_bytes;
    size_t queue_bytes; /* of what is not written yet */
    int64_t sync_ms;    /* between two fdatasync */
};

struct decision_log;

/* Opens or makes the folder, cuts off what a crash left half written, starts the threads. Errors:
 * MU_E_UNAVAILABLE, MU_E_INVALID (what lies there is no log of ours), MU_E_CONFLICT (another
 * process has it open). */
enum mu_status decision_log_open(const struct decision_log_config *config,
                                 struct decision_log **ret_log, struct mu_error *err) MU_MUST_CHECK;
/* Writes and syncs what is there. NULL is fine. */
void decision_log_close(struct decision_log *log);

/* "gate-a/3f2a...": the name, and what makes the folder unlike any other. */
const char *decision_log_instance(const struct decision_log *log);

/* The payload says that `lost_before` were lost since the record before it. Errors: MU_E_LIMIT (the
 * payload; or there is no room), which is one more that is lost; MU_E_CONFLICT (others were lost,
 * or told, meanwhile: encode it anew). */
enum mu_status decision_log_append(struct decision_log *log, const char *payload, size_t len,
                                   uint64_t lost_before, uint64_t *ret_sequence,
                                   struct mu_error *err) MU_MUST_CHECK;
/* One that cannot even be encoded is lost too. */
void decision_log_lose(struct decision_log *log);
/* Waits until the record is written; false when `budget_us` ended before, counted from when the
 * disk began to hold up the writer if that was earlier. */
bool decision_log_wait(struct decision_log *log, uint64_t sequence, int64_t budget_us);

struct decision_log_state {
    uint64_t next, written, synced; /* sequences; `written` and `synced` are the last ones */
    uint64_t kept_from;             /* the oldest that is still here */
    uint64_t lost;                  /* since the last record, or before this start */
    uint64_t bytes;
    bool failing; /* the disk takes nothing at present */
};
void decision_log_state(struct decision_log *log, struct decision_log_state *ret_state);

/*
 * Gives the synced records from `from` on to `each`, at most `most`; `ret_next` is the one to go on
 * with. Frames that are damaged are left out, so that the next sequence is not the one expected.
 * Errors: MU_E_UNAVAILABLE, or what `each` says.
 */
typedef enum mu_status decision_each_fn(void *opaque, const struct decision_frame *frame,
                                        struct mu_error *err);
enum mu_status decision_log_read(struct decision_log *log, uint64_t from, size_t most,
                                 decision_each_fn *each, void *opaque, uint64_t *ret_next,
                                 struct mu_error *err) MU_MUST_CHECK;
/* Removes segments that hold nothing from `from` on. */
void decision_log_forget(struct decision_log *log, uint64_t from);

MU_DEFINE_AUTO(decision_log, struct decision_log, decision_log_close)

#endif
