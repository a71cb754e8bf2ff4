/*
 * evidence_store: raw scan results kept by content, as files DIR/sha256/ab/<hex>.
 *
 * A file is there entirely or not at all: bytes go to a temporary file, are hashed on the way,
 * fsync'd, and renamed to their name; the folder is fsync'd before success is reported.
 * Nothing is ever changed or removed.
 *
 * Threads: any, on one store; a writer belongs to one thread at a time.
 * Trust:   names and bytes are hostile; sizes are bounded by EVIDENCE_MAX_BYTES.
 */
#ifndef INVENTORY_EVIDENCE_STORE_H
#define INVENTORY_EVIDENCE_STORE_H

#include "base/buf.h"
#include "base/error.h"
#include "base/scope.h"

#include <stddef.h>
#include <stdint.h>

enum {
    EVIDENCE_MAX_BYTES = 256 * 1024 * 1024,
    EVIDENCE_MAX_VALUES = 4 * 1000 * 1000 /* of JSON, where it is read as a whole */
};

struct evidence_store;

/* Makes the folders; removes uploads cut off more than a day ago. Errors: MU_E_UNAVAILABLE,
 * MU_E_LIMIT (the name is too long). */
enum mu_status evidence_store_open(const char *folder, struct evidence_store **ret_store,
                                   struct mu_error *err) MU_MUST_CHECK;
void evidence_store_close(struct evidence_store *store); /* NULL is fine */

/* Appends the evidence to `out`. Errors: MU_E_NOT_FOUND, MU_E_INVALID (no digest), MU_E_LIMIT,
 * MU_E_UNAVAILABLE. */
enum mu_status evidence_store_read(const struct evidence_store *store, const char *digest,
                                   struct mu_buf *out, struct mu_error *err) MU_MUST_CHECK;
/* Open file, which the caller owns, and its size. Errors as above. */
enum mu_status evidence_store_open_file(const struct evidence_store *store, const char *digest,
                                        int *ret_fd, uint64_t *ret_size_bytes,
                                        struct mu_error *err) MU_MUST_CHECK;

/* Whether it is there. Errors as above. */
enum mu_status evidence_store_look(const struct evidence_store *store, const char *digest,
                                   struct mu_error *err) MU_MUST_CHECK;

struct evidence_writer;

/* `digest` is what the bytes must hash to. Errors: MU_E_INVALID, MU_E_UNAVAILABLE. */
enum mu_status evidence_writer_open(const struct evidence_store *store, const char *digest,
                                    struct evidence_writer **ret_writer,
                                    struct mu_error *err) MU_MUST_CHECK;
/* Errors: MU_E_LIMIT (over EVIDENCE_MAX_BYTES), MU_E_UNAVAILABLE (disk). */
enum mu_status evidence_writer_append(struct evidence_writer *writer, const void *bytes, size_t len,
                                      struct mu_error *err) MU_MUST_CHECK;

enum evidence_outcome { EVIDENCE_CREATED, EVIDENCE_EXISTED };
/* Errors: MU_E_INVALID (the bytes do not hash to the digest), MU_E_UNAVAILABLE. */
enum mu_status evidence_writer_commit(struct evidence_writer *writer,
                                      enum evidence_outcome *ret_outcome,
                                      struct mu_error *err) MU_MUST_CHECK;
/* Also gives up what was not committed. NULL is fine. */
void evidence_writer_free(struct evidence_writer *writer);

MU_DEFINE_AUTO(evidence_writer, struct evidence_writer, evidence_writer_free)

#endif
