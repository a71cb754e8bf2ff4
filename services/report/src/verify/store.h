/*
 * store: what verify has read of a package, in a private SQLite database on the disk, so that a
 * package of any size takes the same memory. It goes with the process.
 *
 * Threads: one at a time. Texts are copied.
 * Errors: the first one sticks; verify_store_status tells it once at the end.
 */
#ifndef REPORT_VERIFY_STORE_H
#define REPORT_VERIFY_STORE_H

#include "base/error.h"
#include "base/scope.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Tables, with their columns. A key that stands there already is not put again. */
enum verify_table {
    VERIFY_FILES,       /* name; sha256, size_bytes */
    VERIFY_ROWS,        /* uai; in_scan ("1" or "0"), place */
    VERIFY_DIGESTS,     /* uai, digest: of a row */
    VERIFY_TARGETS,     /* uai, digest, file; complete, finished_at */
    VERIFY_GAPS,        /* uai */
    VERIFY_GAP_IMAGES,  /* uai, digest; covered */
    VERIFY_NOT_RUNNING, /* uai, digest */
    VERIFY_REPORTS,     /* name: of a report that a raw scan was made of */
    VERIFY_CONTAINERS,  /* uai, digest, pod, state; no key */
    VERIFY_FOUND,       /* file, vulnerability: that counts in a raw scan */
    VERIFY_FINDINGS,    /* item, uai, vulnerability: under each of its names */
    VERIFY_ITEMS,       /* file, kind ("item", "uai", "closed uai"), name: of whom it speaks */
    VERIFY_SCANS,       /* file; tool, finished_at, digest: of a foreign package */
    VERIFY_NAMES,       /* file, kind, name: that a foreign scan gives its image */
    VERIFY_ROW_NAMES,   /* uai, name: a foreign row's, to be compared */
    VERIFY_OTHERS,      /* uai: of a foreign row that is no container */
    VERIFY_LIMITS,      /* oldest: no scan may be from before it */
    VERIFY_TABLE_COUNT
};
enum { VERIFY_COLUMNS_MAX = 5 };

struct verify_store;

enum mu_status verify_store_new(struct verify_store **ret_store,
                                struct mu_error *err) MU_MUST_CHECK;
void verify_store_free(struct verify_store *store); /* NULL is fine */
enum mu_status verify_store_status(const struct verify_store *store,
                                   struct mu_error *err) MU_MUST_CHECK;

/* A text for each column of the table, NULL where there is none; false: the key is there. */
bool verify_put(struct verify_store *store, enum verify_table table, const char *const *values);

/* The answer of a statement; columns are NULL where the database says NULL. false ends it. */
typedef bool verify_answer_fn(void *opaque, const char *const *columns);

/* Asks `sql`, whose parameters are `texts`, NULL-terminated (NULL: it has none). The answer has
 * `columns` columns, at most VERIFY_COLUMNS_MAX. */
void verify_ask(struct verify_store *store, const char *sql, const char *const *texts,
                size_t columns, verify_answer_fn *answer, void *opaque);
/* A number; 0 when there is no answer. */
int64_t verify_ask_number(struct verify_store *store, const char *sql, const char *const *texts);

MU_DEFINE_AUTO(verify_store, struct verify_store, verify_store_free)

#endif
