/*
 * spool: a bounded queue of messages on disk, for when Kafka is down or slow.
 *
 * Segments DIR/<number>.spool: a magic, then records of length, checksum and payload. One writer
 * thread appends for everybody and fsyncs once per group; a message's callback runs after that. A
 * segment is removed only when all of its messages have been delivered.
 *
 * A torn record at the end of a segment was never acknowledged and is dropped. One that is whole
 * but does not match its checksum is damage: what can still be read around it is delivered, and the
 * reader is told, so that it keeps the file.
 *
 * Order: messages come out in the order in which they were appended.
 *
 * Threads: spool_append from any thread; reading belongs to one drainer thread.
 */
#ifndef INGEST_SPOOL_H
#define INGEST_SPOOL_H

#include "bus/bus.h"

#include <limits.h>
#include <stdint.h>

enum { SPOOL_RECORD_MAX_BYTES = 256 * 1024 };

struct spool;

struct spool_config {
    const char *folder;
    int64_t max_bytes;     /* of all segments and kept files together */
    int64_t segment_bytes; /* a new segment begins beyond this; 0: 16 MiB; the drainer holds one in
                              memory */
};

/* Finds segments of earlier lives. `folder` outlives the spool. Errors: MU_E_UNAVAILABLE,
 * MU_E_CONFLICT (another process has the folder). */
enum mu_status spool_open(const struct spool_config *config, struct spool **ret_spool,
                          struct mu_error *err) MU_MUST_CHECK;
/* Writes what is waiting, then stops. NULL is fine. */
void spool_close(struct spool *spool);

/* MU_OK: on disk. MU_E_UNAVAILABLE: the disk refused. Runs on the writer thread. */
typedef void spool_done_fn(void *opaque, enum mu_status status);

/*
 * Copies the message; `done` runs exactly once if and only if MU_OK is returned.
 * Errors: MU_E_LIMIT (the bound is reached), MU_E_UNAVAILABLE (closing).
 */
enum mu_status spool_append(struct spool *spool, const struct mu_outgoing *message,
                            spool_done_fn *done, void *opaque, struct mu_error *err) MU_MUST_CHECK;

int64_t spool_bytes(const struct spool *spool); /* on disk and waiting */
bool spool_has_room(const struct spool *spool);

/* ---- draining ---- */

/* `message` is borrowed during the call. A failure ends the reading and is returned. */
typedef enum mu_status spool_message_fn(void *opaque, const struct mu_outgoing *message,
                                        struct mu_error *err);

/*
 * Reads the oldest segment, the one being written included (a new one is begun). MU_END: the spool
 * is empty. `ret_damaged`: not everything in it could be read. Errors: MU_E_UNAVAILABLE (disk), or
 * what `each` returned. The segment stays until one of the two below.
 */
enum mu_status spool_read_oldest(struct spool *spool, spool_message_fn *each, void *opaque,
                                 bool *ret_damaged, struct mu_error *err) MU_MUST_CHECK;
/* Everything in the segment last read is delivered. */
void spool_remove_oldest(struct spool *spool);
/* Sets the segment last read aside for a person, as <segment>.<why>; renamed back, it is delivered
 * again. `ret_path` is where. Errors: MU_E_UNAVAILABLE. */
enum mu_status spool_keep_oldest(struct spool *spool, const char *why, char ret_path[PATH_MAX],
                                 struct mu_error *err) MU_MUST_CHECK;

/* Reads one segment file's bytes. `ret_damaged` as above. */
enum mu_status spool_parse(const char *bytes, size_t len, spool_message_fn *each, void *opaque,
                           bool *ret_damaged, struct mu_error *err) MU_MUST_CHECK;

#endif
