/*
 * month_close: closes a month, amends one, or says what would come of it: reads the snapshot,
 * gathers the evidence, checks completeness, and adds the month to the store.
 *
 * A month that something rejects is refused unless the request accepts it with a reason, which
 * stands in close.json. Nothing of the store is ever changed.
 */
#ifndef REPORT_MONTH_CLOSE_H
#define REPORT_MONTH_CLOSE_H

#include "bundle/evidence.h"
#include "completeness/completeness.h"
#include "snapshot/snapshot_read.h"
#include "store/store_writer.h"

struct close_request {
    const char *store; /* NULL: only look (with dry_run) */
    const char *month;
    const char *system_path;
    struct snapshot_question question;
    struct evidence_source source;
    bool amend, early, dry_run;
    const char *by, *reason;          /* the reason of an amendment */
    const char *accepted_reason;      /* NULL: refuse what is not complete */
    void (*stage)(const char *doing); /* before each long step */
    void (*progress)(size_t done, size_t total);
};

enum close_outcome {
    CLOSE_DONE,
    CLOSE_WOULD,      /* dry run: it could be closed */
    CLOSE_INCOMPLETE, /* refused, or (dry run) would be */
    CLOSE_ALREADY,    /* the error says which revision */
    CLOSE_BUSY,       /* another writer holds the lock; the error says who */
    CLOSE_WRONG,      /* the request or the system file; the error says what */
    CLOSE_FAILED      /* the error says why */
};

struct close_result {
    struct completeness *completeness; /* NULL: it did not come to that */
    const struct month_close *close;   /* CLOSE_DONE; else NULL */
    struct snapshot_instants instants; /* of the snapshot, where completeness is there */
    int64_t revision;                  /* that it got, or would get */
    size_t resting;                    /* amendment: later closes that rest on the old revision */
    struct store_writer *writer;       /* keeps the lock and `close` */
    struct snapshot *snapshot;
    struct mu_arena *arena;
};

/* `ret_result` is always filled, and freed by close_result_done. */
enum close_outcome month_close(const struct close_request *request, struct close_result *ret_result,
                               struct mu_error *err);
void close_result_done(struct close_result *result);

#endif
