/*
 * store_writer: the one who adds to a store of closed months. It holds the store's lock; nothing it
 * does changes or removes what the store has.
 *
 * Crash-safe: evidence appears under its hash only when its bytes are on the disk; a month's folder
 * is built in `building`, synced and renamed. Killed at any instant, the month is there wholly or
 * not at all; the next writer clears `building`.
 *
 * Threads: one. Errors of every function: MU_E_UNAVAILABLE (the disk), MU_E_LIMIT (a path).
 */
#ifndef REPORT_STORE_WRITER_H
#define REPORT_STORE_WRITER_H

#include "store/month_files.h"
#include "store/month_store.h"

struct store_writer;

/*
 * Makes the folder when it is not there. `doing` tells others what is under way: "close 2026-10".
 * Errors besides: MU_E_CONFLICT (another writer holds the lock; the message says which), and those
 * of month_store_open.
 */
enum mu_status store_writer_open(const char *folder, const char *doing,
                                 struct store_writer **ret_writer,
                                 struct mu_error *err) MU_MUST_CHECK;
void store_writer_free(struct store_writer *writer); /* NULL is fine; clears `building` */

/* The months as they were when the lock was taken. */
const struct month_store *store_writer_months(const struct store_writer *writer);

/*
 * Where the evidence is (`ret_there`), or a path for the caller to make a new file of, whose hash
 * it has checked. Errors besides: MU_E_CONFLICT (it is there and damaged).
 */
enum mu_status store_writer_evidence(struct store_writer *writer, const char *digest,
                                     char ret_path[STORE_PATH_SIZE], bool *ret_there,
                                     struct mu_error *err) MU_MUST_CHECK;
/* The new file is whole: it will be kept. */
enum mu_status store_writer_keep(struct store_writer *writer, const char *digest,
                                 struct mu_error *err) MU_MUST_CHECK;

/*
 * Closes: writes the contents, fills in the record's hashes, companions, serial and `previous`
 * (texts are the writer's), and makes the month's folder appear. All evidence of the snapshot was
 * kept. `ret_close` is the writer's. Errors besides: MU_E_CONFLICT (the folder exists),
 * MU_E_INVALID.
 */
enum mu_status store_writer_commit(struct store_writer *writer, struct close_record *record,
                                   const struct month_contents *contents,
                                   const struct month_close **ret_close,
                                   struct mu_error *err) MU_MUST_CHECK;

MU_DEFINE_AUTO(store_writer, struct store_writer, store_writer_free)

#endif
