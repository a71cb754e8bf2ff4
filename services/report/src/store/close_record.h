/*
 * close_record: close.json of a closed month, the link of the store's chain. Schema:
 * schemas/month-close.v1.schema.json.
 *
 * A record is never changed. Its bytes are canonical JSON, so their SHA-256 is that of the record;
 * the next close of the store, of whatever month, names it as `previous`.
 *
 * Ownership: texts live in the arena. Trust: a file that may have been tampered with; at most
 * CLOSE_RECORD_MAX_BYTES.
 */
#ifndef REPORT_STORE_CLOSE_RECORD_H
#define REPORT_STORE_CLOSE_RECORD_H

#include "base/buf.h"
#include "base/error.h"
#include "base/memory.h"
#include "json/json_table.h"

#include <stdbool.h>
#include <stdint.h>

#define CLOSE_SCHEMA "muster.month-close.v1"

enum {
    CLOSE_RECORD_MAX_BYTES = 4 * 1024 * 1024,
    CLOSE_REVISION_MAX = 9999,
    CLOSE_NAME_MAX = 255,  /* characters of closed_by */
    CLOSE_TEXT_MAX = 4096, /* of a reason */
    CLOSE_MAX_CHECKS = 64,
    CLOSE_MAX_SUBJECTS = 100 /* named of each check; all are counted */
};

struct close_file {
    const char *sha256; /* "sha256:<hex>" */
    int64_t size_bytes;
};

/* A file that the system file names, as it was: "other_assets.csv" of `other_assets`. */
struct close_companion {
    const char *key;  /* system_companion_keys */
    const char *name; /* in the month's folder: the key and an ending */
    struct close_file file;
};

struct close_link {
    const char *month;
    int64_t revision, serial;
    const char *sha256; /* of that close.json */
};

enum close_severity { CLOSE_REJECTS = 1, CLOSE_WARNS };

/* What the completeness check found, and was accepted. */
struct close_finding {
    const char *check;
    int severity; /* enum close_severity */
    int64_t count;
    struct mu_json_texts subjects;
};

struct close_record {
    const char *schema;
    const char *month;
    int64_t revision; /* 1: the close; higher: amendments */
    int64_t serial;   /* 1, 2, 3 ... through the whole store */
    int64_t as_of_us, known_at_us, closed_at_us;
    const char *closed_by;
    const char *generator; /* version of muster-report: renders it byte for byte */
    struct close_file snapshot, system, evidence, numbers;
    struct mu_json_array companions; /* struct close_companion, in the order of the keys */
    int64_t evidence_files;
    struct mu_json_array findings; /* struct close_finding */

    bool has_previous; /* false: the store's first */
    struct close_link previous;
    bool has_previous_month; /* the revision of the month before that was newest then */
    struct close_link previous_month;
    bool has_replaces; /* an amendment */
    struct close_link replaces;
    const char *reason;          /* of the amendment; NULL: none */
    const char *accepted_reason; /* why a month that is not complete was closed; NULL: it was */
};

/* Errors, naming the member: MU_E_INVALID, MU_E_LIMIT, MU_E_NOMEM. */
enum mu_status close_record_parse(const char *bytes, size_t len, struct mu_arena *arena,
                                  struct close_record *ret_record,
                                  struct mu_error *err) MU_MUST_CHECK;
/* Appends. Errors: MU_E_INVALID (what could not be parsed again), MU_E_LIMIT. */
enum mu_status close_record_print(const struct close_record *record, struct mu_buf *out,
                                  struct mu_error *err) MU_MUST_CHECK;

/* The month `steps` later (or earlier) than "YYYY-MM"; the month is valid. */
enum { CLOSE_MONTH_SIZE = 8 };
void close_month_step(const char *month, int steps, char ret_month[CLOSE_MONTH_SIZE]);

#endif
