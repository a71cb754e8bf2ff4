/*
 * decision_log_internal: what the parts of a decision log (decision_log.h) share. decision_log.c
 * opens, closes and appends; decision_log_disk.c has the two threads that write and sync;
 * decision_log_lost.c keeps how many were lost, over a restart; decision_log_read.c reads what is
 * synced, and forgets.
 *
 * Threads: see the fields.
 */
#ifndef INVENTORY_GATE_DECISION_LOG_INTERNAL_H
#define INVENTORY_GATE_DECISION_LOG_INTERNAL_H

#include "gate/decision_frame.h"
#include "gate/decision_log.h"
#include "gate/decision_segments.h"

#include "base/buf.h"

#include <pthread.h>

enum { US_IN_S = 1000000, NS_IN_US = 1000, RETIRED_MAX = 8 };

struct decision_log {
    struct decision_log_config config;
    char instance[DECISION_INSTANCE_SIZE];
    int lock_fd, lost_fd;
    pthread_t writer, syncer;
    bool writer_runs, syncer_runs;

    pthread_mutex_t lock;  /* of all below, but what only the writer touches */
    pthread_cond_t queued; /* there is something to write, or the end has come */
    pthread_cond_t moved;  /* `written` or `synced` did */
    struct mu_buf queue;
    uint8_t chain[DECISION_CHAIN_BYTES]; /* behind the last queued */
    uint64_t next, written, synced, kept_from, lost, bytes;
    uint64_t told, told_by; /* what queued records tell as lost, and the last of these */
    uint64_t lost_kept;     /* what the file says; others are the syncer's to keep */
    struct segment_list segments;
    int fd;                   /* of the last segment */
    int retired[RETIRED_MAX]; /* of segments that are full and not synced yet, the oldest first */
    unsigned retired_count;
    bool folder_changed;   /* and is not synced yet */
    int64_t busy_since_us; /* what the writer does began then, monotonic; 0: it waits */
    bool stopping, failing;

    struct mu_buf writing;    /* the writer's: taken out of the queue whole */
    size_t writing_done;      /* of it are on the disk */
    uint64_t writing_next;    /* the sequence behind it */
    uint64_t segment_written; /* bytes */
};

/* Monotonic. */
int64_t decision_log_clock_us(void);

/* One of the folder's other files, made if it is not there. Errors: MU_E_INVALID (the folder's name
 * is too long), MU_E_UNAVAILABLE. */
enum mu_status decision_log_open_file(const struct decision_log *log, const char *name, int *ret_fd,
                                      struct mu_error *err) MU_MUST_CHECK;
/* A file with its header; -1 when it cannot be made. */
int decision_log_create_segment(const struct decision_log *log, uint64_t first,
                                const uint8_t chain[DECISION_CHAIN_BYTES]);
bool decision_log_sync_folder(const struct decision_log *log);
/* Under the lock. One that is listed already, with no record in it, is begun anew. */
void decision_log_list_segment(struct decision_log *log, uint64_t first);

/* How many were lost and no record on the disk says so. Open gives what an earlier process left;
 * keep is false when the disk does not take it. Unkept: under the lock. */
enum mu_status decision_log_lost_open(struct decision_log *log, struct mu_error *err) MU_MUST_CHECK;
bool decision_log_lost_unkept(const struct decision_log *log);
bool decision_log_lost_keep(struct decision_log *log, uint64_t lost);

/* The threads, of a `struct decision_log *`. */
void *decision_log_run_writer(void *opaque);
void *decision_log_run_syncer(void *opaque);

#endif
