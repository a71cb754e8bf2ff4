/*
 * month_store: the months that were closed, each with its snapshot, its system file and its
 * evidence, in a folder that only grows:
 *
 *   months/2026-10-r1/close.json        what was closed, when, by whom; hashes (close_record.h)
 *   months/2026-10-r1/snapshot.jsonl    the rows (snapshot/snapshot_file.h)
 *   months/2026-10-r1/system.yaml       the system file as it was
 *   months/2026-10-r1/other_assets.csv  and the like: the files that it names (close_companion)
 *   months/2026-10-r1/numbers.json      its numbers, for the trend of later months
 *   months/2026-10-r1/evidence.sha256   its raw scans and reports, as `sha256sum -c` reads it
 *   evidence/ab/<sha256>                raw scans and reports, shared by the months
 *   building/, lock                     of a close that is under way
 *
 *   MU_AUTO(month_store) struct month_store *store = NULL;
 *   MU_AUTO(closed_month) struct closed_month *month = NULL;
 *   month_store_open("store", &store, &err);
 *   month_store_load(store, "2026-10", 0, &month, &err);    0: the newest revision
 *   snapshot_list(month->snapshot, SNAPSHOT_LIST_FINDINGS, NULL, &cursor, &err);
 *
 * Reading needs no lock: a month appears whole or not at all.
 * Threads: one at a time per object. Trust: every file is compared with the hash that close.json
 * has, close.json with its place in the chain; texts are bounded.
 */
#ifndef REPORT_STORE_MONTH_STORE_H
#define REPORT_STORE_MONTH_STORE_H

#include "numbers/numbers_files.h"
#include "snapshot/snapshot.h"
#include "store/close_record.h"
#include "system/system_file.h"

#include "base/scope.h"
#include "base/sha256.h"

enum { STORE_PATH_SIZE = 4096 };

#define STORE_MONTHS   "months"
#define STORE_EVIDENCE "evidence"
#define STORE_BUILDING "building"
#define STORE_LOCK     "lock"

#define MONTH_CLOSE    "close.json"
#define MONTH_SNAPSHOT "snapshot.jsonl"
#define MONTH_SYSTEM   "system.yaml"
#define MONTH_EVIDENCE "evidence.sha256"
#define MONTH_NUMBERS  "numbers.json"

/* A close as it lies in the store. */
struct month_close {
    struct close_record record;
    char sha256[MU_DIGEST_TEXT_SIZE]; /* of close.json */
    char folder[STORE_PATH_SIZE];
};

struct month_store;

/*
 * Reads every close.json. Errors: MU_E_NOT_FOUND (there is no such folder), MU_E_INVALID (a
 * close.json is none, or of another month than its folder says), MU_E_UNAVAILABLE, MU_E_LIMIT.
 */
enum mu_status month_store_open(const char *folder, struct month_store **ret_store,
                                struct mu_error *err) MU_MUST_CHECK;
void month_store_free(struct month_store *store); /* NULL is fine */

const char *month_store_folder(const struct month_store *store);
size_t month_store_count(const struct month_store *store);
/* By serial, the oldest close first. */
const struct month_close *month_store_at(const struct month_store *store, size_t index);
/* The newest close of the month (revision 0), or that revision; NULL: there is none. */
const struct month_close *month_store_find(const struct month_store *store, const char *month,
                                           int64_t revision);
/* The newest month that is closed, in its newest revision; NULL: the store is empty. */
const struct month_close *month_store_newest(const struct month_store *store);

/* ---- a closed month ---- */

struct closed_month {
    const struct month_close *close; /* the store's */
    struct snapshot *snapshot;
    struct system_file system;    /* texts in `arena`; the files that it names are the store's */
    struct numbers_files history; /* numbers.json of the months before (store/history.h) */
    struct mu_arena *arena;
    char evidence[STORE_PATH_SIZE]; /* folder of the raw scans (bundle/evidence.h, `shelf`) */
};

/* Path of a file of the month, whose hash is that of close.json. Errors: MU_E_CONFLICT (it is not,
 * or not there), MU_E_UNAVAILABLE, MU_E_LIMIT. */
enum mu_status month_close_file(const struct month_close *close, const char *name,
                                const struct close_file *expected, char ret_path[STORE_PATH_SIZE],
                                struct mu_error *err) MU_MUST_CHECK;

/*
 * Checks the hashes of snapshot, system file and what it names, and loads them; `revision` 0: the
 * newest. The store must outlive it. Errors: MU_E_NOT_FOUND (not closed, no such revision),
 * MU_E_CONFLICT (a file is not what close.json says, the chain is broken), MU_E_INVALID,
 * MU_E_UNAVAILABLE.
 */
enum mu_status month_store_load(const struct month_store *store, const char *month,
                                int64_t revision, struct closed_month **ret_month,
                                struct mu_error *err) MU_MUST_CHECK;
void closed_month_free(struct closed_month *month); /* NULL is fine */

MU_DEFINE_AUTO(month_store, struct month_store, month_store_free)
MU_DEFINE_AUTO(closed_month, struct closed_month, closed_month_free)

/* "FOLDER/months/2026-10-r1" and the like. Errors: MU_E_LIMIT. */
enum mu_status store_path(char ret_path[STORE_PATH_SIZE], struct mu_error *err, const char *fmt,
                          ...) MU_PRINTF(3, 4) MU_MUST_CHECK;

#endif
